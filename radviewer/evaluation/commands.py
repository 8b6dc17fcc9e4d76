"""The commands ``radviewer models`` and ``radviewer evaluate``."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from radviewer.ai.catalogue import Catalogue
from radviewer.ai.listing import models, summary
from radviewer.progress import Progress


def list_models(arguments: Sequence[str]) -> str:
    """What ``radviewer models`` prints."""
    parser = argparse.ArgumentParser(prog="radviewer models", description="List the bundled models and check them.")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a summary")
    chosen = parser.parse_args(arguments)
    listed = models(Catalogue())
    return json.dumps(listed, ensure_ascii=False, indent=1) if chosen.json else summary(listed)


def evaluate_model(arguments: Sequence[str], progress: Progress, catalogue: Catalogue | None = None) -> str:
    """What ``radviewer evaluate`` prints: the metrics it also writes to ``DIR/metrics.json``.

    Raises
    ------
    RadviewerError
        If the model, the index or the folder for the results cannot be used.

    """
    parser = argparse.ArgumentParser(
        prog="radviewer evaluate", description="Score a bundled model on labelled PNG, JPEG or DICOM images."
    )
    parser.add_argument("model")
    parser.add_argument("--index", type=Path, required=True, help="CSV with a column image and one line per image")
    parser.add_argument("--label", required=True, help="column with the label")
    parser.add_argument("--positive", required=True, help="value of the label that means present")
    parser.add_argument("--mask", help="column with the path of a mask, relative to the index")
    parser.add_argument("--group", help="column with the patient or volume")
    parser.add_argument("--out", type=Path, required=True, help="folder for metrics, tables and pictures")
    chosen = parser.parse_args(arguments)
    from radviewer.evaluation.question import Question
    from radviewer.evaluation.run import evaluate  # the networks' libraries, only when needed

    question = Question(chosen.model, chosen.index, chosen.label, chosen.positive, chosen.mask, chosen.group)
    report = evaluate(question, chosen.out, catalogue or Catalogue(), progress)
    return json.dumps(report, ensure_ascii=False, allow_nan=False, indent=1)
