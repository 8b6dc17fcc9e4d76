"""Turns the bytes of data elements into numbers and text; never raises.

What cannot be understood is None or left out: a missing spacing is safer than
a guessed one (PS3.5 section 6.2).
"""

from __future__ import annotations

import datetime
import math
import struct
from functools import lru_cache

from radviewer.dicom.charset import decode_bytes

_BINARY = {b"US": "H", b"SS": "h", b"UL": "I", b"SL": "i", b"FL": "f", b"FD": "d", b"UV": "Q", b"SV": "q"}

_IMPLICIT = {
    0x00280002: b"US",  # SamplesPerPixel
    0x00280006: b"US",  # PlanarConfiguration
    0x00280010: b"US",  # Rows
    0x00280011: b"US",  # Columns
    0x00280100: b"US",  # BitsAllocated
    0x00280101: b"US",  # BitsStored
    0x00280102: b"US",  # HighBit
    0x00280103: b"US",  # PixelRepresentation
    0x00189073: b"FD",  # AcquisitionDuration
    0x00189074: b"DT",  # FrameAcquisitionDateTime
    0x00189079: b"FD",  # InversionTimes
    0x00189082: b"FD",  # EffectiveEchoTime
    0x00189087: b"FD",  # DiffusionBValue
    0x00189089: b"FD",  # DiffusionGradientOrientation
    0x00186012: b"US",  # RegionSpatialFormat
    0x00186014: b"US",  # RegionDataType
    0x00186018: b"UL",  # RegionLocationMinX0
    0x0018601A: b"UL",  # RegionLocationMinY0
    0x0018601C: b"UL",  # RegionLocationMaxX1
    0x0018601E: b"UL",  # RegionLocationMaxY1
    0x00186024: b"US",  # PhysicalUnitsXDirection
    0x00186026: b"US",  # PhysicalUnitsYDirection
    0x0018602C: b"FD",  # PhysicalDeltaX
    0x0018602E: b"FD",  # PhysicalDeltaY
    0x00209057: b"UL",  # InStackPositionNumber
    0x00209128: b"UL",  # TemporalPositionIndex
    0x00209153: b"FD",  # NominalCardiacTriggerDelayTime
    0x00209157: b"UL",  # DimensionIndexValues
    0x00540080: b"US",  # SliceVector
    0x00540070: b"US",  # TimeSlotVector
    0x00041400: b"UL",  # OffsetOfTheNextDirectoryRecord
    0x00041410: b"US",  # RecordInUseFlag
    0x0019100C: b"IS",  # Siemens: b-value
    0x20011003: b"FL",  # Philips: b-value
    0x00651009: b"FD",  # United Imaging: b-value
}
"""VR of binary elements this program reads from implicit data sets (and from UN)."""

MAX_NUMBERS = 200_000
_KEPT = 256  # bytes: files of a series repeat most values, and only short ones are worth remembering


def decimal_strings(raw: bytes) -> tuple[float | None, ...]:
    """DS and IS values; None for what is not a finite number."""
    return _kept_decimals(raw) if len(raw) <= _KEPT else _decimals(raw)


def _decimals(raw: bytes) -> tuple[float | None, ...]:
    return tuple(_decimal(part) for part in raw.split(b"\\", MAX_NUMBERS)[:MAX_NUMBERS])


_kept_decimals = lru_cache(maxsize=8192)(_decimals)


def _decimal(part: bytes) -> float | None:
    try:
        value = float(part.strip(b" \0\t\r\n"))
    except ValueError:
        return None
    return value if math.isfinite(value) and b"_" not in part else None


def numbers(tag: int, vr: bytes, raw: bytes, *, big_endian: bool) -> tuple[float | None, ...]:
    """Numeric values of an element, whatever VR it was written with."""
    if vr in (b"", b"UN"):
        vr = _IMPLICIT.get(tag, b"DS")
    code = _BINARY.get(vr)
    if code is None:
        return decimal_strings(raw) if raw else ()
    size = struct.calcsize(code)
    count = min(len(raw) // size, MAX_NUMBERS)
    values = struct.unpack(f"{'>' if big_endian else '<'}{count}{code}", raw[: count * size])
    return tuple(float(v) if math.isfinite(v) else None for v in values)


def first_integer(tag: int, value: tuple[bytes, bytes], *, big_endian: bool) -> int | None:
    """First value of an element as an integer; None if it is not one."""
    found = numbers(tag, value[0], value[1], big_endian=big_endian)
    return whole(found[0]) if found else None


def whole(number: float | None) -> int | None:
    """A number as an integer; None if it is not one, or too large for any DICOM attribute."""
    return int(number) if number is not None and abs(number) < 1e15 and number == int(number) else None


def text(raw: bytes, charset: bytes = b"") -> str:
    """Text with padding removed; undecodable bytes become U+FFFD."""
    return _kept_text(raw, charset) if len(raw) + len(charset) <= _KEPT else _text(raw, charset)


def _text(raw: bytes, charset: bytes) -> str:
    return decode_bytes(raw, charset).strip(" \0\t\r\n")


_kept_text = lru_cache(maxsize=8192)(_text)


def texts(raw: bytes, charset: bytes = b"") -> tuple[str, ...]:
    """Values of a multi-valued text element, each without padding."""
    return tuple(part.strip(" \0\t\r\n") for part in text(raw, charset).split("\\")) if raw else ()


def uid(raw: bytes) -> str:
    """A UID as it is written, without padding."""
    return raw.strip(b" \0").decode("ascii", "replace")


def date(day: str) -> str:
    """DA as YYYYMMDD; "" for anything else (the old form YYYY.MM.DD is understood)."""
    found = day.replace(".", "").replace("-", "")
    if len(found) != 8 or not found.isascii() or not found.isdigit():
        return ""
    try:
        datetime.date(int(found[:4]), int(found[4:6]), int(found[6:]))
    except ValueError:  # the 45th of a 13th month
        return ""
    return found
