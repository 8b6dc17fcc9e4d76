"""What the released files said of films without the finding, from the release's own table: no film is read again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from radviewer.ai.calibration import probability
from radviewer.ai.cards import Card, FindingCard, Metric
from radviewer.ai.context import Context
from radviewer.ai.eligibility import check_intended
from radviewer.ai.films import Refused
from radviewer.training.findings_films import NO_FOLD
from radviewer.training.held_out import Read
from radviewer.training.measured import mean_of, metric
from radviewer.training.release_findings import target_of

CHILDREN = "paediatric-pneumonia"
OLDEST_CHILD = 5
"""Years: the children are from one to five."""


def own_films(films: Sequence[Read]) -> list[Metric]:
    """Share of each data set's films that the gate refused, by their pixels alone."""
    found = []
    for source in dict.fromkeys(film.source for film in films):
        chosen = [film for film in films if film.source == source]
        unseen = [film for film in chosen if film.fold == NO_FOLD]
        if source == CHILDREN and unseen:
            chosen, source = unseen, f"{source}, published test split"
        share = mean_of([film.logits is None for film in chosen], [film.patient for film in chosen])
        found.append(metric("share refused", f"{source}, members that have not seen the film", share))
    return found


def alarms(card: Card, films: Sequence[Read]) -> list[Metric]:
    """Share of the films that are flagged although nobody found the finding on them."""
    found = []
    for k, finding in enumerate(card.findings):
        for group, chosen in _without(films, finding.label):
            judged = [(film, film.logits[k]) for film in chosen if film.logits is not None]
            if judged:
                flagged = [probability(z, finding.calibration) >= finding.threshold for _, z in judged]
                share = mean_of(flagged, [film.patient for film, _ in judged])
                found.append(metric("share flagged", f"{finding.label}: {group}", share))
        children = [film for film in films if film.source == CHILDREN]
        if children and finding.intended.youngest is not None and finding.intended.youngest > OLDEST_CHILD:
            figure = mean_of(np.full(len(children), _refuses_children(finding)), [film.patient for film in children])
            group = f"{finding.label}: {CHILDREN}, all, with the age in the header"
            found.append(metric("share refused", group, figure))
    return found


def _without(films: Sequence[Read], label: str) -> Iterator[tuple[str, list[Read]]]:
    """Groups of films on which a finding is absent or was not looked for."""
    for source in dict.fromkeys(film.source for film in films):
        chosen = [film for film in films if film.source == source and target_of(film, label) != 1]
        kinds = dict.fromkeys(film.label for film in chosen)
        if len(kinds) > 1 and source == "jsrt":
            yield f"{source}, all", chosen
        for kind in kinds:
            yield f"{source}, {kind}", [film for film in chosen if film.label == kind]


def _refuses_children(finding: FindingCard) -> bool:
    """Whether the finding is refused at every age the children have."""
    for age in range(1, OLDEST_CHILD + 1):
        try:
            check_intended(finding.intended, Context(age_years=age))
        except Refused:
            continue
        return False
    return True
