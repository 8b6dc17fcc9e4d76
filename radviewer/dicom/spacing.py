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
_COARSEST = 5.0  # mm of a pixel of ultrasound
_LEAST_SHARE = 0.1  # of the image that a calibrated region covers
_MOST_OTHER = 0.25  # of its share that may be calibrated otherwise
_LOCATION = (a.REGION_LOCATION_MIN_X0, a.REGION_LOCATION_MIN_Y0, a.REGION_LOCATION_MAX_X1, a.REGION_LOCATION_MAX_Y1)
_REGION = frozenset(
    {
        *_LOCATION,
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
    """Spacing of the 2D regions that fill the most of an ultrasound image.

    A calibration holds inside its region alone (PS3.3 C.8.5.5), and an image has one spacing here: it is unknown
    where its regions are only a corner of the image, or a large part of it says otherwise.
    """
    shares: dict[tuple[float, float] | None, float] = {}
    for region in data.items(a.SEQUENCE_OF_ULTRASOUND_REGIONS, _REGION):
        if region.integer(a.REGION_SPATIAL_FORMAT) == _TWO_DIMENSIONAL:
            found = _calibration(region)
            known = next((pair for pair in shares if _alike(pair, found)), found)
            shares[known] = shares.get(known, 0.0) + _share(region, data.integer(a.ROWS), data.integer(a.COLUMNS))
    if not shares:
        return None
    best = max(shares, key=lambda pair: shares[pair])
    others = sum(share for pair, share in shares.items() if pair != best)
    if best is None or shares[best] < _LEAST_SHARE or others > _MOST_OTHER * shares[best]:
        return None
    return PixelSpacing(*best, SpacingOrigin.ULTRASOUND, "SequenceOfUltrasoundRegions")


def _calibration(region: DataSet) -> tuple[float, float] | None:
    """Millimetres between rows and between columns; None where it is in other units, or nonsense."""
    units = region.integer(a.PHYSICAL_UNITS_X_DIRECTION), region.integer(a.PHYSICAL_UNITS_Y_DIRECTION)
    x, y = region.number(a.PHYSICAL_DELTA_X), region.number(a.PHYSICAL_DELTA_Y)
    if units != (_CENTIMETRES, _CENTIMETRES) or not x or not y:
        return None
    row, column = abs(y) * 10, abs(x) * 10
    return (row, column) if 1e-6 < row < _COARSEST and 1e-6 < column < _COARSEST else None


def _alike(one: tuple[float, float] | None, other: tuple[float, float] | None) -> bool:
    if one is None or other is None:
        return one is other
    return all(abs(p - q) <= 1e-4 * q for p, q in zip(one, other, strict=True))


def _share(region: DataSet, rows: int | None, columns: int | None) -> float:
    """Part of the image that a region covers; all of it where it does not say, or nonsense."""
    place = [region.integer(tag) for tag in _LOCATION]
    if not rows or not columns or any(edge is None for edge in place):
        return 1.0
    left, top, right, bottom = (edge or 0 for edge in place)
    if left >= right or top >= bottom:
        return 1.0
    width = min(right, columns - 1) - max(left, 0) + 1
    height = min(bottom, rows - 1) - max(top, 0) + 1
    return max(0, width) * max(0, height) / (rows * columns)
