"""From words of BitsAllocated to stored values: byte order, unused bits, sign (PS3.5 8.1).

The stored value occupies BitsStored bits below HighBit; what the other bits hold (old overlays,
garbage, a copy of the sign) is removed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from radviewer.dicom.pixel_errors import BadPixels
from radviewer.domain.study import PixelFormat

PALETTE = "PALETTE COLOR"
LOSSY = frozenset(f"1.2.840.10008.1.2.4.{n}" for n in ("50", "51", "53", "55", "81", "91", "93", "111", "112", "203"))
"""Transfer syntaxes whose codecs may give values just beyond those that went in."""


def is_colour(form: PixelFormat) -> bool:
    """Whether the image ends up as RGB: three samples, or a palette."""
    return form.samples_per_pixel > 1 or form.photometric_interpretation == PALETTE


def word_type(form: PixelFormat) -> np.dtype[Any]:
    """Little-endian type of one stored grey value: as narrow as BitsAllocated, with its sign."""
    if form.is_float:
        return np.dtype("<f4" if form.bits_allocated == 32 else "<f8")
    if form.bits_allocated == 1:
        return np.dtype(np.uint8)
    return np.dtype(f"<{'i' if form.signed else 'u'}{form.bits_allocated // 8}")


def stored_type(form: PixelFormat) -> np.dtype[Any]:
    """Type of `SliceImage.stored`: 8-bit colour, or the grey word (64-bit integers as floats)."""
    if is_colour(form):
        return np.dtype(np.uint8)
    word = word_type(form)
    return np.dtype(np.float64) if word.kind in "iu" and word.itemsize == 8 else word


def stored_shape(form: PixelFormat) -> tuple[int, ...]:
    """Shape of one image's `SliceImage.stored`."""
    return (form.rows, form.columns, 3) if is_colour(form) else (form.rows, form.columns)


def is_plain(form: PixelFormat, *, big_endian: bool) -> bool:
    """Whether the file's bytes are the stored values: they can be read straight into place."""
    return (
        not is_colour(form)
        and form.bits_allocated in (8, 16, 32, 64)
        and stored_type(form) == word_type(form)
        and not (big_endian and form.bits_allocated > 8)
    )


def keeps_all_bits(form: PixelFormat) -> bool:
    """Whether every bit of a word belongs to the stored value."""
    return form.is_float or form.bits_allocated == 1 or form.bits_stored == form.bits_allocated


def drop_unused_bits(words: NDArray[Any], form: PixelFormat) -> None:
    """Reduce words of BitsAllocated to stored values, in place.

    Signed words are sign-extended by shifting them up and arithmetically down again.
    """
    if keeps_all_bits(form):
        return
    above = form.bits_allocated - 1 - form.high_bit
    below = form.high_bit + 1 - form.bits_stored
    if words.dtype.kind == "u" and below == 0:
        np.bitwise_and(words, words.dtype.type((1 << form.bits_stored) - 1), out=words)
        return
    if above:
        np.left_shift(words, words.dtype.type(above), out=words)
    np.right_shift(words, words.dtype.type(above + below), out=words)


def words_from_bytes(data: bytes | memoryview, form: PixelFormat, *, big_endian: bool) -> NDArray[Any]:
    """Words of uncompressed pixel data, in native byte order; a view where that is possible."""
    word = word_type(form)
    order = word.newbyteorder(">") if big_endian and word.itemsize > 1 else word
    words: NDArray[Any] = np.frombuffer(data, order, len(data) // word.itemsize).astype(word, copy=False)
    return words


def bits_to_image(data: bytes | bytearray, form: PixelFormat, first_bit: int) -> NDArray[np.uint8]:
    """Unpack a frame of 1-bit pixels that starts `first_bit` bits into `data`, lowest bit first."""
    count = form.rows * form.columns
    bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")[first_bit : first_bit + count]
    if len(bits) < count:
        raise BadPixels(f"its pixel data hold {len(bits):,} of {count:,} bits")
    image: NDArray[np.uint8] = bits.reshape(form.rows, form.columns)
    return image


def grey_from_codec(pixels: NDArray[Any], form: PixelFormat, *, true_values: bool, bits: int) -> NDArray[Any]:
    """Give decoded grey samples the type of the stack, in place where the width allows it.

    Parameters
    ----------
    pixels : ndarray, shape (rows, columns)
        Integers of any width and sign.
    form : PixelFormat
        Of the stack.
    true_values : bool
        The codestream was signed: its values count as they are.
    bits : int
        Precision of the codestream.

    """
    word = word_type(form)
    if word.itemsize == 8 or form.is_float or form.bits_allocated == 1:
        return pixels.astype(stored_type(form))
    stored = form.bits_stored
    if true_values and form.signed:
        if pixels.dtype.itemsize > word.itemsize:
            limits = np.iinfo(word)
            np.clip(pixels, limits.min, limits.max, out=pixels)
        return _as_type(pixels, word)
    if form.transfer_syntax_uid in LOSSY and not form.signed:  # what overshoots must not wrap to black
        if true_values or bits > stored:
            np.clip(pixels, 0, min((1 << stored) - 1, np.iinfo(pixels.dtype).max), out=pixels)
        return _as_type(pixels, word)
    words = _as_type(pixels, word)
    if stored < form.bits_allocated and (form.signed or true_values or bits > stored):
        up = word.type(form.bits_allocated - stored)
        np.left_shift(words, up, out=words)
        np.right_shift(words, up, out=words)
    return words


def _as_type(pixels: NDArray[Any], kind: np.dtype[Any]) -> NDArray[Any]:
    """Pixels in another integer type; what does not fit keeps its lower bits."""
    converted: NDArray[Any] = pixels.view(kind) if pixels.dtype.itemsize == kind.itemsize else pixels.astype(kind)
    return converted
