"""From the bytes of one compressed frame to an array: look, compare, then decode (PS3.5 A.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radviewer.dicom.codecs import JpegColour, run_codec
from radviewer.dicom.codestream import Codec, ColourTransform, StreamHeader
from radviewer.dicom.codestream_j2k import parse_j2k, unwrap
from radviewer.dicom.codestream_jpeg import parse_jpeg
from radviewer.dicom.codestream_jxl import BARE, WRAPPED, parse_jxl
from radviewer.dicom.guard import Guard
from radviewer.dicom.pixel_errors import BadPixels
from radviewer.dicom.rle import decode_rle
from radviewer.domain.study import PixelFormat

RLE_LOSSLESS = "1.2.840.10008.1.2.5"
MAX_SAMPLES = 1 << 27
"""Samples of one compressed frame: a film of 11,000 × 11,000."""
_LARGE = 1 << 23
_MOST_PER_BYTE = 1000
"""A large image packed tighter than this (samples per byte) is blank, or a bomb."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """What came out of a codec.

    Attributes
    ----------
    pixels : ndarray, shape (rows, columns) or (rows, columns, samples)
    photometric : str
        PhotometricInterpretation of `pixels`: the codec may have undone a colour transform.
    all_bits : bool
        The pixels are words of BitsAllocated bits, as in an uncompressed file.
    true_values : bool
        The codestream was signed: nothing is left to mask or to sign-extend.
    bits : int
        Bits per sample that count.

    """

    pixels: NDArray[Any]
    photometric: str
    all_bits: bool
    true_values: bool
    bits: int


def inspect(data: bytes, transfer_syntax_uid: str) -> tuple[StreamHeader | None, bytes]:
    """Read a frame's own header; None for RLE, which has no size in it.

    The bytes decide which codec it is: transfer syntaxes are sometimes wrong.

    Returns
    -------
    header : StreamHeader or None
    data : bytes
        The bare codestream.

    Raises
    ------
    BadPixels

    """
    if data.startswith(b"\xff\xd8"):
        return parse_jpeg(data), data
    if data.startswith(b"\xff\x4f\xff\x51") or data[4:8] == b"jP  ":
        bare = unwrap(data)
        return parse_j2k(bare), bare
    if data.startswith((BARE, WRAPPED)):
        return parse_jxl(data), data
    if transfer_syntax_uid == RLE_LOSSLESS:
        return None, data
    raise BadPixels("its compressed data do not start like any known codestream")


def decode_frame(
    data: bytes, form: PixelFormat, guard: Guard, threads: int = 1, target: NDArray[Any] | None = None
) -> Decoded:
    """Decode one compressed frame.

    What is unusual goes to `guard`, which starts its process only if needed; `threads` are
    for one large JPEG 2000 image; `target` (rows, columns), words of BitsAllocated bits, may take
    the pixels of a grey image.

    Raises
    ------
    BadPixels
        When the frame does not match `form`, is damaged, or is of a kind nothing here decodes.

    """
    header, bare = inspect(data, form.transfer_syntax_uid)
    if header is None:
        photometric = form.photometric_interpretation.replace("YBR_FULL_422", "YBR_FULL")
        return Decoded(
            decode_rle(bare, form, target), photometric, all_bits=True, true_values=False, bits=form.bits_stored
        )
    _compare(header, form)
    colour = _jpeg_colour(header, form)
    if _suspicious(header, len(bare)):
        limit = form.rows * form.columns * form.samples_per_pixel * 4
        pixels = guard.decode(header.codec, bare, limit, colour)
    else:
        pixels = run_codec(header.codec, bare, colour, threads, _typed(target, header))
    return Decoded(
        _shaped(pixels, form, header),
        _photometric(header, form),
        all_bits=False,
        true_values=header.signed,
        bits=header.precision or form.bits_stored,
    )


def _compare(header: StreamHeader, form: PixelFormat) -> None:
    """Refuse a stream that is not the image its DICOM header describes."""
    name = header.codec.value
    claimed = (form.rows, form.columns)
    if (header.rows, header.columns) != claimed:
        raise BadPixels(
            f"its header describes {form.rows:,} × {form.columns:,} pixels, "
            f"but its {name} data hold {header.rows:,} × {header.columns:,}"
        )
    if header.components not in (0, form.samples_per_pixel):
        raise BadPixels(
            f"its header describes {form.samples_per_pixel} samples per pixel, "
            f"but its {name} data hold {header.components}"
        )
    if header.precision > form.bits_allocated:
        raise BadPixels(
            f"its header allocates {form.bits_allocated} bits per sample, but its {name} data hold {header.precision}"
        )
    if form.rows * form.columns * form.samples_per_pixel > MAX_SAMPLES:
        raise BadPixels(f"{form.rows:,} × {form.columns:,} pixels are more than is decoded of one compressed image")


def _suspicious(header: StreamHeader, length: int) -> bool:
    samples = header.rows * header.columns * max(1, header.components)
    return header.oddity is not None or (samples > _LARGE and samples > length * _MOST_PER_BYTE)


def _typed(target: NDArray[Any] | None, header: StreamHeader) -> NDArray[Any] | None:
    """View `target` as the type the codec gives; None when that has another width."""
    width = 1 if header.precision <= 8 else 2 if header.precision <= 16 else 4
    if target is None or target.dtype.itemsize != width:
        return None
    return target.view(f"{'i' if header.signed else 'u'}{width}")


def _jpeg_colour(header: StreamHeader, form: PixelFormat) -> JpegColour:
    if header.components != 3:
        return JpegColour.GREY
    if header.transform is ColourTransform.UNKNOWN and not header.lossless_jpeg:
        is_ybr = form.photometric_interpretation.startswith("YBR")
        return JpegColour.YCBCR if is_ybr else JpegColour.RGB
    return JpegColour.YCBCR if header.transform is ColourTransform.YCBCR else JpegColour.RGB


def _photometric(header: StreamHeader, form: PixelFormat) -> str:
    """PhotometricInterpretation of what the codec gave."""
    claimed = form.photometric_interpretation
    if form.samples_per_pixel == 1:
        return claimed
    if header.codec is Codec.JPEG and not header.lossless_jpeg:
        return "RGB"
    if header.transform is ColourTransform.UNDONE_BY_CODEC or claimed in ("YBR_RCT", "YBR_ICT"):
        return "RGB"
    return "YBR_FULL" if claimed.startswith("YBR") else claimed


def _shaped(pixels: NDArray[Any], form: PixelFormat, header: StreamHeader) -> NDArray[Any]:
    """Make sure that the codec gave what its header promised."""
    shape: tuple[int, ...] = (form.rows, form.columns)
    if form.samples_per_pixel > 1:
        shape = (*shape, form.samples_per_pixel)
    if pixels.dtype.kind not in "iu":
        raise BadPixels(f"its {header.codec.value} data hold floating-point samples")
    if pixels.shape == (*shape, 1):
        pixels = pixels[..., 0]
    if pixels.shape != shape and pixels.shape == (shape[-1], *shape[:-1]):
        pixels = np.moveaxis(pixels, 0, -1)
    if pixels.shape != shape or pixels.dtype.itemsize * 8 > max(8, form.bits_allocated):
        raise BadPixels(f"its {header.codec.value} data decode to something else than their header describes")
    return pixels
