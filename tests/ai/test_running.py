from __future__ import annotations

import json
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import nn

from radviewer.ai.cards import BadModel, Card, unseen
from radviewer.ai.catalogue import Catalogue, sha256
from radviewer.ai.networks import AnatomyNet
from radviewer.ai.running import build
from tests.ai.conftest import card_values


@pytest.fixture(scope="module")
def plain() -> AnatomyNet:
    """A network whose batch norms are as uneven as trained ones."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        network = AnatomyNet().eval()
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                assert module.running_mean is not None
                assert module.running_var is not None
                nn.init.normal_(module.running_mean, std=0.2)
                nn.init.uniform_(module.running_var, 0.5, 2)
                nn.init.uniform_(module.weight, 0.5, 2)
                nn.init.normal_(module.bias, std=0.2)
    return network


def test_a_built_network_says_what_the_weights_say(plain: AnatomyNet, tmp_path: Path) -> None:
    folder = tmp_path / "chest-anatomy"
    folder.mkdir()
    safetensors.torch.save_file(plain.state_dict(), folder / "fold0.safetensors")
    weights = [{"file": "fold0.safetensors", "sha256": sha256(folder / "fold0.safetensors"), "fold": 0}]
    (folder / "card.json").write_text(json.dumps(card_values(weights)))
    catalogue = Catalogue(tmp_path)
    card = catalogue.card("chest-anatomy")
    network = build(AnatomyNet, AnatomyNet, catalogue, card, card.weights[0])
    assert not any(isinstance(module, nn.BatchNorm2d) for module in network.modules())
    film = torch.rand(1, 1, 128, 128)
    with torch.inference_mode():
        for found, expected in zip(network(film), plain(film), strict=True):
            torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
    assert build(AnatomyNet, AnatomyNet, catalogue, card, card.weights[0]) is network


def test_the_member_that_has_not_seen_a_fold(card: Card) -> None:
    assert unseen(card, None) is card
    assert [weights.fold for weights in unseen(card, 1).weights] == [1]
    with pytest.raises(BadModel, match="fold 9"):
        unseen(card, 9)
