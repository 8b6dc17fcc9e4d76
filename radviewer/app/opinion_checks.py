"""What a model returned is looked at before anything of it is shown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from radviewer.domain.opinion import Finding, Heat, Opinion, Outcome
from radviewer.errors import WorkerFailed

_AGAIN = "Nothing of it is shown; run it again, or with another model."


def checked(opinions: object, shape: tuple[int, ...]) -> tuple[Opinion, ...]:
    """Replace every opinion that cannot be shown by one that failed, with the reason.

    Parameters
    ----------
    opinions : tuple of Opinion
        As they came back.
    shape : tuple of int
        ``(slices, rows, columns)`` of the volume.

    Raises
    ------
    WorkerFailed
        If it is something else altogether.

    """
    if not isinstance(opinions, tuple) or not all(isinstance(opinion, Opinion) for opinion in opinions):
        raise WorkerFailed(f"The model returned something that is no opinion. {_AGAIN}")
    return tuple(_checked(opinion, shape) for opinion in opinions)


def _checked(opinion: Opinion, shape: tuple[int, ...]) -> Opinion:
    fault = _fault(opinion, shape)
    if fault is None:
        return opinion
    reason = f"The model returned {fault}. {_AGAIN}"
    findings = tuple(
        Finding(finding.label, Outcome.REFUSED, threshold=finding.threshold, reason=reason, evidence=finding.evidence)
        for finding in opinion.findings
    )
    return replace(opinion, outcome=Outcome.FAILED, reason=reason, findings=findings, anatomy=())


def _fault(opinion: Opinion, shape: tuple[int, ...]) -> str | None:
    """What is wrong, to follow "The model returned …", or None."""
    for finding in opinion.findings:
        if finding.probability is not None and not 0 <= finding.probability <= 1:
            return "a probability that is not between 0 and 1"
        if len(finding.slice_probabilities) not in (0, shape[0]):
            return f"probabilities of {len(finding.slice_probabilities)} slices instead of {shape[0]}"
        if not all(p is None or 0 <= p <= 1 for p in finding.slice_probabilities):
            return "a probability of a slice that is not between 0 and 1"
        if finding.likeliest is not None and not 0 <= finding.likeliest < shape[0]:
            return "a slice that is not there"
        fault = _heat_fault(finding.heatmap, shape) or _mask_fault(finding.mask, shape)
        if fault is not None:
            return fault
    faults = (_mask_fault(structure.mask, shape) for structure in opinion.anatomy)
    return next((fault for fault in faults if fault is not None), None)


def _mask_fault(mask: NDArray[np.bool_] | None, shape: tuple[int, ...]) -> str | None:
    if mask is None:
        return None
    if mask.shape != shape:
        return f"a mask of another size than the image ({_size(mask.shape)} instead of {_size(shape)})"
    return None if mask.dtype == np.bool_ else f"a mask of numbers ({mask.dtype})"


def _heat_fault(heat: Heat | None, shape: tuple[int, ...]) -> str | None:
    if heat is None:
        return None
    if heat.shape != shape:
        return f"a heatmap of another size than the image ({_size(heat.shape)} instead of {_size(shape)})"
    if heat.dtype != np.float32:
        return f"a heatmap of another kind of numbers ({heat.dtype})"
    if not (heat.min() >= 0 and heat.max() <= 1):  # false for NaN, too
        return "a heatmap with values that are not between 0 and 1"
    return None


def _size(shape: tuple[int, ...]) -> str:
    return " × ".join(str(side) for side in shape)
