"""The one place that calls the codec library, in this process or in the guarded one.

Which codec may run in this process was decided by mutating tens of thousands of streams:
tests/dicom/mutants.py does it again.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from radviewer.dicom.codestream import Codec
from radviewer.dicom.pixel_errors import BadPixels

if TYPE_CHECKING:
    from numpy.typing import NDArray

_END = b"\xff\xd9"
_PADDING = 64
"""Bytes behind the end marker that are taken for padding."""
_NOISE = bytes(range(1, 251, 2)) * 4
CODEC_REFUSALS = (RuntimeError, ValueError, TypeError, MemoryError, OverflowError)
"""What the wrappers raise: the codec's own error (a RuntimeError), and the others for sizes and
depths that numpy has no array for."""


class JpegColour(Enum):
    """What to do with the components of a JPEG; the value is the library's name of its space."""

    GREY = "GRAYSCALE"
    RGB = "RGB"
    YCBCR = "YCBCR"  # converted to RGB


def run_codec(
    codec: Codec,
    data: bytes,
    colour: JpegColour = JpegColour.GREY,
    threads: int = 1,
    target: NDArray[Any] | None = None,
) -> NDArray[Any]:
    """Decode one codestream whose header was checked.

    More than one of `threads` makes a single large JPEG 2000 film appear sooner.  `target`,
    of the shape and type that comes out, saves memory that would be asked for and given back.

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
            return _decode_jpeg(data, colour, target)
        if codec is Codec.JPEG_LS:  # without its end marker CharLS searches for many seconds
            return imagecodecs.jpegls_decode(_closed(data), out=target)
        if codec is Codec.JPEG_2000:  # HTJ2K too: OpenJPH, the alternative, crashed on mutated streams
            return imagecodecs.jpeg2k_decode(_closed(data), numthreads=threads, out=target)
        if codec is Codec.JPEG_XL:
            return imagecodecs.jpegxl_decode(data, numthreads=1)
    except CODEC_REFUSALS as error:
        raise BadPixels(f"its {codec.value} data are damaged or cut short ({_short(error)})") from error
    raise ValueError(f"{codec} is not decoded here")


def _closed(data: bytes) -> bytes:
    """Return `data` with its end marker, which is the same for all these codecs (0xFFD9)."""
    return data if _END in data[-_PADDING:] else data + _END


def _decode_jpeg(data: bytes, colour: JpegColour, target: NDArray[Any] | None) -> NDArray[Any]:
    """Decode, and notice when a stream without an end marker was cut off.

    libjpeg invents what is missing.  It invents something else when other bytes follow, unless
    the image was complete.
    """
    import imagecodecs

    def decoded(stream: bytes, out: NDArray[Any] | None) -> NDArray[Any]:
        wanted = JpegColour.RGB if colour is JpegColour.YCBCR else colour
        return imagecodecs.jpeg8_decode(stream, colorspace=colour.value, outcolorspace=wanted.value, out=out)

    if _END in data[-_PADDING:]:
        return decoded(data, target)
    image = decoded(data + _END, target)
    if not (image == decoded(data + _NOISE + _END, None)).all():
        raise BadPixels("its JPEG data are cut short")
    return image


def _short(error: BaseException) -> str:
    text = str(error).split("\n")[0].split(" returned ")[-1].strip("'\" ")
    return text[:120] or type(error).__name__
