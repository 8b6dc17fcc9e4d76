"""Planes that bear marks: how they are written down, and how they are cut again when a study is opened."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from typing import Any

from radviewer.app.shown import Shown
from radviewer.domain.geometry import Vector
from radviewer.domain.measurement import ImageReference, PlaneSource
from radviewer.domain.planes import Axes, Orientation, Slab
from radviewer.domain.reformat import Cut, Reformat, reformatted, why_not
from radviewer.render.annotations import position


def written(source: PlaneSource | None) -> str:
    """As it is kept on disk, JSON; "" for None."""
    if source is None:
        return ""
    cut = source.cut
    return json.dumps(
        {
            "image": [source.sop_instance_uid, source.frame],
            "orientation": cut.orientation.value,
            "axes": [cut.axes.left, cut.axes.posterior, cut.axes.superior],
            "base": [cut.base.left, cut.base.posterior, cut.base.superior],
            "centre": cut.centre,
            "slab": cut.slab.value,
            "thickness": cut.thickness,
        }
    )


def read(text: str) -> PlaneSource | None:
    """Read what `written` wrote.

    Raises
    ------
    ValueError, TypeError, RecursionError
        If it is something else.

    """
    if not text:
        return None
    found = json.loads(text)
    if not isinstance(found, dict):
        raise TypeError("planes are a JSON object")
    try:
        uid, frame = found["image"]
        thickness = float(found["thickness"])
        centre = None if found["centre"] is None else _vector(found["centre"])
        cut = Cut(
            Orientation(found["orientation"]),
            _axes(found["axes"]),
            _axes(found["base"]),
            centre,
            Slab(found["slab"]),
            thickness,
        )
    except KeyError as error:
        raise ValueError(f"planes without {error}") from error
    if not isinstance(uid, str) or not isinstance(frame, int) or not 0 <= thickness < math.inf:
        raise TypeError("no planes")
    return PlaneSource(uid, frame, cut)


def _axes(found: Any) -> Axes:
    left, posterior, superior = (_vector(v) for v in found)
    return Axes(left, posterior, superior)


def _vector(found: Any) -> Vector:
    x, y, z = (float(v) for v in found)
    if not all(map(math.isfinite, (x, y, z))):
        raise ValueError("a vector is three finite numbers")
    return (x, y, z)


def plane_words(planes: Reformat, index: int) -> str:
    """Name and place of one plane: ``"coronal, oblique, MIP 10 mm, A 12.3 mm"``."""
    return f"{planes.label}, {position(planes.planes.grid(index).plane)}"


def plane_heading(planes: Reformat, index: int) -> str:
    """The same for a list, what tells most first: ``"Coronal A 12.3 mm, oblique, MIP 10 mm"``."""
    name = planes.cut.orientation.value
    rest = planes.label.removeprefix(name)
    return f"{name.capitalize()} {position(planes.planes.grid(index).plane)}{rest}"


def plane_notes(planes: Reformat, index: int, series: str) -> tuple[str, str]:
    """What a picture of a plane must say, in two lines: which plane it is, and that it was never acquired."""
    words = plane_words(planes, index)
    return f"{words[:1].upper()}{words[1:]}", f"Reformatted, no acquired image: {series}"


class MarkedPlanes:
    """Planes of what is open, cut as they were when marks were drawn on them.

    Parameters
    ----------
    all_shown : callable
        Every stack of what is open.

    """

    def __init__(self, all_shown: Callable[[], Iterable[Shown]]) -> None:
        self._all_shown = all_shown
        self._found: dict[tuple[ImageReference, Cut], Shown | None] = {}

    def clear(self) -> None:
        """Forget them: something else is open."""
        self._found.clear()

    def place_of(self, image: ImageReference) -> tuple[Shown, int] | None:
        """Planes and 0-based index of the one that bears a mark; None when its volume is not open.

        None, too, when the volume does not lie where it lay: the mark would be somewhere else in the patient.
        """
        if image.planes is None:
            return None
        key = (image, image.planes.cut)
        if key not in self._found:
            self._found[key] = self._cut(image, image.planes)
        shown = self._found[key]
        return None if shown is None else (shown, image.frame)

    def _cut(self, image: ImageReference, source: PlaneSource) -> Shown | None:
        for shown in self._all_shown():
            first = shown.stack.frames[0]
            same = (shown.study.study_uid, shown.series.series_uid) == (image.study_uid, image.series_uid)
            if not same or (first.file.sop_instance_uid, first.index) != (source.sop_instance_uid, source.frame):
                continue
            planes = None if why_not(shown.stack) else _again(shown, source.cut)
            if planes is not None and planes.frames[0].file.sop_instance_uid == image.sop_instance_uid:
                return Shown(shown.study, shown.series, planes) if 0 <= image.frame < len(planes.frames) else None
        return None


def _again(shown: Shown, cut: Cut) -> Reformat | None:
    """Planes of a stack; None where they cannot be cut, such as along directions that are none."""
    sizes = (math.hypot(*v) for axes in (cut.axes, cut.base) for v in (axes.left, axes.posterior, axes.superior))
    return reformatted(shown.stack, cut) if all(abs(size - 1) < 1e-3 for size in sizes) else None
