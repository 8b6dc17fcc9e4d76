"""What a DICOM object made by radviewer takes over from the images it was made on.

Headers are read by radviewer's own bounded reader.  What a source lacks or says wrongly is passed on as it is:
it must lie beside its image in the archive, under the same patient and study.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from radviewer.dicom.headers import BrokenHeader, DataSet, NotDicom, read_header
from radviewer.dicom.sources import bytes_of, errors_of, reason_of
from radviewer.domain.study import FileLocation, Frame, Stack
from radviewer.errors import UnreadableImage

if TYPE_CHECKING:
    from pydicom.dataelem import DataElement
    from pydicom.dataset import Dataset

PASSED_ON = (
    "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex", "PatientAge",
    "PatientIdentityRemoved", "DeidentificationMethod", "StudyDate", "StudyTime", "AccessionNumber", "StudyID",
    "ReferringPhysicianName", "StudyDescription", "LossyImageCompression", "LossyImageCompressionMethod",
)  # fmt: skip
"""Texts of patient, study and compression."""

_LONGEST = 1024  # characters passed on of one text

REQUIRED = {
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "AccessionNumber",
    "StudyID", "ReferringPhysicianName",
}  # fmt: skip
"""Those that are there, empty, when the source does not hold them (type 2)."""

_STAND_IN = "1.2.840.10008.5.1.4.1.1.1"  # Computed Radiography Image Storage
_UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID")


@cache
def _tags(keywords: tuple[str, ...]) -> dict[str, int]:
    from pydicom.datadict import tag_for_keyword

    return {keyword: int(tag_for_keyword(keyword) or 0) for keyword in keywords}


class Sources:
    """A stack's images as highdicom is given them.

    highdicom refuses some classes without a frame of reference and warns of malformed UIDs.  It is given plain
    radiographs with well-formed stand-ins; `restore` puts what the files really say into the finished object.

    Attributes
    ----------
    images : list of Dataset
        One per slice, with what a reference to it needs.
    series_uid : str

    Parameters
    ----------
    stack : Stack
    frames_apart : bool
        Frames of one file are given as images of their own; `restore` names the file and the frame.

    Raises
    ------
    UnreadableImage
        If a file's header cannot be read any more.

    """

    def __init__(self, stack: Stack, *, frames_apart: bool = False) -> None:
        self._frames_apart = frames_apart
        self._texts: dict[FileLocation, dict[str, str]] = {}
        self._true: dict[str, str] = {}
        self._numbers: dict[str, int] = {}  # of frames in their file, from 1, by stand-in UID
        for frame in stack.frames:
            if frame.file.location not in self._texts:
                self._texts[frame.file.location] = _texts(frame.file.location)
        self._first = self._texts[stack.frames[0].file.location]
        self._class = stack.frames[0].file.sop_class_uid
        self.series_uid = self._first.get("SeriesInstanceUID", "")
        self.images = [self._image(stack, frame) for frame in stack.frames]

    def _image(self, stack: Stack, frame: Frame) -> Dataset:
        from pydicom.dataset import Dataset

        texts = self._texts[frame.file.location] | {"SOPInstanceUID": self._instance(frame)}
        image = Dataset()
        image.SOPClassUID = _STAND_IN
        for keyword in ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"):
            if texts.get(keyword) or keyword != "FrameOfReferenceUID":
                setattr(image, keyword, self._well_formed(texts.get(keyword, "")))
        image.Modality = "CR"
        for keyword in REQUIRED:
            setattr(image, keyword, "")
        image.Rows, image.Columns = stack.format.rows, stack.format.columns
        image.SamplesPerPixel = stack.format.samples_per_pixel
        _place(image, stack, frame)
        return image

    def _instance(self, frame: Frame) -> str:
        """UID of an image: its own, or one that stands in for a frame."""
        from pydicom.uid import generate_uid

        own = frame.file.sop_instance_uid
        if frame.file.number_of_frames == 1 or not self._frames_apart:
            return own
        stand_in = str(generate_uid(entropy_srcs=["frame", own, str(frame.index)]))
        self._true[stand_in], self._numbers[stand_in] = own, frame.index + 1
        return stand_in

    def _well_formed(self, uid: str) -> str:
        from pydicom.uid import UID, generate_uid

        if UID(uid, validation_mode=0).is_valid:
            return uid
        stand_in = str(generate_uid(entropy_srcs=["stand-in", uid]))
        self._true[stand_in] = uid
        return stand_in

    def text(self, keyword: str) -> str:
        """What the first image says, or ""; one of `PASSED_ON`, or PatientOrientation."""
        return self._first.get(keyword, "")

    def restore(self, made: Dataset) -> None:
        """Put the true UIDs, classes, patient and study into an object made from `images`."""

        def put_back(dataset: Dataset, element: DataElement) -> None:
            if element.keyword == "ReferencedSOPClassUID" and element.value == _STAND_IN:
                add(dataset, element.keyword, self._class)
            elif element.VR == "UI" and str(element.value) in self._true:
                if str(element.value) in self._numbers:
                    dataset.ReferencedFrameNumber = self._numbers[str(element.value)]
                add(dataset, element.keyword, self._true[str(element.value)])

        made.walk(put_back)
        if self._numbers:
            _name_each_once(made)
        for keyword in PASSED_ON:
            value = self._first.get(keyword, "")
            if value or keyword in REQUIRED:
                add(made, keyword, value)


def _name_each_once(made: Dataset) -> None:
    """List the files that frames come from once each, as wholes (PS3.3 C.12.2: no frame numbers there)."""
    from pydicom.sequence import Sequence

    for series in made.ReferencedSeriesSequence:
        named = {str(image.ReferencedSOPInstanceUID): image for image in series.ReferencedInstanceSequence}
        for image in named.values():
            image.pop("ReferencedFrameNumber", None)
        series.ReferencedInstanceSequence = Sequence(named.values())


def _place(image: Dataset, stack: Stack, frame: Frame) -> None:
    """Add position and pixel spacing where the image has a place in the patient.

    A film has none, and no slice thickness: readers refuse pixel measures without it, and need none, as its
    segmentation lies on the very pixels of the image it refers to.
    """
    plane = frame.plane
    if plane is None or "FrameOfReferenceUID" not in image:
        return
    common = stack.frames[0].plane or plane  # the same for all: highdicom wants it to the last digit
    image.ImagePositionPatient = [_decimal(v) for v in plane.position]
    image.ImageOrientationPatient = [_decimal(v) for v in (*common.row_direction, *common.column_direction)]
    image.SliceThickness = _decimal(1.0 if stack.geometry is None else stack.geometry.spacing[0])
    image.PixelSpacing = [_decimal(common.row_spacing), _decimal(common.column_spacing)]


def _decimal(value: float) -> Any:
    from pydicom.valuerep import DSfloat

    return DSfloat(value, auto_format=True)


def add(target: Dataset, keyword: str, value: str) -> None:
    """Set an element without a check of its value: it is the source's."""
    from pydicom import config
    from pydicom.datadict import dictionary_VR
    from pydicom.dataelem import DataElement

    tag = _tags((keyword,))[keyword]
    target[tag] = DataElement(tag, dictionary_VR(tag), value, validation_mode=config.IGNORE)


def _texts(location: FileLocation) -> dict[str, str]:
    """Texts of a header by keyword."""
    wanted = _tags((*PASSED_ON, *_UIDS, "PatientOrientation", "SpecificCharacterSet"))
    try:
        with bytes_of(location) as source:
            header = read_header(source, frozenset(wanted.values()))
            return _found(header, wanted)
    except (NotDicom, BrokenHeader) as error:
        raise UnreadableImage(f"{location.name} is no longer the DICOM file it was. Read the folder again.") from error
    except errors_of(location) as error:
        raise UnreadableImage(f"{location.name} cannot be read: {reason_of(error)}.") from error


def _found(header: DataSet, wanted: dict[str, int]) -> dict[str, str]:
    present = {keyword: tag for keyword, tag in wanted.items() if header.raw(tag) is not None}
    return {
        keyword: header.uid(tag) if keyword in _UIDS else header.text(tag)[:_LONGEST]
        for keyword, tag in present.items()
        if keyword != "SpecificCharacterSet"
    }
