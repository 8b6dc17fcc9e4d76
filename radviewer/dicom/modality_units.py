"""Modality values: rescale slope and intercept and the unit they lead to (PS3.3 C.11.1)."""

from __future__ import annotations

from typing import NamedTuple

from radviewer.dicom import attributes as a
from radviewer.dicom.headers import DataSet
from radviewer.dicom.suv import suv_factor

_LARGEST = 1e12
"""Slope or intercept beyond which values are those of no modality, and whole numbers are told apart no more."""


class Rescale(NamedTuple):
    """Modality value = stored × slope + intercept, in `unit`.

    `factor` is what slope and intercept were multiplied by beyond the header's own
    (1 but for SUV).
    """

    slope: float
    intercept: float
    unit: str
    factor: float = 1.0


def read_rescale(data: DataSet, modality: str) -> Rescale:
    """Slope, intercept and unit of a frame; a PET is turned to SUVbw where the header allows it."""
    slope, intercept = data.number(a.RESCALE_SLOPE), data.number(a.RESCALE_INTERCEPT)
    intercept = intercept or 0.0
    if max(abs(slope or 0.0), abs(intercept)) > _LARGEST:
        return Rescale(1.0, 0.0, "")
    if slope is None or slope == 0:  # a slope of 0 would make every pixel alike: it is not meant
        return Rescale(1.0, intercept, "")
    if modality == "PT":
        factor = suv_factor(data)
        if factor is not None:
            return Rescale(slope * factor, intercept * factor, "SUVbw", factor)
        return Rescale(slope, intercept, data.text(a.UNITS))
    kind = data.text(a.RESCALE_TYPE)
    if kind.upper() in ("", "US"):  # "US" is "unspecified"
        unspecified = kind != "" or "LOCALIZER" in data.texts(a.IMAGE_TYPE)
        return Rescale(slope, intercept, "HU" if modality == "CT" and not unspecified else "")
    return Rescale(slope, intercept, kind)
