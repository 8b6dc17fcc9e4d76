"""What the actions of reformatted planes do."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from radviewer.app.mpr import Cross
from radviewer.app.reading_room import ReadingRoom
from radviewer.domain.planes import Orientation, Slab

THICKNESSES = (0.0, 2.0, 3.0, 5.0, 8.0, 10.0, 15.0, 20.0, 30.0, 50.0, 100.0)
"""Of slabs, in mm, one step after the other."""

_FIRST = 10.0
"""Of a slab whose kind is chosen before its thickness, in mm."""


class PlaneCommands:
    """Commands by the name of their action, and whether those that can be checked are in force."""

    def __init__(self, room: ReadingRoom) -> None:
        self._room = room
        self.table: dict[str, Callable[[], object]] = {
            "planes": self._toggle,
            "volume-3d": self._toggle_3d,
            "planes-reset": lambda: room.mpr.reset(room.desk.active),
            "slab-thicker": partial(self._step, 1),
            "slab-thinner": partial(self._step, -1),
            **{f"plane-{o.value}": partial(self._show, o) for o in Orientation},
            **{f"slab-{slab.name.lower()}": partial(self._choose, slab) for slab in Slab},
        }
        self.checks: dict[str, Callable[[], bool]] = {
            "planes": lambda: room.mpr.active,
            "volume-3d": lambda: room.desk.active.in_3d,
            **{f"plane-{o.value}": partial(self._is_shown, o) for o in Orientation},
            **{f"slab-{slab.name.lower()}": partial(self._is_chosen, slab) for slab in Slab},
        }

    @property
    def _cross(self) -> Cross | None:
        return self._room.mpr.cross(self._room.desk.active)

    def _toggle(self) -> None:
        if self._room.mpr.active:
            self._room.mpr.leave()
        else:
            self._room.mpr.open(self._room.desk.active.shown)

    def _toggle_3d(self) -> None:
        viewport = self._room.desk.active
        viewport.set_in_3d(not viewport.in_3d)

    def _show(self, orientation: Orientation) -> None:
        shown = self._room.desk.active.subject
        if shown is not None:
            self._room.mpr.show(self._room.desk.active, shown, orientation)

    def _choose(self, slab: Slab) -> None:
        cross = self._cross
        if cross is None:
            self._say_where()
        elif cross.thickness and cross.slab is slab:
            self._room.mpr.set_slab(self._room.desk.active, slab, 0.0)
        else:
            self._room.mpr.set_slab(self._room.desk.active, slab, cross.thickness or _FIRST)

    def _step(self, steps: int) -> None:
        cross = self._cross
        if cross is None:
            self._say_where()
            return
        here = min(range(len(THICKNESSES)), key=lambda i: abs(THICKNESSES[i] - cross.thickness))
        thickness = THICKNESSES[min(max(here + steps, 0), len(THICKNESSES) - 1)]
        self._room.mpr.set_slab(self._room.desk.active, cross.slab, thickness)

    def _say_where(self) -> None:
        self._room.notice.emit("Slabs are of planes: press F7 to see this series in planes first.")

    def _is_shown(self, orientation: Orientation) -> bool:
        cut = self._room.desk.active.cut
        return cut is not None and cut.cut.orientation is orientation

    def _is_chosen(self, slab: Slab) -> bool:
        cross = self._cross
        return cross is not None and cross.thickness > 0 and cross.slab is slab
