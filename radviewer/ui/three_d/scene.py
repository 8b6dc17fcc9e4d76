"""What VTK renders: a volume in two copies and surfaces, seen from an orbit, as a picture.

A scene is made, used and finalised in one thread.  `vtkFixedPointVolumeRayCastMapper` works on the processor: under
software OpenGL it takes a fifteenth of the time that the mapper written for graphics cards takes there (512² × 300 in
800²).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkUnsignedCharArray
from vtkmodules.vtkCommonDataModel import vtkPlane, vtkPlaneCollection
from vtkmodules.vtkRenderingCore import vtkActor, vtkCellPicker, vtkPolyDataMapper, vtkRenderer

from radviewer.app.orbit import Orbit
from radviewer.app.volume_presets import VolumePreset
from radviewer.domain.geometry import Vector
from radviewer.ui.three_d.opengl import render_window
from radviewer.ui.three_d.ray_cast import RayCast
from radviewer.volumes.meshes import poly_data
from radviewer.volumes.render_volume import RenderVolume
from radviewer.volumes.surfaces import Surface

Box = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Lowest and highest LPS mm."""
Key = TypeVar("Key")

_SOLID = 0.995  # opacity from which a surface hides, and is hidden by, what is before it
_STRIDE = 1.0  # voxels between samples while moving: with more there are rings on what is translucent
_VISIBLE = 0.15  # opacity of the volume at which a click meets it


class Quality(Enum):
    """How a picture is made."""

    MOVING = "moving"
    REST = "rest"


@dataclass(frozen=True, slots=True, eq=False)
class ShownSurface:
    """A surface and how it is shown: colour 0–1 each, opacity 0–1."""

    surface: Surface
    colour: tuple[float, float, float]
    opacity: float


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """All that is seen in a scene: a volume by a preset (None: not at all), of it what lies in a box, and surfaces."""

    volume: RenderVolume | None = None
    preset: VolumePreset | None = None
    box: Box | None = None
    surfaces: Mapping[Any, ShownSurface] = field(default_factory=dict)


