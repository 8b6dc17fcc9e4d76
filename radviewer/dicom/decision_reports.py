"""Decisions in structured reports (PS3.16 TID 1500) that lie beside the images, as radviewer writes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from radviewer.dicom.headers import BrokenHeader, DataSet, Header, NotDicom, read_header
from radviewer.dicom.sources import bytes_of, errors_of, reason_of
from radviewer.domain.decision import RejectReason, Verdict
from radviewer.domain.study import FileLocation
from radviewer.errors import UnreadableImage

COMPREHENSIVE_3D_SR = "1.2.840.10008.5.1.4.1.1.88.34"

_CONTENT, _NAME, _CODE, _UID, _TEXT = 0x0040A730, 0x0040A043, 0x0040A168, 0x0040A124, 0x0040A160
_MEASURED, _VALUE = 0x0040A300, 0x0040A30A
_CODE_VALUE, _MEANING = 0x00080100, 0x00080104
_OBSERVERS, _OBSERVER, _VERIFIED = 0x0040A073, 0x0040A075, 0x0040A493
_WANTED = frozenset(
    {
        _CONTENT, _NAME, _CODE, _UID, _TEXT, _MEASURED, _VALUE, _CODE_VALUE, _MEANING, _OBSERVERS, _OBSERVER, _VERIFIED,
    }
)  # fmt: skip
_IMAGING_MEASUREMENTS, _GROUP = "126010", "125007"
_TRACKING, _FINDING, _ALGORITHM, _VERSION = "112040", "121071", "111001", "111003"
_REASONS = {
    "artefact": RejectReason.ARTEFACT,
    "normal-variant": RejectReason.NORMAL_VARIANT,
    "known": RejectReason.KNOWN,
    "wrong-site": RejectReason.WRONG_SITE,
    "wrong-extent": RejectReason.WRONG_EXTENT,
    "wrong-label": RejectReason.WRONG_LABEL,
    "other": RejectReason.OTHER,
}
_MOST_GROUPS = 1_000


@dataclass(frozen=True, slots=True)
class ReportedDecision:
    """One decision of a report.

    Attributes
    ----------
    tracking_uid : str
        Of the finding: the same in segmentations and in other reports.
    label, model, version : str
    verdict : Verdict
    reason : RejectReason or None
    probability : float or None
    reader : str
        Who verified the report, or "".

    """

    tracking_uid: str
    label: str
    model: str
    version: str
    verdict: Verdict
    reason: RejectReason | None
    probability: float | None
    reader: str


def read_decisions(location: FileLocation) -> tuple[ReportedDecision, ...]:
    """Decisions in a report; none in reports about anything else.

    Raises
    ------
    UnreadableImage
        If the file cannot be read.

    """
    try:
        with bytes_of(location) as source:
            return tuple(_decisions(read_header(source, _WANTED)))
    except (NotDicom, BrokenHeader) as error:
        raise UnreadableImage(f"{location.name} is a damaged report; its decisions are not shown.") from error
    except errors_of(location) as error:
        raise UnreadableImage(f"{location.name} cannot be read: {reason_of(error)}.") from error


def _decisions(header: Header) -> Iterator[ReportedDecision]:
    observer = header.first_item(_OBSERVERS, _WANTED)
    verified = header.text(_VERIFIED).strip() == "VERIFIED"
    reader = observer.text(_OBSERVER).strip()[:100] if observer is not None and verified else ""
    seen = 0
    for container in header.items(_CONTENT, _WANTED):
        if _named(container) != _IMAGING_MEASUREMENTS:
            continue
        for group in container.items(_CONTENT, _WANTED):
            seen += 1
            if seen > _MOST_GROUPS:
                return
            found = _decision(group, reader) if _named(group) == _GROUP else None
            if found is not None:
                yield found


def _decision(group: DataSet, reader: str) -> ReportedDecision | None:
    items = {_named(item): item for item in group.items(_CONTENT, _WANTED)}
    verdict, reason = _coded(items.get("decision")), _coded(items.get("rejection-reason"))
    if verdict not in {v.value for v in Verdict}:
        return None
    finding = items.get(_FINDING)
    meaning = None if finding is None else finding.first_item(_CODE, _WANTED)
    number = items.get("probability")
    measured = None if number is None else number.first_item(_MEASURED, _WANTED)
    probability = None if measured is None else measured.number(_VALUE)
    return ReportedDecision(
        items[_TRACKING].uid(_UID) if _TRACKING in items else "",
        ("" if meaning is None else meaning.text(_MEANING).strip().lower()[:64]) or "finding",
        _text(items.get(_ALGORITHM)),
        _text(items.get(_VERSION)),
        Verdict(verdict),
        _REASONS.get(reason),
        probability if probability is not None and 0 <= probability <= 1 else None,
        reader,
    )


def _named(item: DataSet) -> str:
    """Code value of the concept's name."""
    name = item.first_item(_NAME, _WANTED)
    return "" if name is None else name.text(_CODE_VALUE).strip()


def _coded(item: DataSet | None) -> str:
    code = None if item is None else item.first_item(_CODE, _WANTED)
    return "" if code is None else code.text(_CODE_VALUE).strip()


def _text(item: DataSet | None) -> str:
    return "" if item is None else item.text(_TEXT).strip()[:64]
