from __future__ import annotations

import pytest

from radviewer.ai.cards import Intended, Source
from radviewer.training import texts
from radviewer.training.findings import RECIPES


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_each_recipe_has_a_card_to_write(name: str) -> None:
    about = texts.OF[name]
    assert 0.8 < texts.SENSITIVITY[name] < 1
    Intended.model_validate(about.intended)
    for source in about.sources:
        Source.model_validate(source)
    for text in (about.title, about.intended_use, about.not_intended, about.evidence, about.licence):
        assert text
