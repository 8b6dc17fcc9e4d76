"""Copies of one image: which is kept, and which images only share a UID.

A SOP Instance UID names one image (PS3.3 C.12.1).  Files that share it and agree
on series, number, matrix and position are copies, also when one was compressed
later: one is kept, the others are listed as duplicates.  Files that share it but
are clearly different images (broken anonymisers do that) are all kept, with a warning.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import replace

from radviewer.dicom.headers import UNCOMPRESSED
from radviewer.dicom.records import ImageRecord
from radviewer.dicom.sources import ZIP_ERRORS, bytes_of
from radviewer.domain.study import FileLocation, NotAnImage, Skipped

_COMPARED = 1 << 16  # bytes
_MOST_COMPARED = 16  # files: hostile folders must not take forever
_LOSSY = frozenset(
    f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 52, 53, 54, 55, 56, 81, 91, 93, 110, 112, 203)
)


def without_duplicates(images: Sequence[ImageRecord]) -> tuple[list[ImageRecord], list[Skipped]]:
    """Images to show, and the copies that are left out with the reason."""
    by_uid: dict[str, list[ImageRecord]] = defaultdict(list)
    kept: list[ImageRecord] = []
    skipped: list[Skipped] = []
    for image in images:
        uid = image.file.sop_instance_uid
        if uid:
            by_uid[uid].append(image)
        else:
            kept.append(image)
    for sharing in by_uid.values():
        different: dict[Hashable, list[ImageRecord]] = defaultdict(list)
        for image in sharing:
            different[_identity(image)].append(image)
        for copies in different.values():
            best, *others = sorted(copies, key=_worth)
            skipped.extend(_duplicate(other, best) for other in others)
            kept.append(best if len(different) == 1 else _warned(best, len(different)))
    return kept, skipped


def without_copies(objects: Sequence[NotAnImage]) -> tuple[list[NotAnImage], list[Skipped]]:
    """Other objects, and the files that merely repeat one of them."""
    by_uid: dict[str, list[NotAnImage]] = defaultdict(list)
    kept: list[NotAnImage] = []
    skipped: list[Skipped] = []
    for found in sorted(objects, key=lambda o: o.location.name):
        alike = by_uid[found.sop_instance_uid] if found.sop_instance_uid else []
        first = next((other for other in alike[:_MOST_COMPARED] if _same_bytes(other.location, found.location)), None)
        if first is None:
            alike.append(found)
            kept.append(found)
        else:
            reason = f"duplicate of {first.location.name}: the same SOP Instance UID."
            skipped.append(Skipped(found.location, reason))
    return kept, skipped


def _same_bytes(first: FileLocation, second: FileLocation) -> bool:
    """Whether two files have the same size and begin alike."""
    try:
        with bytes_of(first) as one, bytes_of(second) as other:
            return one.size == other.size and one.read(0, _COMPARED) == other.read(0, _COMPARED)
    except ZIP_ERRORS:
        return False


def _identity(image: ImageRecord) -> Hashable:
    first, form = image.frames[0], image.file.format
    return (
        image.study.study_uid,
        image.study.patient_id,
        image.series.series_uid,
        image.series.modality,
        image.series.number,
        first.frame.instance_number,
        form.rows,
        form.columns,
        form.samples_per_pixel,
        form.bits_allocated,
        len(image.frames),
        first.position,
        first.directions,
    )


def _worth(image: ImageRecord) -> tuple[bool, bool, bool, str]:
    """Whole before cut off, lossless before lossy, uncompressed before compressed, then by name."""
    syntax = image.file.format.transfer_syntax_uid
    return bool(image.warnings), syntax in _LOSSY, syntax not in UNCOMPRESSED, image.file.location.name


def _duplicate(image: ImageRecord, best: ImageRecord) -> Skipped:
    name = best.file.location.name
    if image.file.format.transfer_syntax_uid != best.file.format.transfer_syntax_uid:
        return Skipped(image.file.location, f"duplicate of {name}: the same SOP Instance UID, encoded differently.")
    if image.size != best.size:
        return Skipped(image.file.location, f"duplicate of {name}: the same SOP Instance UID, but another file size.")
    return Skipped(image.file.location, f"duplicate of {name}: the same SOP Instance UID.")


def _warned(image: ImageRecord, count: int) -> ImageRecord:
    text = f"{count} different images share its SOP Instance UID; all are shown."
    return replace(image, warnings=(*image.warnings, text))
