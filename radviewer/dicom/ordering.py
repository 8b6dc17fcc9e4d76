"""Order of a stack's slices, its regular grid, and what is irregular about it.

Positions are measured along the normal (row direction × column direction); slice
0 is the smallest.  Nothing is resampled: where the steps are not equal there is
no grid, and a sentence says so (PS3.3 C.7.6.2.1.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radviewer.dicom.records import Directions, FrameRecord
from radviewer.domain.geometry import Geometry, Vector

SAME_POSITION_MM = 0.01
"""Slices closer than this (or a tenth of their thickness) share one position."""

_UNEVEN_MM = 0.06  # scanners round positions to 0.1 mm at worst
_UNEVEN_PART = 0.08  # of a step
_GAP_TOLERANCE = 0.1  # of a step: how far from a whole number of steps a gap may be
_TILT_SHOWN = 0.3  # degrees
_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Slice order and what was found about it."""

    records: tuple[FrameRecord, ...]
    geometry: Geometry | None
    warnings: tuple[str, ...]


def normal_of(directions: Directions) -> Vector:
    """Row direction × column direction."""
    (a, b, c), (d, e, f) = directions
    return (b * f - c * e, c * d - a * f, a * e - b * d)


def depth_of(record: FrameRecord, normal: Vector) -> float:
    """Position of a frame along `normal`, in mm."""
    assert record.position is not None
    return sum(p * n for p, n in zip(record.position, normal, strict=True))


def arrange(records: Sequence[FrameRecord], shape: tuple[int, int], modality: str) -> Arrangement:
    """Order frames that have position and orientation, and fit a regular grid to them.

    Parameters
    ----------
    records : sequence of FrameRecord
        All with `position` and (nearly) the same `directions`.
    shape : tuple of int
        ``(rows, columns)``.
    modality : str
        Chooses the words of a warning.

    """
    directions = records[0].directions
    assert directions is not None
    normal = normal_of(directions)
    ordered = tuple(sorted(records, key=lambda r: (depth_of(r, normal), r.frame.file.location.name, r.frame.index)))
    directions = ordered[0].directions or directions
    positions = np.array([r.position for r in ordered], dtype=np.float64)
    spacing = ordered[0].frame.plane
    step, warnings = _step(positions, np.array(normal), _thickness(ordered), modality)
    if spacing is None or step is None:
        return Arrangement(ordered, None, tuple(warnings))
    affine = np.eye(4)
    affine[:3, 0] = step
    affine[:3, 1] = np.array(directions[1]) * spacing.row_spacing
    affine[:3, 2] = np.array(directions[0]) * spacing.column_spacing
    affine[:3, 3] = positions[0]
    frames_of_reference = {r.frame_of_reference for r in ordered}
    one = frames_of_reference.pop() if len(frames_of_reference) == 1 else ""
    return Arrangement(ordered, Geometry((len(ordered), *shape), affine, one or None), tuple(warnings))


def _thickness(ordered: Sequence[FrameRecord]) -> float | None:
    known = [r.thickness for r in ordered if r.thickness is not None]
    return float(np.median(known)) if known else None


def _step(
    positions: NDArray[np.float64], normal: NDArray[np.float64], thickness: float | None, modality: str
) -> tuple[NDArray[np.float64] | None, list[str]]:
    """Vector from slice to slice, None when it is not the same everywhere; and the warnings."""
    if len(positions) == 1:
        return normal * (thickness or 1.0), []
    depths = positions @ normal
    gaps = np.diff(depths)
    typical = float(np.sort(gaps)[(len(gaps) - 1) // 2])
    if gaps.min() < SAME_POSITION_MM / 10:
        return None, ["Some slices lie at the same position; they are shown one after the other."]
    count = len(positions) - 1
    step = (positions[-1] - positions[0]) / count
    off = _off_line(positions)
    along = off @ normal
    if np.abs(along).max() > min(_UNEVEN_MM, _UNEVEN_PART * typical):
        return None, _uneven(gaps, typical)
    if np.linalg.norm(off - np.outer(along, normal), axis=1).max() > _UNEVEN_MM:
        return None, ["The slices are shifted against one another within their plane; they form no regular grid."]
    return step, [*_tilt(step, normal, modality), *_overlap(typical, thickness)]


def _off_line(positions: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far each position is from the best line with equal steps, (slices, 3) in mm."""
    numbers = np.arange(len(positions)) - (len(positions) - 1) / 2
    centred = positions - positions.mean(axis=0)
    slope = numbers @ centred / (numbers @ numbers)
    off: NDArray[np.float64] = centred - numbers[:, None] * slope
    return off


def _uneven(gaps: NDArray[np.float64], typical: float) -> list[str]:
    """Say which slices are missing, or that the spacing varies."""
    multiples = gaps / typical
    whole = np.rint(multiples)
    holes = np.flatnonzero(whole > 1)
    if len(holes) and (np.abs(multiples - whole) < _GAP_TOLERANCE).all() and (whole >= 1).all():
        missing = int((whole[holes] - 1).sum())
        named = [f"{i + 1} and {i + 2} ({gaps[i]:.4g} mm instead of {typical:.4g} mm)" for i in holes[:_MOST_NAMED]]
        more = "" if len(holes) <= _MOST_NAMED else f", and at {len(holes) - _MOST_NAMED} more places"
        some = "1 slice is missing" if missing == 1 else f"{missing} slices are missing"
        return [f"{some}: between slices {', '.join(named)}{more}."]
    return [
        f"The spacing between slices varies from {gaps.min():.4g} to {gaps.max():.4g} mm; "
        "distances through the slices are not measured."
    ]


def _tilt(step: NDArray[np.float64], normal: NDArray[np.float64], modality: str) -> list[str]:
    cosine = float(step @ normal) / float(np.linalg.norm(step))
    tilt = float(np.degrees(np.arccos(min(1.0, max(-1.0, cosine)))))
    if tilt < _TILT_SHOWN:
        return []
    name = "The gantry was tilted" if modality == "CT" else "The stack is sheared"
    return [f"{name} by {tilt:.1f}°: slices are stacked along the true step, not along their normal."]


def _overlap(typical: float, thickness: float | None) -> list[str]:
    if thickness is None:
        return []
    if thickness > typical * 1.02 + 0.005:
        return [f"The slices overlap: each is {thickness:.4g} mm thick, one every {typical:.4g} mm."]
    if typical > thickness * 1.5 + 0.005:
        return [f"There are gaps between the slices: each is {thickness:.4g} mm thick, one every {typical:.4g} mm."]
    return []
