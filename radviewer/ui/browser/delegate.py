"""How a row of the study browser is painted."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QImage, QPainter, QPalette, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from radviewer.app.thumbnails import Thumbnails
from radviewer.domain.study import Stack
from radviewer.ui.browser.model import ROW_ROLE, STATE_ROLE, StackState
from radviewer.ui.browser.rows import ObjectRow, PatientRow, Row, StackRow, StudyRow
from radviewer.ui.theme import colour, icon

_PICTURE = 64  # side of a thumbnail
_GAP = 8
_SMALL = 0.9  # size of second lines


class BrowserDelegate(QStyledItemDelegate):
    """Paints patients, studies, stacks and other objects."""

    def __init__(self, thumbnails: Thumbnails) -> None:
        super().__init__(thumbnails)
        self._thumbnails = thumbnails
        self._warning = icon("warning")
        self._key_image = icon("key-image")
        self._mark = icon("marks")
        self._document = icon("document")
        self._broken = icon("broken")

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """Height by the kind of row and the font."""
        line = option.fontMetrics.height()
        match index.data(ROW_ROLE):
            case StackRow():
                return QSize(160, max(_PICTURE + 2 * _GAP, 4 * line + _GAP))
            case PatientRow(detail=detail):
                return QSize(160, line * (2 if detail else 1) + 2 * _GAP)
            case StudyRow(detail=detail):
                return QSize(160, line * (2 if detail else 1) + _GAP + 4)
            case _:
                return QSize(160, line * 2 + _GAP)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Paint one row."""
        row: Row | None = index.data(ROW_ROLE)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        match row:
            case PatientRow():
                self._paint_heading(painter, option, row, "raised", bold=True)
            case StudyRow():
                self._paint_heading(painter, option, row, "window", bold=False)
            case ObjectRow():
                self._paint_object(painter, option, row)
            case StackRow():
                self._paint_stack(painter, option, row, index.data(STATE_ROLE) or StackState())
        painter.restore()

    def _paint_heading(
        self, painter: QPainter, option: QStyleOptionViewItem, row: PatientRow | StudyRow, ground: str, *, bold: bool
    ) -> None:
        painter.fillRect(option.rect, colour(ground))
        inside = option.rect.adjusted(_GAP, 4, -_GAP, -4)
        lines = _Lines(painter, option.font, inside, centred=True)
        lines.write([(row.title, "text", bold), (row.detail, "muted", False)])

    def _paint_object(self, painter: QPainter, option: QStyleOptionViewItem, row: ObjectRow) -> None:
        _paint_ground(painter, option)
        inside = option.rect.adjusted(_GAP + 4, 2, -_GAP, -2)
        self._document.paint(painter, QRect(inside.left(), inside.top(), 20, inside.height()))
        inside.setLeft(inside.left() + 28)
        _Lines(painter, option.font, inside, centred=True).write(
            [(row.title, "text", False), (row.detail, _second(option), False)]
        )

    def _paint_stack(self, painter: QPainter, option: QStyleOptionViewItem, row: StackRow, state: StackState) -> None:
        _paint_ground(painter, option)
        if state.seen:
            stripe = QRect(option.rect.left(), option.rect.top(), 3, option.rect.height())
            painter.fillRect(stripe, colour("accent" if state.active else "disabled"))
        stack = row.shown.stack
        top = option.rect.top() + (option.rect.height() - _PICTURE) // 2
        frame = QRect(option.rect.left() + _GAP + 2, top, _PICTURE, _PICTURE)
        self._paint_thumbnail(painter, frame, stack)
        _paint_progress(painter, frame, state.loaded)
        inside = option.rect.adjusted(_PICTURE + 2 * _GAP + 4, 4, -_GAP, -4)
        lines = _Lines(painter, option.font, inside, centred=True)
        painter.setPen(colour(_second(option)))
        right = self._paint_badges(painter, QRect(inside.left(), frame.top(), inside.width(), 18), stack, state)
        label = "accent" if _second(option) == "muted" else "text"
        entries = [(row.title, "text", True), (row.description, "text", False)]
        entries += [(stack.label, label, False), (row.detail, _second(option), False)]
        lines.write(entries, first_right=right)

    def _paint_thumbnail(self, painter: QPainter, frame: QRect, stack: Stack) -> None:
        painter.fillRect(frame, colour("desk"))
        device = painter.device()
        ratio = device.devicePixelRatioF() if device is not None else 1.0
        picture: QImage | None = self._thumbnails.picture(stack, round(_PICTURE * ratio))
        if picture is not None:
            painter.drawImage(frame, picture)
        elif self._thumbnails.failed(stack):
            painter.setOpacity(0.6)
            self._broken.paint(painter, frame.adjusted(20, 20, -20, -20))
            painter.setOpacity(1)
        painter.setPen(QPen(colour("line"), 1))
        painter.drawRect(QRectF(frame).adjusted(0.5, 0.5, -0.5, -0.5))

    def _paint_badges(self, painter: QPainter, line: QRect, stack: Stack, state: StackState) -> int:
        """Warning, key images and marks at the right end of a line; returns the x where they begin."""
        right = line.right()
        metrics = QFontMetrics(painter.font())
        for number, sign in ((state.marks, self._mark), (state.key_images, self._key_image)):
            if number:
                text = str(number)
                right -= metrics.horizontalAdvance(text)
                box = QRect(right, line.top(), metrics.horizontalAdvance(text) + 1, line.height())
                painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, text)
                right -= 18
                sign.paint(painter, QRect(right, line.top() + 1, 16, 16))
                right -= 6
        if stack.warnings:
            right -= 18
            self._warning.paint(painter, QRect(right, line.top(), 18, 18))
            right -= 4
        return right


