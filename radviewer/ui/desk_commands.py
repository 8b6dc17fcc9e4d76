"""What the actions of the viewports do: a table from the name of an action to a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from radviewer.app import navigation
from radviewer.app.desk import Layout
from radviewer.app.marks import MarkBook
from radviewer.app.reading_room import ReadingRoom
from radviewer.app.viewport import Viewport
from radviewer.app.window_steps import stepped
from radviewer.render.annotations import Density
from radviewer.render.presentation import STEP_STRENGTHS, ContrastStep, StepKind
from radviewer.ui.plane_commands import PlaneCommands
from radviewer.ui.tools import TOOLS

if TYPE_CHECKING:
    from radviewer.ui.desk_widget import DeskWidget

_ZOOM = 1.25
_WIDER, _BRIGHTER = 25.0, 15.0  # as a drag by so many pixels


class DeskCommands:
    """Commands by the name of their action, and whether those that can be checked are in force."""

    def __init__(self, widget: DeskWidget, room: ReadingRoom) -> None:
        self._widget = widget
        self._room = room
        planes = PlaneCommands(room)
        self._table: dict[str, Callable[[], object]] = {
            **self._ways(),
            **self._views(),
            **self._contrast(),
            **self._marking(),
            **self._arrangement(),
            **{name: self._choosing(name) for name in TOOLS},
            **planes.table,
        }
        self._checks: dict[str, Callable[[], bool]] = {
            "cine": lambda: room.desk.cine.playing,
            "key-image": self._is_key_image,
            "invert": lambda: self._active.presentation.inverted,
            "smooth": lambda: room.settings.now.smooth,
            "link": lambda: room.settings.now.linked,
            "hanging-automatic": lambda: room.settings.now.hang_automatically,
            "reference-lines": lambda: room.settings.now.reference_lines,
            **{f"step-{kind.value}": self._stepping(kind) for kind in StepKind},
            **{f"layout-{layout.value}": self._laid(layout) for layout in Layout},
            **{name: self._chosen(name) for name in TOOLS},
            **planes.checks,
        }

    @property
    def names(self) -> frozenset[str]:
        """Actions that are done here."""
        return frozenset(self._table)

    def run(self, name: str) -> None:
        """Do it; an action that is not of the viewports is passed on by `DeskWidget.wanted`."""
        if name in self._table:
            self._table[name]()
        else:
            self._widget.wanted.emit(name)

    def checked(self, name: str) -> bool | None:
        """Whether it is in force; None for actions that cannot be checked here."""
        check = self._checks.get(name)
        return None if check is None else check()

    @property
    def _active(self) -> Viewport:
        return self._room.desk.active

    @property
    def _marks(self) -> MarkBook:
        return self._room.marks

    def _ways(self) -> dict[str, Callable[[], object]]:
        room = self._room
        return {
            "previous-image": lambda: self._active.scroll(-1),
            "next-image": lambda: self._active.scroll(1),
            "back-10": lambda: self._active.scroll(-10),
            "forward-10": lambda: self._active.scroll(10),
            "first-image": lambda: self._active.go_to(0),
            "last-image": self._go_to_last,
            "previous-series": lambda: navigation.step_series(room, -1),
            "next-series": lambda: navigation.step_series(room, 1),
            "next-marked": self._go_to_marked,
            "cine": lambda: room.desk.cine.toggle(),
            "cine-faster": lambda: room.desk.cine.faster(),
            "cine-slower": lambda: room.desk.cine.slower(),
        }

    def _views(self) -> dict[str, Callable[[], object]]:
        def camera(change: Callable[[Viewport], object]) -> Callable[[], object]:
            return lambda: change(self._active) if self._active.image is not None else None

        return {
            "fit": camera(lambda v: v.set_camera(v.camera.fit())),
            "one-to-one": camera(lambda v: v.set_camera(self._widget.active.transform.one_to_one())),
            "zoom-in": camera(lambda v: v.set_camera(self._widget.active.transform.zoomed(_ZOOM))),
            "zoom-out": camera(lambda v: v.set_camera(self._widget.active.transform.zoomed(1 / _ZOOM))),
            "rotate-right": camera(lambda v: v.set_camera(v.camera.rotated(1))),
            "rotate-left": camera(lambda v: v.set_camera(v.camera.rotated(-1))),
            "flip-horizontal": camera(lambda v: v.set_camera(v.camera.flipped_horizontally())),
            "flip-vertical": camera(lambda v: v.set_camera(v.camera.flipped_vertically())),
            "invert": lambda: self._active.set_inverted(not self._active.presentation.inverted),
            "smooth": lambda: self._room.settings.change(smooth=not self._room.settings.now.smooth),
            "reset": self._reset,
        }

    def _contrast(self) -> dict[str, Callable[[], object]]:
        return {
            "preset-0": lambda: self._active.set_voi(None),
            **{f"preset-{key}": self._preset(key) for key in range(1, 10)},
            "window-wider": lambda: self._step_window(_WIDER, 0),
            "window-narrower": lambda: self._step_window(-_WIDER, 0),
            "window-brighter": lambda: self._step_window(0, _BRIGHTER),
            "window-darker": lambda: self._step_window(0, -_BRIGHTER),
            **{f"step-{kind.value}": self._toggling(kind) for kind in StepKind},
            "steps-clear": lambda: self._active.set_steps((), "Remove contrast aids"),
        }

    def _marking(self) -> dict[str, Callable[[], object]]:
        return {
            "undo": self._undo,
            "redo": lambda: self._room.history.redo(),
            "delete-mark": self._delete,
            "key-image": self._toggle_key_image,
            "measure-menu": self._widget.open_measure_menu,
        }

    def _arrangement(self) -> dict[str, Callable[[], object]]:
        room = self._room
        return {
            **{f"layout-{layout.value}": self._laying(layout) for layout in Layout},
            "hanging-automatic": self._toggle_automatic,
            "next-viewport": lambda: self._go_round(1),
            "previous-viewport": lambda: self._go_round(-1),
            "link": lambda: room.settings.change(linked=not room.settings.now.linked),
            "reference-lines": lambda: room.settings.change(reference_lines=not room.settings.now.reference_lines),
            "density": lambda: room.settings.change(density=Density(room.settings.now.density).following.value),
        }

    def _go_to_last(self) -> None:
        stack = self._active.stack
        self._active.go_to(0 if stack is None else len(stack.frames) - 1)

    def _go_to_marked(self) -> None:
        if not navigation.next_marked(self._room):
            self._room.notice.emit("No other image is marked.")

    def _go_round(self, step: int) -> None:
        self._room.desk.activate_next(step)
        self._widget.focus_active()

    def _reset(self) -> None:
        if self._widget.cancel_drawing():
            return
        if self._room.mask_edit.active:
            self._room.mask_edit.cancel()
        else:
            self._active.reset()

    def _preset(self, key: int) -> Callable[[], None]:
        def choose() -> None:
            image = self._active.image
            preset = next((p for p in self._widget.presets() if p.key == key), None)
            if image is not None and preset is not None:
                self._active.set_voi(preset.window(image))

        return choose

    def _step_window(self, right: float, up: float) -> None:
        image = self._active.image
        if image is not None:
            self._active.set_voi(stepped(image, self._active.presentation, right, up))

    def _toggling(self, kind: StepKind) -> Callable[[], None]:
        return lambda: self._active.toggle_step(ContrastStep(kind, STEP_STRENGTHS[kind][1]))

    def _stepping(self, kind: StepKind) -> Callable[[], bool]:
        return lambda: self._active.has_step(kind)

    def _undo(self) -> None:
        if not self._widget.cancel_drawing() and not self._room.mask_edit.undo():
            self._room.history.undo()

    def _delete(self) -> None:
        selected = self._marks.selected
        on_screen = {viewport.reference for viewport in self._room.desk.seen}
        if selected is not None and selected.image in on_screen and not self._widget.cancel_drawing():
            self._marks.remove(selected.mark_id)

    def _toggle_key_image(self) -> None:
        if self._active.reference is not None:
            self._marks.toggle_key_image(self._active.reference)

    def _is_key_image(self) -> bool:
        reference = self._active.reference
        return reference is not None and self._marks.key_image(reference) is not None

    def _laying(self, layout: Layout) -> Callable[[], None]:
        def lay() -> None:
            self._room.desk.set_layout(layout)
            self._room.settings.change(layout=layout.value)

        return lay

    def _toggle_automatic(self) -> None:
        self._room.settings.change(hang_automatically=not self._room.settings.now.hang_automatically)

    def _laid(self, layout: Layout) -> Callable[[], bool]:
        return lambda: self._room.desk.layout is layout

    def _choosing(self, tool: str) -> Callable[[], None]:
        return lambda: self._room.toolbox.choose(tool)

    def _chosen(self, tool: str) -> Callable[[], bool]:
        return lambda: self._room.toolbox.tool == tool
