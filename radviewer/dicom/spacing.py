"""In-plane pixel spacing and where it comes from (PS3.3 10.7.1, C.8.5.5)."""

from __future__ import annotations

from functools import lru_cache

from radviewer.dicom import attributes as a
from radviewer.dicom.headers import DataSet
from radviewer.dicom.values import decimal_strings, texts
from radviewer.domain.geometry import PixelSpacing, SpacingOrigin

PROJECTIONS = frozenset({"CR", "DX", "MG", "IO", "PX", "XA", "RF", "RG", "DR", "RTIMAGE", "XC"})
"""Modalities whose pixels are a projection: mm at the detector are not mm in the patient."""

_CENTIMETRES = 3
_TWO_DIMENSIONAL = 1
_REGION = frozenset(
    {
        a.REGION_SPATIAL_FORMAT,
        a.PHYSICAL_UNITS_X_DIRECTION,
        a.PHYSICAL_UNITS_Y_DIRECTION,
        a.PHYSICAL_DELTA_X,
        a.PHYSICAL_DELTA_Y,
    }
)


def read_spacing(data: DataSet, modality: str) -> PixelSpacing | None:
    """Best spacing an image gives, or None: 0 and nonsense are unknown, not zero."""
    raw = data.raw
    found = _from_attributes(
        raw(a.PIXEL_SPACING) or b"",
        raw(a.IMAGER_PIXEL_SPACING) or b"",
        raw(a.NOMINAL_SCANNED_PIXEL_SPACING) or b"",
        raw(a.PIXEL_SPACING_CALIBRATION_TYPE) or b"",
        modality in PROJECTIONS,
    )
    if found is None and a.SEQUENCE_OF_ULTRASOUND_REGIONS in data.found.spans:
        return _from_regions(data)
    return found


@lru_cache(maxsize=1024)
def _from_attributes(
    pixel: bytes, imager: bytes, scanned: bytes, calibration: bytes, projection: bool
) -> PixelSpacing | None:
    in_patient, at_detector = _pair(pixel), _pair(imager)
    if in_patient is not None:
        if texts(calibration) and texts(calibration)[0]:
            origin = SpacingOrigin.CALIBRATED
        elif at_detector is not None:
            same = all(abs(p - q) <= 1e-4 * q for p, q in zip(in_patient, at_detector, strict=True))
            origin = SpacingOrigin.DETECTOR if same else SpacingOrigin.CALIBRATED
        else:  # a projection that does not say how its spacing was measured: not the patient's millimetres
            origin = SpacingOrigin.DETECTOR if projection else SpacingOrigin.PATIENT
        return PixelSpacing(*in_patient, origin)
    if at_detector is not None:
        return PixelSpacing(*at_detector, SpacingOrigin.DETECTOR, "ImagerPixelSpacing")
    on_film = _pair(scanned)
    if on_film is not None:
        return PixelSpacing(*on_film, SpacingOrigin.SCANNED, "NominalScannedPixelSpacing")
    return None


def _pair(raw: bytes) -> tuple[float, float] | None:
    """Two positive numbers; a single one counts for both directions."""
    found = decimal_strings(raw) if raw else ()
    row = found[0] if found else None
    column = found[1] if len(found) > 1 else row
    if row is None or column is None or not 1e-6 < row < 1e4 or not 1e-6 < column < 1e4:
        return None
    return row, column


def _from_regions(data: DataSet) -> PixelSpacing | None:
    """Spacing of the 2D regions of an ultrasound image, if they agree."""
    pairs = []
    for region in data.items(a.SEQUENCE_OF_ULTRASOUND_REGIONS, _REGION):
        if region.integer(a.REGION_SPATIAL_FORMAT) != _TWO_DIMENSIONAL:
            continue
        units = region.integer(a.PHYSICAL_UNITS_X_DIRECTION), region.integer(a.PHYSICAL_UNITS_Y_DIRECTION)
        x, y = region.number(a.PHYSICAL_DELTA_X), region.number(a.PHYSICAL_DELTA_Y)
        if units != (_CENTIMETRES, _CENTIMETRES) or not x or not y:
            return None
        pairs.append((abs(y) * 10, abs(x) * 10))
    if not pairs or any(abs(p - q) > 1e-4 * q for pair in pairs for p, q in zip(pair, pairs[0], strict=True)):
        return None
    row, column = pairs[0]
    if not (1e-6 < row < 1e4 and 1e-6 < column < 1e4):
        return None
    return PixelSpacing(row, column, SpacingOrigin.ULTRASOUND, "SequenceOfUltrasoundRegions")
