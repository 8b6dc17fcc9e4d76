"""Runs models on what is read, and holds what they said: one state per stack.

The AI never writes into the viewer: a run returns a value, and the state of its stack changes once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from radviewer.app.decisions import utc_now
from radviewer.app.glimpses import Glimpses, Reading, SliceGlimpse
from radviewer.app.jobs import Job
from radviewer.app.opinion_keeping import OpinionKeeping
from radviewer.app.opinion_runs import (
    Asked,
    SecondOpinionParts,
    ask_models,
    context_of_shown,
    finding_key,
    ids_of,
    prepare_models,
)
from radviewer.app.opinion_state import Decided, Idle, Proposed, Running, State, merged, opinions_in, settled
from radviewer.app.shown import Shown
from radviewer.domain.decision import FindingKey, Override, Policy, Reveal, Run, stack_id
from radviewer.domain.opinion import Opinion, Outcome
from radviewer.domain.study import Stack

if TYPE_CHECKING:
    from radviewer.ai.cards import Card
    from radviewer.ai.catalogue import Catalogue

_RUN, _PREPARE = 10, 30  # priorities


@dataclass(slots=True)
class _Held:
    """One stack: its state and the job at work on it."""

    shown: Shown
    state: State
    job: Job | None = None
    run: int = 0
    began: float = 0.0
    asked: bool = False  # whether the policy has been followed


class SecondOpinion(QObject):
    """The second opinion on every stack that was loaded.

    Parameters
    ----------
    parts : SecondOpinionParts
    policy, reader : callable
        The site's policy and the reader's name, asked whenever they matter.
    slice_of : callable
        The slice of a stack that the reader is looking at.

    Attributes
    ----------
    glimpses : Glimpses
        What running models have shown so far.

    """

    changed = Signal(str)  # stack key
    prepared = Signal()  # the models' cards are known
    notice = Signal(str)

    def __init__(
        self,
        parts: SecondOpinionParts,
        *,
        policy: Callable[[], Policy],
        reader: Callable[[], str],
        slice_of: Callable[[Stack], int],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._queue, self._cache, self._worker = parts.queue, parts.cache, parts.worker
        self._book = parts.book
        self._policy, self._reader, self._slice_of = policy, reader, slice_of
        self.glimpses = Glimpses(self)
        self._keeping = OpinionKeeping(parts.queue, parts.store, self)
        self._keeping.notice.connect(self.notice)
        self._catalogue: Catalogue | None = None
        self._held: dict[str, _Held] = {}
        self._runs = 0
        parts.book.changed.connect(self._on_decided)

    # What there is

    @property
    def cards(self) -> tuple[Card, ...]:
        """Cards of all bundled models; empty until they have been read."""
        if self._catalogue is None:
            return ()
        return tuple(entry.card for entry in self._catalogue.entries() if entry.card is not None)

    def card(self, model: str) -> Card | None:
        """Card of one model."""
        return next((card for card in self.cards if card.name == model), None)

    def state(self, shown: Shown | None) -> State:
        """State of a stack."""
        held = None if shown is None else self._held.get(shown.stack.key)
        if held is not None:
            return held.state
        return Idle() if shown is None else self._idle(shown)

    def opinions(self, shown: Shown | None) -> tuple[Opinion, ...]:
        """What may be shown of a stack."""
        return opinions_in(self.state(shown))

    @property
    def is_prepared(self) -> bool:
        """Whether the models' cards are known."""
        return self._catalogue is not None

    def is_running(self, shown: Shown | None) -> bool:
        """Whether models are at work on a stack, or wait for their turn."""
        return isinstance(self.state(shown), Running)

    def reading(self, shown: Shown | None) -> Reading | None:
        """How far a model is that reads slice by slice, as far as the reader may see it."""
        return None if shown is None or self._unread(shown) else self.glimpses.reading(shown.stack.key)

    def labels_for(self, shown: Shown) -> tuple[str, ...]:
        """Labels that the models which apply to a stack look for."""
        cards = (self.card(name) for name in self.models_for(shown))
        return tuple(dict.fromkeys(f.label for card in cards if card is not None for f in card.findings))

    def models_for(self, shown: Shown) -> tuple[str, ...]:
        """Names of the models that apply to a stack."""
        from radviewer.ai.reading import cards_for

        if self._catalogue is None:
            return ()
        return tuple(card.name for card in cards_for(self._catalogue, context_of_shown(shown)))

    def key_of(self, shown: Shown, opinion: Opinion, label: str) -> FindingKey:
        """Name of a finding, the same after a restart."""
        return finding_key(shown, opinion, label)

    # What is done

    def prepare(self) -> None:
        """Read the cards while the networks are loaded, so that the first finding comes soon."""
        if self._catalogue is not None:
            return
        job = self._queue.submit(partial(prepare_models, self._worker), "preparing the second opinion", _PREPARE)
        job.succeeded.connect(self._on_prepared)
        job.failed.connect(self.notice)

    def run(self, shown: Shown, models: Sequence[str] = (), *, override: bool = False) -> None:
        """Run models on a stack, all that apply by default; a run that has not ended is superseded."""
        volume = self._cache.volume(shown.stack)
        held = self._hold(shown)
        names = tuple(models) or self.models_for(shown)
        if volume is None or not names or self._idle(shown).awaits_impression:
            return
        self._stop(held)
        self._runs += 1
        held.run, held.began = self._runs, time.monotonic()
        before = opinions_in(held.state)
        held.state = Running(held.run, names, opinions=before)
        calls = (None,) if names == self.models_for(shown) else names
        asked = Asked(shown, volume, calls, override, self._slice_of(shown.stack))
        self.glimpses.begin(shown.stack.key, len(volume.slices))
        work = partial(ask_models, self._worker, asked)
        held.job = self._queue.submit_telling(work, "running the second opinion", _RUN)
        held.job.told.connect(partial(self._on_glimpsed, held, held.run))
        held.job.progressed.connect(partial(self._on_progress, held, held.run))
        held.job.succeeded.connect(partial(self._on_result, held, held.run))
        held.job.failed.connect(partial(self._on_failed, held, held.run))
        self.changed.emit(shown.stack.key)

    def override(self, shown: Shown, opinion: Opinion) -> None:
        """Run a model although it refused; the log says who wanted it."""
        entry = Override(
            *ids_of(shown), opinion.model, opinion.version, opinion.reason or "", self._reader(), utc_now()
        )
        self._book.note(entry)
        self.run(shown, (opinion.model,), override=True)

    def cancel(self, shown: Shown) -> None:
        """Stop what runs on a stack; what was said before stays."""
        held = self._held.get(shown.stack.key)
        if held is not None and held.job is not None:
            self._stop(held)
            self._rest(held, "Cancelled.")

    def reveal(self, shown: Shown) -> None:
        """The reader sees what was said about a stack, be it provisional: logged the first time."""
        if any(o.outcome is Outcome.RAN for o in self.opinions(shown)) or self.reading(shown) is not None:
            self._book.reveal(Reveal(*ids_of(shown), self._reader(), utc_now(), self._policy()))

    def close_study(self) -> None:
        """Forget everything; what runs is cancelled."""
        for held in self._held.values():
            self._stop(held)
        self._held.clear()

    def close(self) -> None:
        """End: the process with the networks too."""
        self.close_study()
        self._keeping.close()
        self._worker.close()

    def ask_again(self, shown: Shown) -> None:
        """Follow the policy for a stack once more: its impression was locked."""
        held = self._hold(shown)
        held.asked = False
        self._ask(held)
        self.changed.emit(shown.stack.key)

    def follow_policy(self) -> None:
        """Do what the policy asks for with every stack that is loaded (it was changed, or an impression locked)."""
        for held in list(self._held.values()):
            held.asked = False
            if isinstance(held.state, Idle):
                held.state = self._idle(held.shown)
            self._ask(held)
            self.changed.emit(held.shown.stack.key)

    # What happens

    def _hold(self, shown: Shown) -> _Held:
        return self._held.setdefault(shown.stack.key, _Held(shown, self._idle(shown)))

    def _idle(self, shown: Shown, note: str = "") -> Idle:
        models = self.models_for(shown)
        return Idle(models, note, bool(models) and self._unread(shown))

    def _unread(self, shown: Shown) -> bool:
        """Whether the reader has still to lock an impression before anything may be seen."""
        return self._policy() is Policy.READ_FIRST and self._book.impression(stack_id(shown.stack)) is None

    def _stop(self, held: _Held) -> None:
        job = held.job
        self._end(held)
        if job is not None:
            job.cancel()

    def _end(self, held: _Held) -> None:
        """Nothing more of a run is taken, and nothing provisional of it stays."""
        held.job, held.run = None, 0
        self.glimpses.forget(held.shown.stack.key)

    def _on_prepared(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self.prepared.emit()
        for held in list(self._held.values()):
            if isinstance(held.state, Idle):
                held.state = self._idle(held.shown)
            self._ask(held)
            self.changed.emit(held.shown.stack.key)

    def loaded(self, shown: Shown) -> None:
        """A stack was loaded; called by the room, which knows its study."""
        held = self._hold(shown)
        self._ask(held)
        self.changed.emit(shown.stack.key)

    def _ask(self, held: _Held) -> None:
        """Follow the policy for one stack, once."""
        if held.asked or self._catalogue is None or self._cache.volume(held.shown.stack) is None:
            return
        held.asked = True
        if self._book.revealed(stack_id(held.shown.stack)) is not None and not opinions_in(held.state):
            self._restore(held)
        else:
            self._begin(held)

    def _begin(self, held: _Held) -> None:
        shown, policy = held.shown, self._policy()
        done = {opinion.model for opinion in opinions_in(held.state)}
        wanted = [name for name in self.models_for(shown) if name not in done]
        locked = self._book.impression(stack_id(shown.stack)) is not None
        if policy is Policy.ON_REQUEST:
            wanted = [name for name in wanted if (card := self.card(name)) is not None and not card.findings]
        elif policy is Policy.READ_FIRST and not locked:
            wanted = []
        if wanted:
            self.run(shown, wanted)

    def _restore(self, held: _Held) -> None:
        job = self._keeping.load(held.shown)
        job.succeeded.connect(partial(self._on_restored, held))
        job.failed.connect(self.notice)

    def _on_restored(self, held: _Held, opinions: tuple[Opinion, ...]) -> None:
        if self._held.get(held.shown.stack.key) is not held:
            return
        current = tuple(o for o in opinions if (card := self.card(o.model)) is not None and card.version == o.version)
        if current and isinstance(held.state, Idle):
            held.state = self._spoken(held, current)
            self.changed.emit(held.shown.stack.key)
        self._begin(held)

    def _on_progress(self, held: _Held, run: int, done: int, total: int, text: str) -> None:
        state = held.state
        if run == held.run and isinstance(state, Running):
            spent = time.monotonic() - held.began
            left = spent / done * (total - done) if done else None
            held.state = replace(state, done=done, total=total, text=text, seconds_left=left)
            self.changed.emit(held.shown.stack.key)

    def _on_glimpsed(self, held: _Held, run: int, glimpses: tuple[SliceGlimpse, ...]) -> None:
        if run == held.run:
            self.glimpses.add(held.shown.stack.key, glimpses)

    def _on_result(self, held: _Held, run: int, opinions: tuple[Opinion, ...]) -> None:
        if run != held.run:
            return
        self._end(held)
        for opinion in opinions:
            said = (opinion.model, opinion.version, opinion.outcome.value)
            self._book.note(Run(*ids_of(held.shown), *said, self._reader(), utc_now()))
        known = merged(opinions_in(held.state), opinions)
        held.state = self._spoken(held, known)
        self.changed.emit(held.shown.stack.key)
        self._keeping.keep(held.shown, known)

    def _on_failed(self, held: _Held, run: int, sentence: str) -> None:
        if run == held.run:
            self._end(held)
            self._rest(held, sentence)

    def _rest(self, held: _Held, note: str) -> None:
        """Go back to what there was before a run that brought nothing."""
        before = opinions_in(held.state)
        held.state = replace(self._spoken(held, before), note=note) if before else self._idle(held.shown, note)
        self.changed.emit(held.shown.stack.key)

    def _spoken(self, held: _Held, opinions: tuple[Opinion, ...]) -> Proposed | Decided:
        shown = held.shown
        keys = {(o.model, f.label): finding_key(shown, o, f.label) for o in opinions for f in o.findings}
        decided = self._book.in_force(stack_id(shown.stack))
        return Decided(opinions) if settled(opinions, decided, keys) else Proposed(opinions)

    def _on_decided(self, stack: str | None) -> None:
        for held in self._held.values():
            if stack is not None and stack_id(held.shown.stack) != stack:
                continue
            match held.state:
                case Proposed(opinions, note) | Decided(opinions, note):
                    held.state = replace(self._spoken(held, opinions), note=note)
                case Idle(_, note):
                    held.state = self._idle(held.shown, note)
                case Running():
                    pass
            self.changed.emit(held.shown.stack.key)
