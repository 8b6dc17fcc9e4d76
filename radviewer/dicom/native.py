"""Uncompressed frames: bytes of the file to words, and words to stored values (PS3.5 8.1, A.1–A.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radviewer.dicom.headers import EXPLICIT_BIG
from radviewer.dicom.photometric import interleave, widen_chroma
from radviewer.dicom.pixel_errors import BadPixels
from radviewer.dicom.pixel_source import PixelSource
from radviewer.dicom.stored import bits_to_image, drop_unused_bits, is_plain, word_type, words_from_bytes
from radviewer.domain.study import PixelFormat
from radviewer.domain.volume import Pixels


@dataclass(frozen=True, slots=True)
class NativePixels:
    """The value of an uncompressed pixel data element.

    Attributes
    ----------
    start, length : int
        Offset in the source, and bytes that the source holds of it.
    frames : int
        Frames the element holds or should hold.
    halved_chroma : bool
        Two samples per pixel are written: one chroma pair for two pixels.
    swapped_bytes : bool
        Samples of 8 bits or fewer were written as big-endian words.

    """

    form: PixelFormat
    start: int
    length: int
    frames: int
    halved_chroma: bool
    swapped_bytes: bool

    @property
    def big_endian(self) -> bool:
        """Whether words are written with the most significant byte first."""
        return self.form.transfer_syntax_uid == EXPLICIT_BIG

    @property
    def frame_bits(self) -> int:
        """Bits of one frame; 1-bit frames follow each other without padding."""
        return frame_bits(self.form, halved_chroma=self.halved_chroma)


def frame_bits(form: PixelFormat, *, halved_chroma: bool = False) -> int:
    """Bits of one uncompressed frame."""
    samples = 2 if halved_chroma else form.samples_per_pixel
    return form.rows * form.columns * samples * form.bits_allocated


def native_pixels(source: PixelSource, form: PixelFormat, start: int, length: int, frames: int) -> NativePixels:
    """Describe uncompressed pixel data whose value lies at `start`."""
    halved = _is_halved(form, length, frames)
    big = form.transfer_syntax_uid == EXPLICIT_BIG
    swapped = big and form.bits_allocated <= 8 and source.read(start - 8, 2) == b"OW"
    return NativePixels(form, start, max(0, min(length, source.size - start)), frames, halved, swapped)


def _is_halved(form: PixelFormat, length: int, frames: int) -> bool:
    """Whether chroma is halved; the name alone (``_422``) is often wrong, so the length decides."""
    if not form.photometric_interpretation.endswith("_422") or form.samples_per_pixel != 3:
        return False
    one = frame_bits(form, halved_chroma=True) // 8
    surplus = 2 if frames == 1 else one  # of many frames, the last may be cut off
    return length < min(frames * frame_bits(form) // 8, frames * one + surplus)


def read_words(source: PixelSource, pixels: NativePixels, index: int, out: Pixels) -> NDArray[Any]:
    """Read one frame as words with all their bits.

    Returns
    -------
    ndarray, shape (rows, columns) or (rows, columns, samples)
        `out` itself where the file's bytes can be read straight into it, otherwise an array of
        its own that may be read-only.

    Raises
    ------
    BadPixels
        When the frame is not all there.

    """
    form, bits = pixels.form, pixels.frame_bits
    first, beyond = index * bits // 8, -(-(index + 1) * bits // 8)
    if beyond > pixels.length:
        raise BadPixels(
            f"its pixel data are cut off: frame {index + 1} ends at byte {beyond:,} of them, "
            f"but the file holds {pixels.length:,}"
            if pixels.frames > 1
            else f"its pixel data are cut off: {beyond:,} bytes expected, {pixels.length:,} found"
        )
    if is_plain(form, big_endian=pixels.big_endian) and not pixels.swapped_bytes:
        _read_into(source, pixels.start + first, out.data.cast("B"))
        return out
    if pixels.swapped_bytes:  # whole words only
        first, beyond = first // 2 * 2, min(-(-beyond // 2) * 2, pixels.length // 2 * 2)
    data = bytearray(beyond - first)
    _read_into(source, pixels.start + first, memoryview(data))
    if pixels.swapped_bytes:
        data = bytearray(np.frombuffer(data, ">u2").astype("<u2").tobytes())
    if form.bits_allocated == 1:
        return bits_to_image(data, form, index * bits - first * 8)
    words = words_from_bytes(memoryview(data)[index * bits // 8 - first :], form, big_endian=pixels.big_endian)
    return _arranged(words, pixels)


def _read_into(source: PixelSource, offset: int, target: memoryview) -> None:
    found = source.read_into(offset, target)
    if found < len(target):
        raise BadPixels(f"it ended while it was being read: {len(target):,} bytes expected, {found:,} found")


def _arranged(words: NDArray[Any], pixels: NativePixels) -> NDArray[Any]:
    form = pixels.form
    if pixels.halved_chroma:
        return widen_chroma(words[: form.rows * form.columns * 2], form.rows, form.columns)
    words = words[: form.rows * form.columns * form.samples_per_pixel]
    if form.samples_per_pixel == 1:
        return words.reshape(form.rows, form.columns)
    by_plane = form.planar_configuration == 1
    return interleave(words, form.rows, form.columns, form.samples_per_pixel, by_plane=by_plane)


def store_grey(words: NDArray[Any], form: PixelFormat, out: Pixels) -> None:
    """Turn words with all their bits into stored values in `out`, where they may lie already."""
    if out.dtype != words.dtype:  # 64-bit integers become floating-point
        words = words.copy()
        drop_unused_bits(words, form)
        out[...] = words
        return
    if not np.may_share_memory(words, out):
        np.copyto(out, words)
    drop_unused_bits(out, form)


def as_words(pixels: NDArray[Any], form: PixelFormat) -> NDArray[Any]:
    """Unsigned words of a codec under the sign of the header."""
    return pixels.view(word_type(form)) if pixels.dtype.itemsize == word_type(form).itemsize else pixels
