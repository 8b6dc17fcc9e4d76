"""The list of findings: colour, label, probability with the model's threshold marked, size, state."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSignalBlocker, QSize, Qt
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPalette, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from radviewer.app.finding_rows import Kind, Row, RowState, short_size, size_text
from radviewer.domain.decision import FindingKey, Presence
from radviewer.render.contours import colour_of
from radviewer.ui.labels import plain_tip
from radviewer.ui.theme import colour

_ROW = Qt.ItemDataRole.UserRole
_GAP = 8
_BAR_HEIGHT = 6
_STATE_COLOURS = {
    RowState.PENDING: "warning",
    RowState.ACCEPTED: "accent",
    RowState.EDITED: "accent",
    RowState.MISSED: "accent",
    RowState.REJECTED: "muted",
    RowState.REFUSED: "muted",
    RowState.NOT_FLAGGED: "muted",
}


def capital(text: str) -> str:
    """First letter upper case."""
    return text[:1].upper() + text[1:]


def state_text(row: Row) -> str:
    """State of a row in words."""
    if row.kind is Kind.ANATOMY and row.state is RowState.PENDING:
        return "outlined"
    if row.kind is Kind.SAVED and row.state is RowState.PENDING:
        return "from a file"
    decision = row.decision
    if row.impression is not None and row.decision is None and row.state is not RowState.REFUSED:
        together = "disagrees" if row.disagrees else "unsure" if row.impression is Presence.UNSURE else "agrees"
        return f"you: {row.impression.value} – {together}{', pending' if row.pending else ''}"
    if row.state is RowState.REJECTED and decision is not None and decision.reason is not None:
        return f"rejected: {decision.reason.value}"
    if row.state is RowState.EDITED and decision is not None and decision.dice is not None:
        return f"edited (overlap {decision.dice:.2f})"
    if row.state is RowState.PENDING:
        return "flagged, pending"
    return str(row.state.value)


def accessible(row: Row) -> str:
    """One sentence for screen readers and tool tips."""
    parts = [capital(row.label)]
    if row.probability is not None and row.threshold is not None:
        parts.append(f"probability {row.probability:.2f}, flagged from {row.threshold:.2f}")
    if size := size_text(row):
        parts.append(size)
    parts.append(state_text(row))
    if row.reason:
        parts.append(row.reason)
    return ", ".join(parts)


class RowDelegate(QStyledItemDelegate):
    """Paints one row in two lines."""

    def sizeHint(self, option: QStyleOptionViewItem, _index: QModelIndex | QPersistentModelIndex) -> QSize:
        """Two lines and some air."""
        return QSize(180, 2 * option.fontMetrics.height() + 2 * _GAP - 2)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Paint one row."""
        row: Row = index.data(_ROW)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        if selected:
            painter.fillRect(option.rect, option.palette.color(QPalette.ColorRole.Highlight))
        inside = option.rect.adjusted(_GAP, _GAP - 2, -_GAP, -_GAP + 2)
        self._swatch(painter, QRect(inside.left(), inside.top() + 2, 4, inside.height() - 4), row)
        inside.setLeft(inside.left() + 12)
        line = inside.height() // 2
        self._first(painter, option, QRect(inside.left(), inside.top(), inside.width(), line), row)
        second = QRect(inside.left(), inside.top() + line, inside.width(), inside.height() - line)
        self._second(painter, option, second, row, selected=selected)
        painter.restore()

    def _swatch(self, painter: QPainter, box: QRect, row: Row) -> None:
        tint = QColor(colour_of(row.label))
        if row.state in (RowState.REJECTED, RowState.REFUSED, RowState.NOT_FLAGGED):
            tint.setAlphaF(0.35)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(tint)
        painter.drawRoundedRect(QRectF(box), 2, 2)

    def _first(self, painter: QPainter, option: QStyleOptionViewItem, box: QRect, row: Row) -> None:
        metrics = option.fontMetrics
        painter.setPen(option.palette.color(QPalette.ColorRole.Text))
        value = "" if row.probability is None else f"{row.probability:.2f}"
        width = metrics.horizontalAdvance("0.00")
        bar = min(96, box.width() // 3)
        if row.probability is not None and row.threshold is not None:
            right = QRect(box.right() - width, box.top(), width, box.height())
            painter.drawText(right, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, value)
            self._bar(painter, QRect(right.left() - bar - _GAP, box.top(), bar, box.height()), row)
            box = box.adjusted(0, 0, -(width + bar + 2 * _GAP), 0)
        text = metrics.elidedText(capital(row.label), Qt.TextElideMode.ElideRight, box.width())
        painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)

    def _bar(self, painter: QPainter, box: QRect, row: Row) -> None:
        """Probability from 0 to 1, with a tick at the threshold."""
        top = box.center().y() - _BAR_HEIGHT / 2
        ground = QRectF(box.left(), top, box.width(), _BAR_HEIGHT)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour("line"))
        painter.drawRoundedRect(ground, 3, 3)
        filled = QRectF(ground)
        filled.setWidth(max(_BAR_HEIGHT, ground.width() * (row.probability or 0.0)))
        painter.setBrush(colour("warning") if row.flagged else colour("muted"))
        painter.drawRoundedRect(filled, 3, 3)
        x = ground.left() + ground.width() * (row.threshold or 0.0)
        painter.setPen(QPen(colour("text"), 1.5))
        painter.drawLine(round(x), round(ground.top() - 3), round(x), round(ground.bottom() + 3))

    def _second(self, painter: QPainter, option: QStyleOptionViewItem, box: QRect, row: Row, *, selected: bool) -> None:
        metrics = option.fontMetrics
        state = state_text(row)
        if row.state is RowState.REFUSED:
            state = f"refused: {row.reason}"
        size = short_size(row)
        right = metrics.horizontalAdvance(size) + _GAP if size else 0
        if metrics.horizontalAdvance(state) + right > box.width():
            size, right = "", 0  # the state says more than the size
        muted = colour("selected_text") if selected else colour("muted")
        painter.setPen(muted)
        painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, size)
        plain = row.kind in (Kind.ANATOMY, Kind.SAVED) and row.state is RowState.PENDING
        painter.setPen(muted if selected or plain else colour(_STATE_COLOURS[row.state]))
        text = metrics.elidedText(state, Qt.TextElideMode.ElideRight, box.width() - right)
        painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)


