"""Whether an image's claims about its size fit what the file holds, before memory is allocated."""

from __future__ import annotations

from functools import lru_cache

from radviewer.dicom import attributes as a
from radviewer.dicom.elements import Value
from radviewer.dicom.headers import UNCOMPRESSED, Header
from radviewer.dicom.values import first_integer, text
from radviewer.domain.study import PixelFormat

MAX_FRAMES = 100_000
MAX_FRAME_BYTES = 4 << 30
_LEAST_KEPT = 16  # an image is shown although cut off, down to 1/16 of its data

RLE = "1.2.840.10008.1.2.5"
_RATIOS = {RLE: 64}  # a run of two bytes stands for 128
_RATIO = 1_000_000  # wavelet and run-length modes pack blank images into a few hundred bytes

VIDEO = {
    "1.2.840.10008.1.2.4.100": "MPEG-2",
    "1.2.840.10008.1.2.4.100.1": "MPEG-2",
    "1.2.840.10008.1.2.4.101": "MPEG-2",
    "1.2.840.10008.1.2.4.101.1": "MPEG-2",
    "1.2.840.10008.1.2.4.102": "MPEG-4",
    "1.2.840.10008.1.2.4.102.1": "MPEG-4",
    "1.2.840.10008.1.2.4.103": "MPEG-4",
    "1.2.840.10008.1.2.4.103.1": "MPEG-4",
    "1.2.840.10008.1.2.4.104": "MPEG-4",
    "1.2.840.10008.1.2.4.104.1": "MPEG-4",
    "1.2.840.10008.1.2.4.105": "MPEG-4",
    "1.2.840.10008.1.2.4.105.1": "MPEG-4",
    "1.2.840.10008.1.2.4.106": "MPEG-4",
    "1.2.840.10008.1.2.4.106.1": "MPEG-4",
    "1.2.840.10008.1.2.4.107": "HEVC",
    "1.2.840.10008.1.2.4.108": "HEVC",
}


class Refused(Exception):
    """The image cannot be shown; the message says why."""


_FORMAT = (
    a.ROWS,
    a.COLUMNS,
    a.BITS_ALLOCATED,
    a.SAMPLES_PER_PIXEL,
    a.BITS_STORED,
    a.HIGH_BIT,
    a.PIXEL_REPRESENTATION,
    a.PLANAR_CONFIGURATION,
)


def read_format(header: Header) -> PixelFormat:
    """Image Pixel module of the header.

    Raises
    ------
    Refused
        If an attribute without which the pixels mean nothing is absent or nonsense.

    """
    found = header.found
    values = tuple(found.values.get(tag) for tag in _FORMAT)
    photometric = header.raw(a.PHOTOMETRIC_INTERPRETATION) or b""
    tag = found.pixels[0] if found.pixels else 0
    return _format(values, header.encoding.big_endian, photometric, header.transfer_syntax, tag)


@lru_cache(maxsize=1024)
def _format(
    values: tuple[Value | None, ...], big_endian: bool, photometric: bytes, transfer_syntax: str, pixel_tag: int
) -> PixelFormat:
    rows, columns, allocated, samples, stored, high, sign, planar = (
        None if value is None else first_integer(tag, value, big_endian=big_endian)
        for tag, value in zip(_FORMAT, values, strict=True)
    )
    if not rows or not columns or rows < 0 or columns < 0:
        raise Refused(f"it has pixel data but no usable Rows and Columns ({rows or 0} × {columns or 0})")
    allocated = allocated or {a.FLOAT_PIXEL_DATA: 32, a.DOUBLE_FLOAT_PIXEL_DATA: 64}.get(pixel_tag, 0)
    if allocated not in (1, 8, 16, 32, 64):
        raise Refused(f"its BitsAllocated is {allocated or 'missing'}; radviewer reads 1, 8, 16, 32 and 64")
    samples = 1 if samples is None else samples
    if samples not in (1, 3, 4):
        raise Refused(f"its SamplesPerPixel is {samples}; radviewer reads 1, 3 and 4")
    stored = stored if stored and 0 < stored <= allocated else allocated
    return PixelFormat(
        rows=rows,
        columns=columns,
        samples_per_pixel=samples,
        photometric_interpretation=text(photometric).upper() or ("MONOCHROME2" if samples == 1 else "RGB"),
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=stored - 1 if high is None or not stored - 1 <= high < allocated else high,
        signed=sign == 1,
        planar_configuration=planar or 0,
        transfer_syntax_uid=transfer_syntax,
        is_float=pixel_tag in (a.FLOAT_PIXEL_DATA, a.DOUBLE_FLOAT_PIXEL_DATA),
    )


