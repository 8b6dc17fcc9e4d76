"""The one place that calls the codec library, in this process or in the guarded one.

Which codec may run in this process was decided by mutating thousands of streams: see
tests/dicom/test_hostile_pixels.py.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from radviewer.dicom.codestream import Codec
from radviewer.dicom.pixel_errors import BadPixels

if TYPE_CHECKING:
    from numpy.typing import NDArray

_END = b"\xff\xd9"
_REFUSALS = (RuntimeError, ValueError, TypeError, MemoryError, OverflowError)
"""What the wrappers raise: the codec's own error (a RuntimeError), and the others for sizes and
depths that numpy has no array for."""


class JpegColour(Enum):
    """What to do with the components of a JPEG; the value is the library's name of its space."""

    GREY = "GRAYSCALE"
    RGB = "RGB"
    YCBCR = "YCBCR"  # converted to RGB


def run_codec(codec: Codec, data: bytes, colour: JpegColour = JpegColour.GREY, threads: int = 1) -> NDArray[Any]:
    """Decode one codestream whose header was checked.

    More than one of `threads` makes a single large JPEG 2000 film appear sooner.

    Returns
    -------
    ndarray, shape (rows, columns) or (rows, columns, components)

    Raises
    ------
    BadPixels
        When the codec refuses the data.

    """
    import imagecodecs

    try:
        if codec is Codec.JPEG:
            target = JpegColour.RGB if colour is JpegColour.YCBCR else colour
            return imagecodecs.jpeg8_decode(data, colorspace=colour.value, outcolorspace=target.value)
        if codec is Codec.JPEG_LS:
            return imagecodecs.jpegls_decode(_with_end(data))
        if codec is Codec.JPEG_2000:  # HTJ2K too: OpenJPH, the alternative, crashed on mutated streams
            return imagecodecs.jpeg2k_decode(data, numthreads=threads)
        if codec is Codec.JPEG_XL:
            return imagecodecs.jpegxl_decode(data, numthreads=1)
    except _REFUSALS as error:
        raise BadPixels(f"its {codec.value} data are damaged or cut short ({_short(error)})") from error
    raise ValueError(f"{codec} is not decoded here")


def _with_end(data: bytes) -> bytes:
    """Close a JPEG-LS stream: without its end marker CharLS searches for many seconds."""
    bare = data.rstrip(b"\0")
    return data if bare.endswith(_END) else bare + _END + _END


def _short(error: BaseException) -> str:
    text = str(error).split("\n")[0].split(" returned ")[-1].strip("'\" ")
    return text[:120] or type(error).__name__
