"""What results depend on: the same fingerprint, the same results."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from radviewer import __version__
from radviewer.ai.cards import Card
from radviewer.ai.catalogue import Catalogue
from radviewer.ai.context import Context
from radviewer.dicom.sources import ZIP_ERRORS, open_file
from radviewer.domain.study import FileLocation, Stack
from radviewer.errors import UnreadableImage
from radviewer.export.own_files import digest
from radviewer.export.result_files import Options


def identity(stack: Stack) -> str:
    """Which stack this is, whatever its files hold; tells nothing about the patient."""
    return hashlib.sha256(stack.key.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def fingerprint(
    stack: Stack, context: Context, cards: Sequence[Card], catalogue: Catalogue, options: Options
) -> str | None:
    """Hash of the files, what the header says, the models and the options; None when a file cannot be read."""
    files = _file_hashes(stack)
    if files is None:
        return None
    needed = {card.requires for card in cards}
    available = {entry.name: entry.available for entry in catalogue.entries()}
    parts = {
        "radviewer": __version__,
        "files": files,
        "frames": [frame.index for frame in stack.frames],
        "context": repr(context),
        "models": [[card.model_dump_json(), available.get(card.name, False)] for card in cards],
        "required": [
            entry.card.model_dump_json() for entry in catalogue.entries() if entry.card and entry.name in needed
        ],
        "options": [options.nifti, options.dicom],
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _file_hashes(stack: Stack) -> list[str] | None:
    locations = dict.fromkeys(frame.file.location for frame in stack.frames)
    try:
        return [_file_hash(location) for location in locations]
    except UnreadableImage:
        return None
    except ZIP_ERRORS:  # also what a disk may raise while a file is read
        return None


def _file_hash(location: FileLocation) -> str:
    with open_file(location) as stream:
        return digest(stream)


def instance_hashes(stack: Stack) -> dict[str, str]:
    """SHA-256 of the file of each SOP instance, by UID: whether an image is still the one that was read.

    Raises
    ------
    UnreadableImage
        If a file cannot be read any more.

    """
    files = {frame.file.sop_instance_uid: frame.file.location for frame in stack.frames}
    try:
        return {name: _file_hash(location) for name, location in files.items()}
    except ZIP_ERRORS as error:
        raise UnreadableImage("A file of the series cannot be read any more. Open the folder again.") from error
