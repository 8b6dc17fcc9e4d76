"""Measurement groups of structured reports: what is said of one finding or structure (PS3.16 TID 1410, 1411, 1501)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from radviewer.domain.decision import Decision, Verdict
from radviewer.domain.measurement import Quantity
from radviewer.domain.study import Stack
from radviewer.export.dicom_names import concept, has_concept, tracking_uid, uid
from radviewer.export.seg_source import Sources

if TYPE_CHECKING:
    from highdicom.sr import CodedConcept, Measurement, QualitativeEvaluation
    from pydicom.dataset import Dataset

_MEANINGS = {"": "no units", "1": "no units", "{pixels}": "pixels"}
"""Of UCUM codes that do not speak for themselves."""


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """One finding or structure, as a report tells of it.

    Attributes
    ----------
    model, version : str
        "" and an id of its own for what the reader found.
    label : str
    probability, threshold : float or None
        None for anatomy and for what the reader found.
    measurements : tuple of Quantity
    segmentation : Dataset or None
        Of the outline in force, as written.
    key_slice : int or None
    slices : tuple of int
        That the outline touches.
    decision : Decision or None

    """

    model: str
    version: str
    label: str
    probability: float | None = None
    threshold: float | None = None
    measurements: tuple[Quantity, ...] = ()
    segmentation: Dataset | None = None
    key_slice: int | None = None
    slices: tuple[int, ...] = ()
    decision: Decision | None = None

    @property
    def flagged(self) -> bool:
        """Whether the probability reaches the threshold."""
        return self.probability is not None and self.threshold is not None and self.probability >= self.threshold


def group(
    sources: Sources,
    stack: Stack,
    item: Item,
    measurements: Sequence[Measurement],
    evaluations: Sequence[QualitativeEvaluation],
) -> Any:
    """Measurement group of one item: on its segment (TID 1410 on one image, 1411 on many), else on its image."""
    from highdicom.sr import (
        AlgorithmIdentification,
        MeasurementsAndQualitativeEvaluations,
        PlanarROIMeasurementsAndQualitativeEvaluations,
        TrackingIdentifier,
        VolumetricROIMeasurementsAndQualitativeEvaluations,
    )
    from pydicom.sr.codedict import codes

    tracking = tracking_uid(stack, item.model, item.version, item.label)
    name = item.label if has_concept(item.label) else "finding"
    common: dict[str, Any] = {
        "tracking_identifier": TrackingIdentifier(tracking, f"radviewer {item.model} {item.label}"[:64]),
        "finding_type": concept(name) if name != "finding" else _named(item.label),
        "measurements": list(measurements) or None,
        "qualitative_evaluations": list(evaluations) or None,
    }
    if item.model:
        common["algorithm_id"] = AlgorithmIdentification(
            item.model, item.version, family=codes.DCM.ArtificialIntelligence
        )
    made = item.segmentation
    if made is None:
        return MeasurementsAndQualitativeEvaluations(source_images=[_image(sources, stack, item)], **common)
    if len(stack.frames) == 1:
        frame = _frame(sources, stack, made)
        return PlanarROIMeasurementsAndQualitativeEvaluations(referenced_segment=frame, **common)
    segment = _segment(sources, made, item.slices)
    return VolumetricROIMeasurementsAndQualitativeEvaluations(referenced_segment=segment, **common)


def _named(label: str) -> CodedConcept:
    """Concept of a label that the table does not know."""
    from highdicom.sr import CodedConcept

    return CodedConcept(uid("label", label)[-16:], "99RADVIEWER", label[:64])


def _image(sources: Sources, stack: Stack, item: Item) -> Any:
    from highdicom.sr import SourceImageForMeasurementGroup

    index = item.key_slice or 0
    image, frame = sources.images[index], stack.frames[index]
    numbers = [frame.index + 1] if frame.file.number_of_frames > 1 else None
    return SourceImageForMeasurementGroup(image.SOPClassUID, image.SOPInstanceUID, numbers)


def _frame(sources: Sources, stack: Stack, made: Dataset) -> Any:
    """Segment of the only image."""
    from highdicom.sr import ReferencedSegmentationFrame, SourceImageForSegmentation

    image, frame = sources.images[0], stack.frames[0]
    numbers = [frame.index + 1] if frame.file.number_of_frames > 1 else None
    source = SourceImageForSegmentation(image.SOPClassUID, image.SOPInstanceUID, numbers)
    found = ReferencedSegmentationFrame(made.SOPClassUID, made.SOPInstanceUID, 1, 1, source)
    del found[0].ReferencedSOPSequence[0].ReferencedSegmentNumber  # PS3.3 10.3: a frame or a segment is named
    return found


def _segment(sources: Sources, made: Dataset, slices: Sequence[int]) -> Any:
    """Segment of a volume; its images are those that it touches."""
    from highdicom.sr import ReferencedSegment, SourceImageForSegmentation

    images = [sources.images[i] for i in slices]
    return ReferencedSegment(
        made.SOPClassUID,
        made.SOPInstanceUID,
        1,
        source_images=[SourceImageForSegmentation(image.SOPClassUID, image.SOPInstanceUID) for image in images],
    )


def _measured(name: str, value: float, unit: str) -> Measurement:
    from highdicom.sr import CodedConcept, Measurement

    code = concept(name) if has_concept(name) else _named(name)
    return Measurement(code, float(f"{value:.6g}"), CodedConcept(unit or "1", "UCUM", _MEANINGS.get(unit, unit)))


def said(item: Item) -> list[Measurement]:
    """What the model measured."""
    found = [_measured(q.name, q.value, q.unit) for q in item.measurements if abs(q.value) < 1e12]  # not NaN either
    for name, value in (("probability", item.probability), ("threshold", item.threshold)):
        if value is not None:
            found.append(_measured(name, value, "1"))
    return found


def result(item: Item) -> list[QualitativeEvaluation]:
    """Whether the model flags it."""
    if item.probability is None:
        return []
    return [_evaluated("model result", "flagged" if item.flagged else "not flagged")]


def judged(item: Item) -> list[Measurement]:
    """What the model measured, and how far the reader's outline overlaps its own."""
    dice = None if item.decision is None else item.decision.dice
    return said(item) if dice is None else [*said(item), _measured("dice", dice, "1")]


def decided(item: Item) -> list[QualitativeEvaluation]:
    """The decision and its reason."""
    return list(_evaluations(item))


def _evaluations(item: Item) -> Iterator[QualitativeEvaluation]:
    decision = item.decision
    if decision is None:
        raise ValueError("a report of decisions holds decided findings only")
    yield _evaluated("decision", decision.verdict.value)
    if decision.verdict is Verdict.REJECTED and decision.reason is not None:
        yield _evaluated("reason", decision.reason.value)


def _evaluated(name: str, value: str) -> QualitativeEvaluation:
    from highdicom.sr import QualitativeEvaluation

    return QualitativeEvaluation(concept(name), concept(value))
