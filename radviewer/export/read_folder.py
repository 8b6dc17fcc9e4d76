"""``radviewer read``: a folder → opinions of every model that applies, as files in another folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path

from radviewer.ai.cards import BadModel, Card
from radviewer.ai.catalogue import Catalogue
from radviewer.ai.context import Context, context_of
from radviewer.ai.reading import cards_for
from radviewer.dicom.listing import nothing_found
from radviewer.dicom.scan import scan
from radviewer.domain.study import ScanResult, Stack
from radviewer.errors import NothingToRead, NotSaved
from radviewer.export.batch import attempted
from radviewer.export.batch_worker import Errand
from radviewer.export.fingerprint import fingerprint, identity
from radviewer.export.lanes import read_side_by_side
from radviewer.export.opinions import Json, document, encoded, entry, result
from radviewer.export.own_files import RECORD, OwnFolder, writer
from radviewer.export.read_into import read_into, run_errand, unread
from radviewer.export.result_files import Options
from radviewer.export.triage import summary_files
from radviewer.progress import Progress

OPINIONS = "opinions.json"
SUMMARIES = ("summary.csv", "summary.html")


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read.

    Attributes
    ----------
    found : dict
        As in ``opinions.json``.
    problem : str
        A sentence why no image was of use, or "".

    """

    found: Json
    problem: str


def read_folder(
    folder: Path,
    out: Path,
    catalogue: Catalogue,
    options: Options,
    progress: Progress | None = None,
    workers: int = 1,
) -> Reading:
    """Read every stack in `folder` and write ``opinions.json`` and its files into `out`.

    What an earlier run wrote for the same files, models and options is kept.  When the work is cancelled or fails,
    the stacks that were finished are kept too.  With more than one of `workers`, processes read stacks side by side.

    Raises
    ------
    BadModel
        If the only model asked for has no readable card.
    NotSaved
        If `out` cannot be written, or a file in the way is not radviewer's.
    Cancelled

    """
    progress = progress or Progress()
    _check_model(catalogue, options)
    root = OwnFolder(out)
    for name in (OPINIONS, *SUMMARIES):  # now, not after hours of reading
        root.check(name)
    try:
        scanned, problem = scan(folder, progress), ""
    except NothingToRead as error:
        scanned, problem = ScanResult(folder, (), (), ()), str(error)
    work = _Work(out, catalogue, options, progress, workers)
    entries = list(work.entries(scanned))
    found = document(entries)
    with root.batch() as batch:
        batch.add(OPINIONS, writer(encoded(found)))
        for name, data in summary_files(scanned, entries).items():
            batch.add(name, writer(data))
        batch.commit({})
    if entries:  # a mistyped FOLDER is no reason to throw away what was read
        work.forget_others()
    if not problem and not work.readable:
        problem = f"No image in {folder} could be read." if entries else nothing_found(scanned, folder)
    return Reading(found, problem)


class _Inner(Progress):
    """Passes cancellation on, and keeps the small steps to itself."""

    def __init__(self, outer: Progress) -> None:
        super().__init__()
        self._outer = outer

    @property
    def cancelled(self) -> bool:
        """Whether the outer work was cancelled."""
        return self._outer.cancelled

    def check(self) -> None:
        """Raise `Cancelled` when the outer work should stop."""
        self._outer.check()


