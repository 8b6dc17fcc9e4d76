"""How an image is presented: window, inversion, contrast steps, interpolation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from radviewer.domain.window import Voi, Window


class Interpolation(Enum):
    """How pixels are magnified."""

    NEAREST = "nearest"
    LINEAR = "linear"


class StepKind(Enum):
    """A contrast aid; the value is what settings store."""

    CLAHE = "clahe"
    UNSHARP = "unsharp"
    MEDIAN = "median"
    NON_LOCAL_MEANS = "nlm"


STEP_NAMES = {
    StepKind.CLAHE: "CLAHE",
    StepKind.UNSHARP: "Unsharp",
    StepKind.MEDIAN: "Median",
    StepKind.NON_LOCAL_MEANS: "NL means",
}

STEP_STRENGTHS = {
    StepKind.CLAHE: (1.0, 2.0, 10.0),
    StepKind.UNSHARP: (0.1, 1.0, 5.0),
    StepKind.MEDIAN: (1.0, 1.0, 2.0),
    StepKind.NON_LOCAL_MEANS: (0.1, 1.0, 5.0),
}
"""Least, usual and greatest strength of each step; the median's are whole: 3 × 3 and 5 × 5 pixels."""


@dataclass(frozen=True, slots=True)
class ContrastStep:
    """One named step between the modality values and the VOI; see `radviewer.render.steps`.

    Raises
    ------
    ValueError
        If the strength is outside `STEP_STRENGTHS`.

    """

    kind: StepKind
    strength: float

    def __post_init__(self) -> None:
        least, _, greatest = STEP_STRENGTHS[self.kind]
        if not least <= self.strength <= greatest:
            raise ValueError(f"{STEP_NAMES[self.kind]} takes a strength from {least} to {greatest}")
        if self.kind is StepKind.MEDIAN and not float(self.strength).is_integer():
            raise ValueError("a median takes a whole strength")

    @property
    def name(self) -> str:
        """What the corner text says: ``"CLAHE 2.0"``, ``"Median 3×3"``."""
        if self.kind is StepKind.MEDIAN:
            side = int(self.strength) * 2 + 1
            return f"{STEP_NAMES[self.kind]} {side}×{side}"
        return f"{STEP_NAMES[self.kind]} {self.strength:.1f}"


@dataclass(frozen=True, slots=True)
class Presentation:
    """The reader's choices for one stack; values of the image are never changed by them.

    Attributes
    ----------
    voi : Voi or None
        None: the image's own first window or VOI LUT, else `fallback`, else automatic.
    fallback : Window or None
        For images without any window: found once per stack (`automatic_window` of its first
        shown image), so that brightness does not change from slice to slice.
    inverted : bool
        The reader's inversion, on top of the image's own (MONOCHROME1).
    steps : tuple of ContrastStep
        Applied in order.
    interpolation : Interpolation
    show_overlays : bool
        Overlay planes 60xx.

    """

    voi: Voi | None = None
    fallback: Window | None = None
    inverted: bool = False
    steps: tuple[ContrastStep, ...] = ()
    interpolation: Interpolation = Interpolation.LINEAR
    show_overlays: bool = True

    def with_step(self, step: ContrastStep) -> Presentation:
        """Add a step at the end."""
        return replace(self, steps=(*self.steps, step))

    def without_last_step(self) -> Presentation:
        """Take the last step back."""
        return replace(self, steps=self.steps[:-1])
