"""What the mouse does in one viewport: buttons to gestures, wheel to slices, hovering to values."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent

from radviewer.app.desk import Desk
from radviewer.app.probe import probe
from radviewer.app.toolbox import Toolbox
from radviewer.domain.measurement import ImageReference, Mark, MarkKind
from radviewer.domain.planes import Orientation
from radviewer.render.cross_lines import CrossLine
from radviewer.render.hit import Hit, hit
from radviewer.ui.tools import TOOLS
from radviewer.ui.tools.brush import Stroke
from radviewer.ui.tools.crosshair import MoveCross, TurnCross, gripped
from radviewer.ui.tools.drawing import CLICK, Drawing
from radviewer.ui.tools.editing import Editing
from radviewer.ui.tools.pan import PanDrag
from radviewer.ui.tools.tool import Canvas, Gesture, Pointer
from radviewer.ui.tools.zoom import ZoomDrag

_NOTCH = 120  # angle of one step of a usual wheel, in eighths of a degree
_ZOOM_PER_NOTCH = 1.2
_GRIP_CURSORS = {False: Qt.CursorShape.SizeAllCursor, True: Qt.CursorShape.OpenHandCursor}
_NONE = Qt.MouseButton.NoButton
_LEFT, _MIDDLE, _RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton, Qt.MouseButton.RightButton


class Surface(Canvas, Protocol):
    """What the mouse asks of the viewport's widget beyond what tools see."""

    def pointer(self, position: QPointF) -> Pointer:
        """Where a position in the widget lies."""

    def shown_marks(self) -> tuple[Mark, ...]:
        """Marks of the image shown."""

    def cross_lines(self) -> tuple[CrossLine, ...]:
        """The cross-hair, where planes of a volume are shown."""

    def activate(self) -> None:
        """Make this viewport the active one, with the keyboard's focus."""

    def open_menu(self, position: QPointF) -> None:
        """Open the menu of this viewport."""

    def enlarge(self) -> None:
        """Show this viewport alone, or all of them."""

    def tell(self, text: str) -> None:
        """Say what lies under the pointer."""

    def show_cursor(self, shape: Qt.CursorShape) -> None:
        """Change the pointer's shape."""

    def repaint_soon(self) -> None:
        """Paint at the next turn of the event loop."""


