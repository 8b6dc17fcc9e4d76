"""Another series over the one a viewport shows: blended with it, or as a checkerboard."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from radviewer.app.desk import Desk
from radviewer.app.links import Link
from radviewer.app.registering import name_of
from radviewer.app.series_cache import SeriesCache
from radviewer.app.shown import Shown
from radviewer.app.viewport import Viewport
from radviewer.domain.study import Stack
from radviewer.domain.volume import SliceImage
from radviewer.render.blend import FEWEST_CELLS, MOST_CELLS, FusionMode, FusionStyle, fused
from radviewer.render.presentation import Presentation
from radviewer.render.windowing import automatic_window

if TYPE_CHECKING:
    from radviewer.volumes.alike import Alike

_STEP = 0.1  # of the share


@dataclass(frozen=True, slots=True, eq=False)
class Over:
    """What lies over one viewport.

    Attributes
    ----------
    fixed : Stack
        What the viewport showed when it began; another stack there ends it.
    moving : Shown

    """

    fixed: Stack
    moving: Shown
    style: FusionStyle


@dataclass(slots=True)
class _Kept:
    """The last picture of a viewport and what it was made of."""

    key: tuple[object, ...]
    image: SliceImage | None


@dataclass(slots=True)
class _Under:
    """The moving series where a viewport shows the fixed one; it is the same however much of it is seen."""

    key: tuple[object, ...]
    found: tuple[SliceImage, NDArray[np.bool_]] | None


class Fusion(QObject):
    """Which series lies over which viewport.

    Parameters
    ----------
    desk : Desk
        Its links say where the other series lies.
    cache : SeriesCache
    parent : QObject, optional

    """

    changed = Signal()

    def __init__(self, desk: Desk, cache: SeriesCache, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk, self._cache = desk, cache
        self._over: dict[Viewport, Over] = {}
        self._pictures: dict[Viewport, _Kept] = {}
        self._under: dict[Viewport, _Under] = {}
        self._volumes: dict[str, Alike] = {}
        desk.links.changed.connect(self._on_links)
        cache.dropped.connect(lambda key: self._volumes.pop(key, None))
        cache.loaded.connect(self._on_moving)
        for viewport in desk.viewports:
            viewport.stack_changed.connect(partial(self._on_stack, viewport))
            viewport.view_changed.connect(partial(self._on_view, viewport))

    def over(self, viewport: Viewport) -> Over | None:
        """What lies over a viewport."""
        return self._over.get(viewport)

    def candidates(self, viewport: Viewport) -> tuple[Shown, ...]:
        """Series in other viewports of the layout that can be laid over one: linked, grey, regular."""
        found: dict[str, Shown] = {}
        for other in self._desk.seen:
            subject = other.subject
            if subject is not None and other is not viewport and self._link(viewport, subject.stack) is not None:
                found.setdefault(subject.stack.key, subject)
        return tuple(found.values())

    def lay(self, viewport: Viewport, moving: Shown, mode: FusionMode) -> bool:
        """Lay a series over a viewport; False when the two are not linked."""
        if viewport.stack is None or self._link(viewport, moving.stack) is None:
            return False
        before = self._over.get(viewport)
        style = FusionStyle() if before is None else before.style
        self._over[viewport] = Over(viewport.stack.source, moving, replace(style, mode=mode))
        self._cache.request(moving.stack, lambda: moving.stack.first_shown)
        self.changed.emit()
        return True

    def remove(self, viewport: Viewport) -> None:
        """Show a viewport's own series alone."""
        self._pictures.pop(viewport, None)
        self._under.pop(viewport, None)
        if self._over.pop(viewport, None) is not None:
            self.changed.emit()

    def step(self, viewport: Viewport, steps: int) -> None:
        """More or less of the moving series, or smaller or larger squares."""
        over = self._over.get(viewport)
        if over is None:
            return
        style = over.style
        if style.mode is FusionMode.BLEND:
            self.set_share(viewport, round(style.share + steps * _STEP, 3))
        else:
            self.set_cells(viewport, style.cells + 2 * steps)

    def set_share(self, viewport: Viewport, share: float) -> None:
        """How much of the moving series a blend shows, 0–1 (clamped)."""
        self._restyle(viewport, share=min(1.0, max(0.0, share)))

    def set_cells(self, viewport: Viewport, cells: int) -> None:
        """How many squares a checkerboard has along its longer side (clamped)."""
        self._restyle(viewport, cells=min(MOST_CELLS, max(FEWEST_CELLS, cells)))

    def _restyle(self, viewport: Viewport, **values: Any) -> None:
        over = self._over.get(viewport)
        if over is not None and (style := replace(over.style, **values)) != over.style:
            self._over[viewport] = replace(over, style=style)
            self.changed.emit()

    def clear(self) -> None:
        """Forget everything."""
        self._volumes.clear()
        self._pictures.clear()
        self._under.clear()
        if self._over:
            self._over.clear()
            self.changed.emit()

    def image(self, viewport: Viewport) -> SliceImage | None:
        """Both series in one picture; None where nothing lies over the viewport, or it is not loaded yet."""
        over, image = self._over.get(viewport), viewport.image
        if over is None or image is None or image.is_colour:
            return None
        link = self._link(viewport, over.moving.stack)
        volume = self._cache.volume(over.moving.stack)
        if link is None or volume is None:
            return None
        shown = self._presentation(over.moving, volume.slices)
        key = (image, volume, over.style, viewport.presentation, shown)  # images and volumes are told by identity
        kept = self._pictures.get(viewport)
        if kept is None or kept.key != key:
            kept = self._pictures[viewport] = _Kept(key, self._made(viewport, image, over, link, shown))
        return kept.image

    def words(self, viewport: Viewport) -> tuple[str, ...]:
        """Lines for the corner: both series, how much of which, and what links them."""
        over, subject = self._over.get(viewport), viewport.subject
        link = None if over is None else self._link(viewport, over.moving.stack)
        if over is None or subject is None or link is None:
            return ()
        style = over.style
        how = f"{100 * style.share:.0f} % amber" if style.mode is FusionMode.BLEND else "amber squares"
        loading = "" if self._cache.volume(over.moving.stack) is not None else ", loading …"
        return (name_of(subject), f"+ {how} {name_of(over.moving)}", f"{link.words}{loading}")

    def _made(
        self, viewport: Viewport, image: SliceImage, over: Over, link: Link, shown: Presentation
    ) -> SliceImage | None:
        key = (image, self._cache.volume(over.moving.stack), link.matrix.tobytes())
        under = self._under.get(viewport)
        if under is None or under.key != key:
            found = self._alike(over.moving.stack).on(image, link.matrix)
            under = self._under[viewport] = _Under(key, found)
        if under.found is None:
            return None
        there, inside = under.found
        return fused((image, viewport.presentation), (there, shown), inside, over.style)

    def _alike(self, stack: Stack) -> Alike:
        from radviewer.volumes.alike import Alike

        volume = self._cache.volume(stack)
        if volume is None:
            raise ValueError("not loaded")
        if stack.key not in self._volumes:
            self._volumes[stack.key] = Alike(volume)
        return self._volumes[stack.key]

    def _presentation(self, moving: Shown, slices: tuple[SliceImage | None, ...]) -> Presentation:
        """The window the moving series is read in: the reader's, its own, or a fitting one."""
        for viewport in self._desk.seen:
            if viewport.stack is not None and viewport.stack.source is moving.stack:
                return viewport.presentation
        left = self._desk.active.left(moving.stack)
        if left is not None:
            return left.presentation
        middle = next((image for image in slices[len(slices) // 2 :] if image is not None), None)
        return Presentation() if middle is None else Presentation(fallback=automatic_window(middle))

    def _link(self, viewport: Viewport, moving: Stack) -> Link | None:
        here = viewport.stack
        if here is None or here.source is moving or here.geometry is None or moving.geometry is None:
            return None
        if here.format.samples_per_pixel > 1 or moving.format.samples_per_pixel > 1:
            return None
        return self._desk.links.between(here.source, moving)

    def _on_links(self) -> None:
        for viewport, over in list(self._over.items()):
            if self._link(viewport, over.moving.stack) is None:
                self.remove(viewport)
        self._pictures.clear()
        self.changed.emit()

    def _on_moving(self, key: str) -> None:
        """A series has been loaded, or is seen in another window."""
        if any(over.moving.stack.key == key for over in self._over.values()):
            self.changed.emit()

    def _on_view(self, viewport: Viewport) -> None:
        if viewport.stack is not None:
            self._on_moving(viewport.stack.source.key)

    def _on_stack(self, viewport: Viewport) -> None:
        over = self._over.get(viewport)
        if over is not None and (viewport.stack is None or viewport.stack.source is not over.fixed):
            self.remove(viewport)
