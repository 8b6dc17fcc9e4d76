"""A deflated data set (PS3.5 A.5) as random access to its inflated bytes."""

from __future__ import annotations

import zlib

from radviewer.dicom.elements import ByteSource

MAX_HEADER = 64 << 20  # inflated bytes kept: a header, not pixels
_RATIO = 1032  # deflate cannot do better
_STEP = 1 << 16


class InflatedBytes:
    """Inflates only as far as it is read, at most `limit` bytes (a `ByteSource`).

    Attributes
    ----------
    size : int
        Upper bound of the inflated length; the truth would need all of it.
    limit : int
        Inflated bytes kept: `MAX_HEADER` until somebody wants pixels.

    """

    def __init__(self, source: ByteSource, begin: int) -> None:
        self._source = source
        self._pos = begin
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        self._data = bytearray()
        self.size = (source.size - begin) * _RATIO
        self.limit = MAX_HEADER

    def read(self, offset: int, length: int) -> bytes:
        """Return at most `length` bytes from `offset`; fewer at the end or where the stream is damaged."""
        self._inflate_to(offset + length)
        return bytes(self._data[offset : offset + length])

    def _inflate_to(self, length: int) -> None:
        while len(self._data) < min(length, self.limit) and not self._inflater.eof:
            packed = self._inflater.unconsumed_tail or self._source.read(self._pos, _STEP)
            if not packed:
                return
            if not self._inflater.unconsumed_tail:
                self._pos += len(packed)
            try:
                self._data += self._inflater.decompress(packed, _STEP)
            except zlib.error:
                self._inflater = zlib.decompressobj()
                self._pos = self._source.size
                return
