"""Pixels of reformatted planes, cut out of loaded volumes when they are wanted."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from radviewer.domain.geometry import Geometry
from radviewer.domain.planes import PlaneGrid, Slab
from radviewer.domain.reformat import DRAFT_BLOCK, Cut, Reformat
from radviewer.domain.volume import SliceImage, Volume

if TYPE_CHECKING:
    from radviewer.volumes.reslice import Interpolation, Reslicer

_KEPT = 24  # planes
_KEPT_LAYERS = 48  # outlines and heatmaps on planes
_DRAFT_SAMPLES = 4  # voxels of a slab's thickness that one sample of a draft stands for


@dataclass(frozen=True, slots=True)
class _Cuttable:
    """A volume made ready; `example` says how its values are shown, `drafts` cuts what is seen in passing."""

    reslicer: Reslicer
    drafts: Reslicer
    example: SliceImage


class Cutter:
    """Cuts planes out of volumes; keeps the latest.

    Parameters
    ----------
    volume_of : callable
        Source stack of a reformat → its loaded volume, or None.

    """

    def __init__(self, volume_of: Callable[[Reformat], Volume | None]) -> None:
        self._volume_of = volume_of
        self._volumes: OrderedDict[str, _Cuttable] = OrderedDict()
        self._planes: OrderedDict[tuple[str, int, Cut], SliceImage] = OrderedDict()
        self._layers: OrderedDict[tuple[int, str, int, Cut], tuple[NDArray[Any], NDArray[Any]]] = OrderedDict()

    def slice(self, stack: Reformat, index: int) -> SliceImage | None:
        """One plane as an image, or None while the volume is not loaded.

        Beyond the volume lies padding; values between voxels are linear.
        """
        key = (stack.key, index, stack.cut)
        if key in self._planes:
            self._planes.move_to_end(key)
            return self._planes[key]
        volume = self._cuttable(stack)
        if volume is None:
            return None
        image = self._planes[key] = _image(volume, stack, index)
        while len(self._planes) > _KEPT:
            self._planes.popitem(last=False)
        return image

    def mask(self, mask: NDArray[np.bool_], stack: Reformat, index: int) -> NDArray[np.bool_]:
        """A mask on the source's grid where a plane cuts it, of a slab anywhere in it; the same array every time."""
        from radviewer.volumes.reslice import Interpolation

        return self._layer(mask, stack, index, Interpolation.NEAREST)

    def heat(self, heat: NDArray[np.float32], stack: Reformat, index: int) -> NDArray[np.float32]:
        """A heatmap on the source's grid where a plane cuts it, of a slab its hottest; the same array every time."""
        from radviewer.volumes.reslice import Interpolation

        return self._layer(heat, stack, index, Interpolation.LINEAR)

    def forget(self, source_key: str) -> None:
        """Drop what was made of a stack that is not held any more."""
        self._volumes.pop(source_key, None)
        for planes in [key for key in self._planes if key[0].rpartition("|")[0] == source_key]:
            del self._planes[planes]
        self._layers.clear()

    def _layer(self, values: NDArray[Any], stack: Reformat, index: int, interpolation: Interpolation) -> NDArray[Any]:
        from radviewer.volumes.reslice import Reslicer

        cut = stack.cut
        cut = replace(cut, slab=Slab.MIP, draft=cut.draft and cut.thickness > 0)  # one for all kinds of slabs
        key = (id(values), stack.key, index, cut)
        if key not in self._layers:
            geometry = stack.of.geometry
            if geometry is None or values.shape != geometry.shape:
                return np.zeros(stack.planes.first.shape, values.dtype)
            coarse = _DRAFT_SAMPLES if cut.draft else 1
            grid = stack.planes.grid(index)
            plane = Reslicer(values, geometry).plane(grid, interpolation, cut.slab, cut.thickness, coarse)
            plane = plane.view(np.bool_) if values.dtype == np.bool_ else plane
            self._layers[key] = (values, plane)  # holds the values, so that nothing else takes their id
            while len(self._layers) > _KEPT_LAYERS:
                self._layers.popitem(last=False)
        self._layers.move_to_end(key)
        return self._layers[key][1]

    def _cuttable(self, stack: Reformat) -> _Cuttable | None:
        key, volume = stack.source.key, self._volume_of(stack)
        if volume is None:
            return None
        if key not in self._volumes:
            made = _made(volume, stack.of.geometry)
            if made is None:
                return None
            self._volumes[key] = made
        return self._volumes[key]


