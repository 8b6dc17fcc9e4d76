"""Images → studies → series → stacks, independent of the order files were found in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from radviewer.dicom.records import ImageRecord
from radviewer.dicom.stacks import make_stacks
from radviewer.domain.study import Series, Study

_SeriesKey = tuple[str, str, int | None]


def make_studies(images: Iterable[ImageRecord]) -> tuple[Study, ...]:
    """Group images; every image ends in exactly one stack.

    A StudyInstanceUID that several patients share makes one study for each, and a
    SeriesInstanceUID under which files disagree on Modality or SeriesNumber makes
    one series for each; both are named in the stacks' warnings.
    """
    by_uid: dict[str, list[ImageRecord]] = defaultdict(list)
    for image in sorted(images, key=lambda i: i.file.location.name):
        by_uid[image.study.study_uid].append(image)
    made: list[Study] = []
    for uid, members in by_uid.items():
        patients = _by_patient(members)
        warnings = _shared_study(len(patients) if uid else 1)
        made.extend(_make_study(of_one, warnings) for of_one in patients)
    return tuple(sorted(made, key=lambda s: (s.date or "", s.time or "", s.study_uid, s.patient_id or "")))


def _by_patient(images: list[ImageRecord]) -> list[list[ImageRecord]]:
    """Images of one study by PatientID; those without one go by the patient's name."""
    names: dict[str, set[str]] = defaultdict(set)
    for image in images:
        if image.study.patient_id:
            names[image.study.patient_id].add(image.study.patient_name)
    groups: dict[str, list[ImageRecord]] = defaultdict(list)
    for image in images:
        identity, name = image.study.patient_id, image.study.patient_name
        if not identity:
            owners = [owner for owner, known in names.items() if name in known or not name]
            identity = owners[0] if len(owners) == 1 else f"\0{name}"  # no PatientID begins with a NUL
        groups[identity].append(image)
    return list(groups.values())


def _shared_study(patients: int) -> tuple[str, ...]:
    if patients == 1:
        return ()
    return (f"{patients} patients share this Study Instance UID; each is shown as a study of its own.",)


def _make_study(images: list[ImageRecord], warnings: tuple[str, ...]) -> Study:
    by_series: dict[_SeriesKey, list[ImageRecord]] = defaultdict(list)
    for image in images:
        of = image.series
        by_series[of.series_uid, of.modality, of.number].append(image)
    numbers: dict[tuple[str, str], list[int]] = defaultdict(list)
    for uid, modality, number in by_series:
        if number is not None:
            numbers[uid, modality].append(number)
    for uid, modality, number in list(by_series):
        known = numbers[uid, modality] if number is None else []
        if len(known) == 1:  # some files merely leave the number out
            by_series[uid, modality, known[0]].extend(by_series.pop((uid, modality, None)))
    twins: dict[str, int] = defaultdict(int)
    for uid, _, _ in by_series:
        twins[uid] += 1
    series = [
        _make_series(members, (*warnings, *_shared_series(twins[uid] if uid else 1)))
        for (uid, _, _), members in by_series.items()
    ]
    series.sort(key=lambda s: (s.number is None, s.number or 0, s.description or "", s.series_uid, s.modality or ""))
    info = images[0].study
    return Study(
        study_uid=info.study_uid,
        date=info.date or None,
        description=_first(i.study.description for i in images),
        patient_name=info.patient_name or None,
        patient_id=info.patient_id or None,
        series=tuple(series),
        time=info.time or None,
        patient_sex=info.patient_sex or None,
        patient_age=info.patient_age or None,
        patient_birth_date=info.patient_birth_date or None,
        accession_number=info.accession_number or None,
        institution=info.institution or None,
    )


def _shared_series(count: int) -> tuple[str, ...]:
    if count == 1:
        return ()
    return (
        f"{count} different series share this Series Instance UID; they are kept apart by modality and series number.",
    )


def _make_series(images: list[ImageRecord], warnings: tuple[str, ...]) -> Series:
    info = images[0].series
    return Series(
        series_uid=info.series_uid,
        number=info.number,
        modality=info.modality or None,
        description=_first(i.series.description for i in images),
        body_part=_first(i.series.body_part for i in images),
        stacks=make_stacks(images, info.modality, warnings),
        laterality=_first(i.series.laterality for i in images),
        view_position=_first(i.series.view_position for i in images),
        sequence=images[0].sequence,
    )


def _first(words: Iterable[str]) -> str | None:
    return next((word for word in words if word), None)
