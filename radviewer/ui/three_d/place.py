"""Where a viewport shows its volume in 3D: over its images, for as long as the reader wants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from radviewer.app.reading_room import ReadingRoom
from radviewer.app.viewport import Viewport
from radviewer.domain.geometry import Vector

if TYPE_CHECKING:
    from radviewer.ui.three_d.view import ThreeDView


class ThreeDPlace(QObject):
    """Makes the 3D view of one viewport when it is wanted, and gives it back.

    Attributes
    ----------
    view : ThreeDView or None
        While the viewport is seen in 3D.

    """

    def __init__(self, parent: QWidget, room: ReadingRoom, viewport: Viewport) -> None:
        super().__init__(parent)
        self._widget, self._room, self._viewport = parent, room, viewport
        self.view: ThreeDView | None = None
        viewport.in_3d_changed.connect(self._on_changed)
        room.mpr.changed.connect(self._mark)

    def fill(self) -> None:
        """Cover the viewport."""
        if self.view is not None:
            self.view.setGeometry(self._widget.rect())

    def close(self) -> None:
        """Give back everything VTK and OpenGL hold."""
        view, self.view = self.view, None
        if view is not None:
            view.finalise()
            view.hide()
            view.deleteLater()

    def _on_changed(self) -> None:
        if not self._viewport.in_3d:
            self.close()
        elif self.view is None:
            self._open()

    def _open(self) -> None:
        from radviewer.ui.three_d.view import ThreeDView  # VTK is imported when it is first wanted

        self.view = view = ThreeDView(self._room, self._widget)
        view.setAutoFillBackground(True)  # the images are still painted below
        view.picked.connect(self._on_picked)
        view.notice.connect(self._room.notice)
        view.show_stack(self._viewport.subject)
        self.fill()
        view.show()
        view.raise_()
        self._mark()

    def _on_picked(self, point: Vector) -> None:
        subject = self._viewport.subject
        if subject is not None:
            self._room.mpr.reveal(subject.stack, point)

    def _mark(self) -> None:
        """Show where the planes of the volume meet."""
        subject = self._viewport.subject
        if self.view is not None and subject is not None:
            self.view.show_point(self._room.mpr.centre_of(subject.stack))