def _made(volume: Volume, geometry: Geometry | None) -> _Cuttable | None:
    """Ready to be cut; None where no slice could be read."""
    from radviewer.volumes.reslice import Reslicer

    images = [image for image in volume.slices if image is not None]
    if not images or geometry is None:
        return None
    example = images[len(images) // 2]
    alike = all(i.modality_lut is None and (i.slope, i.intercept) == (example.slope, example.intercept) for i in images)
    values = volume.stored if alike else _modality(volume)
    if not alike:
        example = replace(example, slope=1.0, intercept=0.0, modality_lut=None, padding=None)
    padding = example.padding or _unused(values)
    values, outside = (values, padding[0]) if padding is not None else (values, float(values.min()))
    if any(image is None for image in volume.slices):
        values = values.copy()
        values[[i for i, image in enumerate(volume.slices) if image is None]] = outside
    reslicer = Reslicer(values, geometry, outside)
    return _Cuttable(reslicer, reslicer.thinned(), replace(example, padding=padding, overlays=()))


def _modality(volume: Volume) -> NDArray[np.float32]:
    """Modality values of a volume whose slices do not share a slope (PET), float32."""
    values = np.zeros(volume.stored.shape, np.float32)
    for place, image in enumerate(volume.slices):
        if image is not None:
            values[place] = image.modality_values()
            hidden = image.padding_mask()
            if hidden is not None:
                values[place][hidden] = values[place][~hidden].min() if (~hidden).any() else 0
    return values


def _unused(values: NDArray[Any]) -> tuple[float, float] | None:
    """A value that no voxel has, as a range; None when all are taken."""
    low, high = values.min(), values.max()
    if values.dtype.kind == "f":
        below = float(np.nextafter(low, values.dtype.type(-np.inf))) if np.isfinite(low) else float("nan")
        return (below, below) if np.isfinite(below) else None
    limits = np.iinfo(values.dtype)
    if low > limits.min:
        return (float(low - 1), float(low - 1))
    return (float(high + 1), float(high + 1)) if high < limits.max else None


def _image(volume: _Cuttable, stack: Reformat, index: int) -> SliceImage:
    cut, grid = stack.cut, stack.planes.grid(index)
    if cut.draft:
        values = _draft(volume.drafts, grid, cut)
    else:
        values = volume.reslicer.plane(grid, slab=cut.slab, thickness=cut.thickness)
    return replace(
        volume.example, stored=values, plane=grid.plane, spacing=stack.frames[index].spacing, orientation=None
    )


def _draft(reslicer: Reslicer, grid: PlaneGrid, cut: Cut) -> NDArray[Any]:
    """The plane from fewer pixels, on the same grid."""
    rows, columns = grid.shape
    plane, shift = grid.plane, (DRAFT_BLOCK - 1) / 2
    coarse = replace(
        plane,
        position=plane.to_patient(shift, shift),
        row_spacing=plane.row_spacing * DRAFT_BLOCK,
        column_spacing=plane.column_spacing * DRAFT_BLOCK,
    )
    small = PlaneGrid(coarse, (-(-rows // DRAFT_BLOCK), -(-columns // DRAFT_BLOCK)))
    values = reslicer.plane(small, slab=cut.slab, thickness=cut.thickness, coarse=_DRAFT_SAMPLES / 2)
    return np.repeat(values, DRAFT_BLOCK, axis=1)[:, :columns].repeat(DRAFT_BLOCK, axis=0)[:rows]
