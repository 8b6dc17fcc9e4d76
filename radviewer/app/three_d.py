"""State of a 3D view: the volume, how it is looked at, and which surfaces are shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from radviewer.app.findings import Findings
from radviewer.app.jobs import Job, JobQueue
from radviewer.app.overlay_state import OverlayState
from radviewer.app.series_cache import SeriesCache
from radviewer.app.shown import Shown
from radviewer.app.three_d_surfaces import Item, SurfaceKey, items_of
from radviewer.app.volume_presets import VolumePreset, offered, read_volume_presets
from radviewer.domain.opinion import Mask
from radviewer.domain.volume import Volume
from radviewer.errors import BadResource
from radviewer.progress import Progress
from radviewer.volumes.render_volume import RenderVolume, patient_box, prepare, refusal_of_stack
from radviewer.volumes.surfaces import Surface, surface_of

PREPARING = "Preparing the 3D view …"
LOADING = "Loading the series …"
_PRIORITY = -5  # behind contrast aids of images on the screen

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Look:
    """How the view is shown.

    Attributes
    ----------
    volume, labels : bool
        Whether the volume and the surfaces' labels are shown.
    clipped : bool
        Whether only the part of the volume in the clipping box is shown; surfaces stay whole.
    low, high : (float, float, float)
        The clipping box along LPS, 0–1 of the volume's own box: right to left, anterior to posterior, inferior
        to superior.

    """

    volume: bool = True
    labels: bool = True
    clipped: bool = False
    low: tuple[float, float, float] = (0.0, 0.0, 0.0)
    high: tuple[float, float, float] = (1.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class SurfaceLook:
    """How one surface is shown, once the reader chose."""

    visible: bool
    opacity: float


@dataclass(frozen=True, slots=True, eq=False)
class Listed:
    """One line of the list of surfaces; `surface` is None until it is made, `problem` says why it cannot be."""

    item: Item
    look: SurfaceLook
    surface: Surface | None
    problem: str = ""

    @property
    def label(self) -> str:
        """What is written beside it: name, volume, diameters."""
        size = self.item.measured
        if "volume" not in size and self.surface is not None:
            volume = f"volume {self.surface.voxel_ml:.3g} ml"
            size = f"{volume}, {size}" if size else volume
        name = self.item.label[:1].upper() + self.item.label[1:]
        return f"{name}: {size}" if size else name


class ThreeD(QObject):
    """What a 3D view shows; volumes and surfaces are made in the background.

    Attributes
    ----------
    message : str
        What stands in the picture's place: a reason why there is none, or what is being done; else "".
    volume : RenderVolume or None
    look : Look
    presets : tuple of VolumePreset
        Those that fit the volume.
    preset : VolumePreset or None
        The one in force.

    """

    stack_changed = Signal()  # another stack, or none
    changed = Signal()  # message, volume, look, preset or surfaces
    notice = Signal(str)  # a sentence that needs no answer

    def __init__(
        self,
        queue: JobQueue,
        cache: SeriesCache,
        findings: Findings,
        overlays: OverlayState,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._queue, self._cache, self._findings, self._overlays = queue, cache, findings, overlays
        self.shown: Shown | None = None
        self.message = ""
        self.volume: RenderVolume | None = None
        self.look = Look()
        self.presets: tuple[VolumePreset, ...] = ()
        self.preset: VolumePreset | None = None
        self._all_presets: tuple[VolumePreset, ...] | None = None
        self._chosen: dict[str | None, str] = {}  # modality → name of the preset the reader chose last
        self._preparing: Job | None = None
        self._items: tuple[Item, ...] = ()
        self._looks: dict[SurfaceKey, SurfaceLook] = {}
        self._made: dict[int, tuple[Mask, Surface | str]] = {}  # by the mask's id, which it keeps alive
        self._making: dict[int, Job] = {}
        cache.loaded.connect(self._on_loaded)
        cache.failed.connect(self._on_load_failed)
        findings.changed.connect(self._refresh_items)
        overlays.changed.connect(self._refresh_items)

    # What is shown

    def show(self, shown: Shown | None) -> None:
        """Show a stack, or nothing; what was on its way for another one is dropped."""
        if shown is not None and self.shown is not None and shown.stack is self.shown.stack:
            return
        self._stop()
        self.shown = shown
        self.look = replace(self.look, clipped=False, low=(0.0, 0.0, 0.0), high=(1.0, 1.0, 1.0))
        refused = None if shown is None else refusal_of_stack(shown.stack)
        self.message = refused or ("" if shown is None else LOADING)
        if shown is not None and refused is None:
            self._begin(shown)
        self._items = self._found_items()
        self.stack_changed.emit()
        self._make_surfaces()
        self.changed.emit()

    def close(self) -> None:
        """Drop everything that is held or on its way."""
        self._stop()
        self.shown = None
        self.message = ""

    @property
    def box(self) -> tuple[Array, Array] | None:
        """Lowest and highest LPS mm of the stack's grid; None when there is none."""
        geometry = None if self.shown is None else self.shown.stack.geometry
        return None if geometry is None else patient_box(geometry)

    @property
    def clip(self) -> tuple[Array, Array] | None:
        """The clipping box, LPS mm; None when it is off."""
        box = self.box
        if box is None or not self.look.clipped:
            return None
        size = box[1] - box[0]
        return box[0] + size * np.array(self.look.low), box[0] + size * np.array(self.look.high)

    def change(self, **values: Any) -> None:
        """Change some of the look; a clipping box keeps some thickness."""
        new = replace(self.look, **values)
        thin = any(high - low < 0.01 for low, high in zip(new.low, new.high, strict=True))
        if new != self.look and not thin:
            self.look = new
            self.changed.emit()

    def choose(self, name: str) -> None:
        """Show the volume by another preset."""
        found = next((preset for preset in self.presets if preset.name == name), None)
        if found is not None and found is not self.preset and self.shown is not None:
            self.preset = found
            self._chosen[self.shown.series.modality] = name
            self.changed.emit()

    # Surfaces

    @property
    def listed(self) -> tuple[Listed, ...]:
        """The list of surfaces, in the order of the findings."""
        return tuple(self._listed(item) for item in self._items)

    def change_surface(self, key: SurfaceKey, *, visible: bool | None = None, opacity: float | None = None) -> None:
        """Show or hide a surface, or see it through more or less."""
        item = next((item for item in self._items if item.key == key), None)
        if item is None:
            return
        now = self._look_of(item)
        new = SurfaceLook(now.visible if visible is None else visible, now.opacity if opacity is None else opacity)
        if new != now:
            self._looks[key] = new
            self._make_surfaces()
            self.changed.emit()

    def _listed(self, item: Item) -> Listed:
        made = self._made.get(id(item.mask), (None, None))[1]
        surface = made if isinstance(made, Surface) else None
        return Listed(item, self._look_of(item), surface, made if isinstance(made, str) else "")

    def _look_of(self, item: Item) -> SurfaceLook:
        return self._looks.get(item.key, SurfaceLook(item.visible, item.opacity))

    def _found_items(self) -> tuple[Item, ...]:
        geometry = None if self.shown is None else self.shown.stack.geometry
        if geometry is None or self.shown is None or refusal_of_stack(self.shown.stack):
            return ()
        items = items_of(self._findings.rows(self.shown), self._overlays.now)
        return tuple(item for item in items if item.mask.shape == geometry.shape)

    def _refresh_items(self) -> None:
        before = self._items
        self._items = self._found_items()
        if not before and not self._items:
            return
        wanted = {id(item.mask) for item in self._items}
        for number in [number for number in self._making if number not in wanted]:
            self._making.pop(number).cancel()
        if self._items:  # with the overlays off they are kept for when they come back
            self._made = {number: made for number, made in self._made.items() if number in wanted}
        self._make_surfaces()
        self.changed.emit()

    def _make_surfaces(self) -> None:
        """Begin with what is visible and not made yet."""
        geometry = None if self.shown is None else self.shown.stack.geometry
        for item in self._items:
            number, mask = id(item.mask), item.mask
            if geometry is None or not self._look_of(item).visible or number in self._made or number in self._making:
                continue
            work = _surface_work(mask, geometry)
            job = self._queue.submit(work, "making a surface", _PRIORITY)
            self._making[number] = job
            job.succeeded.connect(lambda surface, m=mask: self._on_made(m, surface))
            job.failed.connect(lambda sentence, m=mask: self._on_made(m, sentence))

    def _on_made(self, mask: Mask, made: Surface | str) -> None:
        self._making.pop(id(mask), None)
        self._made[id(mask)] = (mask, made)
        self.changed.emit()

    # The volume

    def _begin(self, shown: Shown) -> None:
        loaded = self._cache.volume(shown.stack)
        if loaded is not None:
            self._prepare(loaded)
        elif shown.stack not in self._cache.loading:
            self._cache.request(shown.stack, lambda: shown.stack.first_shown)

    def _prepare(self, loaded: Volume) -> None:
        self.message = PREPARING
        job = self._queue.submit(lambda progress: prepare(loaded, progress), "preparing a 3D view", _PRIORITY + 1)
        self._preparing = job
        job.succeeded.connect(self._on_prepared)
        job.failed.connect(self._on_failed)

    def _on_prepared(self, volume: RenderVolume) -> None:
        self._preparing = None
        self.message = ""
        self.volume = volume
        modality = None if self.shown is None else self.shown.series.modality
        self.presets = offered(self._read_presets(), modality, volume.unit)
        chosen = self._chosen.get(modality)
        named = (preset for preset in self.presets if preset.name == chosen)
        self.preset = next(named, self.presets[0] if self.presets else None)
        for note in volume.notes:
            self.notice.emit(note)
        self.changed.emit()

    def _on_failed(self, sentence: str) -> None:
        self._preparing = None
        self.message = sentence
        self.changed.emit()

    def _on_loaded(self, key: str) -> None:
        if self.shown is None or self.shown.stack.key != key or self._preparing is not None or self.volume is not None:
            return
        loaded = self._cache.volume(self.shown.stack)
        if loaded is not None and self.message == LOADING:
            self._prepare(loaded)
            self.changed.emit()

    def _on_load_failed(self, key: str, sentence: str) -> None:
        if self.shown is not None and self.shown.stack.key == key and self.message == LOADING:
            self._on_failed(sentence)

    def _read_presets(self) -> tuple[VolumePreset, ...]:
        if self._all_presets is None:
            try:
                self._all_presets = read_volume_presets()
            except BadResource as error:
                self._all_presets = ()
                self.notice.emit(str(error))
        return self._all_presets

    def _stop(self) -> None:
        for job in [self._preparing, *self._making.values()]:
            if job is not None:
                job.cancel()
        self._preparing = None
        self._making.clear()
        self._made.clear()
        self._looks.clear()
        self._items = ()
        self.volume = self.preset = None
        self.presets = ()


def _surface_work(mask: Mask, geometry: Any) -> Any:
    def work(progress: Progress) -> Surface:
        progress.check()
        return surface_of(mask, geometry)

    return work
