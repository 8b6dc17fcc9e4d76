"""What showing an image needs of its header beyond the frame's own values."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radviewer.dicom import attributes as a
from radviewer.dicom.elements import ByteSource
from radviewer.dicom.headers import BrokenHeader, Header, NotDicom, read_header
from radviewer.dicom.lut import LUT_TAGS, PALETTE_TAGS, lookup_table, modality_unit, read_palette
from radviewer.dicom.overlay import OVERLAY_TAGS, Overlay, read_overlays
from radviewer.dicom.pixel_errors import BadPixels
from radviewer.dicom.stored import PALETTE
from radviewer.domain.study import ImageFile
from radviewer.domain.window import LookupTable

_EXTENDED_OFFSETS = 0x7FE00001
_WANTED = frozenset(
    {
        a.SPECIFIC_CHARACTER_SET,
        a.MODALITY_LUT_SEQUENCE,
        a.VOI_LUT_SEQUENCE,
        a.RESCALE_INTERCEPT,
        _EXTENDED_OFFSETS,
        *PALETTE_TAGS,
        *OVERLAY_TAGS,
    }
)
_MOST_VOI_LUTS = 32


@dataclass(frozen=True, slots=True, eq=False)
class ImageTables:
    """Tables and overlays of one file.

    Attributes
    ----------
    modality_unit : str
        Unit of the values `modality_lut` gives, "" when unspecified.
    palette : tuple or None
        First pixel value mapped, and RGB entries of shape (n, 3), uint8.

    """

    modality_lut: LookupTable | None = None
    modality_unit: str = ""
    voi_luts: tuple[LookupTable, ...] = ()
    palette: tuple[int, NDArray[np.uint8]] | None = None
    overlays: tuple[Overlay, ...] = ()


def read_image_header(source: ByteSource) -> Header:
    """Read the header of a file once more, with all that `read_tables` looks at.

    Raises
    ------
    BadPixels
        When it is not what the scan saw any more.

    """
    try:
        return read_header(source, _WANTED)
    except (NotDicom, BrokenHeader) as error:
        raise BadPixels(f"its header cannot be read again: {error}") from error


def read_tables(header: Header, file: ImageFile) -> ImageTables:
    """Collect the tables and overlays of a header.

    Raises
    ------
    BadPixels
        When a table is damaged without which the pixels mean nothing: palette, Modality LUT.

    """
    form = file.format
    palette = read_palette(header, signed=form.signed) if form.photometric_interpretation == PALETTE else None
    modality_lut, unit = None, ""
    item = header.first_item(a.MODALITY_LUT_SEQUENCE, LUT_TAGS)
    if item is not None:
        modality_lut = lookup_table(item, signed_input=form.signed)
        if modality_lut is None:
            raise BadPixels("its Modality LUT is damaged")
        unit = modality_unit(item)
    signed_output = modality_lut is None and (form.signed or (header.number(a.RESCALE_INTERCEPT) or 0) < 0)
    found = []
    for item in header.items(a.VOI_LUT_SEQUENCE, LUT_TAGS):
        found.append(lookup_table(item, signed_input=signed_output))
        if len(found) == _MOST_VOI_LUTS:
            break
    return ImageTables(
        modality_lut=modality_lut,
        modality_unit=unit,
        voi_luts=tuple(table for table in found if table is not None),
        palette=palette,
        overlays=read_overlays(header, file.number_of_frames),
    )


def extended_offsets(header: Header) -> tuple[int, ...]:
    """Extended offset table (PS3.5 A.4), () when there is none."""
    raw = header.raw(_EXTENDED_OFFSETS) or b""
    return struct.unpack(f"<{len(raw) // 8}Q", raw[: len(raw) // 8 * 8])
