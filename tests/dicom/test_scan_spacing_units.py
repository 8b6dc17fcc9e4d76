"""Millimetres and units with their provenance; PET uptake values."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import uid

from radviewer.dicom.listing import listing
from radviewer.dicom.scan import scan
from radviewer.domain.geometry import PixelSpacing, SpacingOrigin
from radviewer.domain.study import Frame
from tests import phantoms
from tests.phantoms import item

PATIENT, CALIBRATED = SpacingOrigin.PATIENT, SpacingOrigin.CALIBRATED
DETECTOR, SCANNED, ULTRASOUND = SpacingOrigin.DETECTOR, SpacingOrigin.SCANNED, SpacingOrigin.ULTRASOUND


def only_frame(folder: Path) -> Frame:
    ((((frame,),),),) = (
        tuple(tuple(stack.frames for stack in series.stacks) for series in study.series)
        for study in scan(folder).studies
    )
    return frame


def json_spacing(folder: Path) -> object:
    found: Any = listing(scan(folder))
    return found["studies"][0]["series"][0]["stacks"][0]["spacing_mm"]


@pytest.mark.parametrize(
    ("elements", "expected", "in_json"),
    [
        ({}, None, None),
        ({"PixelSpacing": [0.2, 0.1]}, PixelSpacing(0.2, 0.1, DETECTOR), [None, 0.2, 0.1]),
        ({"PixelSpacing": [0, 0]}, None, None),
        ({"PixelSpacing": [0, 0], "ImagerPixelSpacing": [0.2, 0.1]}, (0.2, 0.1, DETECTOR, "ImagerPixelSpacing"), None),
        ({"PixelSpacing": [-1, 1]}, None, None),
        ({"PixelSpacing": ["inf", "inf"]}, None, None),
        ({"PixelSpacing": [1e9, 1e9]}, None, None),
        ({"PixelSpacing": b"wide\\0.1"}, None, None),
        ({"PixelSpacing": 0.3}, PixelSpacing(0.3, 0.3, DETECTOR), [None, 0.3, 0.3]),
        ({"ImagerPixelSpacing": [0.2, 0.1]}, (0.2, 0.1, DETECTOR, "ImagerPixelSpacing"), None),
        (
            {"PixelSpacing": [0.2, 0.1], "ImagerPixelSpacing": [0.2, 0.1]},
            PixelSpacing(0.2, 0.1, DETECTOR),
            [None, 0.2, 0.1],
        ),
        (
            {"PixelSpacing": [0.18, 0.09], "ImagerPixelSpacing": [0.2, 0.1]},
            PixelSpacing(0.18, 0.09, CALIBRATED),
            [None, 0.18, 0.09],
        ),
        (
            {"PixelSpacing": [0.2, 0.1], "PixelSpacingCalibrationType": "FIDUCIAL"},
            PixelSpacing(0.2, 0.1, CALIBRATED),
            [None, 0.2, 0.1],
        ),
        ({"NominalScannedPixelSpacing": [0.1, 0.1]}, (0.1, 0.1, SCANNED, "NominalScannedPixelSpacing"), None),
        ({"modality": "OT", "PixelSpacing": [0.2, 0.1]}, PixelSpacing(0.2, 0.1, PATIENT), [None, 0.2, 0.1]),
    ],
)
def test_films(tmp_path: Path, elements: dict[str, Any], expected: Any, in_json: object) -> None:
    phantoms.film(tmp_path / "film.dcm", **elements)
    frame = only_frame(tmp_path)
    assert frame.spacing == (PixelSpacing(*expected) if isinstance(expected, tuple) else expected)
    assert frame.plane is None
    assert json_spacing(tmp_path) == in_json


def region(x: float, y: float, spatial: int = 1, units: int = 3, box: tuple[int, int, int, int] | None = None) -> Any:
    """A region; `box` is its first column and row, last column and row."""
    names = ("RegionLocationMinX0", "RegionLocationMinY0", "RegionLocationMaxX1", "RegionLocationMaxY1")
    return item(
        **({} if box is None else dict(zip(names, box, strict=True))),
        RegionSpatialFormat=spatial,
        PhysicalUnitsXDirection=units,
        PhysicalUnitsYDirection=units,
        PhysicalDeltaX=x,
        PhysicalDeltaY=y,
    )


@pytest.mark.parametrize(
    ("regions", "expected"),
    [
        ([region(0.01, 0.02)], (0.2, 0.1)),
        ([region(0.01, -0.02), region(0.01, 0.02)], (0.2, 0.1)),
        ([region(0.01, 0.02), region(0.005, 0.2, spatial=3, units=4)], (0.2, 0.1)),  # a Doppler trace beside it
        ([region(0.01, 0.02), region(0.03, 0.02)], None),
        ([region(0.01, 0.02, units=1)], None),
        ([region(0.0, 0.02)], None),
        ([region(float("nan"), 0.02)], None),
        ([], None),
        ([region(0.01, 0.02, box=(0, 0, 9, 11))], (0.2, 0.1)),  # images of 12 x 10 pixels
        ([region(0.01, 0.02, box=(0, 0, 1, 1))], None),  # a corner
        ([region(0.01, 0.02, box=(900, 900, 990, 990))], None),  # elsewhere
        ([region(0.01, 0.02, box=(0, 0, 9, 8)), region(0.03, 0.03, box=(0, 9, 2, 11))], (0.2, 0.1)),
        ([region(0.01, 0.02, box=(0, 0, 9, 8)), region(0.03, 0.03, units=1, box=(0, 9, 2, 11))], (0.2, 0.1)),
        ([region(0.01, 0.02, box=(0, 0, 4, 11)), region(0.03, 0.03, box=(5, 0, 9, 11))], None),  # two halves
        ([region(0.01, 0.02, box=(0, 0, 4, 11)), region(0.01, 0.02, box=(5, 0, 9, 11))], (0.2, 0.1)),
        ([region(50.0, 50.0)], None),
        ([region(0.01, 0.02, box=(0, 0, 0, 0))], (0.2, 0.1)),  # says nothing
        ([region(0.01, 0.02, box=(9, 11, 0, 0))], (0.2, 0.1)),
    ],
)
@pytest.mark.parametrize("syntax", [uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian])
def test_ultrasound_regions(
    tmp_path: Path, regions: list[Any], expected: tuple[float, float] | None, syntax: str
) -> None:
    image = phantoms.image(modality="US", Rows=12, Columns=10, SequenceOfUltrasoundRegions=regions)
    phantoms.save(image, tmp_path / "us.dcm", syntax)
    spacing = only_frame(tmp_path).spacing
    if expected is None:
        assert spacing is None
    else:
        assert spacing is not None
        np.testing.assert_allclose((spacing.row, spacing.column), expected)
        assert (spacing.origin, spacing.attribute) == (ULTRASOUND, "SequenceOfUltrasoundRegions")
    assert json_spacing(tmp_path) is None


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({}, (1, -1024, "HU")),
        ({"RescaleType": "HU"}, (1, -1024, "HU")),
        ({"RescaleType": "US"}, (1, -1024, "")),
        ({"RescaleType": "MGML"}, (1, -1024, "MGML")),
        ({"ImageType": ("ORIGINAL", "PRIMARY", "LOCALIZER")}, (1, -1024, "")),
        ({"RescaleSlope": None, "RescaleIntercept": None}, (1, 0, "")),
        ({"RescaleSlope": b"nan"}, (1, -1024, "")),
        ({"RescaleSlope": b"slope "}, (1, -1024, "")),
        ({"RescaleSlope": 0}, (1, -1024, "")),
        ({"RescaleSlope": 1e30}, (1, 0, "")),
        ({"RescaleIntercept": -1e13}, (1, 0, "")),
        ({"modality": "MR", "RescaleSlope": 1e-9, "RescaleIntercept": 0}, (1e-9, 0, "")),
        ({"modality": "MR", "RescaleSlope": 2, "RescaleIntercept": 0}, (2, 0, "")),
    ],
)
def test_rescale_and_unit(tmp_path: Path, elements: dict[str, Any], expected: tuple[float, float, str]) -> None:
    phantoms.volume(tmp_path, 1, **elements)
    frame = only_frame(tmp_path)
    assert (frame.slope, frame.intercept, frame.unit) == expected


# --- PET -------------------------------------------------------------------------------------------------------------

HALF_LIFE = 6588.0
FACTOR = 70_000 / (300e6 * 0.5 ** (3600 / HALF_LIFE))
"""70 kg, 300 MBq of F-18 an hour before the scan."""


def pet_frames(folder: Path, **own: Any) -> Sequence[Frame]:
    phantoms.pet(folder, **own)
    (((stack,),),) = (tuple(series.stacks for series in study.series) for study in scan(folder).studies)
    return stack.frames


def dose(**own: Any) -> Any:
    base = {
        "RadiopharmaceuticalStartDateTime": "20240229090000.00",
        "RadionuclideTotalDose": 300e6,
        "RadionuclideHalfLife": HALF_LIFE,
    }
    return (item(**(base | own)),)


def test_uptake_values_are_folded_into_slope_and_window(tmp_path: Path) -> None:
    frames = pet_frames(tmp_path, WindowCenter=10_000, WindowWidth=20_000)
    np.testing.assert_allclose([f.slope for f in frames], [FACTOR * k for k in (2, 3, 4)], rtol=1e-9)
    assert {f.unit for f in frames} == {"SUVbw"}
    np.testing.assert_allclose(frames[0].windows[0].center, 10_000 * FACTOR)
    np.testing.assert_allclose(frames[0].windows[0].width, 20_000 * FACTOR)


@pytest.mark.parametrize(
    ("elements", "factor"),
    [
        ({"DecayCorrection": "ADMIN"}, 70_000 / 300e6),
        ({"Units": "GML"}, 1.0),
        ({"SeriesDate": "20240228", "SeriesTime": "100000"}, None),  # a day before the injection
        (
            {
                "RadiopharmaceuticalInformationSequence": dose(
                    RadiopharmaceuticalStartDateTime=None, RadiopharmaceuticalStartTime="090000"
                )
            },
            FACTOR,
        ),
        (
            {
                "RadiopharmaceuticalInformationSequence": dose(
                    RadiopharmaceuticalStartDateTime=None, RadiopharmaceuticalStartTime="233000"
                ),
                "SeriesTime": "003000",
                "AcquisitionTime": "003000",
            },
            FACTOR,  # over midnight
        ),
        ({"SeriesTime": "150000"}, None),  # made after the scan, and no frame reference time
        (
            {
                "SeriesTime": "150000",
                "AcquisitionTime": "100500",
                "FrameReferenceTime": 300_000.0,
                "ActualFrameDuration": 1,
            },
            FACTOR,
        ),
        ({"PatientWeight": None}, None),
        ({"PatientWeight": 0}, None),
        ({"CorrectedImage": ("ATTN",)}, None),
        ({"DecayCorrection": "NONE"}, None),
        ({"Units": "CNTS"}, None),
        ({"RadiopharmaceuticalInformationSequence": None}, None),
        ({"RadiopharmaceuticalInformationSequence": dose(RadionuclideTotalDose=0)}, None),
        ({"RadiopharmaceuticalInformationSequence": dose(RadionuclideHalfLife=None)}, None),
        ({"SeriesTime": "noon", "AcquisitionTime": "noon"}, None),
    ],
)
def test_when_the_header_allows_an_uptake_value(tmp_path: Path, elements: dict[str, Any], factor: float | None) -> None:
    frame = pet_frames(tmp_path, **elements)[0]
    if factor is None:
        assert (frame.slope, frame.unit) == (2, elements.get("Units", "BQML"))
    else:
        np.testing.assert_allclose(frame.slope, 2 * factor, rtol=1e-4)
        assert frame.unit == "SUVbw"
