"""One viewport: paints what its state says, and passes on what the reader does."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QEnterEvent,
    QFocusEvent,
    QHideEvent,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from radviewer.app.marks import MarkBook
from radviewer.app.mask_edit import MaskEdit
from radviewer.app.mpr import Mpr
from radviewer.app.reading_room import ReadingRoom
from radviewer.app.viewport import Viewport
from radviewer.domain.measurement import ImageReference, Mark, Point
from radviewer.render.annotations import Density
from radviewer.render.cross_lines import CrossLine
from radviewer.render.picture import View, ViewPainter
from radviewer.render.view import ViewTransform
from radviewer.ui.placement import Placement
from radviewer.ui.preparing import Preparing
from radviewer.ui.second_opinion.missed import ask_missed
from radviewer.ui.slice_bar import WIDTH
from radviewer.ui.stack_bar import StackBar
from radviewer.ui.text_entry import TextEntry
from radviewer.ui.three_d.place import ThreeDPlace
from radviewer.ui.tools.editing import nudged
from radviewer.ui.tools.tool import Gesture, Pointer
from radviewer.ui.viewport_mouse import Mouse
from radviewer.ui.viewport_overlay import Segment, paint_overlay
from radviewer.ui.viewport_scene import Scene


class ViewportWidget(QWidget):
    """Shows one `Viewport` of the room's desk.

    Parameters
    ----------
    room : ReadingRoom
    index : int
        Of the viewport on the desk.
    parent : QWidget

    """

    probed = Signal(str)  # what lies under the pointer; "" for nothing
    menu_wanted = Signal(QPointF)  # position in this widget
    enlarge_wanted = Signal()
    focus_changed = Signal()
    key_released = Signal(str)  # portable name; "" when the focus is lost, and with it every release

    def __init__(self, room: ReadingRoom, index: int, parent: QWidget) -> None:
        super().__init__(parent)
        self._room = room
        self._index = index
        self._scene = Scene(room, index)
        self._painter = ViewPainter()
        self._preparing = Preparing(room.display_queue, self._painter.renderer, self)
        self._mouse = Mouse(self, room.desk, room.toolbox)
        self._bar = StackBar(self, room, room.desk.viewports[index])
        self.in_3d = ThreeDPlace(self, room, room.desk.viewports[index])
        self._entry: TextEntry | None = None
        self._told = ""
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(f"Viewport {index + 1}")
        self._connect()
        self._on_stack()

    def _connect(self) -> None:
        viewport, room = self.viewport, self._room
        viewport.stack_changed.connect(self._on_stack)
        viewport.image_changed.connect(self._on_image)
        viewport.view_changed.connect(self.update)
        viewport.pointer_changed.connect(self.update)
        self._preparing.changed.connect(self.update)
        self._preparing.failed.connect(room.notice)
        room.marks.changed.connect(self._on_marks)
        room.marks.selection_changed.connect(self.update)
        room.findings.changed.connect(self.update)
        room.findings.selection_changed.connect(self.update)
        room.opinion.glimpses.changed.connect(self._on_glimpsed)
        room.overlays.changed.connect(self.update)
        room.mask_edit.changed.connect(self.update)
        room.fusion.changed.connect(self.update)  # of links, too
        room.mpr.changed.connect(self._on_cross)
        room.toolbox.changed.connect(self._on_tool)
        room.desk.active_changed.connect(self._on_active)
        room.desk.cines[self._index].changed.connect(self.update)
        self._bar.entered.connect(self._mouse.leave)

    @property
    def viewport(self) -> Viewport:
        """State of this viewport."""
        return self._scene.viewport

    @property
    def marks(self) -> MarkBook:
        """Marks of what is open."""
        return self._room.marks

    @property
    def outline(self) -> MaskEdit:
        """The outline that is being edited, if any."""
        return self._room.mask_edit

    @property
    def mpr(self) -> Mpr:
        """Cross-hairs of volumes whose planes are shown."""
        return self._room.mpr

    def cross_lines(self) -> tuple[CrossLine, ...]:
        """The cross-hair as it is painted here."""
        return self._scene.cross_lines()

    def ask_missed(self, index: int, at: Point, drawn: tuple[Point, ...]) -> None:
        """Ask what the reader has found."""
        ask_missed(self, self._room, self.viewport, (index, *at), drawn)

    @property
    def gesture(self) -> Gesture | None:
        """What the left mouse button is doing."""
        return self._mouse.gesture

    @property
    def bar(self) -> StackBar:
        """The bar at the right edge."""
        return self._bar

    @property
    def active_line(self) -> Segment | None:
        """Where the active viewport's image cuts this one."""
        return self._scene.active_line

    @property
    def placement(self) -> Placement:
        """Device pixels of the image's area: all but the bar."""
        width = self.width() - (WIDTH if self._bar.isVisibleTo(self) else 0)
        return Placement.of(self, width, self.height())

    @property
    def transform(self) -> ViewTransform:
        """Image ↔ device pixels of the image's area; of an empty image when nothing is shown."""
        return self._scene.transform(self.placement)

    def view(self) -> View:
        """Everything this viewport shows now, as exports and screenshots paint it."""
        return self._scene.view(self.placement, self._mouse)

    def view_on_screen(self) -> View:
        """The same with what models that still run have shown so far: only ever painted here."""
        return self._scene.on_screen(self.placement, self._mouse)

    def view_with(self, density: Density) -> View:
        """The same with more or less written around the image."""
        return self._scene.view(self.placement, self._mouse, density)

    def shown_marks(self) -> tuple[Mark, ...]:
        """Marks of the image shown, as they are kept."""
        return self._scene.marks()

    def set_density(self, density: Density) -> None:
        """Write more or less around the image."""
        if density is not self._scene.density:
            self._scene.density = density
            self.update()

    def set_reference_lines(self, lines: tuple[Segment, ...], active: Segment | None) -> None:
        """Show where other viewports' images cut this one; `active` is the active viewport's."""
        if (lines, active) != (self._scene.lines, self._scene.active_line):
            self._scene.lines, self._scene.active_line = lines, active
            self.update()

    def cancel_drawing(self) -> bool:
        """Give up the mark being drawn or moved; False when there is none."""
        return self._mouse.drawing and self._mouse.cancel()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint; never waits for an image."""
        placement, view, doing = self.placement, self.view_on_screen(), ""
        if view.image is not None:
            presentation, doing = self._preparing.paintable(view.image, view.presentation)
            view = replace(view, presentation=presentation)
        painter = QPainter(self)
        if placement.left or placement.top:
            painter.fillRect(self.rect(), Qt.GlobalColor.black)
            painter.translate(placement.left / placement.ratio, placement.top / placement.ratio)
        painter.setClipRect(QRectF(0, 0, *(n / placement.ratio for n in placement.size)))
        painter.save()
        self._painter.paint(painter, view)
        painter.restore()
        paint_overlay(painter, view.transform, self._scene.overlay(self._mouse, doing))
        painter.end()

    # What changes

    def _on_stack(self) -> None:
        self._mouse.lose()
        self._preparing.stop()
        self._painter.clear()
        self._on_image()

    def _on_image(self) -> None:
        if self._entry is not None and self._entry.image != self.viewport.reference:
            self._entry.finish(keep=True)
        self._mouse.on_image()
        self.update()

    def _on_cross(self) -> None:
        if self.viewport.cut is not None:  # others show no cross-hair
            self.update()

    def _on_marks(self, image: ImageReference | None) -> None:
        if image is None or image == self.viewport.reference:
            self.update()

    def _on_glimpsed(self, key: str) -> None:
        if self.viewport.stack is not None and self.viewport.stack.key == key:
            self.update()

    def _on_tool(self) -> None:
        self.cancel_drawing()
        self._mouse.choose_cursor()

    def _on_active(self) -> None:
        if self._room.desk.active is not self.viewport:
            self.cancel_drawing()

    # What the mouse asks

    def pointer(self, position: QPointF) -> Pointer:
        """Where a position in this widget lies, on the screen and in the image."""
        placement = self.placement
        x, y = placement.to_device(position)
        return Pointer(x, y, *self.transform.to_image(x, y), placement.ratio)

    def activate(self) -> None:
        """Make this viewport the active one, with the keyboard's focus."""
        self._room.desk.activate(self._index)
        self.setFocus(Qt.FocusReason.MouseFocusReason)

    def open_menu(self, position: QPointF) -> None:
        """Ask for the menu."""
        self.menu_wanted.emit(position)

    def enlarge(self) -> None:
        """Ask to be shown alone, or with the others."""
        self.enlarge_wanted.emit()

    def tell(self, text: str) -> None:
        """Say what lies under the pointer."""
        if text != self._told:
            self._told = text
            self.probed.emit(text)

    def show_cursor(self, shape: Qt.CursorShape) -> None:
        """Change the pointer's shape."""
        if self.cursor().shape() is not shape:
            self.setCursor(shape)

    def repaint_soon(self) -> None:
        """Paint at the next turn of the event loop."""
        self.update()

    def edit_text(self, mark: Mark) -> None:
        """Let the reader type the text of a mark, at its last point."""
        if self._entry is not None:
            self._entry.finish(keep=True)
        place = self.placement.to_logical(*self.transform.to_view(*mark.points[-1]))
        self._entry = entry = TextEntry(self, self.marks, mark)
        entry.destroyed.connect(lambda: self._forget(entry))
        entry.open_at(place)

    def _forget(self, entry: TextEntry) -> None:
        if self._entry is entry:
            self._entry = None

    # Qt's events

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a gesture."""
        self._mouse.press(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Go on with a gesture, or hover."""
        self._mouse.move(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End a gesture."""
        self._mouse.release(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Edit a text, or show this viewport alone."""
        self._mouse.double_click(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll or zoom the viewport under the pointer, active or not."""
        self._mouse.wheel(event)
        event.accept()

    def enterEvent(self, event: QEnterEvent) -> None:
        """Take the tool's cursor."""
        self._mouse.choose_cursor()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        """Nothing lies under the pointer any more."""
        self._mouse.leave()
        super().leaveEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Open the menu on the keyboard's Menu key; the mouse opens it when its button is let go."""
        if event.reason() is QContextMenuEvent.Reason.Keyboard:
            self.open_menu(QPointF(self.rect().center()))
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the selected mark with Alt and the arrow keys, ten pixels with Shift too."""
        moved = nudged(event, self.marks.selected, self.transform)
        if moved is None or all(mark.mark_id != moved.mark_id for mark in self.shown_marks()):
            super().keyPressEvent(event)
        else:
            self.marks.replace(moved)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """End the cross-hair when Shift is let go, and what holding a key did."""
        if not event.isAutoRepeat():
            self.key_released.emit(QKeySequence(event.key()).toString(QKeySequence.SequenceFormat.PortableText))
        if event.key() == Qt.Key.Key_Shift:
            self._room.desk.point_at(self.viewport, None)
        super().keyReleaseEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Become the active viewport."""
        self._room.desk.activate(self._index)
        self.focus_changed.emit()
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Tell that keys go elsewhere."""
        self.key_released.emit("")
        self.focus_changed.emit()
        super().focusOutEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the bar at the right edge."""
        self._bar.setGeometry(self.width() - WIDTH, 0, WIDTH, self.height())
        self.in_3d.fill()
        super().resizeEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        """Give up what was going on."""
        self._mouse.lose()
        self._mouse.leave()
        self._painter.clear()
        super().hideEvent(event)
