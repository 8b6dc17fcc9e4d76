"""Synthetic DICOM, written by the tests themselves: volumes, films, loops, and what goes wrong.

Every function returns what it wrote.  UIDs are made from the names given, so
that the same call writes the same file.  Pixels are small and simple: the value of a voxel
is ``100 × slice + 10 × row + column`` unless they are given.
"""

from __future__ import annotations

import hashlib
import struct
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom import uid
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.tag import Tag

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
CORONAL = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)
SAGITTAL = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)

SOP_CLASSES = {
    "CT": uid.CTImageStorage,
    "MR": uid.MRImageStorage,
    "PT": uid.PositronEmissionTomographyImageStorage,
    "CR": uid.ComputedRadiographyImageStorage,
    "DX": uid.DigitalXRayImageStorageForPresentation,
    "MG": uid.DigitalMammographyXRayImageStorageForPresentation,
    "US": uid.UltrasoundImageStorage,
    "NM": uid.NuclearMedicineImageStorage,
    "OT": uid.SecondaryCaptureImageStorage,
}


def make_uid(*names: object) -> str:
    """UID that depends only on the names."""
    digest = hashlib.sha256("/".join(map(str, names)).encode()).hexdigest()
    return "2.25." + str(int(digest[:30], 16))


def image(
    pixels: NDArray[Any] | None = None,
    *,
    modality: str = "CT",
    study: str = "study",
    series: str = "series",
    instance: object = 1,
    patient: str = "P1",
    **elements: object,
) -> Dataset:
    """Single-frame (or, with a leading axis and NumberOfFrames, multi-frame) image.

    Parameters
    ----------
    pixels : ndarray, optional
        (rows, columns), (frames, rows, columns) or (rows, columns, 3) uint8.
    instance : object
        Names the instance; becomes InstanceNumber when it is an int.
    **elements
        Keywords and values; None removes the element.

    """
    pixels = ramp(1)[0] if pixels is None else pixels
    colour = pixels.dtype == np.uint8 and pixels.shape[-1] == 3
    ds = Dataset()
    ds.SOPClassUID = SOP_CLASSES.get(modality, uid.SecondaryCaptureImageStorage)
    ds.SOPInstanceUID = make_uid(study, series, instance)
    ds.StudyInstanceUID, ds.SeriesInstanceUID = make_uid(study), make_uid(study, series)
    ds.StudyDate, ds.StudyTime, ds.StudyDescription = "20240229", "101500", f"Study {study}"
    ds.PatientName, ds.PatientID = f"Test^{patient}", patient
    ds.Modality, ds.SeriesDescription, ds.SeriesNumber = modality, f"Series {series}", 1
    ds.InstanceNumber = instance if isinstance(instance, int) else 1
    ds.Rows, ds.Columns = pixels.shape[-3:-1] if colour else pixels.shape[-2:]
    ds.SamplesPerPixel = 3 if colour else 1
    ds.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        ds.PlanarConfiguration = 0
    if pixels.dtype.kind != "f":
        ds.BitsAllocated = ds.BitsStored = pixels.dtype.itemsize * 8
        ds.HighBit = ds.BitsAllocated - 1
        ds.PixelRepresentation = int(pixels.dtype.kind == "i")
        ds.add_new("PixelData", "OB" if pixels.dtype.itemsize == 1 else "OW", _even(pixels.tobytes()))
    change(ds, elements)
    return ds


def change(ds: Dataset, elements: Mapping[str, object]) -> None:
    """Set elements by keyword; None removes one, bytes are written as they are, whatever the VR."""
    with pydicom.config.disable_value_validation():
        for keyword, value in elements.items():
            if isinstance(value, bytes):
                tag = Tag(tag_for_keyword(keyword) or 0)
                ds[tag] = RawDataElement(tag, dictionary_VR(tag), len(value), _even(value), 0, False, True)
            elif value is not None:
                setattr(ds, keyword, list(value) if isinstance(value, tuple) else value)
            elif keyword in ds:
                delattr(ds, keyword)


def _even(data: bytes) -> bytes:
    return data + b"\0" * (len(data) % 2)


def ramp(slices: int, rows: int = 8, columns: int = 10) -> NDArray[np.int16]:
    """(slices, rows, columns): 100 × slice + 10 × row + column."""
    k, r, c = np.indices((slices, rows, columns), dtype=np.int16)
    values: NDArray[np.int16] = 100 * k + 10 * r + c
    return values


