"""Results of models and decisions of the reader as structured reports (PS3.16 TID 1500), through highdicom.

Two documents, linked by tracking UIDs: what the models say (complete, unverified, preliminary), and what the
reader decided about it (verified by the reader, its predecessor is the first).
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from radviewer import __version__
from radviewer.domain.study import Stack
from radviewer.export.dicom_names import (
    AI_RESULTS,
    DECISIONS,
    MANUFACTURER,
    concept,
    person_name,
    uid,
)
from radviewer.export.seg_source import Sources, add
from radviewer.export.sr_groups import Item, decided, group, judged, result, said

if TYPE_CHECKING:
    from highdicom.sr import Comprehensive3DSR
    from pydicom.dataset import Dataset


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
    groups = [group(sources, stack, item, said(item), result(item)) for item in items]
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
    groups = [group(sources, stack, item, judged(item), decided(item)) for item in items]
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
