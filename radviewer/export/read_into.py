"""One stack → its results in a folder of its own, whichever process does it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from radviewer.ai.cards import Card
from radviewer.ai.catalogue import Catalogue
from radviewer.ai.context import Context
from radviewer.ai.reading import complete
from radviewer.domain.opinion import Opinion, Outcome
from radviewer.domain.study import Stack
from radviewer.errors import UnreadableImage
from radviewer.export.batch_worker import Errand
from radviewer.export.opinions import Json, result
from radviewer.export.own_files import Batch, OwnFolder
from radviewer.export.read_stack import failed, read_stack, was_readable
from radviewer.export.result_files import Options, Subject, write_files
from radviewer.progress import Progress


def read_into(
    own: OwnFolder,
    stack: Stack,
    context: Context,
    catalogue: Catalogue,
    options: Options,
    notes: Json,
    progress: Progress,
) -> None:
    """Read a stack and write its results into `own`; `notes` are kept with them.

    Raises
    ------
    NotSaved, Cancelled

    """
    OwnFolder.sweep(own.path)  # of a program that was ended in the middle
    opinions, volume = read_stack(stack, context, catalogue, options.model, progress)
    subject = Subject(stack, volume, options)
    with own.batch() as batch:
        try:
            results = [_result(batch, own, subject, opinion, opinions, progress) for opinion in opinions]
        except (UnreadableImage, MemoryError) as problem:
            batch.discard()
            reason = str(problem) or "There is not enough memory to write the results; close other programs."
            opinions = tuple(failed(opinion, reason) for opinion in opinions)
            results = [result(opinion, {}) for opinion in opinions]
        if any(opinion.outcome is Outcome.FAILED for opinion in opinions):
            notes = notes | {"fingerprint": None}  # perhaps it works next time
        batch.commit(notes | {"readable": was_readable(stack, volume), "results": results})


def _result(
    batch: Batch,
    own: OwnFolder,
    subject: Subject,
    opinion: Opinion,
    opinions: Sequence[Opinion],
    progress: Progress,
) -> Json:
    written = write_files(batch, subject, opinion, opinions, progress)
    return result(opinion, {key: f"{own.path.name}/{name}" for key, name in written.items()})


def unread(cards: Sequence[Card], reason: str) -> tuple[Opinion, ...]:
    """Opinions on a stack that no process brought back."""
    bare = (
        Opinion(card.name, card.version, Outcome.FAILED, tuple((w.file, w.sha256) for w in card.weights), reason)
        for card in cards
    )
    return complete(bare, cards)


def run_errand(models: Path, options: Options, errand: Errand, progress: Progress) -> None:
    """Read one stack in a worker process.

    Raises
    ------
    NotSaved

    """
    catalogue = _catalogue(models)
    read_into(OwnFolder(errand.folder), errand.stack, errand.context, catalogue, options, errand.notes, progress)


@cache
def _catalogue(models: Path) -> Catalogue:
    """The process's own, verified once."""
    catalogue = Catalogue(models)
    catalogue.verified()
    return catalogue
