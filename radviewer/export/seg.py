"""Masks as DICOM Segmentation (PS3.3 A.51), one object per mask, through highdicom."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from radviewer import __version__
from radviewer.domain.opinion import Mask
from radviewer.domain.study import Frame, Stack
from radviewer.export.dicom_names import MANUFACTURER, SEGMENTATIONS, tracking_uid, uid
from radviewer.export.seg_source import Sources, add
from radviewer.export.segment_codes import OTHER, Code, SegmentCodes, read_segment_codes

if TYPE_CHECKING:
    from highdicom import UID
    from highdicom.seg import Segmentation, SegmentDescription
    from highdicom.sr import CodedConcept
    from pydicom.dataset import Dataset


class Origin(Enum):
    """Who drew a mask; the value is the Segment Algorithm Type (PS3.3 C.8.20.2)."""

    MODEL = "AUTOMATIC"
    EDITED = "SEMIAUTOMATIC"  # by the reader, from a model's
    READER = "MANUAL"


@dataclass(frozen=True, slots=True)
class Author:
    """The model a mask comes from, and whether the reader had a hand in it; `model` is "" for the reader's own."""

    model: str
    version: str
    origin: Origin = Origin.MODEL

    @property
    def words(self) -> str:
        """Whose mask it is, in words."""
        model = f"{self.model} {self.version}"
        return {
            Origin.MODEL: f"outlined by {model}",
            Origin.EDITED: f"outlined by {model}, edited by the reader",
            Origin.READER: "outlined by the reader",
        }[self.origin]


@cache
def _codes() -> dict[str, SegmentCodes]:
    return read_segment_codes()


def can_write(stack: Stack) -> bool:
    """Whether any object can refer to the stack's images: one, or as of `can_segment` several files."""
    several = len(stack.frames) > 1
    return can_segment(stack) and not (several and any(frame.file.number_of_frames > 1 for frame in stack.frames))


def can_segment(stack: Stack) -> bool:
    """Whether a segmentation can refer to the stack's images.

    One image always can.  Several can when each has a place of its own in the patient: without coordinates the standard
    leaves no way to say which frame of a segmentation lies on which image.
    """
    frames = stack.frames
    if any(not frame.file.sop_instance_uid or not frame.file.sop_class_uid for frame in frames):
        return False
    if len(frames) == 1:
        return True
    placed = stack.frame_of_reference_uid is not None and all(frame.plane is not None for frame in frames)
    return placed and _apart(frames)


def _apart(frames: Sequence[Frame]) -> bool:
    """Whether no two images lie at one place."""
    places = {tuple(round(x, 4) for x in frame.plane.position) for frame in frames if frame.plane is not None}
    return len(places) == len(frames)


def segmentation(
    mask: Mask, label: str, author: Author, stack: Stack, number: int = 1, sources: Sources | None = None
) -> Segmentation:
    """Segmentation of one mask.

    The same mask by the same model on the same images gets the same UIDs, another mask others.
    A film has neither orientation nor frame of reference; its segmentation refers to the image alone and has
    the image's size, which is what PS3.3 A.51.5 asks for without a frame of reference.

    Parameters
    ----------
    mask : ndarray of bool, (slices, rows, columns)
        On the stack's own grid; not empty.
    label : str
        As the model names it.
    author : Author
        The model.
    stack : Stack
        For which `can_segment` holds.
    number : int
        InstanceNumber, from 1.
    sources : Sources, optional
        Of the stack, where it was read already.

    Raises
    ------
    UnreadableImage
        If a header of the stack cannot be read any more.

    """
    from highdicom import ContentQualificationValues
    from highdicom.seg import Segmentation, SegmentationTypeValues
    from pydicom.uid import ExplicitVRLittleEndian

    if sources is None or stack.frames[0].file.number_of_frames > 1:
        sources = Sources(stack, frames_apart=True)
    images = [f"{frame.file.sop_instance_uid}#{frame.index}" for frame in stack.frames]
    names = [*images, author.model, author.version]
    by_hand = () if author.origin is Origin.MODEL else (author.origin.value,)
    content = hashlib.sha256(np.packbits(mask).tobytes()).hexdigest()
    made = Segmentation(
        sources.images,
        mask.view(np.uint8),
        SegmentationTypeValues.BINARY,
        [_description(label, author, tracking_uid(stack, author.model, author.version, label))],
        uid("series", sources.series_uid, author.model, author.version, *by_hand),
        SEGMENTATIONS,
        uid("instance", *names, label, content, *by_hand),
        number,
        MANUFACTURER,
        author.model or MANUFACTURER,
        __version__,
        author.version,
        content_label="SEGMENTATION" if author.origin is Origin.READER else "AI_SEGMENTATION",
        content_description=f"{label}, {author.words}"[:64],
        transfer_syntax_uid=ExplicitVRLittleEndian,
        content_qualification=ContentQualificationValues.RESEARCH,
        series_description=_series_description(author),
        specific_character_set="ISO_IR 192",
    )
    sources.restore(made)
    if "FrameOfReferenceUID" not in made:
        add(made, "PatientOrientation", sources.text("PatientOrientation"))  # PS3.3 C.7.6.1: of images without a plane
    _finish(made, uid("dimensions", *names, label, *by_hand))
    return made


def _series_description(author: Author) -> str:
    if author.origin is Origin.READER:
        return "Outlines by the reader, research use only"
    edited = " edited" if author.origin is Origin.EDITED else ""
    return f"AI outlines{edited}, {author.model} {author.version}, research use only"[:64]


def _finish(made: Dataset, dimensions: UID) -> None:
    """Take chance out of the UIDs."""
    made.DimensionOrganizationSequence[0].DimensionOrganizationUID = dimensions
    for index in made.DimensionIndexSequence:
        index.DimensionOrganizationUID = dimensions


def _description(label: str, author: Author, tracking: UID) -> SegmentDescription:
    from highdicom import AlgorithmIdentificationSequence
    from highdicom.seg import SegmentAlgorithmTypeValues, SegmentDescription
    from pydicom.sr.codedict import codes

    coded = _codes().get(label) or _codes()[OTHER]
    described = SegmentDescription(
        1,
        label[:64],
        _concept(coded.category),
        _concept(coded.type),
        SegmentAlgorithmTypeValues(author.origin.value),
        None
        if author.origin is Origin.READER
        else AlgorithmIdentificationSequence(author.model, codes.DCM.ArtificialIntelligence, author.version),
        tracking_uid=tracking,
        tracking_id=f"radviewer {author.model} {label}"[:64],
    )
    if coded.side is not None:
        described.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = [
            _concept(coded.side)
        ]
    return described


def _concept(code: Code) -> CodedConcept:
    from highdicom.sr import CodedConcept

    value, scheme, meaning = code
    return CodedConcept(value, scheme, meaning)
