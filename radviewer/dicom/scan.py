"""Folder → studies, by their headers only; no pixel is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

from radviewer.dicom.dicomdir import files_of_dicomdir, is_dicomdir
from radviewer.dicom.duplicates import without_copies, without_duplicates
from radviewer.dicom.folder import Found, expand, files_below, location_of
from radviewer.dicom.grouping import make_studies
from radviewer.dicom.recognise import recognise
from radviewer.dicom.records import ImageRecord
from radviewer.dicom.sources import bytes_of, errors_of, is_archive, reason_of
from radviewer.dicom.stacks import make_stacks
from radviewer.domain.study import FileLocation, NotAnImage, ScanResult, Skipped, Stack
from radviewer.errors import NothingToRead
from radviewer.progress import Progress


def scan(
    target: Path,
    progress: Progress | None = None,
    on_first_image: Callable[[Stack], None] | None = None,
) -> ScanResult:
    """Find the studies in a folder, a DICOMDIR, a .zip or a single file.

    Parameters
    ----------
    target : Path
        What the reader opened.
    progress : Progress, optional
        Told after every file, asked between files.
    on_first_image : callable, optional
        Called once, in this thread, with a provisional stack of one frame as soon as
        any image is known: how soon does not depend on how many files there are.

    Returns
    -------
    ScanResult
        The same whatever order the disk lists the files in; every regular file
        is in exactly one place of it.

    Raises
    ------
    NothingToRead
        If `target` does not exist or cannot be read at all.
    Cancelled
        If `progress` was cancelled.

    """
    root, files = _files(target)
    progress = progress or Progress()
    collected = _Collected(progress, on_first_image)
    waiting: list[Found] = []
    for found in files:
        if collected.images:  # the first image is out: now count the others before reading them
            progress.check()
            waiting.append(found)
        else:
            collected.add(found)
    collected.total = collected.done + len(waiting)
    for found in sorted(waiting, key=_name):
        collected.add(found)
    images, doubles = without_duplicates(collected.images)
    not_images, copies = without_copies(collected.not_images)
    return ScanResult(
        root=root,
        studies=make_studies(images),
        not_images=tuple(not_images),
        skipped=tuple(sorted([*collected.skipped, *doubles, *copies], key=lambda s: s.location.name)),
    )


def _name(found: Found) -> str:
    return found.location.name if isinstance(found, Skipped) else found.name


def _files(target: Path) -> tuple[Path, Iterator[Found]]:
    """Root of the names, and the files to look at."""
    shown, target = target, target.absolute()
    try:
        if target.is_dir():
            with_first = files_below(target)
            start = next(with_first, None)
            if isinstance(start, Skipped) and start.location.name == ".":
                raise NothingToRead(f"{shown} cannot be opened. {start.reason}")
            return target, with_first if start is None else chain([start], with_first)
        if not target.exists():
            raise NothingToRead(f"{shown} does not exist. Check the path and try again.")
    except OSError as error:
        raise NothingToRead(f"{shown} cannot be opened: {reason_of(error)}.") from error
    location = location_of(target, target.parent)
    if not target.is_file():
        raise NothingToRead(f"{shown} is neither a folder nor a file.")
    if is_dicomdir(location):
        return target.parent, files_of_dicomdir(location)
    return target.parent, expand(location, as_archive=is_archive(target))


class _Collected:
    """Everything found so far."""

    def __init__(self, progress: Progress, on_first_image: Callable[[Stack], None] | None) -> None:
        self.images: list[ImageRecord] = []
        self.not_images: list[NotAnImage] = []
        self.skipped: list[Skipped] = []
        self.done = 0
        self.total = 0
        self._progress = progress
        self._on_first_image = on_first_image

    def add(self, found: Found) -> None:
        """Read one file's header and keep what it is."""
        result = found if isinstance(found, Skipped) else _read(found)
        if isinstance(result, ImageRecord):
            self.images.append(result)
            if self._on_first_image is not None:
                announce, self._on_first_image = self._on_first_image, None
                announce(provisional_stack(result))
        elif isinstance(result, NotAnImage):
            self.not_images.append(result)
        else:
            self.skipped.append(result)
        self.done += 1
        self._progress.report(self.done, self.total, "Reading headers")


def _read(location: FileLocation) -> ImageRecord | NotAnImage | Skipped:
    try:
        with bytes_of(location) as source:
            return recognise(source, location, source.version)
    except errors_of(location) as error:
        return Skipped(location, f"The file cannot be read: {reason_of(error)}.")


def provisional_stack(image: ImageRecord) -> Stack:
    """One frame of an image, the middle one, as a stack of its own."""
    frames = image.frames
    middle = frames[len(frames) // 2] if frames[0].position is not None else frames[0]
    only = ImageRecord(image.study, image.series, image.file, (middle,), image.size)
    return make_stacks([only], image.series.modality, ())[0]
