"""Parts of a report as strips: pieces of a page that are never cut, with their heights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter

from radviewer.export.report import KeyImage
from radviewer.export.report_parts import Cell, FactList, Heading, Items, Part, Table, Words
from radviewer.export.report_text import ACCENT, BODY, INK, LINE, NAME, QUIET, SHADE, SMALL, TextLines, pt

_TALLEST_ROW = 0.25  # of a page: a taller row is split between lines
_TALLEST_PICTURE = 0.31  # of a page: two rows of pictures stand on one
_HEADINGS = {1: (11.5, True), 2: (9.2, True)}


@dataclass(frozen=True, slots=True)
class Strip:
    """A piece of a page.

    Attributes
    ----------
    paint : callable
        Paints it with its upper edge at a height.
    gap : float
        Above it, unless it is the first of its page.
    keep : bool
        Never the last of a page.
    head : Strip or None
        Repeated above it when a page begins with it.

    """

    height: float
    paint: Callable[[QPainter, float], None]
    gap: float = 0.0
    keep: bool = False
    head: Strip | None = None


def strips_of(part: Part, width: float, page: float) -> Iterator[Strip]:
    """Strips of one part, for pages of a height and a width."""
    match part:
        case Heading():
            yield _heading(part, width)
        case Words(text, quiet):
            look = (SMALL, QUIET) if quiet else (BODY, INK)
            yield from _lines(TextLines(text, width, *look, prose=True), 0.0, pt(4))
        case Items(texts):
            for text in texts:
                yield from _item(text, width)
        case FactList(facts):
            for name, value in facts:
                yield from _fact(name, value, width)
        case Table():
            yield from _table(part, width, page)
        case KeyImage():
            yield _key_image(part, width, page)


def _heading(part: Heading, width: float) -> Strip:
    text = TextLines(part.text, width, _HEADINGS[part.level], ACCENT)

    def paint(painter: QPainter, top: float) -> None:
        text.paint_all(painter, 0, top)
        if part.level == 1:
            painter.fillRect(QRectF(0, top + text.height + pt(1.5), width, pt(0.7)), ACCENT)

    return Strip(text.height + pt(5 if part.level == 1 else 1), paint, pt(15 if part.level == 1 else 9), keep=True)


def _lines(text: TextLines, left: float, gap: float) -> Iterator[Strip]:
    """One strip per line; neither the first nor the last stands alone on a page."""
    count = len(text.lines)
    for number in range(count):

        def paint(painter: QPainter, top: float, number: int = number) -> None:
            text.paint(painter, left, top, number)

        yield Strip(text.step, paint, 0.0 if number else gap, keep=count > 1 and number in (0, count - 2))


def _item(text: str, width: float) -> Iterator[Strip]:
    indent = pt(10)
    first, *others = _lines(TextLines(text, width - indent), indent, pt(2.5))

    def paint(painter: QPainter, top: float) -> None:
        painter.fillRect(QRectF(pt(2), top + first.height / 2 - pt(1), pt(2.4), pt(2.4)), ACCENT)
        first.paint(painter, top)

    yield replace(first, paint=paint)
    yield from others


def _fact(name: str, value: str, width: float) -> Iterator[Strip]:
    column = 0.22 * width
    side = TextLines(name, column - pt(8), BODY, QUIET)
    text = TextLines(value, width - column)
    strips = list(_lines(text, column, pt(2.5)))
    for number in range(len(side.lines)):
        own = strips[number] if number < len(strips) else Strip(side.step, lambda _painter, _top: None)

        def paint(painter: QPainter, top: float, own: Strip = own, number: int = number) -> None:
            side.paint(painter, 0, top, number)
            own.paint(painter, top)

        strips[number : number + 1] = [replace(own, paint=paint)]
    yield from strips


def _table(part: Table, width: float, page: float) -> Iterator[Strip]:
    edges, left = [], 0.0
    for share in part.shares:
        edges.append((left, width * share / sum(part.shares)))
        left += edges[-1][1]
    names: list[Cell] = [(heading,) for heading in part.headings]
    head = _row(names, edges, width, heading=True)
    yield replace(head, gap=pt(6), keep=True)
    for row in part.rows:
        whole = _row(row, edges, width)
        if whole.height <= _TALLEST_ROW * page:
            yield replace(whole, head=head)
        else:
            yield from (replace(strip, head=head) for strip in _split_row(row, edges, width))


def _set(
    cells: tuple[Cell, ...] | list[Cell], edges: list[tuple[float, float]], heading: bool
) -> list[list[TextLines]]:
    def lines(cell: Cell, width: float) -> list[TextLines]:
        first = (SMALL, QUIET) if heading else (BODY, INK)
        return [TextLines(text, width - pt(8), *((SMALL, QUIET) if n else first)) for n, text in enumerate(cell)]

    return [lines(cell, width) for cell, (_, width) in zip(cells, edges, strict=True)]


def _row(
    cells: tuple[Cell, ...] | list[Cell], edges: list[tuple[float, float]], width: float, *, heading: bool = False
) -> Strip:
    blocks = _set(cells, edges, heading)
    height = max(sum(text.height for text in block) for block in blocks) + pt(6)

    def paint(painter: QPainter, top: float) -> None:
        if heading:
            painter.fillRect(QRectF(0, top, width, height), SHADE)
        for block, (left, _) in zip(blocks, edges, strict=True):
            place = top + pt(3)
            for text in block:
                text.paint_all(painter, left + pt(4), place)
                place += text.height
        painter.fillRect(QRectF(0, top + height - pt(0.5), width, pt(0.5)), LINE)

    return Strip(height, paint)


def _split_row(cells: tuple[Cell, ...], edges: list[tuple[float, float]], width: float) -> Iterator[Strip]:
    """A row that is too tall for one strip, line by line."""
    columns = [[(text, n) for text in block for n in range(len(text.lines))] for block in _set(cells, edges, False)]
    lines = list(zip_longest(*columns))
    for number, line in enumerate(lines):
        last = number == len(lines) - 1
        step = max(entry[0].step for entry in line if entry is not None)

        def paint(painter: QPainter, top: float, line: tuple[tuple[TextLines, int] | None, ...] = line) -> None:
            for entry, (left, _) in zip(line, edges, strict=True):
                if entry is not None:
                    entry[0].paint(painter, left + pt(4), top + pt(1), entry[1])

        def paint_last(painter: QPainter, top: float, step: float = step, paint: Callable[..., None] = paint) -> None:
            paint(painter, top)
            painter.fillRect(QRectF(0, top + step + pt(3), width, pt(0.5)), LINE)

        yield Strip(step + (pt(4) if last else 0), paint_last if last else paint, 0 if number else pt(2))


def _key_image(part: KeyImage, width: float, page: float) -> Strip:
    between = pt(8)
    cell = (width - between) / 2
    title = TextLines(part.title, width, NAME)
    caption = TextLines(part.caption, width, SMALL, QUIET)
    boxes = [_fitted(picture, cell, page * _TALLEST_PICTURE) for picture in part.pictures]
    pictures = max((box[1] for box in boxes), default=0.0)
    legend = pt(13) if part.legend else 0.0

    def paint(painter: QPainter, top: float) -> None:
        title.paint_all(painter, 0, top)
        place = top + title.height + pt(3)
        for number, (picture, box) in enumerate(zip(part.pictures, boxes, strict=True)):
            frame = QRectF(number * (cell + between), place, cell, pictures)
            painter.fillRect(frame, Qt.GlobalColor.black)  # as round a film in the viewer: edges stay aligned
            centred = QRectF(0, 0, *box)
            centred.moveCenter(frame.center())
            painter.drawImage(centred, picture)
        place += pictures + pt(3)
        if part.legend:
            _paint_legend(painter, part.legend, place, width)
        caption.paint_all(painter, 0, place + legend)

    height = title.height + pictures + legend + caption.height + pt(6)
    return Strip(height, paint, gap=pt(10))


def _fitted(picture: QImage, width: float, height: float) -> tuple[float, float]:
    scale = min(width / picture.width(), height / picture.height())
    return picture.width() * scale, picture.height() * scale


def _paint_legend(painter: QPainter, legend: tuple[tuple[str, str], ...], top: float, width: float) -> None:
    left = 0.0
    for colour, name in legend:
        text = TextLines(name, width, SMALL, INK)
        painter.fillRect(QRectF(left, top + pt(2.5), pt(7), pt(7)), QColor(colour))
        text.paint(painter, left + pt(10), top + pt(1), 0)
        left += pt(10) + text.lines[0].naturalTextWidth() + pt(12)
