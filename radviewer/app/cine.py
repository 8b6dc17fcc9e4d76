"""Cine: a viewport that scrolls by itself."""

from __future__ import annotations

from PySide6.QtCore import QElapsedTimer, QObject, Qt, QTimer, Signal

from radviewer.app.viewport import Viewport

SLOWEST, FASTEST, USUAL = 1.0, 60.0, 15.0
_FACTOR = 1.25


class Cine(QObject):
    """Plays the stack of one viewport in a loop at a rate in images per second.

    Late ticks drop images instead of slowing down; it waits on an image that is not
    decoded yet, and goes on from where the reader scrolls to.
    """

    changed = Signal()  # started, stopped, other rate

    def __init__(self, viewport: Viewport, parent: QObject | None = None, default_rate: float = USUAL) -> None:
        super().__init__(parent)
        self._viewport = viewport
        self._default = default_rate
        self._chosen: float | None = None
        self._clock = QElapsedTimer()
        self._first = 0  # shown when the clock was started
        self._last = 0  # shown by the latest tick
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.tick)
        viewport.stack_changed.connect(self._on_stack_changed)

    @property
    def playing(self) -> bool:
        """Whether the cine runs."""
        return self._timer.isActive()

    @property
    def rate(self) -> float:
        """Images per second: the reader's choice, else the file's own, else the default."""
        if self._chosen is not None:
            return self._chosen
        stack = self._viewport.stack
        if stack is not None and stack.frame_time_ms:
            return min(max(1000.0 / stack.frame_time_ms, SLOWEST), FASTEST)
        return self._default

    def set_default(self, rate: float) -> None:
        """Use another rate where neither file nor reader names one."""
        if rate != self._default:
            self._default = rate
            self._on_rate()

    def set_rate(self, rate: float) -> None:
        """Choose a rate; clamped to 1–60 images per second."""
        self._chosen = min(max(rate, SLOWEST), FASTEST)
        self._on_rate()

    def faster(self) -> None:
        """Raise the rate by a quarter."""
        self.set_rate(self.rate * _FACTOR)

    def slower(self) -> None:
        """Lower the rate by a fifth."""
        self.set_rate(self.rate / _FACTOR)

    def toggle(self) -> None:
        """Start or stop."""
        if self.playing:
            self.stop()
        elif self._viewport.stack is not None and len(self._viewport.stack.frames) > 1:
            self._start()
            self.changed.emit()

    def stop(self) -> None:
        """Stop where it is."""
        if self.playing:
            self._timer.stop()
            self.changed.emit()

    def tick(self) -> None:
        """Show the image that is due."""
        stack = self._viewport.stack
        if stack is None:
            self.stop()
        elif self._viewport.index != self._last or self._is_awaited():
            self._restart_clock()
        else:
            due = self._first + int(self._clock.elapsed() * self.rate / 1000)
            self._last = due % len(stack.frames)
            self._viewport.go_to(self._last)

    def _is_awaited(self) -> bool:
        return self._viewport.image is None and self._viewport.problem is None

    def _start(self) -> None:
        self._restart_clock()
        self._timer.start(max(4, round(500 / self.rate)))  # twice as often: no image is shown twice for late ticks

    def _restart_clock(self) -> None:
        self._first = self._last = self._viewport.index
        self._clock.restart()

    def _on_rate(self) -> None:
        if self.playing:
            self._start()
        self.changed.emit()

    def _on_stack_changed(self) -> None:
        self._chosen = None
        self.stop()
