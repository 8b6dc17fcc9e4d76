"""What the worker process and the window say to each other; each run has a number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from radviewer.ai.glimpses import PackedGlimpse
from radviewer.domain.opinion import Opinion
from radviewer.domain.volume import SliceImage, Volume

if TYPE_CHECKING:
    from radviewer.ai.context import Context


@dataclass(frozen=True, slots=True, eq=False)
class Ask:
    """Read a stack; `stored` and `images` are its Volume's, which pickled would hold every pixel twice.

    `first` is the slice that the reader is looking at.
    """

    run: int
    volume: Volume
    images: tuple[SliceImage | None, ...]
    context: Context
    model: str | None
    override: bool
    first: int = 0

    @classmethod
    def about(
        cls, run: int, volume: Volume, context: Context, model: str | None, override: bool, first: int = 0
    ) -> Ask:
        """Ask `model`, or all that apply, about `volume`, where the reader is looking at the slice `first`."""
        nothing = volume.stored[:0]
        images = tuple(None if image is None else image.with_stored(nothing) for image in volume.slices)
        bare = Volume(volume.stored, (), volume.geometry, volume.problems)
        return cls(run, bare, images, context, model, override, first)

    def whole(self) -> Volume:
        """The volume, its slices views of its pixels again."""
        stored = self.volume.stored
        slices = tuple(None if image is None else image.with_stored(stored[i]) for i, image in enumerate(self.images))
        return Volume(stored, slices, self.volume.geometry, self.volume.problems)


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop a run at its next check."""

    run: int


@dataclass(frozen=True, slots=True)
class Report:
    """A run is at work; `done` is None when it only shows that it has not stalled."""

    run: int
    done: int | None = None
    total: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Glimpsed:
    """A run has read some slices; as much a sign of life as a `Report`."""

    run: int
    glimpses: tuple[PackedGlimpse, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """A run's result."""

    run: int
    opinions: tuple[Opinion, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """A run raised: `sentence` is for the reader."""

    run: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """A run was cancelled."""

    run: int


Reply = Report | Glimpsed | Answer | Failed | Stopped