def save(ds: Dataset, path: Path, syntax: str = uid.ExplicitVRLittleEndian, *, meta: bool = True) -> Path:
    """Write a data set; big endian and implicit are encoded as the syntax says.

    Without `meta` the file has neither preamble nor group 0002.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    ds.file_meta = FileMetaDataset()
    ds.file_meta.MediaStorageSOPClassUID = ds.get("SOPClassUID", "2.25.2")
    ds.file_meta.MediaStorageSOPInstanceUID = ds.get("SOPInstanceUID", "2.25.1")
    ds.file_meta.TransferSyntaxUID = uid.UID(syntax)
    implicit, little = syntax == uid.ImplicitVRLittleEndian, syntax != uid.ExplicitVRBigEndian
    if not little and "PixelData" in ds and ds.get("BitsAllocated") == 16:
        ds.PixelData = np.frombuffer(ds.PixelData, "<u2").byteswap().tobytes()
    with pydicom.config.disable_value_validation():
        if ds.original_encoding == (None, None):  # or pydicom interprets what is to stay as it is
            ds.set_original_encoding(implicit, little, "iso8859")
        if meta:
            pydicom.dcmwrite(path, ds, enforce_file_format=True)
        else:
            del ds.file_meta
            pydicom.dcmwrite(path, ds, implicit_vr=implicit, little_endian=little)
    return path


def positions(
    slices: int, orientation: Sequence[float] = AXIAL, *, step: float = 2.0, tilt: float = 0.0
) -> NDArray[np.float64]:
    """ImagePositionPatient of each slice, (slices, 3); `tilt` in degrees shears along the column direction."""
    row, column = np.array(orientation[:3]), np.array(orientation[3:])
    shift = np.cross(row, column) + np.tan(np.radians(tilt)) * column
    places: NDArray[np.float64] = np.array([-30.0, -40.0, 50.0]) + np.arange(slices)[:, None] * step * shift
    return places


def volume(
    folder: Path,
    slices: int = 5,
    *,
    orientation: Sequence[float] = AXIAL,
    step: float = 2.0,
    tilt: float = 0.0,
    at: Iterable[Sequence[float]] | None = None,
    shape: tuple[int, int] = (8, 10),
    spacing: tuple[float, float] = (0.8, 0.7),
    names: Sequence[str] = (),
    syntax: str = uid.ExplicitVRLittleEndian,
    first: int = 1,
    **elements: Any,
) -> list[Path]:
    """Write slices of a CT (or any `modality`), named so that names tell nothing about their order.

    Parameters
    ----------
    at : iterable of vectors, optional
        ImagePositionPatient of each slice instead of equal steps.
    first : int
        InstanceNumber of the first slice; the numbers go against the position.
    **elements
        As of `image`; a list gives each slice its own value, a tuple is one value of several parts.

    """
    places = positions(slices, orientation, step=step, tilt=tilt) if at is None else np.array(list(at), dtype=float)
    pixels = ramp(len(places), *shape)
    paths = []
    for index, place in enumerate(places):
        own = {key: value[index] if isinstance(value, list) else value for key, value in elements.items()}
        number = first + len(places) - 1 - index
        modality = own.get("modality", "CT")
        base: dict[str, Any] = {
            "ImagePositionPatient": [float(v) for v in place],
            "ImageOrientationPatient": list(orientation),
            "PixelSpacing": list(spacing),
            "SliceThickness": abs(step),
            "FrameOfReferenceUID": make_uid(own.get("study", "study"), "frame of reference"),
            "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        }
        if modality == "CT":
            base |= {"RescaleSlope": 1, "RescaleIntercept": -1024}
        ds = image(pixels[index], **({"instance": number} | base | own))
        name = names[index] if names else f"{hashlib.sha256(f'{folder.name}{number}'.encode()).hexdigest()[:8]}.dcm"
        paths.append(save(ds, folder / name, syntax))
    return paths


def film(path: Path, *, modality: str = "CR", view: str = "PA", rows: int = 12, columns: int = 10, **own: Any) -> Path:
    """Radiograph without any geometry in the patient."""
    pixels = np.arange(rows * columns, dtype=np.uint16).reshape(rows, columns)
    return save(image(pixels, **({"modality": modality, "ViewPosition": view, "instance": path.stem} | own)), path)


def cine(path: Path, frames: int = 6, **own: Any) -> Path:
    """Ultrasound loop with a frame time and a calibrated 2D region."""
    region = Dataset()
    region.RegionSpatialFormat, region.RegionDataType, region.RegionFlags = 1, 1, 0
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3
    region.PhysicalDeltaX, region.PhysicalDeltaY = 0.02, 0.03
    pixels = np.arange(frames * 8 * 10, dtype=np.uint32).astype(np.uint8).reshape(frames, 8, 10)
    base: dict[str, Any] = {
        "modality": "US",
        "SOPClassUID": uid.UltrasoundMultiFrameImageStorage,
        "NumberOfFrames": frames,
        "FrameTime": 40.0,
        "SequenceOfUltrasoundRegions": [region],
    }
    return save(image(pixels, **(base | own)), path)


def enhanced(
    path: Path,
    slices: int = 4,
    *,
    modality: str = "MR",
    orientation: Sequence[float] = AXIAL,
    at: Iterable[Sequence[float]] | None = None,
    spacing: tuple[float, float] = (0.8, 0.7),
    groups: Sequence[Mapping[str, Dataset]] = (),
    shared: Mapping[str, Dataset] | None = None,
    **own: Any,
) -> Path:
    """Enhanced multi-frame CT or MR; positions in the frames, the rest shared.

    `groups` adds functional groups (keyword of the sequence → its item) to each frame.
    """
    places = positions(slices, orientation) if at is None else np.array(list(at), dtype=float)
    classes = {"MR": uid.EnhancedMRImageStorage, "CT": uid.EnhancedCTImageStorage, "PT": uid.EnhancedPETImageStorage}
    common = Dataset()
    common.PlaneOrientationSequence = [item(ImageOrientationPatient=list(orientation))]
    common.PixelMeasuresSequence = [item(PixelSpacing=list(spacing), SliceThickness=2.0)]
    for keyword, one in (shared or {}).items():
        setattr(common, keyword, [one])
    frames = []
    for index, place in enumerate(places):
        frame = Dataset()
        frame.PlanePositionSequence = [item(ImagePositionPatient=[float(v) for v in place])]
        for keyword, one in (groups[index] if groups else {}).items():
            setattr(frame, keyword, [one])
        frames.append(frame)
    base: dict[str, Any] = {
        "modality": modality,
        "SOPClassUID": classes[modality],
        "NumberOfFrames": len(places),
        "SharedFunctionalGroupsSequence": [common],
        "PerFrameFunctionalGroupsSequence": frames,
        "FrameOfReferenceUID": make_uid("study", "frame of reference"),
    }
    return save(image(ramp(len(places)), **(base | own)), path)


def item(**elements: Any) -> Dataset:
    """One sequence item."""
    ds = Dataset()
    change(ds, elements)
    return ds


def pet(folder: Path, slices: int = 3, **own: Any) -> list[Path]:
    """PET in Bq/ml with all that an SUV needs: 70 kg, 300 MBq an hour before the scan."""
    dose = item(
        RadiopharmaceuticalStartDateTime="20240229090000",
        RadionuclideTotalDose=300e6,
        RadionuclideHalfLife=6588.0,
    )
    base: dict[str, Any] = {
        "modality": "PT",
        "Units": "BQML",
        "DecayCorrection": "START",
        "CorrectedImage": ("ATTN", "DECY", "SCAT"),
        "PatientWeight": 70.0,
        "SeriesDate": "20240229",
        "SeriesTime": "100000",
        "AcquisitionDate": "20240229",
        "AcquisitionTime": "100000",
        "RadiopharmaceuticalInformationSequence": (dose,),
        "RescaleSlope": [2.0 + k for k in range(slices)],
        "RescaleIntercept": 0.0,
    }
    return volume(folder, slices, **(base | own))


NOT_IMAGES = {
    "segmentation": (uid.SegmentationStorage, "SEG"),
    "report": (uid.ComprehensiveSRStorage, "SR"),
    "presentation": (uid.GrayscaleSoftcopyPresentationStateStorage, "PR"),
    "key-objects": (uid.KeyObjectSelectionDocumentStorage, "KO"),
    "pdf": (uid.EncapsulatedPDFStorage, "DOC"),
    "structures": (uid.RTStructureSetStorage, "RTSTRUCT"),
    "plan": (uid.RTPlanStorage, "RTPLAN"),
    "dose": (uid.RTDoseStorage, "RTDOSE"),
    "raw": (uid.RawDataStorage, "MR"),
    "registration": (uid.SpatialRegistrationStorage, "REG"),
    "waveform": (uid.TwelveLeadECGWaveformStorage, "ECG"),
}
"""Objects that are listed, not shown: name → SOP class, modality."""


def not_image(path: Path, kind: str, **own: Any) -> Path:
    """One of `NOT_IMAGES`; those that have pixels in life have some here."""
    sop_class, modality = NOT_IMAGES[kind]
    ds = image(np.zeros((8, 10), np.uint8), **({"modality": modality, "series": kind} | own))
    ds.SOPClassUID = sop_class
    if kind not in ("segmentation", "dose"):
        change(ds, dict.fromkeys(("PixelData", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit")))
    return save(ds, path)


def encapsulated(path: Path, codestreams: Sequence[bytes], syntax: str, **own: Any) -> Path:
    """Image whose pixel data are fragments (of any content) under a compressed transfer syntax."""
    ds = image(**own)
    ds.add_new("PixelData", "OB", pydicom.encaps.encapsulate(list(codestreams)))
    return save(ds, path, syntax)


def archive(path: Path, members: Mapping[str, bytes]) -> Path:
    """A .zip of the members."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in members.items():
            packed.writestr(name, data)
    return path


