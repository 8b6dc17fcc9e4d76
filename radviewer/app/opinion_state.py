"""What is known of the second opinion on one stack: one frozen value at a time, matched exhaustively.

``Idle → Running → Proposed → Decided``; cancelling and failing lead back to `Idle` or to what was proposed before.
"""

from __future__ import annotations

from dataclasses import dataclass

from radviewer.domain.decision import Decision, FindingKey
from radviewer.domain.opinion import Opinion, Outcome


@dataclass(frozen=True, slots=True)
class Idle:
    """Nothing has been run, or nothing that may be shown yet.

    Attributes
    ----------
    models : tuple of str
        Names of the models that would run; empty when no bundled model applies.
    note : str
        Why it is not running: cancelled, failed, waiting for the reader's impression; or "".
    awaits_impression : bool
        The reader reads first: the opinion comes after the impression is locked.

    """

    models: tuple[str, ...] = ()
    note: str = ""
    awaits_impression: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Running:
    """Models are at work; what an earlier run said stays visible.

    Attributes
    ----------
    run : int
        Grows with every run; a result of another run is never shown.
    done, total : int
        Steps; 0 of 0 while waiting.
    seconds_left : float or None
        Estimated from the steps done.

    """

    run: int
    models: tuple[str, ...]
    done: int = 0
    total: int = 0
    text: str = ""
    seconds_left: float | None = None
    opinions: tuple[Opinion, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Proposed:
    """Models have spoken; some of what they flagged is not decided yet."""

    opinions: tuple[Opinion, ...]
    note: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Decided:
    """Models have spoken, and the reader has decided about everything they flagged."""

    opinions: tuple[Opinion, ...]
    note: str = ""


State = Idle | Running | Proposed | Decided


def opinions_in(state: State) -> tuple[Opinion, ...]:
    """What may be shown in a state."""
    match state:
        case Idle():
            return ()
        case Running() | Proposed() | Decided():
            return state.opinions


def merged(before: tuple[Opinion, ...], new: tuple[Opinion, ...]) -> tuple[Opinion, ...]:
    """Opinions of an earlier run, those of the same models replaced by newer ones."""
    names = {opinion.model for opinion in new}
    return (*(opinion for opinion in before if opinion.model not in names), *new)


def settled(
    opinions: tuple[Opinion, ...], decided: dict[FindingKey, Decision], keys: dict[tuple[str, str], FindingKey]
) -> bool:
    """Whether everything that was flagged is decided; `keys` by model and label."""
    flagged = [(opinion.model, f.label) for opinion in opinions for f in opinion.findings if f.flagged]
    return bool(flagged) and all(keys[pair] in decided for pair in flagged)


def tested_for(opinions: tuple[Opinion, ...]) -> tuple[str, ...]:
    """Labels that were really looked for."""
    found = [f.label for o in opinions if o.outcome is Outcome.RAN for f in o.findings if f.outcome is Outcome.RAN]
    return tuple(dict.fromkeys(found))