class _Lines:
    """Lines of text below one another, each ending in "…" where it does not fit."""

    def __init__(self, painter: QPainter, font: QFont, box: QRect, *, centred: bool) -> None:
        self._painter, self._font, self._box, self._centred = painter, font, box, centred

    def write(self, lines: list[tuple[str, str, bool]], first_right: int | None = None) -> None:
        """Write ``(text, colour, bold)`` lines; the first ends at `first_right`."""
        lines = [line for line in lines if line[0]]
        fonts = [self._font_of(i, bold) for i, (_, _, bold) in enumerate(lines)]
        heights = [QFontMetrics(font).height() for font in fonts]
        y = self._box.top()
        if self._centred:
            y += max(0, (self._box.height() - sum(heights)) // 2)
        for i, ((text, name, _), font, height) in enumerate(zip(lines, fonts, heights, strict=True)):
            right = self._box.right() if i or first_right is None else first_right
            width = max(0, right - self._box.left())
            self._painter.setFont(font)
            self._painter.setPen(colour(name))
            elided = QFontMetrics(font).elidedText(text, Qt.TextElideMode.ElideRight, width)
            self._painter.drawText(QRect(self._box.left(), y, width, height), Qt.AlignmentFlag.AlignVCenter, elided)
            y += height

    def _font_of(self, line: int, bold: bool) -> QFont:
        font = QFont(self._font)
        font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
        if line:
            font.setPointSizeF(font.pointSizeF() * _SMALL)
        return font


def _second(option: QStyleOptionViewItem) -> str:
    """Colour of second lines; muted ones would not stand out from a selected ground."""
    return "text" if option.state & QStyle.StateFlag.State_Selected else "muted"


def _paint_ground(painter: QPainter, option: QStyleOptionViewItem) -> None:
    """Ground of a row: selected, under the pointer, or neither; a frame for the keyboard's focus."""
    selected = bool(option.state & QStyle.StateFlag.State_Selected)
    if selected or option.state & QStyle.StateFlag.State_MouseOver:
        ground: QColor = option.palette.color(QPalette.ColorRole.Highlight) if selected else colour("raised")
        painter.fillRect(option.rect, ground)
    if option.state & QStyle.StateFlag.State_HasFocus:
        painter.setPen(QPen(colour("accent"), 1.5))
        painter.drawRect(QRectF(option.rect).adjusted(1, 1, -1, -1))


def _paint_progress(painter: QPainter, frame: QRect, loaded: float | None) -> None:
    """Thin bar at a thumbnail's lower edge while its series is loading; gone once all is there."""
    if loaded is None or loaded >= 1:
        return
    groove = QRectF(frame.left(), frame.bottom() - 3, frame.width(), 4)
    painter.fillRect(groove, colour("field"))
    groove.setWidth(groove.width() * loaded)
    painter.fillRect(groove, colour("accent"))
