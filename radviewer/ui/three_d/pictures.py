"""The pictures of one view: drafts at once, fine ones in a thread of their own.

The first fine picture needs the gradients of all voxels, and every one of them its rays: up to seconds, in which the
window goes on.  VTK renders without Python's lock; each of the two scenes stays in its own thread, with its own
OpenGL, and what is rendered is shared and never written to.
"""

from __future__ import annotations

import os
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QImage

from radviewer.app.orbit import Orbit
from radviewer.domain.geometry import Vector
from radviewer.ui.three_d.scene import Content, Quality, Scene

_NICER = 10
_PATIENCE = 3.0  # seconds for the thread to give back its scene; gradients cannot be interrupted


class Pictures(QObject):
    """Renders what a view shows; `finalise` gives back everything."""

    fine = Signal(object)  # QImage of what was asked for last
    _rendered = Signal(int, object)  # number of the request, Future; from the thread

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.content = Content()
        self._draft = Scene()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="fine pictures", initializer=_give_way)
        self._scene: Scene | None = None  # the thread's own; from here it is only stopped
        self._request = 0
        self._closed = False
        self._rendered.connect(self._on_rendered, Qt.ConnectionType.QueuedConnection)

    def show(self, content: Content) -> None:
        """Show something else from now on."""
        self.drop()
        self.content = content
        self._draft.show(content)

    def draft(self, orbit: Orbit, size: tuple[int, int]) -> QImage:
        """Coarse picture of `size` (width, height) device pixels."""
        return self._draft.render(orbit, size, Quality.MOVING)

    def ask(self, orbit: Orbit, size: tuple[int, int]) -> None:
        """Have a fine picture made; `fine` brings it, unless it is dropped before."""
        self.drop()
        request = self._request
        future = self._thread.submit(self._render, request, self.content, orbit, size)
        future.add_done_callback(lambda done: self._tell(request, done))

    def drop(self) -> None:
        """Stop the fine picture that is on its way: nothing of it is delivered."""
        self._request += 1
        if self._scene is not None:
            self._scene.abort()

    def now(self, orbit: Orbit, size: tuple[int, int]) -> QImage:
        """Fine picture, waited for."""
        picture = self._thread.submit(self._render, self._request, self.content, orbit, size).result()
        assert picture is not None  # nothing could drop it meanwhile
        return picture

    def pick(self, orbit: Orbit, size: tuple[int, int], x: float, y: float) -> Vector | None:
        """LPS mm of what is seen at a pixel of a picture of `size`, counted from its upper left; None for nothing."""
        return self._draft.pick(orbit, size, x, y)

    def finalise(self) -> None:
        """Give back everything VTK and OpenGL hold."""
        if self._closed:
            return
        self.drop()
        self._closed = True
        self._draft.finalise()
        given_back = self._thread.submit(self._give_back)
        self._thread.shutdown(wait=False)
        wait([given_back], _PATIENCE)  # if it takes longer, the thread ends by itself
        self.content = Content()

    def _tell(self, request: int, done: Future[QImage | None]) -> None:
        if not self._closed:
            self._rendered.emit(request, done)

    def _on_rendered(self, request: int, done: Future[QImage | None]) -> None:
        picture = done.result()
        if request == self._request and picture is not None:
            self.fine.emit(picture)

    # In the thread

    def _render(self, request: int, content: Content, orbit: Orbit, size: tuple[int, int]) -> QImage | None:
        if request != self._request:
            return None
        if self._scene is None:
            self._scene = Scene()
        self._scene.show(content)
        picture = self._scene.render(orbit, size, Quality.REST)
        return picture if request == self._request else None

    def _give_back(self) -> None:
        scene, self._scene = self._scene, None
        if scene is not None:
            scene.finalise()


def _give_way() -> None:
    """Let drafts go first; on Linux a priority is a thread's own, and VTK's threads inherit it."""
    if sys.platform == "linux":
        me = threading.get_native_id()
        with suppress(OSError):  # a sandbox may forbid it
            os.setpriority(os.PRIO_PROCESS, me, os.getpriority(os.PRIO_PROCESS, me) + _NICER)
