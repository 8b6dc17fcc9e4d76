"""Stored values that are not anatomy, and the presentation's direction (PS3.3 C.7.5.1.1.2, C.11.6)."""

from __future__ import annotations

import struct

from radviewer.dicom import attributes as a
from radviewer.dicom.headers import DataSet
from radviewer.domain.study import PixelFormat

_FLOAT_TAGS = {32: (0x00280122, 0x00280123, "f"), 64: (0x00280124, 0x00280125, "d")}
PADDING_TAGS = frozenset(
    {a.PIXEL_PADDING_VALUE, a.PIXEL_PADDING_RANGE_LIMIT, *(t for pair in _FLOAT_TAGS.values() for t in pair[:2])}
)


def read_padding(data: DataSet, form: PixelFormat) -> tuple[float, float] | None:
    """Inclusive range of stored values that are padding, the lower one first; None without any."""
    if form.samples_per_pixel != 1 or form.photometric_interpretation == "PALETTE COLOR":
        return None
    value_tag, limit_tag, code = a.PIXEL_PADDING_VALUE, a.PIXEL_PADDING_RANGE_LIMIT, "h" if form.signed else "H"
    if form.is_float:
        value_tag, limit_tag, code = _FLOAT_TAGS[form.bits_allocated]
    value = _number(data, value_tag, code)
    if value is None:
        return None
    limit = _number(data, limit_tag, code)
    return (value, value) if limit is None else (min(value, limit), max(value, limit))


def _number(data: DataSet, tag: int, code: str) -> float | None:
    """One value, its sign taken from PixelRepresentation: the VR is often wrong or not written."""
    raw = data.raw(tag)
    size = struct.calcsize(code)
    if raw is None or len(raw) < size:
        return None
    number = float(struct.unpack_from(f"{'>' if data.encoding.big_endian else '<'}{code}", raw)[0])
    return number if number == number else None  # a float may be NaN


def is_inverse(data: DataSet) -> bool:
    """Whether PresentationLUTShape inverts the image."""
    return data.text(a.PRESENTATION_LUT_SHAPE).upper() == "INVERSE"
