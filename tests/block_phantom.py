"""A volume that is different on every side: what is shown of it says which way it was turned."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests import phantoms
from tests.phantoms import AXIAL

SIDE = 60.0
"""Millimetres along each edge of the volume, about the patient's origin."""

BLOCKS = {"L": (20.0, 0.0, 0.0), "A": (0.0, -20.0, 0.0), "S": (0.0, 0.0, 20.0)}
"""Letter of a side → LPS mm of the middle of the block that lies there."""

VALUES = {"L": 1000, "A": 600, "S": 300}
_HALF = 4.0  # mm
AIR = -1000


def block_values(points: NDArray[np.float64]) -> NDArray[np.int16]:
    """HU at LPS points ``(…, 3)``: air, and one block on the left, one in front, one above."""
    values = np.full(points.shape[:-1], AIR, np.int16)
    for letter, middle in BLOCKS.items():
        values[(np.abs(points - middle) <= _HALF).all(axis=-1)] = VALUES[letter]
    return values


def write_blocks(
    folder: Path,
    orientation: Sequence[float] = AXIAL,
    *,
    step: float = 2.0,
    spacing: tuple[float, float] = (1.0, 1.0),
    tilt: float = 0.0,
    **elements: Any,
) -> None:
    """Write the volume as slices of any orientation; `tilt` in degrees shears them along the columns."""
    row, column = np.array(orientation[:3]), np.array(orientation[3:])
    along = np.cross(row, column) + np.tan(np.radians(tilt)) * column
    slices, rows, columns = (round(SIDE / v) + 1 for v in (step, *spacing))
    start = -SIDE / 2 * (row + column + along)
    r, c = np.meshgrid(np.arange(rows) * spacing[0], np.arange(columns) * spacing[1], indexing="ij")
    for index in range(slices):
        position = start + index * step * along
        points = position + r[..., None] * column + c[..., None] * row
        dataset = phantoms.image(
            block_values(points),
            instance=index + 1,
            ImagePositionPatient=[round(float(v), 6) for v in position],
            ImageOrientationPatient=list(orientation),
            PixelSpacing=list(spacing),
            FrameOfReferenceUID=phantoms.make_uid("blocks"),
            RescaleSlope=1,
            RescaleIntercept=0,
            WindowCenter=0,
            WindowWidth=2000,
            **elements,
        )
        phantoms.save(dataset, folder / f"{index:03d}.dcm")
