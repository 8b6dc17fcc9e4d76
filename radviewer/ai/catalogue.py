"""The models that lie in models/: which there are, whether they can be used, their weights.

Cards are read at once, weights when they are first asked for, each file once per process and
only after its hash was checked.  A broken model is listed with the reason; the others go on.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from radviewer import paths
from radviewer.ai.cards import CARD, BadModel, Card, WeightsFile, read_card

if TYPE_CHECKING:
    from torch import Tensor

LARGEST_WEIGHTS = 64_000_000  # bytes of one file


@dataclass(frozen=True, slots=True)
class Entry:
    """A model folder: its card, or why it cannot be used.

    Attributes
    ----------
    name : str
        Of the folder.
    card : Card or None
        None when the card itself cannot be read.
    problem : str or None
        Why the model is unavailable.

    """

    name: str
    card: Card | None
    problem: str | None = None

    @property
    def available(self) -> bool:
        """Whether the model can be run."""
        return self.card is not None and self.problem is None


def sha256(path: Path) -> str:
    """Hex digest of a file, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Catalogue:
    """Models under a folder.

    Parameters
    ----------
    folder : Path, optional
        Default: the bundled models.

    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = paths.models() if folder is None else folder
        self._lock = threading.Lock()
        self._loaded: dict[tuple[str, str], dict[str, Tensor]] = {}
        self._entries = {entry.name: entry for entry in self._read()}

    def _read(self) -> Iterator[Entry]:
        if not self.folder.is_dir():
            return
        for folder in sorted(path for path in self.folder.iterdir() if (path / CARD).is_file()):
            try:
                card = read_card(folder)
            except BadModel as problem:
                yield Entry(folder.name, None, str(problem))
            else:
                yield Entry(folder.name, card, self._missing(card))

    def _missing(self, card: Card) -> str | None:
        for weights in files_of(card):
            if not (self.folder / card.name / weights.file).is_file():
                return (
                    f"The weights file {weights.file} of the model {card.name} is missing; install the program again."
                )
        return None

    def entries(self) -> tuple[Entry, ...]:
        """All models by name, with those that cannot be used; a model that needs one of these cannot either."""
        return tuple(self._with_requirement(entry) for entry in self._entries.values())

    def _with_requirement(self, entry: Entry) -> Entry:
        if entry.card is None or entry.problem or entry.card.requires is None:
            return entry
        needed = self._entries.get(entry.card.requires)
        if needed is not None and needed.available:
            return entry
        return Entry(entry.name, entry.card, f"It needs the model {entry.card.requires}, which is not available.")

    def card(self, name: str) -> Card:
        """Card of a model that can be used.

        Raises
        ------
        BadModel
            With the reason why it cannot.

        """
        entry = self._entries.get(name)
        if entry is None:
            raise BadModel(f"There is no model named {name}.")
        entry = self._with_requirement(entry)
        if entry.card is None or entry.problem:
            raise BadModel(entry.problem or f"The model {name} cannot be used.")
        return entry.card

    def verify(self, name: str) -> None:
        """Check all hashes of a model; afterwards it is listed as unavailable when one is wrong.

        Raises
        ------
        BadModel
            Naming the first wrong file.

        """
        card = self.card(name)
        for weights in files_of(card):
            self._checked(card, weights)

    def verified(self) -> tuple[Entry, ...]:
        """All models as `entries` lists them once every hash was checked."""
        for entry in self.entries():
            if entry.available:
                with suppress(BadModel):  # listed with its reason from now on
                    self.verify(entry.name)
        return self.entries()

    def weights(self, card: Card, weights: WeightsFile) -> dict[str, Tensor]:
        """Tensors of one file, float32, loaded once.

        Raises
        ------
        BadModel
            If the file is missing, has another hash or is not a safetensors file.

        """
        key = (card.name, weights.file)
        with self._lock:
            if key not in self._loaded:
                self._loaded[key] = self._load(card, weights)
            return self._loaded[key]

    def _checked(self, card: Card, weights: WeightsFile) -> Path:
        path = self.folder / card.name / weights.file
        try:
            if path.stat().st_size > LARGEST_WEIGHTS:
                raise self._unusable(card, f"The weights file {weights.file} is larger than any bundled one.")
            found = sha256(path)
        except OSError as problem:
            raise self._unusable(
                card, f"The weights file {weights.file} cannot be read ({problem.strerror})."
            ) from problem
        if found != weights.sha256:
            raise self._unusable(
                card,
                f"The weights file {weights.file} of the model {card.name} is damaged or was exchanged: "
                "its SHA-256 is not the card's. Install the program again.",
            )
        return path

    def _load(self, card: Card, weights: WeightsFile) -> dict[str, Tensor]:
        import safetensors
        import safetensors.torch

        path = self._checked(card, weights)
        try:
            tensors = safetensors.torch.load_file(path)
        except (safetensors.SafetensorError, OSError, ValueError, KeyError) as problem:
            raise self._unusable(card, f"The weights file {weights.file} is not a safetensors file.") from problem
        return {name: t.float() if t.is_floating_point() else t for name, t in tensors.items()}

    def _unusable(self, card: Card, reason: str) -> BadModel:
        self._entries[card.name] = Entry(card.name, card, reason)
        return BadModel(reason)


def files_of(card: Card) -> tuple[WeightsFile, ...]:
    """All files a card names."""
    return card.weights + ((card.distance.weights,) if card.distance else ())
