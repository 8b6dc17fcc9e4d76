"""Opinions as the JSON of ``radviewer read``: a contract other programs rely on.

All keys are always there; what is unknown is null.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from radviewer import __version__
from radviewer.dicom.listing import files
from radviewer.domain.measurement import Quantity
from radviewer.domain.opinion import Finding, Opinion, Structure
from radviewer.domain.study import Series, Stack, Study

Written = Mapping[tuple[str, str], str]
"""Label and kind ("mask", "heatmap", "seg", "picture") → path of the file, relative to DIR, POSIX."""

Json = dict[str, Any]


def document(entries: Iterable[Json]) -> Json:
    """Everything, one entry per stack."""
    return {"radviewer": __version__, "stacks": list(entries)}


def encoded(found: Json) -> bytes:
    """UTF-8; bytes of a file name that are not become escapes, valid in JSON."""
    text = json.dumps(found, ensure_ascii=False, allow_nan=False, indent=1)
    return f"{text}\n".encode("utf-8", "backslashreplace")


def entry(study: Study, series: Series, index: int, stack: Stack, results: list[Json]) -> Json:
    """One stack; `index` counts the stacks of its series from 0, as ``radviewer scan`` lists them."""
    return {
        "study_uid": study.study_uid or None,
        "series_uid": series.series_uid or None,
        "stack": index,
        "files": files(stack),
        "results": results,
    }


def result(opinion: Opinion, written: Written) -> Json:
    """What one model says about one stack."""
    return {
        "model": opinion.model,
        "version": opinion.version,
        "weights_sha256": dict(opinion.weights_sha256),
        "status": opinion.outcome.value,
        "reason": opinion.reason,
        "seconds": {
            "load": round(opinion.seconds.load, 4),
            "inference": round(opinion.seconds.inference, 4),
            "explanation": round(opinion.seconds.explanation, 4),
        },
        "findings": [_finding(finding, written) for finding in opinion.findings],
        "anatomy": [_structure(structure, written) for structure in opinion.anatomy],
    }


def _finding(finding: Finding, written: Written) -> Json:
    return {
        "label": finding.label,
        "status": finding.outcome.value,
        "reason": finding.reason,
        "probability": _number(finding.probability),
        "threshold": _number(finding.threshold),
        "flagged": finding.flagged,
        "mask": written.get((finding.label, "mask")),
        "heatmap": written.get((finding.label, "heatmap")),
        "seg": written.get((finding.label, "seg")),
        "picture": written.get((finding.label, "picture")),
        "measurements": _measurements(finding.measurements),
        "slices": list(finding.slices),
        "key_slice": finding.key_slice,
    }


def _structure(structure: Structure, written: Written) -> Json:
    return {
        "label": structure.label,
        "mask": written.get((structure.label, "mask")),
        "seg": written.get((structure.label, "seg")),
        "measurements": _measurements(structure.measurements),
    }


def _measurements(quantities: Iterable[Quantity]) -> Json:
    return {quantity.name: {"value": _number(quantity.value), "unit": quantity.unit} for quantity in quantities}


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def summary(found: Json) -> str:
    """The same for people: a line per stack, and one per model and finding."""
    lines = []
    for number, stack in enumerate(found["stacks"]):
        path = stack["files"][0]["path"]
        more = len(stack["files"]) - 1
        lines.append(f"Stack {number}: {path}" + (f" and {more} more" if more else ""))
        lines += [line for result in stack["results"] for line in _result_lines(result)]
        if not stack["results"]:
            lines.append("  no bundled model applies")
    return "\n".join("".join(c if c.isprintable() else "\ufffd" for c in line) for line in lines)


def _result_lines(found: Json) -> list[str]:
    head = f"  {found['model']} {found['version']}: {found['status']}"
    if found["status"] != "ran":
        return [f"{head}. {found['reason']}"]
    lines = [f"{head} (research use only)"]
    for finding in found["findings"]:
        said = f"{finding['probability']:.2f}" if finding["status"] == "ran" else f"refused. {finding['reason']}"
        lines.append(f"    {finding['label']}: {said}{'  flagged' if finding['flagged'] else ''}")
    lines += [f"    {structure['label']}: outlined" for structure in found["anatomy"]]
    return lines
