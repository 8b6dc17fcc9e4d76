from __future__ import annotations

import json
from pathlib import Path

import pytest
import safetensors.torch

from radviewer.ai import anatomy
from radviewer.ai.catalogue import Catalogue, sha256
from radviewer.ai.networks import AnatomyNet
from radviewer.domain.volume import SliceImage
from radviewer.evaluation.refusals import ask, made_up
from tests.ai.conftest import card_values
from tests.ai.drawings import Seeing, chest


@pytest.fixture
def catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Catalogue:
    file = tmp_path / "chest-anatomy" / "fold0.safetensors"
    file.parent.mkdir()
    safetensors.torch.save_file(AnatomyNet().state_dict(), file)
    values = card_values([{"file": file.name, "sha256": sha256(file), "fold": 0}])
    (file.parent / "card.json").write_text(json.dumps(values))
    monkeypatch.setattr(anatomy, "members", lambda _catalogue, _card: iter([Seeing()]))
    return Catalogue(tmp_path)


def test_refusals_are_counted_by_reason_and_what_got_through_is_named(catalogue: Catalogue) -> None:
    images = [("chest", SliceImage(chest())), *list(made_up(128))[:3]]
    gate = ask(catalogue, catalogue.card("chest-anatomy"), images)
    assert (gate.shown, gate.refused, gate.accepted) == (4, 3, ("chest",))
    assert dict(gate.reasons)["The image is blank."] == 2


def test_made_up_images_repeat() -> None:
    first, second = list(made_up(64)), list(made_up(64))
    assert [name for name, _ in first] == [name for name, _ in second]
    assert all((a.stored == b.stored).all() for (_, a), (_, b) in zip(first, second, strict=True))
    assert len(first) == 45
