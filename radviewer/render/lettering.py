"""Small plain text with a dark halo, legible on black and white alike."""

from __future__ import annotations

import unicodedata
from functools import cache

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontMetricsF, QImage, QPainter, QStaticText

from radviewer.paths import resources
from radviewer.render.recent import Recent

HALO = QColor(0, 0, 0, 190)

_LONGEST = 400  # characters of a line; a hostile description may hold a million
_MEASURED = 2048  # lines of text whose widths are kept
_UNSHOWN = frozenset({"Cc", "Cs", "Zl", "Zp"})  # control, surrogate, line and paragraph separator
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # would show text backwards
_FAMILY = "DejaVu Sans"
_AROUND = ((-1, -1), (0, -1), (1, -1), (-1, 0), (1, 0), (-1, 1), (0, 1), (1, 1))


@cache
def load_fonts() -> None:
    """Make the bundled font known to Qt (needs a QGuiApplication): the system may have none at all."""
    QFontDatabase.addApplicationFont(str(resources() / "fonts" / "DejaVuSans.ttf"))


def font(pixel_size: float) -> QFont:
    """Font of annotations, `pixel_size` device pixels high; other scripts come from the system's fonts."""
    load_fonts()
    made = QFont(_FAMILY)
    made.setPixelSize(max(1, round(pixel_size)))
    return made


def plain(text: str) -> str:
    """One line of text: control characters become blanks, and it ends somewhere."""
    return printable(text[:_LONGEST]).strip()


def printable(text: str, *, lines: bool = False) -> str:
    """Text with blanks for what is not shown; with `lines`, line feeds stay."""
    if text.isprintable():  # most texts, and they are asked for at every paint
        return text
    kept = "\n" if lines else ""
    return "".join(" " if c not in kept and _is_unshown(c) else c for c in text)


def _is_unshown(character: str) -> bool:
    return character in _TURNING or unicodedata.category(character) in _UNSHOWN


class Lettering:
    """Draws lines of text, keeping the last few hundred as pictures, and their widths: they repeat at every paint."""

    def __init__(self) -> None:
        self._kept: Recent[QImage] = Recent(8 << 20, lambda picture: picture.sizeInBytes())
        self._metrics: dict[int, QFontMetricsF] = {}
        self._heights: dict[float, float] = {}
        self._widths: dict[tuple[str, float], float] = {}
        self._elided: dict[tuple[str, float, float], str] = {}

    def metrics(self, pixel_size: float) -> QFontMetricsF:
        """Metrics of the font at a size in device pixels."""
        size = max(1, round(pixel_size))
        if size not in self._metrics:
            self._metrics[size] = QFontMetricsF(font(size))
        return self._metrics[size]

    def line_height(self, pixel_size: float) -> float:
        """From line to line, in whole device pixels."""
        height = self._heights.get(pixel_size)
        if height is None:
            height = self._heights[pixel_size] = float(round(self.metrics(pixel_size).lineSpacing()))
        return height

    def width(self, text: str, pixel_size: float) -> float:
        """Device pixels a line takes."""
        return self._width(plain(text), pixel_size)

    def elided(self, text: str, pixel_size: float, width: float) -> str:
        """Text cut with an ellipsis to fit a width; empty when not even a few letters fit."""
        line = plain(text)
        if self._width(line, pixel_size) < width - 1:  # all of it fits, whatever the rounding
            return line
        key = (line, pixel_size, width)
        kept = self._elided.get(key)
        if kept is None:
            if len(self._elided) >= _MEASURED:
                self._elided.clear()
            cut = self.metrics(pixel_size).elidedText(line, Qt.TextElideMode.ElideRight, width)
            kept = self._elided[key] = cut if self.width(cut, pixel_size) <= width else ""
        return kept

    def draw(self, painter: QPainter, left: float, top: float, text: str, pixel_size: float, colour: QColor) -> None:
        """Draw one line with its top left corner at a device pixel; `painter` works in device pixels."""
        line = plain(text)
        if not line:
            return
        key = (line, max(1, round(pixel_size)), colour.rgba())
        picture = self._kept.get(key) or self._kept.put(key, self._picture(line, pixel_size, colour))
        margin = _margin(pixel_size)
        painter.drawImage(QPointF(round(left) - margin, round(top) - margin), picture)

    def _width(self, line: str, pixel_size: float) -> float:
        key = (line, pixel_size)
        kept = self._widths.get(key)
        if kept is None:
            if len(self._widths) >= _MEASURED:
                self._widths.clear()
            kept = self._widths[key] = self.metrics(pixel_size).horizontalAdvance(line)
        return kept

    def _picture(self, line: str, pixel_size: float, colour: QColor) -> QImage:
        metrics, margin = self.metrics(pixel_size), _margin(pixel_size)
        width = int(max(metrics.horizontalAdvance(line), metrics.boundingRect(line).width())) + 2 * margin + 2
        height = int(metrics.height()) + 2 * margin + 1
        picture = QImage(width, height, QImage.Format.Format_ARGB32_Premultiplied)
        picture.fill(0)
        painter = QPainter(picture)
        painter.setFont(font(pixel_size))
        text = QStaticText(line)  # laid out once for all nine
        text.setTextFormat(Qt.TextFormat.PlainText)
        step = max(1.0, pixel_size / 12)
        painter.setPen(HALO)
        for x, y in _AROUND:
            painter.drawStaticText(QPointF(margin + x * step, margin + y * step), text)
        painter.setPen(colour)
        painter.drawStaticText(QPointF(margin, margin), text)
        painter.end()
        return picture


def _margin(pixel_size: float) -> int:
    return max(2, round(pixel_size / 6))
