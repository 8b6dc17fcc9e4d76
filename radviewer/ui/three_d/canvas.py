"""The picture of a 3D view: rendered coarsely while it moves and finely at rest; the mouse turns it."""

from __future__ import annotations

import math
from collections.abc import Callable

from PySide6.QtCore import QElapsedTimer, QEvent, QPointF, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from radviewer.app.orbit import VIEWS, Orbit
from radviewer.domain.geometry import Vector
from radviewer.render.lettering import Lettering
from radviewer.ui.theme import colour
from radviewer.ui.three_d.annotations import Annotated, Label, paint_annotations, paint_sentence
from radviewer.ui.three_d.budget import Budget, fitted
from radviewer.ui.three_d.pictures import Pictures
from radviewer.ui.three_d.scene import Box, Quality

REST_AFTER = 150
"""ms without a change after which the fine picture is made."""
_FINEST = 1_600_000  # device pixels of the fine picture; larger views scale it up
_CLICK = 4.0  # logical pixels of a way that is still a click
_NOTCH = 120.0  # of a wheel
_KEYS = {Qt.Key(ord(letter)): letter for letter in VIEWS}


class Canvas(QWidget):
    """Paints what `Pictures` render, or a sentence in its place."""

    clicked = Signal(float, float)  # device pixels
    orbit_changed = Signal()
    rendered = Signal(object)  # Quality

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.orbit = Orbit()
        self.pictures: Pictures | None = None
        self.labels: tuple[Label, ...] = ()
        self.point: Vector | None = None
        self._message = ""
        self._lettering = Lettering()
        self._picture: QImage | None = None
        self._box: Box | None = None
        self._zoomed = False
        self._budget = Budget()
        self._pressed: QPointF | None = None
        self._last = QPointF()
        self._way = 0.0
        self._draft = self._timer(0, self._render_draft)
        self._rest = self._timer(REST_AFTER, self._render_rest)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAccessibleName("3D view")
        self.setMinimumSize(120, 90)

    def sizeHint(self) -> QSize:
        """Some room."""
        return QSize(480, 360)

    @property
    def device_size(self) -> tuple[int, int]:
        """Width and height in device pixels."""
        ratio = self.devicePixelRatioF()
        return (max(1, round(self.width() * ratio)), max(1, round(self.height() * ratio)))

    def show_message(self, message: str) -> None:
        """Show a sentence in the picture's place; "" shows the picture."""
        if message != self._message:
            self._message = message
            self.update()

    def set_pictures(self, pictures: Pictures | None) -> None:
        """Paint other pictures, or none."""
        self.pictures = pictures
        self._picture = None
        if pictures is None:
            self._draft.stop()
            self._rest.stop()
        else:
            pictures.fine.connect(self._on_fine)
        self.touch()

    def reset(self, box: Box | None) -> None:
        """Look from anterior with a box, LPS mm, in view; None: as it was made."""
        self._box = box
        self._zoomed = False
        self.set_orbit(self._fitted(Orbit()))

    def look_from(self, side: str) -> None:
        """Look from the patient's side A, P, L, R, S or I."""
        self.set_orbit(self._fitted(self.orbit.seen_from(side)))

    def set_orbit(self, orbit: Orbit) -> None:
        """Look from elsewhere."""
        if orbit != self.orbit:
            self.orbit = orbit
            self.orbit_changed.emit()
            self.touch()

    def touch(self) -> None:
        """Something has changed: a coarse picture at once, the fine one soon."""
        if self.pictures is not None:
            self.pictures.drop()
            if self._renders():
                self._draft.start()
                self._rest.start()
        self.update()

    def picture(self, size: tuple[int, int], ratio: float = 1.0) -> QImage:
        """The view as a picture of `size` device pixels, as fine as can be, with all that is written on it."""
        made = QImage(*size, QImage.Format.Format_RGB32)
        made.fill(QColor(0, 0, 0))
        painter = QPainter(made)
        if self._message or self.pictures is None:
            paint_sentence(painter, self._lettering, size, ratio, self._message)
        else:
            painter.drawImage(0, 0, self.pictures.now(self.orbit, size))
            paint_annotations(painter, self._lettering, self._annotated(size, ratio))
        painter.end()
        return made

    def _fitted(self, orbit: Orbit) -> Orbit:
        """With everything in view, unless the reader has zoomed or moved it."""
        return orbit if self._box is None or self._zoomed else orbit.fitted(*self._box, self.device_size)

    # Rendering

    def _timer(self, milliseconds: int, act: Callable[[], None]) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(milliseconds)
        timer.timeout.connect(act)
        return timer

    def _renders(self) -> bool:
        """Whether a picture would be seen."""
        return self.pictures is not None and not self._message and self.isVisible()

    def _render_draft(self) -> None:
        if self.pictures is None or not self._renders():
            return
        look = self.pictures.content.preset
        size = fitted(self.device_size, self._budget.pixels(look))
        clock = QElapsedTimer()
        clock.start()
        picture = self.pictures.draft(self.orbit, size)
        self._budget.spent(look, clock.nsecsElapsed() / 1e9)
        self._show(picture, Quality.MOVING)

    def _render_rest(self) -> None:
        if self._pressed is not None:  # the hand is still on it
            self._rest.start()
        elif self.pictures is not None and self._renders():
            self.pictures.ask(self.orbit, fitted(self.device_size, _FINEST))

    def _on_fine(self, picture: QImage) -> None:
        if self._renders():
            self._show(picture, Quality.REST)

    def _show(self, picture: QImage, quality: Quality) -> None:
        self._picture = picture
        self.update()
        self.rendered.emit(quality)

    def _annotated(self, size: tuple[int, int], ratio: float) -> Annotated:
        return Annotated(self.orbit, size, ratio, self.labels, self.point)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the picture and what is written on it, or the sentence."""
        painter = QPainter(self)
        ratio = self.devicePixelRatioF()
        painter.scale(1 / ratio, 1 / ratio)
        size = self.device_size
        painter.fillRect(QRect(0, 0, *size), QColor(0, 0, 0))
        if self._message:
            paint_sentence(painter, self._lettering, size, ratio, self._message)
        elif self._picture is not None:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(QRect(0, 0, *size), self._picture)
            paint_annotations(painter, self._lettering, self._annotated(size, ratio))
        if self.hasFocus():
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            painter.setPen(colour("accent"))
            painter.drawRect(0, 0, size[0] - 1, size[1] - 1)
        painter.end()

    def showEvent(self, event: QShowEvent) -> None:
        """Render what has changed meanwhile."""
        super().showEvent(event)
        self.touch()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Render in the new size."""
        super().resizeEvent(event)
        self.set_orbit(self._fitted(self.orbit))
        self.touch()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Mark that keys act here."""
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Unmark it."""
        super().focusOutEvent(event)
        self.update()

    # Mouse and keys

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a drag, or a click."""
        if self._pressed is None:
            self._way = 0.0
        self._pressed = self._last = event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Turn (left), move (middle) or zoom (right)."""
        if self._pressed is None:
            return
        step = event.position() - self._last
        self._last = event.position()
        self._way += abs(step.x()) + abs(step.y())
        if self._way < _CLICK:
            return
        side = max(1, min(self.width(), self.height()))
        across, down = step.x() / side, step.y() / side
        if event.buttons() & Qt.MouseButton.LeftButton:
            self.set_orbit(self.orbit.turned(across, down))
        elif event.buttons() & Qt.MouseButton.MiddleButton:
            self._zoomed = True
            self.set_orbit(self.orbit.panned(across, down))
        elif event.buttons() & Qt.MouseButton.RightButton:
            self._zoomed = True
            self.set_orbit(self.orbit.zoomed(math.exp(-2 * down)))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End a drag; a left click names a place."""
        if event.buttons():
            return
        self._pressed = None
        if self._way < _CLICK and event.button() is Qt.MouseButton.LeftButton:
            ratio = self.devicePixelRatioF()
            self.clicked.emit(event.position().x() * ratio, event.position().y() * ratio)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom."""
        self._zoomed = True
        self.set_orbit(self.orbit.zoomed(1.15 ** (event.angleDelta().y() / _NOTCH)))
        event.accept()

    def event(self, event: QEvent) -> bool:
        """Take the keys that mean a side of the patient here before a shortcut of the window does."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and _side(event) is not None:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Look from a side of the patient."""
        letter = _side(event)
        if letter is None:
            super().keyPressEvent(event)
        else:
            self.look_from(letter)


def _side(event: QKeyEvent) -> str | None:
    return None if event.modifiers() else _KEYS.get(Qt.Key(event.key()))
