"""Study → Series → Stack → Frame: what a scan finds, without pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from pathlib import Path

from radviewer.domain.geometry import Geometry, ImagePlane, PixelSpacing
from radviewer.domain.mr_sequence import MrSequence
from radviewer.domain.window import Window


@dataclass(frozen=True, slots=True)
class FileLocation:
    """A file below the opened folder, on disk or inside a .zip.

    Attributes
    ----------
    path : Path
        On disk: the file itself, or the archive that holds it.
    member : str or None
        Name inside the archive.
    name : str
        What the reader is told and JSON prints: POSIX, relative to the opened folder,
        ``archive.zip/inner/file`` for a member.

    """

    path: Path
    member: str | None
    name: str


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """Image Pixel module (PS3.3 C.7.6.3) and how the data are encoded."""

    rows: int
    columns: int
    samples_per_pixel: int
    photometric_interpretation: str
    bits_allocated: int
    bits_stored: int
    high_bit: int
    signed: bool
    planar_configuration: int
    transfer_syntax_uid: str
    is_float: bool = False  # FloatPixelData or DoubleFloatPixelData


@dataclass(frozen=True, slots=True)
class ImageFile:
    """One SOP instance with pixels.

    Attributes
    ----------
    pixel_offset : int or None
        Byte offset of the pixel data element's *value* in the (uncompressed) file;
        None when only a full parse can find it (deflated).
    pixel_length : int or None
        Length of that value; None when it is encapsulated (undefined length).
    needs_header : bool
        True when more than the frame's own values is needed to show it (modality or
        VOI LUT tables, palette, overlays, supplemental attributes): the loader then parses
        the whole header.
    padding : tuple of float or None
        Inclusive range of stored values that are padding (PixelPaddingValue and
        PixelPaddingRangeLimit, PS3.3 C.7.5.1.1.2), lower one first.
    presentation_inverse : bool
        PresentationLUTShape is INVERSE (PS3.3 C.11.6): shown inverted, like MONOCHROME1.
    version : tuple of int or None
        Size and time of change of the file, or of its archive, when it was scanned: another file that
        took its place must not be shown under its patient's name.

    """

    location: FileLocation
    sop_class_uid: str
    sop_instance_uid: str
    format: PixelFormat
    number_of_frames: int
    pixel_offset: int | None
    pixel_length: int | None
    needs_header: bool
    padding: tuple[float, float] | None = None
    presentation_inverse: bool = False
    version: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """One image of a stack: a single-frame file, or one frame of a multi-frame one.

    Attributes
    ----------
    index : int
        0-based place of the frame in its file.
    plane : ImagePlane or None
        None where the file gives no position and orientation.
    spacing : PixelSpacing or None
        None where it is unknown: measure in pixels, never in mm.
    slope, intercept : float
        RescaleSlope and RescaleIntercept (1 and 0 when absent).
    unit : str
        "HU", "SUVbw", "BQML", … or "" when the header names none.
    windows : tuple of Window
        Windows of this frame, in the header's order.
    instance_number : int or None
    label : str
        Cine time, slice location and the like, in words, or "".
    orientation : tuple of str or None
        Patient letters of increasing column and of increasing row, where there is no `plane` and the header states
        them all the same: in words (films: PatientOrientation), or in numbers without a pixel spacing.
    aspect : tuple of float
        Height and width of a pixel on the screen where `spacing` is unknown, the smaller being 1.

    """

    file: ImageFile
    index: int
    plane: ImagePlane | None = None
    spacing: PixelSpacing | None = None
    slope: float = 1.0
    intercept: float = 0.0
    unit: str = ""
    windows: tuple[Window, ...] = ()
    instance_number: int | None = None
    label: str = ""
    orientation: tuple[str, str] | None = None
    aspect: tuple[float, float] = (1.0, 1.0)

    @property
    def key(self) -> str:
        """Identifies the image while the program runs."""
        return f"{self.file.location.name}#{self.file.sop_instance_uid}#{self.index}"


class StackKind(Enum):
    """How a stack is read; the value is the word in JSON."""

    VOLUME = "volume"
    IMAGES = "images"
    CINE = "cine"


@dataclass(frozen=True, eq=False)
class Stack:
    """Images that belong together when scrolled, in slice order.

    Attributes
    ----------
    frames : sequence of Frame
        At least one.
    geometry : Geometry or None
        Regular grid; None with uneven spacing or without position, orientation, spacing.
    label : str
        What tells this stack from the series' others ("echo 2", "b 1000", "axial"), or "".
    frame_time_ms : float or None
        Between frames of a cine.
    frame_of_reference_uid : str or None
        Images share patient coordinates when it is equal.
    warnings : tuple of str
        Sentences for the reader: gantry tilt, missing slices, uneven spacing, overlap, …
    first_shown : int
        Index of the slice to show first (the middle of a volume, the first of a cine).

    """

    kind: StackKind
    frames: Sequence[Frame]
    geometry: Geometry | None = None
    label: str = ""
    frame_time_ms: float | None = None
    frame_of_reference_uid: str | None = None
    warnings: tuple[str, ...] = ()
    first_shown: int = 0

    def __post_init__(self) -> None:
        if not self.frames:
            raise ValueError("a stack has at least one frame")

    @property
    def format(self) -> PixelFormat:
        """Pixel format; the same for all frames but for the transfer syntax."""
        return self.frames[0].file.format

    @property
    def shape(self) -> tuple[int, int, int]:
        """``(slices, rows, columns)``."""
        return (len(self.frames), self.format.rows, self.format.columns)

    @cached_property
    def key(self) -> str:
        """Identifies the stack while the program runs."""
        return self.frames[0].key

    @property
    def source(self) -> Stack:
        """The stack whose files hold the pixels: itself, or what its planes are cut out of."""
        return self


@dataclass(frozen=True, eq=False)
class Series:
    """One series; more than one stack when its images do not scroll together.

    `sequence` is that of its first image, None where the modality is not MR.
    """

    series_uid: str
    number: int | None
    modality: str | None
    description: str | None
    body_part: str | None
    stacks: tuple[Stack, ...]
    laterality: str | None = None
    view_position: str | None = None
    sequence: MrSequence | None = None


@dataclass(frozen=True, eq=False)
class Study:
    """One study of one patient."""

    study_uid: str
    date: str | None
    description: str | None
    patient_name: str | None
    patient_id: str | None
    series: tuple[Series, ...]
    time: str | None = None
    patient_sex: str | None = None
    patient_age: str | None = None
    patient_birth_date: str | None = None
    accession_number: str | None = None
    institution: str | None = None


@dataclass(frozen=True, slots=True)
class NotAnImage:
    """A DICOM object without pixels to show: SEG, SR, PR, KOS, PDF, RT, DICOMDIR.

    `sop_class` is the UID's name in words ("Segmentation Storage") or the UID itself.
    """

    location: FileLocation
    sop_class_uid: str
    sop_class: str
    study_uid: str | None = None
    series_uid: str | None = None
    modality: str | None = None
    description: str | None = None
    sop_instance_uid: str = ""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was left out, and the true reason in a sentence."""

    location: FileLocation
    reason: str


@dataclass(frozen=True, eq=False)
class ScanResult:
    """Everything a scan found: each regular file exactly once."""

    root: Path
    studies: tuple[Study, ...]
    not_images: tuple[NotAnImage, ...]
    skipped: tuple[Skipped, ...]
