"""What a compressed frame says about itself, read before any codec touches it.

Codecs trust these fields when they allocate, so a frame is decoded only after its own
header was compared with Rows × Columns × Samples × Bits.  The parsers look at a bounded
number of bytes and never decode.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Codec(Enum):
    """A family of codestreams; the value is how the reader is told."""

    JPEG = "JPEG"
    JPEG_LS = "JPEG-LS"
    JPEG_2000 = "JPEG 2000"
    JPEG_XL = "JPEG XL"
    RLE = "RLE"


class ColourTransform(Enum):
    """What a codestream says about its own three components."""

    UNKNOWN = "unknown"  # the DICOM header decides
    NONE = "none"  # the components are red, green, blue
    YCBCR = "YCbCr"  # a JPEG decoder can convert
    UNDONE_BY_CODEC = "undone by the codec"  # what comes out is RGB


@dataclass(frozen=True, slots=True)
class StreamHeader:
    """Size and kind of one compressed frame, as its own header has it.

    Attributes
    ----------
    precision : int
        Bits per sample.
    signed : bool
        Whether the codestream itself holds signed samples (JPEG 2000 only).
    oddity : str or None
        Why this stream is unusual enough to be decoded only in a process that may die:
        a structure that costs far more time or memory than its size warrants.

    """

    codec: Codec
    rows: int
    columns: int
    components: int
    precision: int
    signed: bool = False
    transform: ColourTransform = ColourTransform.UNKNOWN
    lossless_jpeg: bool = False
    oddity: str | None = None
