"""One copy of a volume as VTK casts rays through it."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonDataModel import vtkImageData, vtkPiecewiseFunction, vtkPlaneCollection
from vtkmodules.vtkCommonMath import vtkMatrix4x4
from vtkmodules.vtkRenderingCore import vtkColorTransferFunction, vtkVolume
from vtkmodules.vtkRenderingVolume import vtkFixedPointVolumeRayCastMapper

from radviewer.app.volume_presets import VolumePreset
from radviewer.volumes.extremes import seen_range
from radviewer.volumes.render_volume import Level, RenderVolume

_MOST_STEPS = 3000  # along the longest ray, however thin the voxels are
_INSIDE = 0x2000  # of VTK's 27 regions around cropping planes the middle one


class RayCast:
    """A vtkVolume with its mapper; `prop` is placed in the patient, sheared as the images are.

    Rays are sampled every `stride` voxels of the finest axis, and only where the preset lets anything be seen.
    """

    def __init__(self, volume: RenderVolume, level: Level, stride: float = 1.0) -> None:
        self._volume, self._level = volume, level
        self.has_look = False
        self._preset: VolumePreset | None = None
        self._scalars = np.ascontiguousarray(level.values).ravel()  # VTK borrows it
        self._mapper = vtkFixedPointVolumeRayCastMapper()
        self._mapper.SetInputData(_image(level, self._scalars))
        self._mapper.AutoAdjustSampleDistancesOff()
        self._mapper.SetImageSampleDistance(1.0)
        self._mapper.CroppingOff()
        self._mapper.SetCroppingRegionFlags(_INSIDE)
        step = max(stride * min(level.spacing), _longest(level) / _MOST_STEPS)
        self._mapper.SetSampleDistance(step)
        self._mapper.SetInteractiveSampleDistance(step)
        self.prop = vtkVolume()
        self.prop.SetMapper(self._mapper)
        self.prop.SetUserMatrix(_matrix(level))
        look = self.prop.GetProperty()
        look.SetInterpolationTypeToLinear()
        look.SetScalarOpacityUnitDistance(1.0)

    def set_look(self, preset: VolumePreset | None, planes: vtkPlaneCollection | None) -> None:
        """Show it by a preset, None hides it; of it only what lies on the inner side of planes in the patient."""
        self.has_look = preset is not None
        if planes is None:
            self._mapper.RemoveAllClippingPlanes()
        else:
            self._mapper.SetClippingPlanes(planes)
        if preset is None or preset is self._preset:
            return
        self._preset = preset
        look = self.prop.GetProperty()
        look.SetScalarOpacity(self._opacity(preset))
        look.SetColor(self._colour(preset))
        look.SetAmbient(preset.light.ambient)
        look.SetDiffuse(preset.light.diffuse)
        look.SetSpecular(preset.light.specular)
        look.SetSpecularPower(preset.light.specular_power)
        look.SetShade(not preset.maximum)
        if not preset.maximum:
            self._mapper.SetBlendModeToComposite()
        elif self._volume.slope > 0:
            self._mapper.SetBlendModeToMaximumIntensity()
        else:  # the highest values are the lowest ones stored
            self._mapper.SetBlendModeToMinimumIntensity()
        self._crop(preset)

    def _crop(self, preset: VolumePreset) -> None:
        """Leave out what lies around all that can be seen; no picture changes by it."""
        low, high = seen_range((self._stored(preset, at), value) for at, value in preset.opacity)
        if preset.maximum:  # what is above all that is seen, and itself not seen, hides the rest of its ray
            low, high = (low, np.inf) if self._volume.slope > 0 else (-np.inf, high)
        box = self._level.extremes.box(low, high)
        self._mapper.SetCropping(box is not None)
        if box is not None:
            along = zip(box, self._level.spacing, strict=True)
            slices, rows, columns = ((first * step, last * step) for (first, last), step in along)
            self._mapper.SetCroppingRegionPlanes(*columns, *rows, *slices)

    def release(self, window: Any) -> None:
        """Give back what the graphics hold, and the voxels."""
        self.prop.ReleaseGraphicsResources(window)
        self._mapper.RemoveAllInputs()

    def _stored(self, preset: VolumePreset, at: float) -> float:
        return self._volume.stored(self._volume.percentile(at) if preset.percentiles else at)

    def _opacity(self, preset: VolumePreset) -> vtkPiecewiseFunction:
        curve = vtkPiecewiseFunction()
        for at, value in preset.opacity:
            curve.AddPoint(self._stored(preset, at), value)
        return curve

    def _colour(self, preset: VolumePreset) -> vtkColorTransferFunction:
        curve = vtkColorTransferFunction()
        for at, colour in preset.colour:
            curve.AddRGBPoint(self._stored(preset, at), *colour)
        return curve


def _image(level: Level, scalars: Any) -> vtkImageData:
    slices, rows, columns = level.spacing
    image = vtkImageData()
    image.SetDimensions(level.values.shape[::-1])
    image.SetSpacing(columns, rows, slices)
    image.GetPointData().SetScalars(numpy_to_vtk(scalars))
    return image


def _matrix(level: Level) -> vtkMatrix4x4:
    """From the image's own mm (along columns, rows, slices) to the patient."""
    affine = level.affine_lps
    directions = affine[:3, :3] / np.array(level.spacing)
    matrix = vtkMatrix4x4()
    for row, column in itertools.product(range(3), range(3)):
        matrix.SetElement(row, column, float(directions[row, 2 - column]))
    for row in range(3):
        matrix.SetElement(row, 3, float(affine[row, 3]))
    return matrix


def _longest(level: Level) -> float:
    return float(np.linalg.norm(np.array(level.spacing) * level.values.shape))