class Mouse:
    """Turns mouse events of one viewport into gestures.

    Attributes
    ----------
    gesture : Gesture or None
        What the left button does, until its tool has ended (perhaps several clicks later).
    hovered : str or None
        Id of the mark under the pointer.

    """

    def __init__(self, surface: Surface, desk: Desk, toolbox: Toolbox) -> None:
        self._surface = surface
        self._desk = desk
        self._toolbox = toolbox
        self.gesture: Gesture | None = None
        self.hovered: str | None = None
        self.at: Pointer | None = None
        self._image: ImageReference | None = None  # the gesture belongs to
        self._side: Gesture | None = None  # pan or zoom with another button
        self._held = _NONE
        self._pressed: Pointer | None = None
        self._wheel = 0  # eighths of a degree not yet turned into slices

    @property
    def drawing(self) -> bool:
        """Whether a mark is being drawn or moved."""
        gesture = self.gesture
        return gesture is not None and (
            gesture.draft is not None or bool(gesture.lines) or isinstance(gesture, Drawing | Stroke)
        )

    def press(self, event: QMouseEvent) -> None:
        """Begin a gesture, or go on with one."""
        if self._held is not _NONE and self._held is not event.button() and event.buttons() & self._held:
            return  # one button at a time
        if self._held is not _NONE:
            self.lose()
        at = self.at = self._surface.pointer(event.position())
        self._held, self._pressed = event.button(), at
        self._surface.activate()
        if self._surface.viewport.image is None:
            return
        if event.button() is _LEFT:
            self._press_left(at)
        elif event.button() is _MIDDLE:
            self._side = PanDrag(self._surface, at)
            self._surface.show_cursor(Qt.CursorShape.ClosedHandCursor)
        elif event.button() is _RIGHT:
            self._side = ZoomDrag(self._surface, at)

    def move(self, event: QMouseEvent) -> None:
        """Follow the pointer."""
        at = self.at = self._surface.pointer(event.position())
        if self._held is not _NONE and not event.buttons() & self._held:
            self.lose()
        if self._side is not None:
            if self._held is not _RIGHT or self._moved(at):
                self._side.move(at)
        elif self.gesture is not None:
            self.gesture.move(at)
            self._surface.repaint_soon()
        elif self._held is _NONE:
            self._hover(at, event.modifiers())
        self._probe(at)

    def release(self, event: QMouseEvent) -> None:
        """End a gesture, unless its tool goes on."""
        if event.button() is not self._held:
            return
        at = self.at = self._surface.pointer(event.position())
        pressed, self._held = self._pressed, _NONE
        side, self._side = self._side, None
        clicked = pressed is not None and at.distance(pressed) <= CLICK
        if event.button() is _RIGHT and clicked:
            self._surface.open_menu(event.position())
        elif side is not None:
            side.release(at)
        elif event.button() is _LEFT and self.gesture is not None:
            self._release_left(at, clicked=clicked)
        self._hover(at, event.modifiers())

    def double_click(self, event: QMouseEvent) -> None:
        """Edit the text of an arrow, or show this viewport alone; while drawing it is one more press."""
        drawing = self.gesture
        if event.button() is not _LEFT:
            self.press(event)
            return
        if isinstance(drawing, Drawing) and not drawing.begun_by_one_click:
            self.press(event)
            return
        self.cancel()
        at = self._surface.pointer(event.position())
        found = self._hit(at)
        if found is None:
            self._surface.enlarge()
        elif found.mark.kind is MarkKind.ARROW:
            self._surface.edit_text(found.mark)

    def wheel(self, event: QWheelEvent) -> None:
        """Scroll, or zoom with Ctrl; small steps of fine wheels add up."""
        angle = event.angleDelta().y()
        if angle == 0:
            return
        at = self._surface.pointer(event.position())
        viewport = self._surface.viewport
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            if viewport.image is not None:
                factor = _ZOOM_PER_NOTCH ** (angle / _NOTCH)
                viewport.set_camera(self._surface.transform.zoomed(factor, at.x, at.y))
            return
        if (angle > 0) != (self._wheel > 0):
            self._wheel = 0
        self._wheel += angle
        steps = int(self._wheel / _NOTCH)
        self._wheel -= steps * _NOTCH
        if steps:
            viewport.scroll(-steps)
            self._probe(at)

    def leave(self) -> None:
        """The pointer has left the viewport."""
        self.at = None
        self._wheel = 0
        self._set_hovered(None)
        self._desk.point_at(self._surface.viewport, None)
        self._surface.tell("")

    def cancel(self) -> bool:
        """Give up the mark being drawn or moved; False when there is none."""
        gesture, self.gesture = self.gesture, None
        self._side = None
        if gesture is None:
            return False
        gesture.cancel()
        self._surface.repaint_soon()
        return True

    def lose(self) -> None:
        """Give up what was going on: the release of the button went elsewhere."""
        self._held = _NONE
        self.cancel()

    def on_image(self) -> None:
        """Another image is shown: a mark being drawn belongs to the one before."""
        if self.gesture is not None and self.drawing and self._image != self._surface.viewport.reference:
            self.cancel()
        if self.at is not None:
            self._probe(self.at)

    def choose_cursor(self) -> None:
        """Show what the left button would do here."""
        shape = TOOLS[self._toolbox.tool].cursor
        if self.hovered is not None:
            shape = Qt.CursorShape.PointingHandCursor
        elif self.at is not None and not self._drawing_tool():
            grip = gripped(self._surface, self.at, self._surface.cross_lines())
            shape = shape if grip is None else _GRIP_CURSORS[isinstance(grip, Orientation)]
        self._surface.show_cursor(shape)

    def _press_left(self, at: Pointer) -> None:
        if self.gesture is not None:
            self.gesture.press(at)
            self._surface.repaint_soon()
            return
        tool = TOOLS[self._toolbox.tool]
        found, grip = self._hit(at), gripped(self._surface, at, self._surface.cross_lines())
        if grip is not None and found is None and not self._drawing_tool():
            self.gesture = self._cross_gesture(at, grip)
        elif self._edits_here():
            self.gesture = Stroke(self._surface, at, self._surface.outline)
        elif found is not None:
            self._surface.marks.select(found.mark.mark_id)
            self.gesture = Editing(self._surface, at, found.mark, found.handle)
        else:
            if tool.draws:
                self._surface.marks.select(None)
            self.gesture = tool.begin(self._surface, at)
        self._image = self._surface.viewport.reference
        self._surface.repaint_soon()

    def _drawing_tool(self) -> bool:
        """Whether the left button draws: marks may begin on a line of the cross-hair."""
        return TOOLS[self._toolbox.tool].draws

    def _cross_gesture(self, at: Pointer, grip: Orientation | str) -> Gesture:
        if isinstance(grip, Orientation):
            return TurnCross(self._surface, at, self._surface.mpr, self._surface.cross_lines()[0].centre)
        return MoveCross(self._surface, at, self._surface.mpr)

    def _edits_here(self) -> bool:
        """Whether the outline of the stack shown is being edited: strokes go before everything else."""
        viewport = self._surface.viewport
        return self._surface.outline.of(viewport.shown, viewport.index) is not None

    def _release_left(self, at: Pointer, *, clicked: bool) -> None:
        gesture = self.gesture
        if gesture is None:
            return
        if gesture.release(at):
            self.gesture = None
        if clicked and self.gesture is None and not isinstance(gesture, Editing | Drawing | Stroke):
            self._surface.marks.select(None)
        self._surface.repaint_soon()

    def _moved(self, at: Pointer) -> bool:
        """Whether a press has become a drag; once it has, it stays one."""
        if self._pressed is not None and at.distance(self._pressed) > CLICK:
            self._pressed = None
        return self._pressed is None

    def _hover(self, at: Pointer, modifiers: Qt.KeyboardModifier) -> None:
        viewport = self._surface.viewport
        cross = bool(modifiers & Qt.KeyboardModifier.ShiftModifier) and viewport.plane is not None
        self._desk.point_at(viewport, (at.row, at.column) if cross else None)
        found = self._hit(at)
        self._set_hovered(None if found is None else found.mark.mark_id)

    def _set_hovered(self, mark_id: str | None) -> None:
        if mark_id != self.hovered:
            self.hovered = mark_id
            self._surface.repaint_soon()
        self.choose_cursor()

    def _hit(self, at: Pointer) -> Hit | None:
        if self._surface.viewport.image is None:
            return None
        selected = self._surface.marks.selected
        name = None if selected is None else selected.mark_id
        return hit(self._surface.shown_marks(), self._surface.transform, at.x, at.y, name)

    def _probe(self, at: Pointer) -> None:
        viewport = self._surface.viewport
        if viewport.image is None:
            self._surface.tell("")
            return
        pixel = self._surface.transform.pixel_at(at.x, at.y)
        found = None if pixel is None else probe(viewport, *pixel)
        self._surface.tell("" if found is None else found.text)
