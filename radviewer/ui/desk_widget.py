"""The viewports in their grid, with what they share: frames, reference lines, menus, drops."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QPointF, QRect, Qt, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QColor,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QWidget

from radviewer.app.navigation import find_stack
from radviewer.app.presets import Preset, offered, read_presets
from radviewer.app.reading_room import ReadingRoom
from radviewer.app.settings import Settings
from radviewer.app.viewport import Viewport
from radviewer.errors import BadResource
from radviewer.render.annotations import Density
from radviewer.ui.desk_commands import DeskCommands
from radviewer.ui.fusion_bar import FusionBar
from radviewer.ui.reference_lines import lines_of
from radviewer.ui.viewport_menu import measure_menu, viewport_menu
from radviewer.ui.viewport_widget import ViewportWidget

STACK_MIME = "application/x-radviewer-stack"
"""Type of what is dragged from the browser: a stack's key, UTF-8."""

_LONGEST_KEY = 65_536
_FRAME = 2  # logical pixels around each viewport, where the active one is marked
_GAP = 2


class DeskWidget(QWidget):
    """Up to four viewports.

    Attributes
    ----------
    commands : DeskCommands
        What the actions of the viewports do, by name.

    """

    probed = Signal(str)  # what lies under the pointer; "" for nothing
    key_released = Signal(str)  # portable name of a key let go in a viewport; "" when all were, the focus being lost
    wanted = Signal(str)  # name of an action that is not this widget's ("tags", "full-screen")

    def __init__(self, room: ReadingRoom, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._room = room
        self._drop_target: int | None = None
        try:
            self._presets = read_presets()
        except BadResource as error:
            self._presets = ()
            room.notice.emit(str(error))
        self.widgets = tuple(ViewportWidget(room, i, self) for i in range(len(room.desk.viewports)))
        self.fusion_bars = tuple(FusionBar(room, w.viewport, w) for w in self.widgets)
        self.commands = DeskCommands(self, room)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(320, 240)
        self.setAcceptDrops(True)
        for i, widget in enumerate(self.widgets):
            widget.probed.connect(self.probed)
            widget.menu_wanted.connect(partial(self._open_menu, i))
            widget.enlarge_wanted.connect(partial(self._enlarge, i))
            widget.focus_changed.connect(self.update)
            widget.key_released.connect(self.key_released)
        room.desk.layout_changed.connect(self._arrange)
        room.desk.layout_changed.connect(self._draw_lines)
        room.desk.active_changed.connect(self._on_active)
        room.desk.moved.connect(self._draw_lines)
        room.settings.changed.connect(self._on_settings)
        self._on_settings(room.settings.now)
        self._arrange()

    @property
    def active(self) -> ViewportWidget:
        """Widget of the active viewport."""
        return self.widgets[self._room.desk.active_index]

    def presets(self, viewport: Viewport | None = None) -> tuple[Preset, ...]:
        """Window presets offered for a viewport (the active one), by key."""
        viewport = viewport or self._room.desk.active
        if viewport.shown is None or (viewport.image is not None and viewport.image.is_colour):
            return ()
        frame = viewport.shown.stack.frames[viewport.index]
        return offered(self._presets, viewport.shown.series.modality, frame.unit)

    def give_back(self) -> None:
        """Give back what 3D views hold; the program ends."""
        for widget in self.widgets:
            widget.in_3d.close()

    def cancel_drawing(self) -> bool:
        """Give up the mark being drawn; False when there is none."""
        return any(widget.cancel_drawing() for widget in self.widgets)

    def focus_active(self) -> None:
        """Let the active viewport hear the keys."""
        self.active.setFocus(Qt.FocusReason.OtherFocusReason)

    def open_measure_menu(self) -> None:
        """Offer the measuring tools beside the pointer."""
        measure_menu(self, self._room.toolbox).popup(self.cursor().pos())

    def closeEvent(self, event: QCloseEvent) -> None:
        """End, where it is a window of its own."""
        self.give_back()
        super().closeEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the frames between the viewports; the active one's is marked, bright with the focus."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), self.palette().color(QPalette.ColorRole.Window))
        for i, widget in enumerate(self.widgets):
            if widget.isVisibleTo(self):
                painter.setPen(QPen(self._frame_colour(i), _FRAME))
                half = _FRAME // 2
                painter.drawRect(widget.geometry().adjusted(-half, -half, half, half))
        painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share the room among the viewports."""
        self._arrange()
        super().resizeEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take stacks from the browser."""
        if event.mimeData().hasFormat(STACK_MIME):
            event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """Mark the viewport that would take it."""
        target = self._at(event.position())
        self._mark_target(target)
        event.setAccepted(target is not None)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Mark none."""
        self._mark_target(None)
        super().dragLeaveEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        """Show the stack where it was dropped."""
        target = self._at(event.position())
        self._mark_target(None)
        data = bytes(event.mimeData().data(STACK_MIME).data())
        shown = find_stack(self._room, data.decode(errors="replace")) if len(data) <= _LONGEST_KEY else None
        if target is None or shown is None:
            event.ignore()
            return
        event.acceptProposedAction()
        self._room.desk.viewports[target].show(shown)
        self._room.desk.activate(target)
        self.focus_active()

    def _frame_colour(self, index: int) -> QColor:
        palette = self.palette()
        if index == self._drop_target:
            return palette.color(QPalette.ColorRole.Link)
        if index != self._room.desk.active_index:
            return palette.color(QPalette.ColorRole.Window)
        return palette.color(QPalette.ColorRole.Accent if self.widgets[index].hasFocus() else QPalette.ColorRole.Mid)

    def _arrange(self) -> None:
        desk = self._room.desk
        rows, columns = desk.layout.grid
        first = desk.first_seen
        for i, widget in enumerate(self.widgets):
            if not first <= i < first + rows * columns:
                widget.hide()
                continue
            widget.setGeometry(self._cell(*divmod(i - first, columns), rows, columns))
            widget.show()
        if not self.active.hasFocus() and self.isAncestorOf(self.focusWidget() or self):
            self.focus_active()
        self.update()

    def _cell(self, row: int, column: int, rows: int, columns: int) -> QRect:
        def edges(place: int, count: int, whole: int) -> tuple[int, int]:
            free = whole - count * 2 * _FRAME - (count - 1) * _GAP
            start = place * (2 * _FRAME + _GAP) + _FRAME
            return start + free * place // count, start + free * (place + 1) // count

        left, right = edges(column, columns, self.width())
        top, bottom = edges(row, rows, self.height())
        return QRect(left, top, max(1, right - left), max(1, bottom - top))

    def _at(self, position: QPointF) -> int | None:
        places = (i for i, w in enumerate(self.widgets) if w.isVisibleTo(self))
        return next((i for i in places if self.widgets[i].geometry().contains(position.toPoint())), None)

    def _mark_target(self, target: int | None) -> None:
        if target != self._drop_target:
            self._drop_target = target
            self.update()

    def _draw_lines(self) -> None:
        shown = self._room.settings.now.reference_lines
        for viewport, widget in zip(self._room.desk.viewports, self.widgets, strict=True):
            lines, active = lines_of(self._room.desk, viewport) if shown else ((), None)
            widget.set_reference_lines(lines, active)

    def _on_active(self) -> None:
        self._draw_lines()
        if any(widget.hasFocus() for widget in self.widgets):
            self.focus_active()
        self.update()

    def _on_settings(self, settings: Settings) -> None:
        for widget in self.widgets:
            widget.set_density(Density(settings.density))
        self._draw_lines()

    def _enlarge(self, index: int) -> None:
        if not self._room.desk.toggle_one(index):
            self.wanted.emit("full-screen")

    def _open_menu(self, index: int, position: QPointF) -> None:
        widget = self.widgets[index]
        self._room.desk.activate(index)
        menu = viewport_menu(self, self._room, widget, position)
        menu.popup(widget.mapToGlobal(position.toPoint()))