class Scene:
    """Owns every VTK object of one view.

    Two layers: the volume with solid surfaces, which hide one another as they lie in space, and over it the
    translucent surfaces, which are seen through the volume.
    """

    def __init__(self) -> None:
        self._window = render_window()
        self._window.SetNumberOfLayers(2)
        self._layers: tuple[vtkRenderer, ...] = (vtkRenderer(), vtkRenderer())
        for number, layer in enumerate(self._layers):
            layer.SetLayer(number)
            self._window.AddRenderer(layer)
            layer.GetActiveCamera().ParallelProjectionOn()
        self._layers[0].SetBackground(0, 0, 0)
        self._layers[1].UseFXAAOn()
        self._casts: dict[Quality, RayCast] = {}
        self._volume: RenderVolume | None = None
        self._actors: dict[Any, tuple[ShownSurface, vtkActor]] = {}
        self._closed = False

    def show(self, content: Content) -> None:
        """Show this and nothing else."""
        self.set_volume(content.volume)
        self.set_look(content.preset, content.box)
        self.set_surfaces(content.surfaces)

    def abort(self) -> None:
        """Leave the picture that is being rendered in another thread unfinished."""
        if self._window is not None:
            self._window.SetAbortRender(1)

    def set_volume(self, volume: RenderVolume | None) -> None:
        """Show another volume, or none; it needs a preset to be seen."""
        if volume is self._volume:
            return
        self._drop_volume()
        self._volume = volume
        if volume is None:
            return
        self._casts[Quality.MOVING] = RayCast(volume, volume.coarse, _STRIDE)
        self._casts[Quality.REST] = RayCast(volume, volume.fine)
        for cast in self._casts.values():
            self._layers[0].AddVolume(cast.prop)

    def set_look(self, preset: VolumePreset | None, box: Box | None) -> None:
        """Show the volume by a preset, None hides it; of it only what lies in a box, LPS mm."""
        planes = None if box is None else _planes(box)
        for cast in self._casts.values():
            cast.set_look(preset, planes)

    def set_surfaces(self, surfaces: Mapping[Key, ShownSurface]) -> None:
        """Show these surfaces and no others; those that stay are not made anew."""
        for key in [key for key in self._actors if key not in surfaces]:
            self._drop_actor(key)
        for key, shown in surfaces.items():
            kept = self._actors.get(key)
            if kept is not None and kept[0].surface is not shown.surface:
                self._drop_actor(key)
                kept = None
            actor = _actor(shown.surface) if kept is None else kept[1]
            self._actors[key] = (shown, actor)
            self._dress(actor, shown)

    def render(self, orbit: Orbit, size: tuple[int, int], quality: Quality) -> QImage:
        """Picture of `size` (width, height) device pixels."""
        self._place_cameras(orbit, size)
        for kind, cast in self._casts.items():
            cast.prop.SetVisibility(cast.has_look and kind is quality)
        self._layers[1].SetDraw(self._layers[1].GetViewProps().GetNumberOfItems() > 0)
        self._window.Render()
        data = vtkUnsignedCharArray()
        self._window.GetRGBACharPixelData(0, 0, size[0] - 1, size[1] - 1, 0, data)
        pixels = np.ascontiguousarray(vtk_to_numpy(data).reshape(size[1], size[0], 4)[::-1])  # its rows go upward
        pixels[..., 3] = 255
        return QImage(pixels.data, *size, 4 * size[0], QImage.Format.Format_RGBX8888).copy()

    def pick(self, orbit: Orbit, size: tuple[int, int], x: float, y: float) -> Vector | None:
        """LPS mm of what is seen at a pixel of a picture of `size`, counted from its upper left; None for nothing."""
        self._place_cameras(orbit, size)
        for kind, cast in self._casts.items():
            cast.prop.SetVisibility(cast.has_look and kind is Quality.REST)
        picker = vtkCellPicker()
        picker.SetTolerance(0.0005)
        picker.SetVolumeOpacityIsovalue(_VISIBLE)
        for layer in reversed(self._layers):
            if picker.Pick(x, size[1] - 1 - y, 0, layer):
                px, py, pz = (float(v) for v in picker.GetPickPosition())
                return (px, py, pz)
        return None

    def finalise(self) -> None:
        """Give back everything; the scene is of no use afterwards."""
        if self._closed:
            return
        self._closed = True
        self._drop_volume()
        for key in list(self._actors):
            self._drop_actor(key)
        for layer in self._layers:
            layer.RemoveAllViewProps()
            self._window.RemoveRenderer(layer)
        self._window.Finalize()
        self._layers = ()
        self._window = None

    def _drop_volume(self) -> None:
        for cast in self._casts.values():
            self._layers[0].RemoveVolume(cast.prop)
            cast.release(self._window)
        self._casts.clear()
        self._volume = None

    def _drop_actor(self, key: Any) -> None:
        _, actor = self._actors.pop(key)
        for layer in self._layers:
            layer.RemoveActor(actor)
        actor.ReleaseGraphicsResources(self._window)

    def _dress(self, actor: vtkActor, shown: ShownSurface) -> None:
        solid = shown.opacity >= _SOLID
        here, other = self._layers if solid else self._layers[::-1]
        other.RemoveActor(actor)
        if not here.HasViewProp(actor):
            here.AddActor(actor)
        look = actor.GetProperty()
        look.SetColor(*shown.colour)
        look.SetOpacity(1.0 if solid else shown.opacity)
        look.SetBackfaceCulling(not solid)  # one layer of a closed surface, in whatever order its triangles come
        actor.SetVisibility(shown.opacity > 0)

    def _place_cameras(self, orbit: Orbit, size: tuple[int, int]) -> None:
        self._window.SetSize(*size)
        away = 4 * self._reach(orbit)
        for layer in self._layers:
            camera = layer.GetActiveCamera()
            camera.SetFocalPoint(orbit.focus)
            camera.SetPosition(*(f - away * d for f, d in zip(orbit.focus, orbit.direction, strict=True)))
            camera.SetViewUp(orbit.up)
            camera.SetParallelScale(orbit.span / 2 * size[1] / min(size))
            layer.ResetCameraClippingRange()

    def _reach(self, orbit: Orbit) -> float:
        """How far from the focus anything may lie, mm."""
        boxes = [] if self._volume is None else [self._volume.bounds]
        boxes += [(s.surface.points.min(axis=0), s.surface.points.max(axis=0)) for s, _ in self._actors.values()]
        focus = np.array(orbit.focus)
        return max([100.0, *(float(np.linalg.norm(np.abs(np.stack(box) - focus).max(axis=0))) for box in boxes)])


def _actor(surface: Surface) -> vtkActor:
    from vtkmodules.vtkFiltersCore import vtkPolyDataNormals

    normals = vtkPolyDataNormals()
    normals.SetInputData(poly_data(surface.points, surface.triangles))
    normals.SplittingOff()
    normals.ConsistencyOff()
    normals.Update()
    mapper = vtkPolyDataMapper()
    mapper.SetInputData(normals.GetOutput())
    mapper.ScalarVisibilityOff()
    actor = vtkActor()
    actor.SetMapper(mapper)
    look = actor.GetProperty()
    look.SetAmbient(0.2)
    look.SetDiffuse(0.75)
    look.SetSpecular(0.15)
    look.SetSpecularPower(15)
    return actor


def _planes(box: Box) -> vtkPlaneCollection:
    """Six planes, each looking into the box."""
    planes = vtkPlaneCollection()
    for axis in range(3):
        for end, sign in zip(box, (1.0, -1.0), strict=True):
            plane = vtkPlane()
            origin, normal = [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]
            origin[axis], normal[axis] = float(end[axis]), sign
            plane.SetOrigin(origin)
            plane.SetNormal(normal)
            planes.AddItem(plane)
    return planes