class _Work:
    """One run: reads stack after stack, or finds it read already."""

    def __init__(self, out: Path, catalogue: Catalogue, options: Options, progress: Progress, workers: int) -> None:
        self.readable = 0
        self._out = out
        self._catalogue = catalogue
        self._options = options
        self._progress = progress
        self._workers = workers
        self._made_from: dict[int, str | None] = {}  # fingerprints, by number of the stack
        self._failed: dict[int, str] = {}
        self._read: set[int] = set()  # by other processes
        self._folders = {str(own.notes.get("identity")): own for own in _own_folders(out)}
        self._seen: set[str] = set()

    def entries(self, scanned: ScanResult) -> Iterator[Json]:
        """Entries of ``opinions.json``, in the scan's order."""
        listed = [
            (study, series, index, stack)
            for study in scanned.studies
            for series in study.series
            for index, stack in enumerate(series.stacks)
        ]
        self._catalogue.verified()  # what is damaged answers as unavailable
        if self._workers > 1:
            self._read_ahead([(n, s, context_of(study, series, s)) for n, (study, series, _, s) in enumerate(listed)])
        for number, (study, series, index, stack) in enumerate(listed):
            self._progress.report(number, len(listed), "Reading stacks")
            results = self._results(number, stack, context_of(study, series, stack))
            yield entry(study, series, index, stack, results)
        self._progress.report(len(listed), len(listed), "Reading stacks")

    def forget_others(self) -> None:
        """Delete what earlier runs wrote for stacks that are no longer there."""
        for name, own in self._folders.items():
            if name not in self._seen:
                own.remove()

    def _results(self, number: int, stack: Stack, context: Context) -> list[Json]:
        cards = cards_for(self._catalogue, context, self._options.model)
        if not cards:
            self.readable += 1
            return []
        own, notes = self._place(number, stack, context, cards)
        if number not in self._read and self._is_stale(own, notes):
            inner = _Inner(self._progress)
            self._note(number, lambda: read_into(own, stack, context, self._catalogue, self._options, notes, inner))
        if number in self._failed:
            return [result(opinion, {}) for opinion in unread(cards, self._failed[number])]
        self.readable += bool(own.notes.get("readable"))
        return list(own.notes.get("results", []))

    def _note(self, number: int, work: Callable[[], None]) -> None:
        """Read here, and note why that failed, if it did; without a place for results nothing can go on."""
        if reason := attempted(work, (NotSaved,)):
            self._failed[number] = reason

    def _place(self, number: int, stack: Stack, context: Context, cards: Sequence[Card]) -> tuple[OwnFolder, Json]:
        """Folder of a stack, and what is noted there when it was read."""
        name = identity(stack)
        self._seen.add(name)
        if number not in self._made_from:
            self._made_from[number] = fingerprint(stack, context, cards, self._catalogue, self._options)
        own = self._folders.setdefault(name, self._folders.get(name) or self._new_folder(number))
        return own, {"identity": name, "fingerprint": self._made_from[number]}

    @staticmethod
    def _is_stale(own: OwnFolder, notes: Json) -> bool:
        made_from = notes["fingerprint"]
        return made_from is None or own.notes.get("fingerprint") != made_from or not own.complete()

    def _read_ahead(self, listed: Sequence[tuple[int, Stack, Context]]) -> None:
        """Let processes read what has to be read; afterwards it is found in its folders."""
        errands = []
        for number, stack, context in listed:
            self._progress.report(number, len(listed), "Comparing with earlier results")  # every file is hashed
            cards = cards_for(self._catalogue, context, self._options.model)
            if cards:
                own, notes = self._place(number, stack, context, cards)
                if self._is_stale(own, notes):
                    errands.append(Errand(number, own.path, stack, context, notes))
        if len(errands) < 2:
            return  # one is read sooner here
        workers = min(self._workers, len(errands))
        models = self._catalogue.folder
        self._failed = read_side_by_side(errands, run_errand, models, self._options, workers, self._progress)
        for errand in errands:
            self._folders[str(errand.notes["identity"])] = OwnFolder(errand.folder)
            self._read.add(errand.number)

    def _new_folder(self, number: int) -> OwnFolder:
        """``stack-N``: N is the stack's place in ``opinions.json`` unless another stack of an earlier run has it."""
        taken = {own.path for own in self._folders.values()}
        places = (self._out / f"stack-{n}" for n in chain((number,), count()))
        return OwnFolder(next(path for path in places if path not in taken and not path.is_symlink()))


def _own_folders(out: Path) -> list[OwnFolder]:
    """Folders with results in `out`; a link leads to somebody else's."""
    folders = (path.parent for path in sorted(out.glob(f"stack-*/{RECORD}")))
    return [OwnFolder(folder) for folder in folders if not folder.is_symlink()]


def _check_model(catalogue: Catalogue, options: Options) -> None:
    for model in catalogue.entries():
        if model.name == options.model and model.card is None:
            raise BadModel(model.problem or f"The model {model.name} has no card.")
