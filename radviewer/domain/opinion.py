"""What a model says about a stack: frozen values, independent of how it was computed.

Masks and heatmaps lie on the Volume's own grid, ``(slices, rows, columns)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from radviewer.domain.measurement import Quantity

Mask = NDArray[np.bool_]
Heat = NDArray[np.float32]


class Outcome(Enum):
    """What became of a model or of one of its findings; the value is the word in JSON."""

    RAN = "ran"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Seconds:
    """Wall time of loading the weights, of inference and of the explanation."""

    load: float = 0.0
    inference: float = 0.0
    explanation: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Structure:
    """An outlined part of the anatomy, on the patient's side its label names."""

    label: str
    mask: Mask
    measurements: tuple[Quantity, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """One thing a model looks for, found or not.

    Attributes
    ----------
    label : str
        Lower case: "tuberculosis", "pneumonia", …
    outcome : Outcome
        RAN or REFUSED (outside what this finding was validated on).
    reason : str or None
        A sentence for the reader when refused.
    probability : float or None
        Calibrated, 0–1; None when refused.
    threshold : float or None
        The finding is flagged from this probability on.
    mask : ndarray or None
        Outline of the lesion; separate foci are components of one mask.
    heatmap : ndarray or None
        0–1, on a scale fixed per model, never stretched to one image.
    evidence : str
        What this finding was measured on, in a sentence.
    slice_probabilities : tuple of float or None
        Calibrated, one for each slice, where the model judges slices; else empty.  None for slices it did not read.
    likeliest : int or None
        Of images that were judged one by one, the one that `probability` and `measurements` are of.

    Raises
    ------
    ValueError
        If a probability is outside 0–1, or given for a refused finding.

    """

    label: str
    outcome: Outcome
    probability: float | None = None
    threshold: float | None = None
    reason: str | None = None
    mask: Mask | None = None
    heatmap: Heat | None = None
    measurements: tuple[Quantity, ...] = ()
    evidence: str = ""
    slice_probabilities: tuple[float | None, ...] = ()
    likeliest: int | None = None

    def __post_init__(self) -> None:
        if self.probability is not None and not 0 <= self.probability <= 1:
            raise ValueError(f"not a probability: {self.probability}")
        if (self.outcome is Outcome.RAN) != (self.probability is not None):
            raise ValueError("a finding has a probability exactly when it ran")
        if self.outcome is not Outcome.RAN and not self.reason:
            raise ValueError("a refused finding names its reason")

    @property
    def flagged(self) -> bool:
        """Whether the probability reaches the threshold."""
        return self.probability is not None and self.threshold is not None and self.probability >= self.threshold

    @property
    def slices(self) -> tuple[int, ...]:
        """Indices of the slices the mask touches."""
        if self.mask is None:
            return ()
        return tuple(int(i) for i in np.flatnonzero(self.mask.any(axis=(1, 2))))

    @property
    def key_slice(self) -> int | None:
        """The slice to show first: the likeliest, else most of the mask, else most heat, else None."""
        if self.likeliest is not None:
            return self.likeliest
        if self.mask is not None and self.mask.any():
            return int(self.mask.sum(axis=(1, 2)).argmax())
        if self.heatmap is not None and self.heatmap.any():
            return int(self.heatmap.sum(axis=(1, 2)).argmax())
        return None


@dataclass(frozen=True, slots=True, eq=False)
class Glimpse:
    """What a model says about one slice while it still reads the others.

    Attributes
    ----------
    slice : int
        Index of the slice in the stack.
    probability : float or None
        Of the finding on this slice, where the model judges slices.
    mask : ndarray of bool, (rows, columns), or None
        On the slice's own grid.
    heatmap : ndarray of float32, (rows, columns), or None
        0–1, as of the Finding.

    """

    model: str
    label: str
    slice: int
    probability: float | None = None
    mask: Mask | None = None
    heatmap: Heat | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Opinion:
    """Everything one model says about one stack.

    Attributes
    ----------
    weights_sha256 : tuple of (str, str)
        File name and hash of every weights file that took part.
    reason : str or None
        A sentence for the reader why the model did not run; or, when it ran, what it read and how.
    overridden : str or None
        Why the model would have refused, had the reader not wanted it to run all the same.

    Raises
    ------
    ValueError
        If a model that did not run has findings that did, or no reason.

    """

    model: str
    version: str
    outcome: Outcome
    weights_sha256: tuple[tuple[str, str], ...] = ()
    reason: str | None = None
    seconds: Seconds = Seconds()
    findings: tuple[Finding, ...] = ()
    anatomy: tuple[Structure, ...] = ()
    overridden: str | None = None

    def __post_init__(self) -> None:
        if self.outcome is Outcome.RAN:
            return
        if not self.reason:
            raise ValueError("a model that did not run says why")
        if self.anatomy or any(finding.outcome is Outcome.RAN for finding in self.findings):
            raise ValueError("a model that did not run found nothing")
