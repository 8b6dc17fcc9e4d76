"""What the actions of reading side by side do: linking by hand, registering, blending."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtGui import QCursor

from radviewer.app.links import LinkKind
from radviewer.app.registering import name_of
from radviewer.app.shown import Shown
from radviewer.app.viewport import Viewport
from radviewer.render.blend import FusionMode
from radviewer.ui.choice_menu import ChoiceMenu

if TYPE_CHECKING:
    from radviewer.ui.main_window import MainWindow

_NO_OTHER = "Show another series in a second viewport first (F3)."
_NOT_LINKED = (
    "No series in another viewport is linked with this one. Show one there, then register it "
    "or link the two by hand (menu View, Side by side)."
)


class LinkCommands:
    """Commands by the name of their action, and whether those that can be checked are in force."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._room = room = window.room
        self.table: dict[str, Callable[[], object]] = {
            "side-by-side": lambda: window.actions_set.menus["side-by-side"].popup(QCursor.pos()),
            "link-here": self._link_here,
            "register": self._register,
            "unlink": self._unlink,
            "blend": partial(self._lay, FusionMode.BLEND),
            "checkerboard": partial(self._lay, FusionMode.CHECKERBOARD),
            "fusion-off": lambda: room.fusion.remove(self._active),
            "fusion-more": lambda: room.fusion.step(self._active, 1),
            "fusion-less": lambda: room.fusion.step(self._active, -1),
        }
        self.checks: dict[str, Callable[[], bool]] = {
            "blend": partial(self._lies, FusionMode.BLEND),
            "checkerboard": partial(self._lies, FusionMode.CHECKERBOARD),
        }

    def enabled(self) -> dict[str, bool]:
        """Which actions can be chosen just now."""
        over = self._room.fusion.over(self._active) is not None
        others = any(True for _ in self._others())
        made = any(self._made(other) for other in self._others())
        lies = dict.fromkeys(("fusion-off", "fusion-more", "fusion-less"), over)
        return {"link-here": others, "register": others, "unlink": made, **lies}

    @property
    def _active(self) -> Viewport:
        return self._room.desk.active

    def _others(self) -> Iterable[Viewport]:
        """Other viewports in sight that show another series than the active one, each series once."""
        desk, here = self._room.desk, self._active.subject
        found: dict[str, Viewport] = {}
        for viewport in desk.seen:
            subject = viewport.subject
            if here is not None and subject is not None and subject.stack is not here.stack:
                found.setdefault(subject.stack.key, viewport)
        return found.values()

    def _made(self, other: Viewport) -> bool:
        """Whether the reader has linked the active viewport with another one."""
        here, there = self._active.stack, other.stack
        if here is None or there is None:
            return False
        return self._room.desk.links.kind(here, there) in (LinkKind.OFFSET, LinkKind.REGISTERED)

    def _link_here(self) -> None:
        self._choose("Link with", self._others(), self._link_with)

    def _link_with(self, other: Viewport) -> None:
        links, here = self._room.desk.links, self._active
        reason = links.can_offset(here.plane, other.plane)
        if reason:
            self._room.notice.emit(reason)
        elif here.stack and other.stack and here.plane and other.plane:
            links.link_here(here.stack, here.plane, other.stack, other.plane)

    def _register(self) -> None:
        self._choose("Register the active series to", self._others(), self._register_to)

    def _register_to(self, other: Viewport) -> None:
        fixed, moving = other.subject, self._active.subject
        if fixed is not None and moving is not None:
            self._room.registering.start(fixed, moving)

    def _unlink(self) -> None:
        for other in list(self._others()):
            if self._active.stack is not None and other.stack is not None:
                self._room.desk.links.unlink(self._active.stack, other.stack)

    def _lay(self, mode: FusionMode) -> None:
        fusion, viewport = self._room.fusion, self._active
        over = fusion.over(viewport)
        if over is not None and over.style.mode is mode:
            fusion.remove(viewport)
        elif over is not None:
            fusion.lay(viewport, over.moving, mode)
        else:
            candidates = fusion.candidates(viewport)
            self._ask(
                f"{mode.value.capitalize()} with",
                [(name_of(shown), partial(self._lay_over, viewport, shown, mode)) for shown in candidates],
                _NOT_LINKED,
            )

    def _lay_over(self, viewport: Viewport, shown: Shown, mode: FusionMode) -> None:
        self._room.fusion.lay(viewport, shown, mode)

    def _lies(self, mode: FusionMode) -> bool:
        over = self._room.fusion.over(self._active)
        return over is not None and over.style.mode is mode

    def _choose(self, question: str, others: Iterable[Viewport], do: Callable[[Viewport], None]) -> None:
        answers = [(name_of(v.subject), partial(do, v)) for v in others if v.subject is not None]
        self._ask(question, answers, _NO_OTHER)

    def _ask(self, question: str, answers: Sequence[tuple[str, Callable[[], object]]], none: str) -> None:
        """Do the only thing there is, or ask which; without any, say what to do first."""
        if not answers:
            self._room.notice.emit(none)
        elif len(answers) == 1:
            answers[0][1]()
        else:
            menu = ChoiceMenu(question, self._window)
            for place, (text, do) in enumerate(answers, 1):
                action = menu.addAction(f"&{place}  {text.replace('&', '&&')}")
                action.triggered.connect(lambda _checked=False, do=do: self._answer(do))
            menu.popup(QCursor.pos())

    def _answer(self, do: Callable[[], object]) -> None:
        do()
        self._window.refresh()
