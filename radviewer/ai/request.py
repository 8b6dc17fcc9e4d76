"""What a task is given to read one stack with one model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from radviewer.ai.cards import Card
from radviewer.ai.catalogue import Catalogue
from radviewer.ai.context import Context
from radviewer.ai.films import Refuse, raise_refused
from radviewer.domain.opinion import Glimpse
from radviewer.domain.volume import Volume
from radviewer.progress import Progress

if TYPE_CHECKING:
    from radviewer.ai.chest import Seen

Show = Callable[[Glimpse], None]
"""Called with what is known of a slice before the whole stack is read, in the thread that reads."""


@dataclass(frozen=True, slots=True)
class Request:
    """All that a task needs to read one stack with one model.

    Attributes
    ----------
    override : bool
        The reader wants the model to run although it would refuse.
    first : int
        The slice that the reader is looking at: read first where slices are read one by one.
    show : callable or None
        Told of each slice as it is read.
    seen : dict
        Outlines of the anatomy, by model: made once for all models that ask.
    overridden : list of str
        Why the model would have refused.

    """

    catalogue: Catalogue
    card: Card
    volume: Volume
    context: Context
    progress: Progress
    override: bool = False
    first: int = 0
    show: Show | None = None
    seen: dict[str, Seen] = field(default_factory=dict)
    overridden: list[str] = field(default_factory=list)

    @property
    def refuse(self) -> Refuse:
        """What is called with a reason to refuse."""
        return self.overridden.append if self.override else raise_refused


def hashes(card: Card) -> tuple[tuple[str, str], ...]:
    """File name and SHA-256 of every member."""
    return tuple((weights.file, weights.sha256) for weights in card.weights)