def dicomdir(path: Path, file_ids: Iterable[str], *, next_offset: int = 0, in_use: int = 0xFFFF) -> Path:
    """A DICOMDIR whose image records name `file_ids` (parts joined by a backslash).

    `next_offset` goes into every record: one that is not 0 makes a cycle of them.
    """
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = uid.MediaStorageDirectoryStorage, make_uid("dicomdir")
    ds.FileSetID = "TEST"
    chain = {"OffsetOfTheNextDirectoryRecord": next_offset, "OffsetOfReferencedLowerLevelDirectoryEntity": next_offset}
    records = [item(DirectoryRecordType="PATIENT", PatientID="P1", RecordInUseFlag=0xFFFF, **chain)]
    records += [
        item(DirectoryRecordType="IMAGE", ReferencedFileID=name.encode(), RecordInUseFlag=in_use, **chain)
        for name in file_ids
    ]
    ds.DirectoryRecordSequence = records
    return save(ds, path)


# --- by hand, for what no library would write ----------------------------------------------------------------------

_LONG = {"OB", "OW", "OF", "OD", "SQ", "UN", "UT", "UC", "UR"}


def element(tag: int, vr: str, value: bytes, length: int | None = None) -> bytes:
    """One element in Explicit VR Little Endian; `length` may lie about the value."""
    size = len(value) if length is None else length
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr.encode()
    return head + (struct.pack("<xxI", size) if vr in _LONG else struct.pack("<H", size)) + value


def part10(body: bytes, syntax: str = uid.ExplicitVRLittleEndian) -> bytes:
    """Preamble and file meta information before a data set made by hand."""
    meta = element(0x00020010, "UI", _even(syntax.encode()))
    return b"\0" * 128 + b"DICM" + element(0x00020000, "UL", struct.pack("<I", len(meta))) + meta + body


def nested(depth: int, *, defined: bool = False) -> bytes:
    """A private sequence `depth` levels deep, of undefined or of defined lengths."""
    inner = b""
    if not defined:
        start = element(0x00091001, "SQ", b"", 0xFFFFFFFF) + struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
        stop = struct.pack("<HHI", 0xFFFE, 0xE00D, 0) + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
        return start * depth + stop * depth
    for _ in range(depth):
        inner = element(0x00091001, "SQ", struct.pack("<HHI", 0xFFFE, 0xE000, len(inner)) + inner)
    return inner


def splice(path: Path, tag: int, extra: bytes) -> None:
    """Put hand-made bytes in front of the element `tag` of an explicit little endian file."""
    data = path.read_bytes()
    at = data.index(struct.pack("<HH", tag >> 16, tag & 0xFFFF))
    path.write_bytes(data[:at] + extra + data[at:])
