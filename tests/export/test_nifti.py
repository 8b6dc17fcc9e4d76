from __future__ import annotations

import gzip
import io
import struct
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

from radviewer.dicom.scan import scan
from radviewer.domain.study import Stack
from radviewer.export.nifti import affine_ras, write_nifti
from tests import phantoms


def only_stack(folder: Path) -> Stack:
    (study,) = scan(folder).studies
    (series,) = study.series
    (stack,) = series.stacks
    return stack


def written(values: np.ndarray[Any, Any], stack: Stack) -> tuple[Any, bytes]:
    stream = io.BytesIO()
    write_nifti(values, stack, stream)
    data = gzip.decompress(stream.getvalue())
    kind = nibabel.Nifti1Image if data[:4] == struct.pack("<i", 348) else nibabel.Nifti2Image
    return kind.from_bytes(data), data


def mask_of(stack: Stack) -> np.ndarray[Any, Any]:
    mask: np.ndarray[Any, Any] = np.zeros(stack.shape, bool)
    mask[-1, 2, 5] = mask[0, 1, 3] = True
    return mask


@pytest.mark.parametrize("tilt", [0.0, 12.0])
@pytest.mark.parametrize("orientation", [phantoms.AXIAL, phantoms.CORONAL, phantoms.SAGITTAL])
def test_every_voxel_lies_where_dicom_puts_it(tmp_path: Path, orientation: tuple[float, ...], tilt: float) -> None:
    phantoms.volume(tmp_path, 4, orientation=orientation, tilt=tilt)
    stack = only_stack(tmp_path)
    assert stack.geometry is not None
    image, _ = written(mask_of(stack), stack)
    found = np.asarray(image.dataobj)
    assert found.dtype == np.uint8
    assert found.shape == (10, 8, 4)
    assert (found[5, 2, 3], found[3, 1, 0], int(found.sum())) == (1, 1, 2)
    assert image.header["sform_code"] == 1
    assert image.header["qform_code"] == 0
    x, y, z = stack.geometry.to_patient((3, 2, 5))
    assert (image.affine @ (5, 2, 3, 1))[:3] == pytest.approx((-x, -y, z), abs=1e-4)


def test_a_heatmap_keeps_its_values_with_slope_one(tmp_path: Path) -> None:
    phantoms.film(tmp_path / "film.dcm")
    stack = only_stack(tmp_path)
    heat = np.linspace(0, 1, 120, dtype=np.float32).reshape(stack.shape)
    image, data = written(heat, stack)
    assert struct.unpack("<2f", data[112:120]) == (1.0, 0.0)
    assert image.get_data_dtype() == np.float32
    assert np.array_equal(np.asarray(image.dataobj), heat.T)


@pytest.mark.parametrize(
    ("spacing", "diagonal"),
    [((0.3, 0.2), [-0.2, -0.3, 1, 1]), (None, [-1, -1, 1, 1]), ((0.0, 0.0), [-1, -1, 1, 1])],
)
def test_a_film_without_geometry(tmp_path: Path, spacing: Any, diagonal: list[float]) -> None:
    phantoms.film(tmp_path / "film.dcm", PixelSpacing=spacing)
    stack = only_stack(tmp_path)
    assert np.array_equal(affine_ras(stack), np.diag(diagonal))
    image, _ = written(mask_of(stack), stack)
    assert image.header["sform_code"] > 0
    assert np.allclose(image.affine, np.diag(diagonal))


def test_frames_of_a_cine_lie_on_axis_3(tmp_path: Path) -> None:
    phantoms.cine(tmp_path / "cine.dcm", 6)
    stack = only_stack(tmp_path)
    image, _ = written(mask_of(stack), stack)
    assert image.shape == (10, 8, 1, 6)
    assert np.asarray(image.dataobj)[5, 2, 0, 5] == 1


def test_the_same_values_give_the_same_bytes(tmp_path: Path) -> None:
    phantoms.film(tmp_path / "film.dcm")
    stack = only_stack(tmp_path)
    first, second = io.BytesIO(), io.BytesIO()
    for stream in (first, second):
        write_nifti(mask_of(stack), stack, stream)
    assert first.getvalue() == second.getvalue()


def test_an_axis_too_long_for_nifti_1(tmp_path: Path) -> None:
    phantoms.film(tmp_path / "film.dcm", columns=40_000, rows=2)
    stack = only_stack(tmp_path)
    mask = np.zeros(stack.shape, bool)
    mask[0, 1, 39_999] = True
    image, _ = written(mask, stack)
    assert image.shape == (40_000, 2, 1)
    assert np.asarray(image.dataobj)[39_999, 1, 0] == 1