def frame_bits(form: PixelFormat) -> int:
    """Bits of one uncompressed frame; YBR_FULL_422 halves the chroma (PS3.3 C.7.6.3.1.2)."""
    samples = (
        2
        if form.photometric_interpretation.endswith("_422") and form.samples_per_pixel == 3
        else (form.samples_per_pixel)
    )
    return form.rows * form.columns * samples * form.bits_allocated


def frames_held(header: Header, form: PixelFormat) -> tuple[int, str]:
    """Frames the file can really hold: ``(number, warning)``.

    Raises
    ------
    Refused
        If the claims are absurd.

    """
    claimed = _claimed_frames(header)
    shape = f"{form.rows:,} × {form.columns:,}" + (f" × {claimed:,} frames" if claimed > 1 else "")
    bits = frame_bits(form)
    if bits > MAX_FRAME_BYTES * 8:
        raise Refused(f"it claims {shape}, more than radviewer opens ({MAX_FRAME_BYTES >> 30} GiB for one image)")
    if claimed > MAX_FRAMES:
        raise Refused(f"it claims {claimed:,} frames; radviewer opens at most {MAX_FRAMES:,} of one file")
    if header.found.pixels is None:
        raise Refused("it has no pixel data")
    span = header.found.pixels[1]
    held = span.end - span.start
    if held <= 0:
        raise Refused("its pixel data are empty")
    if span.undefined or form.transfer_syntax_uid not in UNCOMPRESSED:
        _check_compressed(form, bits, claimed, held, shape)
        return claimed, ""
    return _uncompressed(bits, claimed, held, shape)


def _claimed_frames(header: Header) -> int:
    number = header.number(a.NUMBER_OF_FRAMES)
    return 1 if number is None or number < 1 else int(min(number, 1e12))


def _check_compressed(form: PixelFormat, bits: int, claimed: int, held: int, shape: str) -> None:
    ratio = _RATIOS.get(form.transfer_syntax_uid, _RATIO)
    # every frame needs an item of its own (8 bytes) or, in one fragment, some bytes at least
    if claimed > max(1, held // 2) or bits // 8 * claimed > held * ratio + 4096:
        raise Refused(f"it claims {shape}, but its compressed pixel data are only {held:,} bytes")


def _uncompressed(bits: int, claimed: int, held: int, shape: str) -> tuple[int, str]:
    needed = (bits * claimed + 7) // 8
    if held >= needed:
        return claimed, ""
    complete = held * 8 // bits
    if complete >= 1 and complete * _LEAST_KEPT >= claimed:
        return complete, f"The file claims {claimed:,} frames but holds {complete:,}; the others are missing."
    if claimed == 1 and held * _LEAST_KEPT * 8 >= bits:
        return 1, f"The pixel data are cut off: {held:,} of {needed:,} bytes are there."
    raise Refused(f"it claims {shape}, which needs {needed:,} bytes, but the file holds {held:,} bytes of pixel data")


def pixel_place(header: Header) -> tuple[int | None, int | None]:
    """``(offset, length)`` of the pixel data's value in the file; see `ImageFile`."""
    if header.found.pixels is None or header.deflated:
        return None, None
    span = header.found.pixels[1]
    return span.start, None if span.undefined else span.end - span.start
