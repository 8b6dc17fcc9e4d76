"""What the pixel tests share: stacks straight from a file, and all images that PyPI brings."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import uid

from radviewer.dicom.headers import NotDicom, read_header
from radviewer.dicom.images import describe
from radviewer.dicom.load import read_slice
from radviewer.dicom.pixel_source import open_on_disk
from radviewer.dicom.pixels_fit import Refused
from radviewer.dicom.wanted import WANTED
from radviewer.domain.study import FileLocation, Stack, StackKind
from radviewer.domain.volume import SliceImage
from tests.phantoms import image, save


def _package(name: str) -> Path:
    spec = find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


PYDICOM = _package("pydicom") / "data" / "test_files"
PYDICOM_DATA = _package("data_store") / "data"


def stack_of(path: Path) -> Stack:
    """All frames of one file in the file's order, whatever kind of object it is.

    A scan would leave out segmentations, dose and second copies; here every pixel counts.
    """
    location = FileLocation(path, None, path.name)
    with open_on_disk(location) as source:
        record = describe(read_header(source, WANTED), location)
    return Stack(StackKind.IMAGES, tuple(one.frame for one in record.frames))


def image_files() -> Iterator[Path]:
    """Every file of pydicom and pydicom-data that has pixel data and an image's size."""
    for folder in (PYDICOM, PYDICOM_DATA):
        for path in sorted(folder.rglob("*")):
            if path.is_file() and _has_pixels(path):
                yield path


def _has_pixels(path: Path) -> bool:
    try:
        with open_on_disk(FileLocation(path, None, path.name)) as source:
            header = read_header(source, WANTED)
            if header.found.pixels is None:
                return False
            describe(header, FileLocation(path, None, path.name))
    except NotDicom:
        return False
    except Refused:
        return True
    return True


def written(path: Path, pixels: NDArray[Any], syntax: str = uid.ExplicitVRLittleEndian, **elements: Any) -> SliceImage:
    """Write an image and decode its first frame."""
    return read_slice(stack_of(save(image(pixels, **elements), path, syntax)), 0)


def with_words(path: Path, words: NDArray[Any], *, signed: bool, stored: int, high: int, **elements: Any) -> Path:
    """Write an image whose words hold more than the stored values."""
    ds = image(words, BitsStored=stored, HighBit=high, PixelRepresentation=int(signed), **elements)
    return save(ds, path)


def values(picture: SliceImage) -> NDArray[np.int64]:
    """Stored values in a type in which nothing overflows."""
    found: NDArray[np.int64] = picture.stored.astype(np.int64)
    return found
