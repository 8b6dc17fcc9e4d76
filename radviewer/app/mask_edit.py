"""Editing an outline: strokes on a copy, undone one by one; the original is kept beside the result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, Signal

from radviewer.app.finding_rows import Row
from radviewer.app.shown import Shown
from radviewer.domain.measurement import Point
from radviewer.domain.opinion import Mask
from radviewer.domain.overlap import dice
from radviewer.errors import NotSaved

if TYPE_CHECKING:
    from radviewer.app.findings import Findings
    from radviewer.app.opinion_store import OpinionStore
    from radviewer.domain.volume import SliceImage

_MOST_STROKES = 200
_SMOOTHING = 5  # pixels
_FINEST, _BROADEST = 1.0, 200.0


class Instrument(Enum):
    """What a stroke does."""

    BRUSH = "brush"
    ERASER = "eraser"
    THRESHOLD = "brush within a range of values"


class MaskEdit(QObject):
    """The outline being edited, if any.

    Attributes
    ----------
    row : Row or None
        Whose outline is edited.
    mask : ndarray or None
        As it is now, on the stack's grid.
    radius : float
        Of the brush, in image pixels along rows.
    tolerance : float
        Half the range of values around where a stroke begins, in units of the image, for `Instrument.THRESHOLD`.

    """

    changed = Signal()
    not_saved = Signal(str)

    def __init__(self, store: OpinionStore, findings: Findings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store, self._findings = store, findings
        self.shown: Shown | None = None
        self.row: Row | None = None
        self.mask: Mask | None = None
        self.radius = 8.0
        self.tolerance = 50.0
        self.instrument = Instrument.BRUSH
        self._range = (0.0, 0.0)
        self._told = False  # that drafts cannot be written
        self._strokes: list[tuple[int, Mask]] = []  # slice, as it was before
        self._slices: dict[int, Mask] = {}  # the same array until it changes: painters know it again

    @property
    def active(self) -> bool:
        """Whether an outline is being edited."""
        return self.mask is not None

    @property
    def dirty(self) -> bool:
        """Whether anything was changed."""
        return bool(self._strokes)

    def begin(self, shown: Shown, row: Row) -> None:
        """Edit a copy of a row's outline; an empty one where it has none."""
        self.finish()
        self.shown, self.row = shown, row
        self.mask = np.zeros(shown.stack.shape, np.bool_) if row.mask is None else row.mask.copy()
        draft = self._store.load_draft(row.key)
        if draft is not None and draft.shape == self.mask.shape:  # the program ended before it was kept
            self._strokes = [(index, self.mask[index].copy()) for index in _changed(self.mask, draft)]
            self.mask = draft
        self.radius = min(max(min(shown.stack.shape[1:]) / 60, 2.0), _BROADEST)
        self.changed.emit()

    def of(self, shown: Shown | None, index: int) -> Mask | None:
        """The edited outline on a slice of a stack; None when it is not this stack's that is edited."""
        if self.mask is None or self.shown is None or shown is None or shown.stack is not self.shown.stack:
            return None
        return self._slices.setdefault(index, self.mask[index])

    def take(self, instrument: Instrument) -> None:
        """Take another instrument."""
        self.instrument = instrument
        self.changed.emit()

    def size(self, radius: float) -> None:
        """Take a finer or a broader brush."""
        self.radius = min(max(radius, _FINEST), _BROADEST)
        self.changed.emit()

    def tolerate(self, tolerance: float) -> None:
        """Take in values farther from the first, or not so far."""
        self.tolerance = max(tolerance, 0.0)
        self.changed.emit()

    def stroke(self, index: int, points: Sequence[Point], image: SliceImage, *, goes_on: bool = False) -> None:
        """Draw along ``(row, column)`` points on a slice; `goes_on` adds to the stroke before.

        The brush is round on the screen: `aspect` and spacing of the image are honoured.
        """
        from radviewer.render import mask_editing

        before = self._current(index)
        if before is None:
            return
        radius = self._radii(image)
        match self.instrument:
            case Instrument.BRUSH:
                after = mask_editing.paint(before, points, radius, value=True)
            case Instrument.ERASER:
                after = mask_editing.paint(before, points, radius, value=False)
            case Instrument.THRESHOLD:
                values = image.modality_values()
                if not goes_on:
                    self._range = mask_editing.range_at(values, points[0], self.tolerance)
                after = mask_editing.paint_within(before, points, radius, values, *self._range)
        self._put(index, before, after, goes_on=goes_on)

    def smooth(self, index: int) -> None:
        """Take fringes off the outline of a slice."""
        from radviewer.render import mask_editing

        self._apply(index, lambda mask: mask_editing.smooth(mask, _SMOOTHING))

    def fill_holes(self, index: int) -> None:
        """Fill what the outline of a slice encloses."""
        from radviewer.render import mask_editing

        self._apply(index, mask_editing.fill_holes)

    def undo(self) -> bool:
        """Take the last stroke back; False when there is none."""
        if self.mask is None or not self._strokes:
            return False
        index, before = self._strokes.pop()
        self.mask[index] = before
        self._slices.pop(index, None)
        self.keep_draft()
        self.changed.emit()
        return True

    def keep_draft(self) -> None:
        """Bring what was drawn so far to disk; called when a stroke has ended."""
        if self.row is None or self.mask is None:
            return
        try:
            self._store.save_draft(self.row.key, self.mask)
        except NotSaved as error:
            if not self._told:
                self._told = True
                self.not_saved.emit(str(error))
        else:
            self._told = False

    def leave(self, shown: Shown | None) -> None:
        """The reader goes to another stack: what was edited is kept."""
        if self.shown is not None and (shown is None or shown.stack is not self.shown.stack):
            self.finish()

    def finish(self) -> bool:
        """Keep the outline as a decision; False when it could not be written (it stays open, nothing is lost)."""
        row, mask = self.row, self.mask
        if row is None or mask is None:
            return True
        if self.dirty:
            try:
                name = self._store.save_mask(mask)
            except NotSaved as error:
                self.not_saved.emit(str(error))
                return False
            proposed = np.zeros_like(mask) if row.proposed is None else row.proposed
            if not self._findings.edit(row, name, dice(mask, proposed)):
                self._close()  # its study was closed: the draft waits for it
                return True
        self._store.drop_draft(row.key)
        self._close()
        return True

    def cancel(self) -> None:
        """Leave the outline as it was."""
        if self.row is not None:
            self._store.drop_draft(self.row.key)
            self._close()

    def _close(self) -> None:
        self.shown = self.row = self.mask = None
        self._strokes.clear()
        self._slices.clear()
        self.changed.emit()

    def _current(self, index: int) -> Mask | None:
        return None if self.mask is None or not 0 <= index < len(self.mask) else self.mask[index].copy()

    def _apply(self, index: int, change: Callable[[Mask], Mask]) -> None:
        before = self._current(index)
        if before is not None:
            self._put(index, before, change(before), goes_on=False)
            self.keep_draft()

    def _put(self, index: int, before: Mask, after: Mask, *, goes_on: bool) -> None:
        if self.mask is None or (not goes_on and np.array_equal(before, after)):
            return
        if not goes_on:
            self._strokes = [*self._strokes[-_MOST_STROKES + 1 :], (index, before)]
        self.mask[index] = after
        self._slices[index] = after
        self.changed.emit()

    def _radii(self, image: SliceImage) -> tuple[float, float]:
        spacing = image.spacing
        row, column = image.aspect if spacing is None else (spacing.row, spacing.column)
        return (self.radius, self.radius * row / column)


def _changed(before: Mask, after: Mask) -> list[int]:
    """Slices that differ."""
    return [int(i) for i in np.flatnonzero((before != after).any(axis=(1, 2)))]
