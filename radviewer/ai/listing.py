"""The bundled models as the command line lists them."""

from __future__ import annotations

from radviewer.ai.catalogue import Catalogue, Entry, files_of


def models(catalogue: Catalogue) -> list[dict[str, object]]:
    """One entry per model folder, every hash checked; unknown values are null."""
    return [_described(entry) for entry in catalogue.verified()]


def _described(entry: Entry) -> dict[str, object]:
    card, problem = entry.card, entry.problem
    return {
        "name": entry.name,
        "version": card.version if card else None,
        "task": card.task if card else None,
        "title": card.title if card else None,
        "modalities": list(card.modalities) if card else [],
        "labels": list(card.labels) if card else [],
        "thresholds": {finding.label: finding.threshold for finding in card.findings} if card else {},
        "weights_sha256": {weights.file: weights.sha256 for weights in files_of(card)} if card else {},
        "sha256_checked": problem is None,
        "available": problem is None,
        "reason": problem,
    }


def summary(listed: list[dict[str, object]]) -> str:
    """The same for people: one line per model."""
    if not listed:
        return "No model is bundled."
    return "\n".join(_line(model) for model in listed)


def _line(model: dict[str, object]) -> str:
    labels = model["labels"]
    what = ", ".join(str(label) for label in labels) if isinstance(labels, list) else ""
    state = "available" if model["available"] else f"not available: {model['reason']}"
    return f"{model['name']} {model['version'] or '?'}  [{what}]  {state}"
