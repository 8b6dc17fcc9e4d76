"""Results of models and decisions of the reader as structured reports (PS3.16 TID 1500), through highdicom.

Two documents, linked by tracking UIDs: what the models say (complete, unverified, preliminary), and what the
reader decided about it (verified by the reader, its predecessor is the first).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from radviewer import __version__
from radviewer.domain.decision import Decision, Verdict
from radviewer.domain.measurement import Quantity
from radviewer.domain.study import Stack
from radviewer.export.dicom_names import (
    AI_RESULTS,
    DECISIONS,
    MANUFACTURER,
    concept,
    has_concept,
    person_name,
    tracking_uid,
    uid,
)
from radviewer.export.seg_source import Sources, add

if TYPE_CHECKING:
    from highdicom.sr import CodedConcept, Comprehensive3DSR, Measurement, QualitativeEvaluation
    from pydicom.dataset import Dataset

_UNITS = {"%": "%", "mm": "mm", "mm2": "mm2", "cm2": "cm2", "ml": "ml", "{pixels}": "{pixels}", "1": "1"}


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


def results_report(stack: Stack, items: Sequence[Item], sources: Sources | None = None) -> Comprehensive3DSR:
    """What models say about a stack: complete, unverified, preliminary.

    Parameters
    ----------
    stack : Stack
        For which `seg.can_write` holds.
    items : sequence of Item
        At least one.
    sources : Sources, optional
        Of the stack, where it was read already.

    Raises
    ------
    UnreadableImage
        If a header of the stack cannot be read any more.

    """
    sources = sources or Sources(stack)
    groups = [_group(sources, stack, item, _said(item), _result(item)) for item in items]
    names = [f"{i.model} {i.version} {i.label} {i.probability}" for i in items]
    made = _document(sources, items, groups, "", AI_RESULTS, names)
    sources.restore(made)
    made.SeriesDescription = "AI results, unverified, research use only"
    made.PreliminaryFlag = "PRELIMINARY"
    return made


def decisions_report(
    stack: Stack,
    items: Sequence[Item],
    results: Dataset | None,
    reader: str,
    organisation: str = "",
    sources: Sources | None = None,
) -> Comprehensive3DSR:
    """What the reader decided: verified by `reader` when there is a name, and following `results`.

    Parameters
    ----------
    stack : Stack
        For which `seg.can_write` holds.
    items : sequence of Item
        At least one; each with a decision.
    results : Dataset or None
        From `results_report`: the predecessor; None when no model had said anything.
    reader, organisation : str
        As entered in the settings; without a name the document stays unverified.
    sources : Sources, optional
        Of the stack, where it was read already.

    Raises
    ------
    UnreadableImage

    """
    sources = sources or Sources(stack)
    groups = [_group(sources, stack, item, _judged(item), _decided(item)) for item in items]
    names = [item.decision.decision_id for item in items if item.decision is not None]
    made = _document(sources, items, groups, reader, DECISIONS, names, organisation)
    if results is not None:
        _follow(made, results)
    sources.restore(made)
    made.SeriesDescription = "Decisions about AI results"
    made.PreliminaryFlag = "FINAL" if reader else "PRELIMINARY"
    return made


def _document(
    sources: Sources,
    items: Sequence[Item],
    groups: Sequence[Any],
    reader: str,
    series: int,
    names: Sequence[str],
    organisation: str = "",
) -> Comprehensive3DSR:
    from highdicom.sr import Comprehensive3DSR, MeasurementReport, ObservationContext

    reader = person_name(reader)
    report = MeasurementReport(ObservationContext(_person(reader), _device()), concept("procedure"), groups or None)
    stems = [str(sources.series_uid), *(str(image.SOPInstanceUID) for image in sources.images), *names]
    written = [item.segmentation for item in items if item.segmentation is not None]
    evidence = [*sources.images, *(_stub(sources, made) for made in written)]
    return Comprehensive3DSR(
        evidence,
        report[0],
        uid("series", str(series), str(sources.series_uid)),
        series,
        uid("report", str(series), *stems),
        1,
        MANUFACTURER,
        is_complete=True,
        is_final=bool(reader),
        is_verified=bool(reader),
        verifying_observer_name=reader or None,
        verifying_organization=(organisation or "Not stated") if reader else None,
        specific_character_set="ISO_IR 192",
    )


def _stub(sources: Sources, made: Dataset) -> Dataset:
    """Stand-in for a segmentation among the evidence: its study is named as its images' is."""
    stub = deepcopy(sources.images[0])
    stub.SOPClassUID, stub.SOPInstanceUID = made.SOPClassUID, made.SOPInstanceUID
    stub.SeriesInstanceUID = made.SeriesInstanceUID
    return stub


def _person(reader: str) -> Any:
    from highdicom.sr import ObserverContext, PersonObserverIdentifyingAttributes
    from pydicom.sr.codedict import codes

    if not reader:
        return None
    return ObserverContext(codes.DCM.Person, PersonObserverIdentifyingAttributes(reader))


def _device() -> Any:
    from highdicom.sr import DeviceObserverIdentifyingAttributes, ObserverContext
    from pydicom.sr.codedict import codes

    device = DeviceObserverIdentifyingAttributes(
        uid("device", __version__), name=MANUFACTURER, manufacturer_name=MANUFACTURER, model_name=__version__
    )
    return ObserverContext(codes.DCM.Device, device)


def _follow(made: Dataset, results: Dataset) -> None:
    """Name the document that this one follows (PS3.3 C.17.2, Predecessor Documents Sequence)."""
    from pydicom.dataset import Dataset
    from pydicom.sequence import Sequence as Items

    study, series, document = Dataset(), Dataset(), Dataset()
    document.ReferencedSOPClassUID = results.SOPClassUID
    document.ReferencedSOPInstanceUID = results.SOPInstanceUID
    series.ReferencedSOPSequence = Items([document])
    series.SeriesInstanceUID = results.SeriesInstanceUID
    study.ReferencedSeriesSequence = Items([series])
    add(study, "StudyInstanceUID", str(results.StudyInstanceUID))
    made.PredecessorDocumentsSequence = Items([study])


def _group(
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
    return Measurement(code, float(f"{value:.6g}"), CodedConcept(_UNITS.get(unit, unit), "UCUM", unit or "no units"))


def _said(item: Item) -> list[Measurement]:
    """What the model measured."""
    said = [_measured(q.name, q.value, q.unit) for q in item.measurements if abs(q.value) < 1e12]  # not NaN either
    for name, value in (("probability", item.probability), ("threshold", item.threshold)):
        if value is not None:
            said.append(_measured(name, value, "1"))
    return said


def _result(item: Item) -> list[QualitativeEvaluation]:
    if item.probability is None:
        return []
    return [_evaluated("model result", "flagged" if item.flagged else "not flagged")]


def _judged(item: Item) -> list[Measurement]:
    dice = None if item.decision is None else item.decision.dice
    return _said(item) if dice is None else [*_said(item), _measured("dice", dice, "1")]


def _decided(item: Item) -> list[QualitativeEvaluation]:
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
