"""A stack in 3D: the picture with its controls."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from radviewer.app.jobs import Job
from radviewer.app.reading_room import ReadingRoom
from radviewer.app.shown import Shown
from radviewer.app.three_d import Listed, ThreeD
from radviewer.domain.geometry import Vector
from radviewer.progress import Progress
from radviewer.render.contours import colour_of
from radviewer.ui.three_d.annotations import Label
from radviewer.ui.three_d.canvas import Canvas
from radviewer.ui.three_d.controls import Bar, Panel
from radviewer.ui.three_d.opengl import known_problem
from radviewer.ui.three_d.pictures import Pictures
from radviewer.ui.three_d.scene import Content, ShownSurface

_STARTING = "Starting the 3D view …"
_PRIORITY = 5  # nothing can be shown before the answer is there


class ThreeDView(QWidget):
    """Shows one stack of a reading room in 3D.

    Parameters
    ----------
    room : ReadingRoom
    parent : QWidget, optional
    problem : callable
        Why OpenGL does not work, or None; called in the background before the first picture.

    """

    picked = Signal(object)  # LPS mm (x, y, z) of what the reader clicked on
    notice = Signal(str)  # a sentence for the reader that needs no answer

    def __init__(
        self,
        room: ReadingRoom,
        parent: QWidget | None = None,
        *,
        problem: Callable[[Progress], str | None] = known_problem,
    ) -> None:
        super().__init__(parent)
        self._queue = room.display_queue
        self._find_problem = problem
        self._problem: str | None = _STARTING  # of OpenGL; None: it works
        self._asking: Job | None = None
        self._pictures: Pictures | None = None
        self.state = ThreeD(room.display_queue, room.cache, room.findings, room.overlays, self)
        self.canvas = Canvas()
        self.bar = Bar(self.state)
        self.panel = Panel(self.state)
        self.panel.hide()
        self._lay_out()
        self.state.stack_changed.connect(self.reset)
        self.state.changed.connect(self._refresh)
        self.state.notice.connect(self.notice)
        self.bar.view_asked.connect(self.look_from)
        self.bar.reset_asked.connect(self.reset)
        self.bar.panel.toggled.connect(self.panel.setVisible)
        self.canvas.clicked.connect(self._pick)
        self._refresh()

    def _lay_out(self) -> None:
        beside = QHBoxLayout()
        beside.setSpacing(0)
        beside.addWidget(self.canvas, 1)
        beside.addWidget(self.panel)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.bar)
        column.addLayout(beside, 1)

    def show_stack(self, shown: Shown | None) -> None:
        """Show a stack, or nothing; its volume is loaded where it is not yet."""
        self.state.show(shown)
        if shown is not None and self._problem == _STARTING and self._asking is None:
            self._asking = self._queue.submit(self._find_problem, "starting the 3D view", _PRIORITY)
            self._asking.succeeded.connect(self._on_tried)
            self._asking.failed.connect(self._on_tried)

    def show_point(self, point: Vector | None) -> None:
        """Mark a point of the patient, LPS mm, or none: where planes meet."""
        if point != self.canvas.point:
            self.canvas.point = point
            self.canvas.update()

    def look_from(self, side: str) -> None:
        """Look from the patient's side A, P, L, R, S or I."""
        self.canvas.look_from(side)

    def reset(self) -> None:
        """Look from anterior, all of the volume in view."""
        self.canvas.reset(self.state.box)

    def picture(self, size: tuple[int, int], ratio: float = 1.0) -> QImage:
        """The view as a picture of `size` device pixels, for export; letters and labels as on the screen."""
        return self.canvas.picture(size, ratio)

    def finalise(self) -> None:
        """Give back everything VTK and OpenGL hold; `show_stack` begins anew."""
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None
        self.state.close()
        self._drop_pictures()

    def _drop_pictures(self) -> None:
        self.canvas.set_pictures(None)
        if self._pictures is not None:
            self._pictures.finalise()
            self._pictures.deleteLater()
            self._pictures = None

    def _on_tried(self, problem: str | None) -> None:
        self._asking = None
        self._problem = problem
        self._refresh()

    def _refresh(self) -> None:
        """Bring state and pictures together."""
        self.bar.refresh()
        self.panel.refresh()
        self.canvas.show_message(self._sentence())
        if self.state.shown is None or self.state.volume is None or self._problem is not None:
            self._drop_pictures()
            return
        self._dress()

    def _sentence(self) -> str:
        """What stands in the picture's place."""
        if self.state.shown is None:
            return ""
        if self._problem is not None and self._problem != _STARTING:
            return self._problem
        return self.state.message or self._problem or ""

    def _dress(self) -> None:
        first = self._pictures is None
        if self._pictures is None:
            self._pictures = Pictures(self)
        state = self.state
        visible = [one for one in state.listed if one.look.visible and one.surface is not None]
        surfaces = {one.item.key: _shown(one) for one in visible}
        preset = state.preset if state.look.volume else None
        self._pictures.show(Content(state.volume, preset, state.clip, surfaces))
        if first:
            self.canvas.set_pictures(self._pictures)
            self.reset()
        self.canvas.labels = tuple(_label(one) for one in visible) if state.look.labels else ()
        self.canvas.touch()

    def _pick(self, x: float, y: float) -> None:
        if self._pictures is not None:
            point = self._pictures.pick(self.canvas.orbit, self.canvas.device_size, x, y)
            if point is not None:
                self.picked.emit(point)


def _shown(listed: Listed) -> ShownSurface:
    assert listed.surface is not None
    tint = colour_of(listed.item.label)
    return ShownSurface(listed.surface, (tint.redF(), tint.greenF(), tint.blueF()), listed.look.opacity)


def _label(listed: Listed) -> Label:
    assert listed.surface is not None
    x, y, z = (float(v) for v in listed.surface.centre)
    return Label(listed.label, (x, y, z), colour_of(listed.item.label))