class RowList(QListWidget):
    """The rows; Enter, X and E act on the current one, as in a viewport."""

    def __init__(self, act: Callable[[str], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._act = act
        self.setItemDelegate(RowDelegate(self))
        self.setAccessibleName("Findings")
        self.setUniformItemSizes(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)

    def show_rows(self, rows: Sequence[Row], selected: FindingKey | None) -> None:
        """List other rows; the selection follows its finding."""
        with QSignalBlocker(self):
            self.clear()
            for row in rows:
                item = QListWidgetItem(self)
                item.setData(_ROW, row)
                item.setData(Qt.ItemDataRole.AccessibleTextRole, accessible(row))
                item.setToolTip(plain_tip(accessible(row)))
                if row.key == selected:
                    self.setCurrentItem(item)
        self.setVisible(bool(rows))

    def rows(self) -> tuple[Row, ...]:
        """What is listed."""
        return tuple(self.item(i).data(_ROW) for i in range(self.count()))

    def current(self) -> Row | None:
        """The row the keys act on."""
        item = self.currentItem()
        row: Row | None = None if item is None else item.data(_ROW)
        return row

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Decide about the current row."""
        name = _KEYS.get(Qt.Key(event.key()))
        if name is not None and not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            self._act(name)
        else:
            super().keyPressEvent(event)


_KEYS = {
    Qt.Key.Key_Return: "accept-finding",
    Qt.Key.Key_Enter: "accept-finding",
    Qt.Key.Key_X: "reject-finding",
    Qt.Key.Key_E: "edit-finding",
    Qt.Key.Key_Period: "next-finding",
    Qt.Key.Key_Comma: "previous-finding",
    Qt.Key.Key_G: "toggle-overlays",
    Qt.Key.Key_Delete: "withdraw-decision",
    Qt.Key.Key_Backspace: "withdraw-decision",
}
