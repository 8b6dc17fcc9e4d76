"""Reads the images of one file: bytes → stored values → `SliceImage`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radviewer.dicom.decode import decode_frame
from radviewer.dicom.deflated import InflatedBytes
from radviewer.dicom.fragments import Fragment, frames_of, read_frame, walk_fragments
from radviewer.dicom.guard import Guard
from radviewer.dicom.headers import UNCOMPRESSED
from radviewer.dicom.image_header import ImageTables, extended_offsets, read_image_header, read_tables
from radviewer.dicom.lut import apply_palette
from radviewer.dicom.native import as_words, frame_bits, native_pixels, read_words, store_grey
from radviewer.dicom.overlay import overlay_planes
from radviewer.dicom.photometric import check_colour, to_rgb
from radviewer.dicom.pixel_errors import BadPixels
from radviewer.dicom.pixel_source import MemoryPixels, PixelSource, check_version, open_on_disk, unpack
from radviewer.dicom.stored import drop_unused_bits, grey_from_codec, keeps_all_bits, stored_shape, stored_type
from radviewer.domain.study import Frame, ImageFile, PixelFormat
from radviewer.domain.volume import OverlayPlane, Pixels, SliceImage
from radviewer.errors import TooLarge, UnreadableImage
from radviewer.progress import Progress

_NO_TABLES = ImageTables()
_ITEM_TAG = b"\xfe\xff\x00\xe0"


class ImageReader:
    """Reads frames of one file, in any order and from several threads.

    What is worth keeping between frames (fragment table, palette, overlays, an unpacked
    archive member) is kept; the file itself is opened for each frame.

    Parameters
    ----------
    file : ImageFile
        As the scan found it.
    guard : Guard
        Decodes codestreams that look dangerous.
    threads : int
        For decoding one JPEG 2000 image.
    check : callable, optional
        Called while an archive is unpacked; what it raises stops the work.

    """

    def __init__(
        self, file: ImageFile, guard: Guard, threads: int = 1, check: Callable[[], None] | None = None
    ) -> None:
        self.file = file
        self._guard = guard
        self._check = check or Progress().check
        self._threads = threads
        self._lock = threading.Lock()
        self._kept: PixelSource | None = None  # what is unpacked or inflated
        self._place = (file.pixel_offset or 0, file.pixel_length)
        self._tables: ImageTables | None = None if file.needs_header else _NO_TABLES
        self._frames: tuple[tuple[Fragment, ...], ...] | None = None

    def read(self, frame: Frame, out: Pixels | None = None) -> SliceImage:
        """Decode one frame.

        Parameters
        ----------
        frame : Frame
            Of this file.
        out : ndarray, optional
            C-contiguous place of the stored values, shape and type as `stored_shape` and
            `stored_type` say; a new array when it is not given.

        Raises
        ------
        UnreadableImage, TooLarge

        """
        form = self.file.format
        try:
            check_colour(form)
            with self._open() as source:
                if out is None:
                    out = np.empty(stored_shape(form), stored_type(form))
                tables = self._read_tables(source)
                planes = self._fill(source, frame.index, out, tables)
        except BadPixels as error:
            raise UnreadableImage(f"{self.file.location.name} cannot be shown: {error}.") from error
        except MemoryError as error:
            raise TooLarge(f"{self.file.location.name} needs more memory than there is.") from error
        stored = out.view()
        stored.setflags(write=False)
        return SliceImage(
            stored,
            frame.slope,
            frame.intercept,
            tables.modality_lut,
            frame.unit if tables.modality_lut is None else tables.modality_unit,
            self.file.padding,
            (*tables.voi_luts, *frame.windows),
            form.photometric_interpretation == "MONOCHROME1" or self.file.presentation_inverse,
            frame.plane,
            frame.spacing,
            planes,
            frame.orientation,
            frame.aspect,
        )

    @contextmanager
    def _open(self) -> Iterator[PixelSource]:
        """Open the file, or what was made of it once: an unpacked member, inflated data."""
        location, kept = self.file.location, self._kept
        if kept is None and location.member is not None:
            check_version(location.path, self.file.version)
            with self._lock:
                kept = self._kept = self._kept or self._inflated(unpack(location, self._check))
        if kept is not None:
            yield kept
            return
        with open_on_disk(location, self.file.version) as source:
            if self.file.pixel_offset is not None:
                yield source
                return
            with self._lock:
                kept = self._kept = self._kept or self._inflated(source)
            yield kept

    def _inflated(self, source: PixelSource) -> PixelSource:
        """Inflate a deflated data set up to the end of its pixels; leave any other as it is."""
        if self.file.pixel_offset is not None:
            return source
        header = read_image_header(source)
        if header.found.pixels is None or not header.deflated:
            raise BadPixels("its pixel data are not where they were")
        span = header.found.pixels[1]
        self._place = (span.start, span.end - span.start)
        if self.file.needs_header:
            self._tables = read_tables(header, self.file)
        inflated, needed = header.walker.source, min(span.end, span.start + _native_bytes(self.file))
        if isinstance(inflated, InflatedBytes):
            inflated.limit = needed
        return MemoryPixels(inflated.read(0, needed))

    def _read_tables(self, source: PixelSource) -> ImageTables:
        if self._tables is None:
            with self._lock:
                self._tables = self._tables or read_tables(read_image_header(source), self.file)
        return self._tables

    def _fill(self, source: PixelSource, index: int, out: Pixels, tables: ImageTables) -> tuple[OverlayPlane, ...]:
        """Put the stored values of a frame into `out`; return its overlays."""
        form, (start, length) = self.file.format, self._place
        if length is not None and self._is_native(source):
            pixels = native_pixels(source, form, start, length, self.file.number_of_frames)
            return _store(read_words(source, pixels, index, out), form, out, index, tables)
        target = out if out.ndim == 2 and out.dtype.itemsize * 8 == form.bits_allocated else None
        decoded = decode_frame(self._frame_bytes(source, index), form, self._guard, self._threads, target)
        if form.samples_per_pixel > 1:
            out[...] = to_rgb(decoded.pixels, decoded.photometric, decoded.bits)
            return overlay_planes(tables.overlays, index, out.shape[:2], None)
        if decoded.all_bits:
            return _store(as_words(decoded.pixels, form), form, out, index, tables)
        planes = overlay_planes(tables.overlays, index, out.shape[:2], decoded.pixels)
        grey = grey_from_codec(decoded.pixels, form, true_values=decoded.true_values, bits=decoded.bits)
        if tables.palette is not None:
            out[...] = apply_palette(grey, *tables.palette)
        elif not np.may_share_memory(grey, out):
            out[...] = grey
        return planes

    def _is_native(self, source: PixelSource) -> bool:
        """Whether the pixel data are uncompressed, whatever the transfer syntax says."""
        form, (start, length) = self.file.format, self._place
        if form.transfer_syntax_uid in UNCOMPRESSED:
            return True
        whole = _native_bytes(self.file)
        return length is not None and whole <= length <= whole + 1 and source.read(start, 4) != _ITEM_TAG

    def _frame_bytes(self, source: PixelSource, index: int) -> bytes:
        """Compressed bytes of a frame."""
        if self._frames is None:
            with self._lock:
                if self._frames is None:
                    self._frames = self._find_frames(source)
        if index >= len(self._frames):
            raise BadPixels(f"frame {index + 1} is missing: the file holds {len(self._frames):,}")
        return read_frame(source, self._frames[index])

    def _find_frames(self, source: PixelSource) -> tuple[tuple[Fragment, ...], ...]:
        start, length = self._place
        end = source.size if length is None else min(source.size, start + length)
        if length is not None and source.read(start, 4) != _ITEM_TAG:  # not encapsulated, against PS3.5 A.4
            return ((Fragment(start, start, max(0, end - start)),),)
        found = walk_fragments(source, start, end)
        frames = self.file.number_of_frames
        several = 1 < frames != len(found.fragments)
        extended = extended_offsets(read_image_header(source)) if several and not found.offsets else ()
        return frames_of(source, found, frames, extended)


def _native_bytes(file: ImageFile) -> int:
    return -(-frame_bits(file.format) * file.number_of_frames // 8)


def _store(
    words: NDArray[Any], form: PixelFormat, out: Pixels, index: int, tables: ImageTables
) -> tuple[OverlayPlane, ...]:
    """Put words that still have all their bits into `out`; return the overlays."""
    colour = form.samples_per_pixel > 1
    planes = overlay_planes(tables.overlays, index, out.shape[:2], None if colour else words)
    if not colour and tables.palette is None:
        store_grey(words, form, out)
        return planes
    if not keeps_all_bits(form):
        words = words.copy()
        drop_unused_bits(words, form)
    if tables.palette is not None:
        out[...] = apply_palette(words, *tables.palette)
    else:
        out[...] = to_rgb(words, form.photometric_interpretation, form.bits_stored)
    return planes
