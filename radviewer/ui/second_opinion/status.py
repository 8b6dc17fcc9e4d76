"""What became of the second opinion on a stack, in words that cannot be taken for one another."""

from __future__ import annotations

from radviewer.app.glimpses import Reading
from radviewer.app.opinion_state import Decided, Idle, Proposed, Running, State, tested_for
from radviewer.domain.opinion import Opinion, Outcome
from radviewer.ui.labels import count

NOT_RUN = "Not run."
NO_MODEL = "No bundled model applies to this series."
WAITS = "You read first: lock your impression, then the second opinion is shown."


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(words[:-1]) + (" and " if len(words) > 1 else "") + words[-1] if words else ""


def headline(state: State, *, prepared: bool = True) -> str:
    """One or two sentences on where a stack stands."""
    match state:
        case Idle(models=()):
            return NO_MODEL if prepared else "The models are being loaded …"
        case Idle(_, note, waits):
            return WAITS if waits else f"{note} {NOT_RUN}".strip()
        case Running():
            return _running(state)
        case Proposed(opinions, note) | Decided(opinions, note):
            return " ".join(part for part in (note, _said(opinions)) if part)


def _running(state: Running) -> str:
    if state.seconds_left is None:
        return "Running …" if state.total else "Waiting to run …"
    return f"Running: about {max(1, round(state.seconds_left))} s left."


def reading_text(reading: Reading) -> str:
    """How far a model is that reads slice by slice."""
    return f"{reading.model}: {reading.read} of {count(reading.slices, 'slice')} read"


def _said(opinions: tuple[Opinion, ...]) -> str:
    tested = tested_for(opinions)
    flagged = [f.label for o in opinions for f in o.findings if f.flagged]
    refused = [o for o in opinions if o.outcome is Outcome.REFUSED]
    failed = [o for o in opinions if o.outcome is Outcome.FAILED]
    parts = []
    if flagged:
        parts.append(f"Flagged: {_listed(tuple(dict.fromkeys(flagged)))}. Tested for: {_listed(tested)}.")
    elif tested:
        parts.append(f"Ran, nothing flagged. Tested for: {_listed(tested)}.")
    elif any(o.anatomy for o in opinions):
        parts.append("Anatomy outlined. Not tested for any finding.")
    parts += [f"Refused by {o.model}: {o.reason}" for o in refused]
    parts += [f"Failed in {o.model}: {o.reason}" for o in failed]
    return " ".join(parts) or NOT_RUN


def role_of(state: State) -> str:
    """How the theme shows the headline."""
    match state:
        case Proposed(opinions) | Decided(opinions) if any(o.outcome is Outcome.FAILED for o in opinions):
            return "error"
        case Idle(note=note) if note:
            return "error"
        case _:
            return ""
