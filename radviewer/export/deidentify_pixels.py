"""May there be writing in the pixels? (PS3.15 E.3.1, Burned In Annotation: PS3.3 C.7.6.1)."""

from __future__ import annotations

from enum import Enum

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import UID

from radviewer.export.deidentify_elements import text_of

_SC, _US, _US_CINE = "1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.6.1", "1.2.840.10008.5.1.4.1.1.3.1"
_PHOTOS = "1.2.840.10008.5.1.4.1.1.77.1"
_WRITTEN_ON = frozenset({"US", "IVUS", "SC", "OT", "ES", "XC", "GM", "SM", "OP", "OPT", "DOC", "HC", "SR", "LP", "EC"})
_MADE_BY_SCANNERS = frozenset({"CT", "MR", "PT", "NM"})
_COMPUTED = frozenset({"SEG", "RTDOSE", "RWV", "REG"})
_PARAMETRIC_MAP = "1.2.840.10008.5.1.4.1.1.30"
_LARGEST = 64 << 20  # bytes of pixels looked at
_STROKES, _LINES = 12, 6  # edges in one row of pixels, and rows one upon the other: a few letters


class Writing(Enum):
    """What is known about writing in an image; the value is a clause for the report."""

    NONE = "excluded"
    UNSEEN = "not excluded: the header does not say, and the pixels are compressed"
    STATED = "the header says that there is (Burned In Annotation)"
    LIKELY = "images of its kind often hold some, and the header does not say that there is none"
    SEEN = "something in the pixels looks like letters"

    @property
    def is_doubtful(self) -> bool:
        """Whether somebody has to decide before the image may be copied."""
        return self in (Writing.STATED, Writing.LIKELY, Writing.SEEN)


def writing(dataset: Dataset, syntax: UID) -> Writing:
    """Judge one image by its header, and by its pixels where they are not compressed."""
    if "PixelData" not in dataset or text_of(dataset, "Modality") in _COMPUTED:
        return Writing.NONE
    stated = text_of(dataset, "BurnedInAnnotation").upper()
    if stated == "YES":
        return Writing.STATED
    kind = text_of(dataset, "SOPClassUID")
    if kind.startswith(_PARAMETRIC_MAP) or stated == "NO":
        return Writing.NONE
    if not _is_a_scanners(dataset, kind):
        return Writing.LIKELY
    planes = _planes(dataset, syntax)
    if planes is None:
        return Writing.UNSEEN
    return Writing.SEEN if any(looks_written(plane) for plane in planes) else Writing.NONE


def _is_a_scanners(dataset: Dataset, kind: str) -> bool:
    """Whether an image comes from a scanner rather than from a screen or a camera, on which names may stand."""
    modality = text_of(dataset, "Modality")
    screenshot = "SCREEN" in text_of(dataset, "ImageType").upper() or "ConversionType" in dataset
    drawn = kind.startswith((_SC, _US, _US_CINE, _PHOTOS)) or modality in _WRITTEN_ON
    return modality in _MADE_BY_SCANNERS and not drawn and not screenshot and dataset.get("SamplesPerPixel") == 1


def _planes(dataset: Dataset, syntax: UID) -> NDArray[np.generic] | None:
    """Grey values (frames, rows, columns) without decoding; None where that is not possible."""
    bits, data = dataset.get("BitsAllocated"), dataset.get_item("PixelData").value
    rows, columns = dataset.get("Rows", 0), dataset.get("Columns", 0)
    if syntax.is_compressed or not isinstance(data, bytes) or len(data) > _LARGEST or bits not in (8, 16):
        return None
    order, sign = "<" if syntax.is_little_endian else ">", "i" if dataset.get("PixelRepresentation") else "u"
    kind = np.dtype(f"{order}{sign}{bits // 8}")
    size = rows * columns * kind.itemsize
    if not size or len(data) < size:
        return None
    return np.frombuffer(data, kind, len(data) // size * rows * columns).reshape(-1, rows, columns)


def looks_written(plane: NDArray[np.generic]) -> bool:
    """Whether letters may stand in a plane (rows, columns).

    Letters are drawn in the brightest value there is, in thin strokes: several rows, one upon the other, in which
    that value comes and goes many times.  Metal and clipped bone reach it too, but in few large patches.
    """
    brightest = plane == plane.max()
    if np.count_nonzero(brightest) < _STROKES // 2 * _LINES:
        return False
    edges = np.count_nonzero(brightest[:, 1:] != brightest[:, :-1], axis=1)
    rows = np.concatenate([[0], edges >= _STROKES, [0]]).astype(np.int8)
    ends = np.flatnonzero(np.diff(rows))
    return bool((ends[1::2] - ends[::2] >= _LINES).any())
