"""Is this series a FLAIR of the brain, and what the reader is told about how it was read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from radviewer.ai.axial import Axial
from radviewer.ai.cards import Card
from radviewer.ai.context import Context
from radviewer.ai.films import Refuse, raise_refused
from radviewer.ai.mr_sequences import Kind, is_brain, weighting
from radviewer.ai.strangeness import strangeness

if TYPE_CHECKING:
    from radviewer.ai.catalogue import Catalogue

_WHOLE = 0.5  # of the largest share of head: slices through the middle of it


def check_attributes(context: Context, refuse: Refuse = raise_refused) -> None:
    """Refuse what the header says is no FLAIR of a brain.

    Raises
    ------
    Refused
        By `refuse`.

    """
    if context.modality and context.modality != "MR":
        refuse(f"It reads FLAIR series of brain MR, not {context.modality}.")
    if is_brain(context.body_part, context.description) is False:
        refuse(f"The header says this is not a brain: {context.body_part or context.description}.")
    verdict = weighting(context.description, context.sequence)
    if verdict.kind not in (Kind.FLAIR, Kind.UNKNOWN):
        instead = f" Ask about {context.flair} instead." if context.flair else ""
        refuse(f"It reads FLAIR; this series is {verdict.kind.value} ({verdict.why}).{instead}")


def is_named(context: Context) -> bool:
    """Whether the header says that the series is a FLAIR."""
    return weighting(context.description, context.sequence).kind is Kind.FLAIR


def check_features(
    catalogue: Catalogue,
    card: Card,
    features: NDArray[np.float32],
    shares: NDArray[np.float32],
    refuse: Refuse = raise_refused,
) -> None:
    """Refuse a series whose slices look unlike those the model was trained on.

    `features` ``(members, slices, channels)`` are those of the slices as they were read, `shares` ``(slices,)`` the
    share of each that the head covers.

    Raises
    ------
    Refused
        By `refuse`.

    """
    if card.distance is None:
        return
    if series_strangeness(catalogue, card, features, shares) > card.distance.limit:
        refuse("The series does not look like the FLAIR series of brains the model was trained on.")


def series_strangeness(
    catalogue: Catalogue, card: Card, features: NDArray[np.float32], shares: NDArray[np.float32]
) -> float:
    """Median distance of the slices through the middle of the head."""
    middle = np.flatnonzero(shares >= _WHOLE * shares.max())
    return float(np.median([strangeness(catalogue, card, features[:, i]) for i in middle]))


def notes(context: Context, axial: Axial, problems: Mapping[int, str]) -> str:
    """What was read and how, in sentences; `problems` say by slice why it could not be read."""
    verdict = weighting(context.description, context.sequence)
    if verdict.kind is not Kind.UNKNOWN:  # what else it may be was overridden
        said = [f"Read as FLAIR: {verdict.why}."] if verdict.kind is Kind.FLAIR else []
    else:
        said = ["The header does not say which sequence this is; it was read as FLAIR for its looks."]
    if axial.acquired != "axial":
        said.append(f"Acquired in {axial.acquired} planes; read as axial slices made of them.")
    if not axial.oriented:
        said.append("The header does not say which way is up; it was read as it is shown.")
    if axial.unread:
        own = "nothing is outlined there, and the volume counts them like their neighbours"
        instead = own if axial.axes[0] == 0 else "their neighbours stand for them"
        said.append(f"{axial.unread} of the series' slices could not be read: {instead}.")
        said += [problems[i] for i in sorted(problems)[:1]]
    if np.ptp(axial.steps) > 0.1:
        said.append("Slices are missing or unevenly spaced: the volume counts the gaps.")
    return " ".join(said)
