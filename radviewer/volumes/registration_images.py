"""A volume as SimpleITK needs it, at the resolutions a registration works at."""

from __future__ import annotations

import math

import numpy as np
import SimpleITK
from numpy.typing import NDArray

from radviewer.domain.geometry import Geometry
from radviewer.volumes.registration import Affine, Subject

_STRAIGHT_DEGREES = 0.05  # tilt below which a grid is taken for a right-angled one
_FINEST_MM = 1.0
_THICK_MM = 3.5  # linear interpolation between slices further apart draws a registration towards whole slices
_CENTRAL = 0.5  # of the range: what a half-valid shrunken voxel counts as


class Pyramid:
    """Images and masks of one subject, made when first asked for.

    Attributes
    ----------
    middle : ndarray, (3,)
        LPS mm of the grid's centre.
    centre : ndarray, (3,)
        LPS mm of the anatomy's centre of mass.

    """

    def __init__(self, subject: Subject, threads: int) -> None:
        self._threads = threads
        self._geometry = subject.geometry
        values, mask = _images(subject)
        self._images = {_FINEST_MM: self._refined(self._shrunk(values, _FINEST_MM), SimpleITK.sitkBSpline)}
        self._masks = {}
        if mask is not None:
            self._masks[_FINEST_MM] = self._refined(self._shrunk(mask, _FINEST_MM), SimpleITK.sitkLinear)
        self.middle = np.array(subject.geometry.to_patient(_middle(subject.geometry)))
        self._anatomy = self._found_anatomy(4.0)
        self.centre = self._anatomy.mean(axis=0)

    def image(self, mm: float) -> SimpleITK.Image:
        """Values, smoothed and shrunk to about `mm` where they are finer."""
        if mm not in self._images:
            self._images[mm] = self._shrunk(self._images[_FINEST_MM], mm)
        return self._images[mm]

    def mask(self, mm: float) -> SimpleITK.Image | None:
        """1 where values are valid; None where all are."""
        if not self._masks:
            return None
        if mm not in self._masks:
            self._masks[mm] = self._shrunk(self._masks[_FINEST_MM], mm)
        inside: SimpleITK.Image = SimpleITK.Cast(self._masks[mm] > _CENTRAL, SimpleITK.sitkUInt8)
        return inside

    def values(self, mm: float) -> NDArray[np.float32]:
        """Array of `image`, (z, y, x)."""
        array: NDArray[np.float32] = SimpleITK.GetArrayFromImage(self.image(mm))
        return array

    def valid(self, mm: float) -> NDArray[np.bool_]:
        """Array of `mask`."""
        mask = self.mask(mm)
        return np.ones(self.values(mm).shape, np.bool_) if mask is None else SimpleITK.GetArrayFromImage(mask) > 0

    def spacing(self, mm: float) -> tuple[float, float, float]:
        """Spacing of `values` in mm, array order."""
        x, y, z = self.image(mm).GetSpacing()
        return (z, y, x)

    def anatomy(self, count: int) -> NDArray[np.float64]:
        """At most `count` LPS points of the anatomy, evenly chosen, (n, 3)."""
        step = max(1, math.ceil(len(self._anatomy) / count))
        return self._anatomy[::step]

    def holds(self, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether LPS points, (n, 3), lie in the volume."""
        inverse = np.linalg.inv(self._geometry.affine_lps)
        index = points @ inverse[:3, :3].T + inverse[:3, 3]
        inside: NDArray[np.bool_] = ((index >= -0.5) & (index <= np.array(self._geometry.shape) - 0.5)).all(axis=1)
        return inside

    def on(
        self, grid: SimpleITK.Image, transform: SimpleITK.Transform, mm: float
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Values on another grid, whose points `transform` brings here, and where there are any."""
        values = SimpleITK.GetArrayFromImage(
            SimpleITK.Resample(self.image(mm), grid, transform, SimpleITK.sitkLinear, 0.0)
        )
        mask = self.mask(mm)
        whole = SimpleITK.Image(self.image(mm).GetSize(), SimpleITK.sitkUInt8) + 1 if mask is None else mask
        whole.CopyInformation(self.image(mm))
        inside = SimpleITK.GetArrayFromImage(
            SimpleITK.Resample(whole, grid, transform, SimpleITK.sitkNearestNeighbor, 0.0)
        )
        return values, inside > 0

    def _shrunk(self, image: SimpleITK.Image, mm: float) -> SimpleITK.Image:
        shrink = SimpleITK.BinShrinkImageFilter()
        shrink.SetNumberOfThreads(self._threads)
        sizes = zip(image.GetSpacing(), image.GetSize(), strict=True)
        shrink.SetShrinkFactors([max(1, min(int(mm / spacing + 0.01), count // 4)) for spacing, count in sizes])
        shrunk: SimpleITK.Image = shrink.Execute(image)
        return shrunk

    def _refined(self, image: SimpleITK.Image, interpolator: int) -> SimpleITK.Image:
        """Planes between the slices of a thick stack."""
        parts = [max(1, math.ceil(spacing / _THICK_MM)) for spacing in image.GetSpacing()]
        if max(parts) == 1:
            return image
        resample = SimpleITK.ResampleImageFilter()
        resample.SetNumberOfThreads(self._threads)
        resample.SetOutputDirection(image.GetDirection())
        resample.SetOutputOrigin(image.GetOrigin())
        resample.SetOutputSpacing([spacing / n for spacing, n in zip(image.GetSpacing(), parts, strict=True)])
        resample.SetSize([(size - 1) * n + 1 for size, n in zip(image.GetSize(), parts, strict=True)])
        resample.SetInterpolator(interpolator)
        refined: SimpleITK.Image = resample.Execute(image)
        return refined

    def _found_anatomy(self, mm: float) -> NDArray[np.float64]:
        """LPS points brighter than Otsu's threshold, (n, 3)."""
        values, valid = self.values(mm), self.valid(mm)
        threshold = _otsu(values[valid]) if valid.any() else 0.0
        found = np.argwhere(valid & (values > threshold))
        if not len(found):
            found = np.argwhere(valid) if valid.any() else np.zeros((1, 3), np.int64)
        affine = affine_of(self.image(mm))
        points: NDArray[np.float64] = found[:, ::-1] @ affine[:3, :3].T + affine[:3, 3]
        return points


def affine_of(image: SimpleITK.Image) -> Affine:
    """``(x, y, z, 1)`` index → LPS mm."""
    affine = np.eye(4)
    affine[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    return affine


def _middle(geometry: Geometry) -> tuple[float, float, float]:
    s, r, c = ((n - 1) / 2 for n in geometry.shape)
    return (s, r, c)


def _images(subject: Subject) -> tuple[SimpleITK.Image, SimpleITK.Image | None]:
    """Values and mask (as float32) on a right-angled grid in LPS mm."""
    values = SimpleITK.GetImageFromArray(subject.values)
    mask = None if subject.valid is None else SimpleITK.GetImageFromArray(subject.valid.astype(np.float32))
    matrix = subject.geometry.affine_lps[:3, [2, 1, 0]]  # columns for x, y, z of ITK
    spacing = np.linalg.norm(matrix, axis=0)
    cosines = (matrix / spacing).T @ (matrix / spacing)
    if np.abs(cosines - np.eye(3)).max() > math.sin(math.radians(_STRAIGHT_DEGREES)):
        return _straightened(subject, values, mask)
    for image in (values, mask):
        if image is not None:
            image.SetSpacing(spacing.tolist())
            image.SetDirection((matrix / spacing).ravel().tolist())
            image.SetOrigin(subject.geometry.affine_lps[:3, 3].tolist())
    return values, mask


def _straightened(
    subject: Subject, values: SimpleITK.Image, mask: SimpleITK.Image | None
) -> tuple[SimpleITK.Image, SimpleITK.Image]:
    """Resample a tilted stack to the right-angled grid around it; beside the stack nothing is valid."""
    affine = subject.geometry.affine_lps
    grid = _grid_around(subject.geometry)
    to_index = np.linalg.inv(affine)[[2, 1, 0]]  # LPS → (column, row, slice): images made of arrays have that frame
    transform = SimpleITK.AffineTransform(3)
    transform.SetMatrix(to_index[:, :3].ravel().tolist())
    transform.SetTranslation(to_index[:, 3].tolist())
    whole = mask if mask is not None else SimpleITK.Image(values.GetSize(), SimpleITK.sitkFloat32) + 1
    return (
        SimpleITK.Resample(values, grid, transform, SimpleITK.sitkLinear, float(subject.values.min())),
        SimpleITK.Resample(whole, grid, transform, SimpleITK.sitkLinear, 0.0),
    )


def _grid_around(geometry: Geometry) -> SimpleITK.Image:
    """Empty right-angled grid, along rows and columns and their normal, around a tilted stack."""
    step, row, column = geometry.affine_lps[:3, :3].T
    x = column / np.linalg.norm(column)
    y = row - (row @ x) * x
    y /= np.linalg.norm(y)
    z = np.cross(x, y)
    z *= np.sign(step @ z)
    axes = np.stack([x, y, z])
    spacing = np.array([np.linalg.norm(column), np.linalg.norm(row), abs(step @ z)])
    ends = np.array([(s, r, c, 1) for s in (0, 1) for r in (0, 1) for c in (0, 1)], dtype=np.float64)
    ends[:, :3] *= np.array(geometry.shape) - 1
    along = (ends @ geometry.affine_lps[:3].T) @ axes.T
    low = along.min(axis=0)
    size = np.floor((along.max(axis=0) - low) / spacing + 1e-6).astype(int) + 1
    grid = SimpleITK.Image(size.tolist(), SimpleITK.sitkUInt8)
    grid.SetSpacing(spacing.tolist())
    grid.SetDirection(axes.T.ravel().tolist())
    grid.SetOrigin((axes.T @ low).tolist())
    return grid


def _otsu(values: NDArray[np.float32]) -> float:
    """Threshold between background and anatomy that parts the histogram best."""
    low, high = (float(v) for v in np.percentile(values, (0.5, 99.5)))
    if high <= low:
        return float(values.min())
    counts, edges = np.histogram(values, bins=128, range=(low, high))
    middles = (edges[:-1] + edges[1:]) / 2
    below, above = np.cumsum(counts), counts.sum() - np.cumsum(counts)
    mass = np.cumsum(counts * middles)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (mass / below - (mass[-1] - mass) / above) ** 2
    return float(edges[1 + int(np.nanargmax(between[:-1]))])
