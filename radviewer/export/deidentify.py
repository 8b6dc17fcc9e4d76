"""De-identified copies of what a scan found (PS3.15 Annex E): another folder, never the files themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from pydicom.dataset import Dataset, FileDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_sequence_item

from radviewer import __version__
from radviewer.domain.study import FileLocation, ScanResult
from radviewer.errors import NothingToRead
from radviewer.export.deidentify_dataset import Changes, Cleaner
from radviewer.export.deidentify_elements import BrokenFile, identities, put, text_of
from radviewer.export.deidentify_file import BROKEN, check_kind, read, write
from radviewer.export.deidentify_folder import new_contents
from radviewer.export.deidentify_pixels import Writing, writing
from radviewer.export.deidentify_profile import PATIENT_ID, PATIENT_NAME, Profile, tables
from radviewer.export.deidentify_report import JSON_NAME, TEXT_NAME, DeidentifyReport, LeftOut
from radviewer.export.deidentify_values import Patient, Uids
from radviewer.progress import Progress

_DUPLICATE = "It is a duplicate of another file."
_SKIPPED = "It is not a DICOM file that radviewer can read."


@dataclass(frozen=True, slots=True)
class Doubt:
    """An image that may have writing in its pixels: somebody has to decide."""

    location: FileLocation
    writing: Writing


def refuse(_doubt: Doubt) -> bool:
    """Leave out every image that may have writing in its pixels."""
    return False


@dataclass(frozen=True, slots=True)
class DeidentifyOptions:
    """What may stay.

    Attributes
    ----------
    profile : Profile
    keep_burned_in : callable
        Asked about every image that may have writing in its pixels: True copies it all the same.  Its copy does not
        claim that the patient's identity was removed.
    series : frozenset of str or None
        Series Instance UIDs to copy; None for all.

    """

    profile: Profile = field(default_factory=Profile)
    keep_burned_in: Callable[[Doubt], bool] = refuse
    series: frozenset[str] | None = None


def deidentify(
    scanned: ScanResult, out: Path, options: DeidentifyOptions, progress: Progress | None = None
) -> DeidentifyReport:
    """Copy what a scan found into `out` without the patients' identity, with a report of what was changed.

    Pixels are copied byte by byte.  A file that cannot be copied is left out and listed; the rest goes on.  `out`
    holds everything in the end, or nothing.

    Raises
    ------
    NothingToRead
        If a series that was asked for is not there.
    NotSaved
        If `out` is not empty, is no folder, cannot be written or the disk is full.
    Cancelled

    """
    progress = progress or Progress()
    tables()
    chosen = _chosen(scanned, options.series)
    with new_contents(out) as staging:
        work = _Work(staging, options, _left_out(scanned, options.series))
        for done, (number, location) in enumerate(chosen):
            progress.report(done, len(chosen), "De-identifying")
            work.copy(number, location)
        progress.report(len(chosen), len(chosen), "De-identifying")
        report = work.report
        report.left_out.sort(key=lambda one: one.number)
        (staging / JSON_NAME).write_bytes(report.encoded())
        (staging / TEXT_NAME).write_bytes(report.whole_text().encode())
    return report


class _Work:
    """One export: what all of its files have in common."""

    def __init__(self, folder: Path, options: DeidentifyOptions, left_out: list[LeftOut]) -> None:
        profile = options.profile
        self.report = DeidentifyReport(
            {
                "shift_dates": profile.shift_dates,
                "clean_descriptors": profile.clean_descriptors,
                "retain_safe_private": profile.retain_safe_private,
                "keep_burned_in": False,  # until somebody wants such an image
                "selected_series_only": options.series is not None,
            },
            left_out=left_out,
        )
        self._folder = folder
        self._options = options
        self._uids = Uids()
        self._patients: dict[str, Patient] = {}  # by patient and by study
        self._series: dict[str, list[int]] = {}  # number, instances
        self._copied: set[tuple[str, str]] = set()  # pseudonym, new study

    def copy(self, number: int, location: FileLocation) -> None:
        """Copy one file, or list why not."""
        try:
            self._copy(location)
        except BrokenFile as reason:
            self.report.left_out.append(LeftOut(number, location.name, str(reason)))
        except MemoryError:
            self.report.left_out.append(LeftOut(number, location.name, "There is not enough memory for it."))

    def _copy(self, location: FileLocation) -> None:
        dataset, syntax = read(location)
        try:
            series = self._check(dataset)
            found = writing(dataset, syntax)
            if found.is_doubtful and not self._options.keep_burned_in(Doubt(location, found)):
                raise BrokenFile(f"There may be writing in its pixels: {found.value}.")
            changes = self._clean(dataset, found)
        except BROKEN as error:
            raise BrokenFile("It is damaged: its header cannot be read.") from error
        place = self._series.get(series) or [len(self._series) + 1, 0]
        write(dataset, syntax, self._folder / str(place[0]) / f"{place[1] + 1}.dcm")
        self._series[series] = [place[0], place[1] + 1]
        self._count(dataset, found, changes)

    def _check(self, dataset: Dataset) -> str:
        """Series of an instance that may be copied."""
        check_kind(dataset)
        series = text_of(dataset, "SeriesInstanceUID")
        if self._options.series is not None and series not in self._options.series:
            raise BrokenFile("It changed since the folder was read.")
        return series

    def _clean(self, dataset: FileDataset, found: Writing) -> Changes:
        patient, changes = self._patient(dataset), Changes()
        for tag in (PATIENT_NAME, PATIENT_ID):  # of type 2: every copy says whose it is
            if tag not in dataset:
                put(dataset, tag, "PN" if tag == PATIENT_NAME else "LO", b"")
        patient.remember(*identities(dataset))
        codes = _codes(dataset, self._options.profile)
        Cleaner(self._options.profile, patient, self._uids, changes).clean(dataset)
        faces = text_of(dataset, "RecognizableVisualFeatures") == "YES"
        _declare(
            dataset, codes, is_removed=found is Writing.NONE and not faces, modified=self._options.profile.shift_dates
        )
        return changes

    def _patient(self, dataset: Dataset) -> Patient:
        """Whose instance it is: whoever else is in the same study, else whoever has the same number or name."""
        study, issuer = text_of(dataset, "StudyInstanceUID"), text_of(dataset, "IssuerOfPatientID")
        person = text_of(dataset, "PatientID") or text_of(dataset, "PatientName")
        keys = [f"study {study}"] if study else []
        keys += [f"person {person} of {issuer}"] if person or not study else []
        known = next((self._patients[key] for key in keys if key in self._patients), None)
        patient = known or Patient(len(set(map(id, self._patients.values()))) + 1)
        for key in keys:
            self._patients.setdefault(key, patient)
        return patient

    def _count(self, dataset: Dataset, found: Writing, changes: Changes) -> None:
        report = self.report
        report.instances += 1
        report.series = len(self._series)
        self._copied.add((text_of(dataset, "PatientID"), text_of(dataset, "StudyInstanceUID")))
        report.studies = len({study for _, study in self._copied})
        report.patients = len({patient for patient, _ in self._copied})
        report.identity_removed += text_of(dataset, "PatientIdentityRemoved") == "YES"
        report.writing[found] += 1
        report.options["keep_burned_in"] |= found.is_doubtful
        report.changes.add(changes)


def _codes(dataset: Dataset, profile: Profile) -> list[tuple[str, str]]:
    """What was done, by the codes of PS3.16 CID 7050."""
    said = [("113100", "Basic Application Confidentiality Profile", True)]
    said.append(("113103", "Clean Graphics Option", "GraphicAnnotationSequence" in dataset))
    said.append(("113104", "Clean Structured Content Option", "ContentSequence" in dataset))
    said.append(("113105", "Clean Descriptors Option", profile.clean_descriptors))
    modified = "Retain Longitudinal Temporal Information Modified Dates Option"
    said.append(("113107", modified, profile.shift_dates))
    said.append(("113111", "Retain Safe Private Option", profile.retain_safe_private))
    return [(code, meaning) for code, meaning, applies in said if applies]


def _declare(dataset: Dataset, codes: list[tuple[str, str]], *, is_removed: bool, modified: bool) -> None:
    """Say in the copy what was done (PS3.15 E.1.1, steps 5 and 6; PS3.3 C.12.1.1 and C.7.1.1)."""
    implicit, little = dataset.original_encoding
    put(dataset, 0x00120062, "CS", b"YES" if is_removed else b"NO")
    put(dataset, 0x00120063, "LO", f"PS3.15 Basic Profile by radviewer {__version__}".encode())
    put(dataset, 0x00120064, "SQ", _code_sequence(tuple(codes), bool(implicit), little is not False))
    put(dataset, 0x00280303, "CS", b"MODIFIED" if modified else b"REMOVED")


@cache  # the same in most files of an export
def _code_sequence(codes: tuple[tuple[str, str], ...], implicit: bool, little: bool) -> bytes:
    encoded = DicomBytesIO()
    encoded.is_implicit_VR, encoded.is_little_endian = implicit, little
    for code, meaning in codes:
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code, "DCM", meaning
        write_sequence_item(encoded, item, ["iso8859"])
    return encoded.getvalue()


def _numbered(scanned: ScanResult) -> dict[FileLocation, int]:
    """Each file's place by name, from 1."""
    images = (f.file.location for y in scanned.studies for s in y.series for k in s.stacks for f in k.frames)
    others = [one.location for one in scanned.not_images] + [one.location for one in scanned.skipped]
    return {one: n for n, one in enumerate(sorted({*images, *others}, key=lambda one: one.name), 1)}


def _chosen(scanned: ScanResult, series: frozenset[str] | None) -> list[tuple[int, FileLocation]]:
    """Files to copy with their numbers: images in slice order, then the other objects."""
    found: dict[FileLocation, str | None] = {}
    for shown in (series for study in scanned.studies for series in study.series):
        found |= {frame.file.location: shown.series_uid for stack in shown.stacks for frame in stack.frames}
    found |= {other.location: other.series_uid for other in scanned.not_images}
    missing = (series or frozenset()) - set(found.values())
    if missing:
        raise NothingToRead(f"There is no series {min(missing)} in {scanned.root}. Check its Series Instance UID.")
    numbers = _numbered(scanned)
    return [(numbers[one], one) for one, uid in found.items() if series is None or uid in series]


def _left_out(scanned: ScanResult, series: frozenset[str] | None) -> list[LeftOut]:
    """What the scan could not read; nobody knows which series it is of, so it is no part of a selection."""
    if series is not None:
        return []
    numbers = _numbered(scanned)
    return [
        LeftOut(numbers[one.location], one.location.name, _DUPLICATE if "duplicate" in one.reason[:10] else _SKIPPED)
        for one in scanned.skipped
    ]
