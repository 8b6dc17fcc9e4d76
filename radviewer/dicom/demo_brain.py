"""A brain template (NIfTI) as a DICOM MR study, for the demo."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, EnhancedMRImageStorage, ExplicitVRLittleEndian, MRImageStorage, generate_uid

from radviewer import __version__
from radviewer.progress import Progress

_WINDOWS = (("Brain", 140, 200), ("Grey and white matter", 185, 110))  # name, centre, width
_FRAME_TYPE = ("DERIVED", "PRIMARY", "OTHER", "MEAN")
_COMMENT = (
    "MNI152 T1 template (ICBM 2009a, symmetric): the average of 152 volunteers, not a patient. "
    "Copyright (C) 1993-2009 Louis Collins, McConnell Brain Imaging Centre, Montreal Neurological Institute, "
    "McGill University."
)


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """Parallel images cut from the template along its own grid.

    Attributes
    ----------
    pixels : ndarray, shape (images, rows, columns), uint16
    positions : ndarray, shape (images, 3)
        LPS mm of the centre of each image's first pixel: ImagePositionPatient.
    orientation : list of float
        ImageOrientationPatient.
    spacing : tuple of float
        Between images, rows and columns, in mm.

    """

    pixels: NDArray[np.uint16]
    positions: NDArray[np.float64]
    orientation: list[float]
    spacing: tuple[float, float, float]


def write_brain(template: Path, folder: Path, progress: Progress) -> None:
    """Write `template` below `folder`: ``axial/*.dcm`` and ``sagittal/sagittal.dcm``.

    Raises
    ------
    OSError
        If a file cannot be written.
    Cancelled

    """
    grid, affine = _lps(template)
    for name in ("axial", "sagittal"):
        (folder / name).mkdir(parents=True)
    _write_classic(_view(grid, affine, (2, 1, 0), ()), folder / "axial", progress)
    progress.report(0, 0, "Writing the demo study")
    # Rows run from the vertex down, as sagittal images are read.
    _write_enhanced(_view(grid, affine, (0, 2, 1), (2,)), folder / "sagittal" / "sagittal.dcm")


def _lps(template: Path) -> tuple[NDArray[np.uint16], NDArray[np.float64]]:
    """Return the template with axes towards left, posterior, superior, and its index → LPS mm affine."""
    image = nibabel.Nifti1Image.from_filename(template)
    affine = np.diag((-1.0, -1.0, 1.0, 1.0)) @ np.asarray(image.affine)  # NIfTI's own world is RAS
    order = np.abs(affine[:3, :3]).argmax(axis=1)  # the index axis that runs along x, along y, along z
    grid = np.asarray(image.dataobj).astype(np.uint16).transpose(order)
    affine = affine[:, [*order, 3]]
    return _flipped(grid, affine, tuple(axis for axis in range(3) if affine[axis, axis] < 0))


def _flipped(
    grid: NDArray[np.uint16], affine: NDArray[np.float64], axes: tuple[int, ...]
) -> tuple[NDArray[np.uint16], NDArray[np.float64]]:
    """Reverse `axes` of the array; every voxel stays where it is in the patient."""
    flip = np.eye(4)
    for axis in axes:
        flip[axis, axis] = -1
        flip[axis, 3] = grid.shape[axis] - 1
    return np.flip(grid, axes), affine @ flip


def _view(
    grid: NDArray[np.uint16], affine: NDArray[np.float64], order: tuple[int, int, int], reverse: tuple[int, ...]
) -> _View:
    """Cut along axis ``order[0]``; rows follow ``order[1]``, columns ``order[2]``; `reverse` axes run backwards."""
    grid, affine = _flipped(grid, affine, reverse)
    steps = affine[:3, list(order)].T  # from image to image, row to row, column to column
    spacing = np.linalg.norm(steps, axis=1)
    directions = steps / spacing[:, None]
    positions = affine[:3, 3] + np.arange(grid.shape[order[0]])[:, None] * steps[0]
    orientation = [float(v) for v in (*directions[2], *directions[1])]
    between, row, column = (float(v) for v in spacing)
    pixels = np.ascontiguousarray(grid.transpose(order))
    return _View(pixels, positions, orientation, (between, row, column))


def _uid(*parts: str) -> UID:
    """Return the same UID for the same parts: marks of the reader survive a rewritten demo."""
    return generate_uid(entropy_srcs=["radviewer demo study, brain", *parts])


def _common(view: _View, series: str, number: int, sop_class: UID, sop_instance: UID) -> Dataset:
    """Return patient, study, series, frame of reference and image attributes of both objects."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID, ds.SOPInstanceUID = sop_class, sop_instance
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.PatientName, ds.PatientID = "DEMO^BRAIN TEMPLATE", "DEMO-MNI152"
    ds.PatientBirthDate, ds.PatientSex = "", "O"
    ds.PatientIdentityRemoved, ds.DeidentificationMethod = "YES", "Average of 152 volunteers"
    ds.StudyInstanceUID, ds.StudyID = _uid("study"), "DEMO"
    ds.StudyDate = ds.StudyTime = ds.AccessionNumber = ds.ReferringPhysicianName = ""
    ds.StudyDescription = "Brain template (not a patient)"
    ds.Modality, ds.BodyPartExamined, ds.PatientPosition = "MR", "BRAIN", "HFS"
    ds.SeriesInstanceUID, ds.SeriesNumber, ds.SeriesDescription = _uid(series), number, f"T1 template {series}"
    ds.FrameOfReferenceUID, ds.PositionReferenceIndicator = _uid("frame of reference"), ""
    ds.Manufacturer, ds.ImageComments = "radviewer", _COMMENT
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = view.pixels.shape[1:]
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.BurnedInAnnotation, ds.LossyImageCompression = "NO", "00"
    return ds


def _write_classic(view: _View, folder: Path, progress: Progress) -> None:
    """Write one MR Image (PS3.3 A.4) per slice."""
    for index, pixels in enumerate(view.pixels):
        progress.report(index, len(view.pixels), "Writing the demo study")
        ds = _common(view, "axial", 1, MRImageStorage, _uid("axial", str(index)))
        ds.ImageType = ["DERIVED", "SECONDARY", "OTHER"]
        ds.ScanningSequence, ds.SequenceVariant, ds.ScanOptions, ds.MRAcquisitionType = "RM", "NONE", "", "3D"
        ds.EchoTime = ds.RepetitionTime = ds.EchoTrainLength = None
        ds.InstanceNumber = index + 1
        ds.ImagePositionPatient = _numbers(view.positions[index])
        ds.ImageOrientationPatient = view.orientation
        ds.PixelSpacing = list(view.spacing[1:])
        ds.SliceThickness = ds.SpacingBetweenSlices = view.spacing[0]
        _set_windows(ds)
        _save(ds, pixels, folder / f"axial-{index + 1:03}.dcm")


def _write_enhanced(view: _View, path: Path) -> None:
    """Write one Enhanced MR Image (PS3.3 A.36) with a frame per slice."""
    ds = _common(view, "sagittal", 2, EnhancedMRImageStorage, _uid("sagittal", "image"))
    ds.ImageType = list(_FRAME_TYPE)
    ds.ManufacturerModelName, ds.DeviceSerialNumber, ds.SoftwareVersions = "demo study", "0", __version__
    ds.ContentQualification, ds.ApplicableSafetyStandardAgency = "RESEARCH", "OTHER"
    ds.AcquisitionContextSequence = []
    ds.InstanceNumber, ds.NumberOfFrames = 1, len(view.pixels)
    ds.ContentDate, ds.ContentTime = "20090101", "000000"
    ds.PixelPresentation, ds.VolumetricProperties, ds.VolumeBasedCalculationTechnique = "MONOCHROME", "VOLUME", "NONE"
    ds.ComplexImageComponent, ds.AcquisitionContrast, ds.PresentationLUTShape = "MAGNITUDE", "T1", "IDENTITY"
    organisation = _uid("dimensions")
    ds.DimensionOrganizationSequence = [_item(DimensionOrganizationUID=organisation)]
    ds.DimensionIndexSequence = [
        _item(
            DimensionOrganizationUID=organisation,
            DimensionIndexPointer=0x00209057,  # InStackPositionNumber
            FunctionalGroupPointer=0x00209111,  # FrameContentSequence
        )
    ]
    ds.SharedFunctionalGroupsSequence = [_shared(view)]
    ds.PerFrameFunctionalGroupsSequence = Sequence(
        _item(
            FrameContentSequence=[_item(StackID="1", InStackPositionNumber=number, DimensionIndexValues=number)],
            PlanePositionSequence=[_item(ImagePositionPatient=_numbers(position))],
        )
        for number, position in enumerate(view.positions, start=1)
    )
    _save(ds, view.pixels, path)


def _shared(view: _View) -> Dataset:
    """Return what all frames have in common (PS3.3 C.7.6.16)."""
    windows = Dataset()
    _set_windows(windows)
    brain = _item(CodeValue="12738006", CodingSchemeDesignator="SCT", CodeMeaning="Brain")
    between, row, column = view.spacing
    return _item(
        PixelMeasuresSequence=[
            _item(PixelSpacing=[row, column], SliceThickness=between, SpacingBetweenSlices=between),
        ],
        PlaneOrientationSequence=[_item(ImageOrientationPatient=view.orientation)],
        FrameAnatomySequence=[_item(FrameLaterality="U", AnatomicRegionSequence=[brain])],
        FrameVOILUTSequence=[windows],
        PixelValueTransformationSequence=[_item(RescaleIntercept=0, RescaleSlope=1, RescaleType="US")],
        MRImageFrameTypeSequence=[
            _item(
                FrameType=list(_FRAME_TYPE),
                PixelPresentation="MONOCHROME",
                VolumetricProperties="VOLUME",
                VolumeBasedCalculationTechnique="NONE",
                ComplexImageComponent="MAGNITUDE",
                AcquisitionContrast="T1",
            )
        ],
    )


def _item(**values: Any) -> Dataset:
    ds = Dataset()
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return ds


def _set_windows(ds: Dataset) -> None:
    names, centers, widths = zip(*_WINDOWS, strict=True)
    ds.WindowCenter, ds.WindowWidth, ds.WindowCenterWidthExplanation = list(centers), list(widths), list(names)


def _numbers(values: NDArray[np.float64]) -> list[float]:
    return [float(v) for v in values]


def _save(ds: Dataset, pixels: NDArray[np.uint16], path: Path) -> None:
    ds.PixelData = pixels.astype("<u2").tobytes()
    dcmwrite(path, ds, enforce_file_format=True)
