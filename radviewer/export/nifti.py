"""Masks and heatmaps as NIfTI, for programs that do not read DICOM Segmentation.

The array is indexed ``(column, row, slice)`` of the stack, frames of a cine lie on axis 3.
"""

from __future__ import annotations

import gzip
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from radviewer.dicom.listing import spacing_mm
from radviewer.domain.study import Stack, StackKind

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
_LONGEST = 32767  # of an axis of NIfTI-1, which counts in int16
_SCANNER, _ALIGNED = 1, 2  # sform codes: the scanner's coordinates, or some others
_LEVEL = 3  # masks and smooth maps: more costs time and saves little


def affine_ras(stack: Stack) -> NDArray[np.float64]:
    """``(column, row, slice, 1)`` → RAS mm of the pixel's centre.

    Without geometry it is diag(−column, −row, slice) spacing, with 1 for what is unknown.
    """
    if stack.geometry is not None:
        affine: NDArray[np.float64] = _LPS_TO_RAS @ stack.geometry.affine_lps[:, [2, 1, 0, 3]]
        return affine
    between, row, column = spacing_mm(stack) or (None, None, None)
    return np.diag([-(column or 1.0), -(row or 1.0), between or 1.0, 1.0])


def write_nifti(values: NDArray[Any], stack: Stack, stream: IO[bytes]) -> None:
    """Write a mask (as uint8 0 / 1) or a heatmap (float32) of a stack, gzipped; slope 1, sform set.

    Parameters
    ----------
    values : ndarray, (slices, rows, columns), bool or float32
        On the stack's own grid.
    stack : Stack
        Whose geometry counts.
    stream : binary file
        Open for writing.

    Raises
    ------
    OSError

    """
    from nibabel.nifti1 import Nifti1Image
    from nibabel.nifti2 import Nifti2Image

    array = np.ascontiguousarray(values)
    array = (array.view(np.uint8) if array.dtype == np.bool_ else array.astype(np.float32, copy=False)).T
    if stack.kind is StackKind.CINE:
        array = array[:, :, None, :]
    kind: Any = Nifti1Image if max(array.shape) <= _LONGEST else Nifti2Image
    image = kind(array, affine_ras(stack), dtype=array.dtype)
    image.set_sform(affine_ras(stack), code=_ALIGNED if stack.geometry is None else _SCANNER)
    image.set_qform(None, code=0)  # a sheared grid (gantry tilt) has none
    image.header.set_xyzt_units("mm" if stack.geometry is not None or spacing_mm(stack) else "unknown")
    with gzip.GzipFile(filename="", mode="wb", compresslevel=_LEVEL, fileobj=stream, mtime=0) as packed:
        image.to_stream(packed)
