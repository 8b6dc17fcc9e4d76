"""Where annotations go in a view of any size: no two overlap, what has no room is left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from PySide6.QtGui import QColor

from radviewer.render.annotations import CornerTexts
from radviewer.render.lettering import Lettering
from radviewer.render.placing import Box
from radviewer.render.scale import EdgeLetters, scale_bar, spacing_label
from radviewer.render.view import ViewTransform

TEXT = QColor(222, 226, 230)
LETTER = QColor(255, 224, 178)
CAUTION = QColor(255, 184, 77)

_TEXT_SIZE, _LETTER_SIZE, _MARGIN, _TICK = 12.0, 15.0, 8.0, 5.0  # logical pixels
_CLEAR = 8.0  # between the lower orientation letter and the scale bar's label
_NARROWEST = 36.0  # a column of text below this says nothing


@dataclass(frozen=True, slots=True)
class PlacedLine:
    """One line of text and the box it takes."""

    text: str
    box: Box
    size: float
    colour: QColor


@dataclass(frozen=True, slots=True)
class Annotations:
    """All that is written around an image, in device pixels."""

    lines: tuple[PlacedLine, ...]
    bar: Box | None  # the scale bar: its width is the length

    @property
    def boxes(self) -> list[Box]:
        """What is taken."""
        return [line.box for line in self.lines] + ([] if self.bar is None else [self.bar])


_Asked = tuple[ViewTransform, CornerTexts, EdgeLetters | None, bool]
_LATEST: WeakKeyDictionary[Lettering, tuple[_Asked, Annotations]] = WeakKeyDictionary()
"""What was laid out last with each lettering: paint after paint it is the same, but for the image."""


def lay_out(
    lettering: Lettering,
    transform: ViewTransform,
    corners: CornerTexts,
    letters: EdgeLetters | None = None,
    *,
    scale: bool = True,
) -> Annotations:
    """Place the corner texts, the orientation letters and the scale bar with its spacing label.

    The left and right columns keep clear of the letters at mid height and of the middle column
    (upper letter; lower letter, scale bar, spacing label).

    """
    asked = (transform, corners, letters, scale)
    latest = _LATEST.get(lettering)
    if latest is None or latest[0] != asked:
        latest = _LATEST[lettering] = (asked, _Layout(lettering, transform).annotations(corners, letters, scale))
    return latest[1]


class _Layout:
    def __init__(self, lettering: Lettering, transform: ViewTransform) -> None:
        self._lettering = lettering
        self._transform = transform
        self._width, self._height = (float(n) for n in transform.size)
        ratio = transform.ratio
        small = min(transform.size) < 320 * ratio
        self._text_size = (_TEXT_SIZE - 1 if small else _TEXT_SIZE) * ratio
        self._letter_size = (_LETTER_SIZE - 2 if small else _LETTER_SIZE) * ratio
        self._margin = (_MARGIN / 2 if small else _MARGIN) * ratio
        self._line = lettering.line_height(self._text_size)
        self._letter_line = lettering.line_height(self._letter_size)
        self._lines: list[PlacedLine] = []
        self._bar: Box | None = None

    def annotations(self, corners: CornerTexts, letters: EdgeLetters | None, scale: bool) -> Annotations:
        free = self._height - self._margin
        if scale and self._height > 9 * self._line and self._width > 14 * self._line:
            free = self._scale(free)
        if letters is not None and min(self._height, self._width) > 4 * self._letter_line:
            self._letters(letters, free)
        self._corners(corners)
        return Annotations(tuple(self._lines), self._bar)

    def _scale(self, free: float) -> float:
        """Spacing label and scale bar, bottom up in the middle; returns where the room above ends."""
        note = spacing_label(self._transform)
        if note:
            free = self._middle(note, free, self._text_size, CAUTION if self._transform.spacing is None else TEXT)
        bar = scale_bar(self._transform, self._width / 5)
        if bar is None:
            return free
        tick = round(_TICK * self._transform.ratio)
        self._bar = Box((self._width - bar.length) / 2, free - 2 * tick, bar.length, tick)
        return self._middle(bar.label, self._bar.top, self._text_size, TEXT)

    def _letters(self, letters: EdgeLetters, free: float) -> None:
        middle = (self._height - self._letter_line) / 2
        left, right = (self._lettering.width(text, self._letter_size) for text in (letters.left, letters.right))
        self._put(letters.left, self._margin, middle, self._letter_size, LETTER, left)
        self._put(letters.right, self._width - self._margin - right, middle, self._letter_size, LETTER, right)
        self._middle(letters.top, self._margin + self._letter_line, self._letter_size, LETTER)
        clear = _CLEAR * self._transform.ratio if free < self._height - self._margin else 0.0
        self._middle(letters.bottom, free - clear, self._letter_size, LETTER)

    def _corners(self, corners: CornerTexts) -> None:
        room = (self._height - self._letter_line) / 2 - self._margin
        rows = max(0, int(room / self._line))
        for above, left, right in (
            (True, corners.top_left, corners.top_right),
            (False, corners.bottom_left, corners.bottom_right),
        ):
            width = self._width / 2 - self._margin - self._middle_width(above) / 2 - self._line / 2
            if width >= _NARROWEST * self._transform.ratio:
                self._block(left[:rows], width, above=above, right=False)
                self._block(right[:rows], width, above=above, right=True)

    def _middle_width(self, above: bool) -> float:
        """Width of what is in the middle of the upper or lower half."""
        boxes = [line.box for line in self._lines] + ([] if self._bar is None else [self._bar])
        half = self._width / 2
        return max(
            (b.width for b in boxes if b.left < half < b.right and (b.top < self._height / 2) == above), default=0
        )

    def _block(self, texts: Sequence[str], width: float, *, above: bool, right: bool) -> None:
        top = self._margin if above else self._height - self._margin - len(texts) * self._line
        for i, text in enumerate(texts):
            cut = self._lettering.elided(text, self._text_size, width)
            taken = self._lettering.width(cut, self._text_size)
            left = self._width - self._margin - taken if right else self._margin
            self._put(cut, left, top + i * self._line, self._text_size, TEXT, taken)

    def _middle(self, text: str, bottom: float, size: float, colour: QColor) -> float:
        """Put a line in the middle that ends at `bottom`; returns its top."""
        cut = self._lettering.elided(text, size, self._width / 3)
        top = bottom - self._lettering.line_height(size)
        taken = self._lettering.width(cut, size)
        self._put(cut, (self._width - taken) / 2, top, size, colour, taken)
        return top

    def _put(self, text: str, left: float, top: float, size: float, colour: QColor, width: float) -> None:
        if text:
            box = Box(round(left), round(top), width, self._lettering.line_height(size))
            self._lines.append(PlacedLine(text, box, size, colour))
