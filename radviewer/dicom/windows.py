"""Windows an image offers (PS3.3 C.11.2.1.2)."""

from __future__ import annotations

from functools import lru_cache

from radviewer.dicom import attributes as a
from radviewer.dicom.headers import DataSet
from radviewer.dicom.values import decimal_strings, texts
from radviewer.domain.window import VoiFunction, Window

_FUNCTIONS = {function.value: function for function in VoiFunction}
MAX_WINDOWS = 32


def read_windows(data: DataSet, factor: float = 1.0) -> tuple[Window, ...]:
    """All usable pairs of WindowCenter and WindowWidth in the header's order.

    Pairs that are not numbers or not wider than 0 are left out.  `factor` is
    what the modality values were multiplied by (SUV).
    """
    centers, widths = data.raw(a.WINDOW_CENTER), data.raw(a.WINDOW_WIDTH)
    if not centers or not widths:
        return ()
    return _windows(
        centers,
        widths,
        data.raw(a.WINDOW_CENTER_WIDTH_EXPLANATION) or b"",
        data.raw(a.VOI_LUT_FUNCTION) or b"",
        data.charset,
        factor,
    )


@lru_cache(maxsize=2048)
def _windows(
    centers: bytes, widths: bytes, explanations: bytes, functions: bytes, charset: bytes, factor: float
) -> tuple[Window, ...]:
    names = texts(explanations, charset)
    function = _FUNCTIONS.get((texts(functions) or ("",))[0].upper(), VoiFunction.LINEAR)
    pairs = list(zip(decimal_strings(centers), decimal_strings(widths), strict=False))
    windows = (
        Window(center * factor, width * factor, function, names[index] if index < len(names) else "")
        for index, (center, width) in enumerate(pairs[:MAX_WINDOWS])
        if center is not None and width is not None and 0 < width * factor < 1e30 and abs(center) < 1e30
    )
    return tuple(dict.fromkeys(windows))  # some scanners repeat one window
