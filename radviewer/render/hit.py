"""Which mark lies under the pointer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from radviewer.domain.measurement import Mark
from radviewer.render.view import ViewTransform


@dataclass(frozen=True, slots=True)
class Hit:
    """A mark under the pointer; `handle` is the index of the point, or None for its outline.

    For rectangles and ellipses the handles 0–3 are the four corners of the box
    (see `moved_handle`).
    """

    mark: Mark
    handle: int | None


def hit(marks: Sequence[Mark], transform: ViewTransform, x: float, y: float, selected: str | None = None) -> Hit | None:
    """Uppermost mark within reach of a device point; the selected mark's handles come first."""
    raise NotImplementedError


def moved_handle(mark: Mark, handle: int, row: float, column: float) -> Mark:
    """Return the mark with one handle dragged to an image point."""
    raise NotImplementedError


def moved(mark: Mark, rows: float, columns: float) -> Mark:
    """Return the mark shifted by an image offset."""
    raise NotImplementedError
