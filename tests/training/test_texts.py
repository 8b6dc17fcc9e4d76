from __future__ import annotations

import pytest

from radviewer.ai.cards import Intended, Source
from radviewer.training import texts
from radviewer.training.findings_films import FINDINGS, TARGETS


def test_every_head_has_its_words_and_films_to_be_fitted_on() -> None:
    about = texts.FINDINGS
    assert tuple(about.findings) == FINDINGS.heads
    for source in about.sources:
        Source.model_validate(source)
    for text in (about.title, about.intended_use, about.not_intended, about.licence, *about.failure_modes):
        assert text


@pytest.mark.parametrize("head", FINDINGS.heads)
def test_a_finding_is_fitted_on_films_with_and_without_it(head: str) -> None:
    finding = texts.FINDINGS.findings[head]
    assert finding.evidence
    assert finding.operating_point
    Intended.model_validate(finding.intended)
    for source in finding.fitted_on:
        assert {targets[head] for targets in TARGETS[source].values()} == {0, 1}
