"""Type on the pages of a report: sizes, colours, and text set in lines."""

from __future__ import annotations

import unicodedata

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QTextLayout, QTextLine, QTextOption

from radviewer.render.lettering import font

RESOLUTION = 600
"""Units of all lengths per inch."""
INK, QUIET, ACCENT = QColor(0x1C, 0x22, 0x28), QColor(0x5C, 0x66, 0x70), QColor(0x1F, 0x3F, 0x5F)
LINE, SHADE = QColor(0xC9, 0xD0, 0xD7), QColor(0xF1, 0xF4, 0xF6)


def pt(points: float) -> float:
    """Length of typographic points."""
    return points * RESOLUTION / 72


def type_of(points: float, *, bold: bool = False) -> QFont:
    """Typeface of a report."""
    made = font(pt(points))
    made.setBold(bold)
    return made


BODY, SMALL, NAME = (8.8, False), (7.4, False), (8.8, True)  # points, bold


class TextLines:
    """Text set in lines of a width: long words are cut; `prose` of scripts that run to the left begins at the right."""

    def __init__(
        self, text: str, width: float, size: tuple[float, bool] = BODY, colour: QColor = INK, *, prose: bool = False
    ) -> None:
        self._colour = colour
        self._layouts: list[QTextLayout] = []  # lines live as long as these
        self.lines: list[QTextLine] = []
        made = type_of(size[0], bold=size[1])
        self.step = pt(size[0]) * 1.4
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        option.setTextDirection(Qt.LayoutDirection.LayoutDirectionAuto)
        for paragraph in text.split("\n"):
            layout = QTextLayout(paragraph, made)
            right = prose and _runs_left(paragraph)
            option.setAlignment(Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft)
            layout.setTextOption(option)
            self._lay_out(layout, width)

    def _lay_out(self, layout: QTextLayout, width: float) -> None:
        self._layouts.append(layout)
        layout.beginLayout()
        while (line := layout.createLine()).isValid():
            line.setLineWidth(width)
            self.lines.append(line)
        layout.endLayout()

    @property
    def height(self) -> float:
        """Of all lines."""
        return self.step * len(self.lines)

    def paint(self, painter: QPainter, left: float, top: float, number: int) -> None:
        """Paint one line."""
        line = self.lines[number]
        painter.setPen(self._colour)
        line.draw(painter, QPointF(left, top + (self.step - line.height()) / 2 - line.y()))

    def paint_all(self, painter: QPainter, left: float, top: float) -> None:
        """Paint all lines."""
        for number in range(len(self.lines)):
            self.paint(painter, left, top + number * self.step, number)


def _runs_left(text: str) -> bool:
    strong = (way for c in text if (way := unicodedata.bidirectional(c)) in ("L", "R", "AL"))
    return next(strong, "L") != "L"
