"""``radviewer evaluate``: a bundled model on labelled images, through the program's own code."""

from __future__ import annotations

import json
from pathlib import Path

from radviewer.ai.catalogue import Catalogue
from radviewer.evaluation.labelled import read_lines
from radviewer.evaluation.question import Question
from radviewer.evaluation.run_findings import classified
from radviewer.evaluation.run_lesions import lesions
from radviewer.evaluation.run_outlines import outlined
from radviewer.evaluation.run_volumes import volumes
from radviewer.evaluation.tables import write_text
from radviewer.progress import Progress

_JUDGES = {
    "chest anatomy": outlined,
    "chest findings": classified,
    "brain glioma": volumes,
    "breast lesion": lesions,
}


def evaluate(question: Question, out: Path, catalogue: Catalogue, progress: Progress) -> dict[str, object]:
    """Score a model and write metrics.json, a table of all films and pictures to `out`; return the metrics.

    A film the model was trained on is judged only by the ensemble member that has not seen it.

    Raises
    ------
    RadviewerError
        If the model is not available, the index cannot be used, or nothing can be written.

    """
    card = catalogue.card(question.model)
    needed = tuple(name for name in (question.label, question.mask) if name)
    lines = read_lines(question.index, question.group, needed)
    measured = _JUDGES[card.task](question, card, lines, out, catalogue, progress)
    report = {"model": card.name, "version": card.version, "index": question.index.name, **measured}
    write_text(out / "metrics.json", json.dumps(report, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    return report
