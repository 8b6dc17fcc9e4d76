from __future__ import annotations

import numpy as np
import pytest
import torch

from radviewer.ai.films import Placement
from radviewer.ai.lesion_networks import BreastNet, LesionNet, SliceNet
from radviewer.ai.lungs import LungCrop
from radviewer.ai.networks import FindingNet
from radviewer.evaluation.heat import randomised, shown_map, similarity


@pytest.fixture(scope="module")
def crop() -> LungCrop:
    rng = np.random.default_rng(0)
    lungs = np.zeros((128, 128), bool)
    lungs[10:118, 8:56] = lungs[10:118, 72:120] = True
    return LungCrop(rng.random((128, 128)).astype(np.float32), lungs, Placement(0.0, 0.0, 1.0, 1.0))


@pytest.fixture(scope="module")
def network() -> FindingNet:
    torch.manual_seed(3)
    return FindingNet(1).eval()


def test_similarity_of_maps() -> None:
    rng = np.random.default_rng(0)
    a = rng.random((8, 8)).astype(np.float32)
    assert similarity(a, a) == pytest.approx(1)
    assert similarity(a, 3 * a + 2) == pytest.approx(1, abs=1e-4)
    assert similarity(a, 1 - a) < 0
    assert abs(similarity(a, rng.random((8, 8)).astype(np.float32))) < 0.4


def test_drawing_weights_anew_changes_the_map(network: FindingNet, crop: LungCrop) -> None:
    before = shown_map([network], crop)
    assert similarity(before, shown_map([randomised(network, 0)], crop)) == pytest.approx(1, abs=1e-4)
    assert similarity(before, shown_map([randomised(network, 1)], crop)) < 0.9
    assert similarity(before, shown_map([randomised(network, 30)], crop)) < 0.9


def test_randomising_leaves_the_original_alone(network: FindingNet) -> None:
    state = {name: value.clone() for name, value in network.state_dict().items()}
    copy = randomised(network, 5)
    torch.testing.assert_close(network.state_dict(), state)
    changed = [name for name, value in copy.state_dict().items() if not torch.equal(value, state[name])]
    assert "classifier.weight" in changed
    assert not any(name.startswith("encoder.stem") for name in changed)


def test_of_two_networks_the_last_layers_of_both_are_drawn_anew() -> None:
    network = BreastNet()
    state = {name: value.clone() for name, value in network.state_dict().items()}
    changed = {
        name for name, value in randomised(network, 1).state_dict().items() if not torch.equal(value, state[name])
    }
    assert {"lesion.classifier.weight", "lesion.head.convolution.weight", "whole.head.convolution.weight"} <= changed
    assert not any("encoder" in name for name in changed)


def _drawn_anew(network: torch.nn.Module, layers: int) -> set[str]:
    state = {name: value.clone() for name, value in network.state_dict().items()}
    drawn = randomised(network, layers).state_dict()
    return {name.rpartition(".")[0] for name, value in drawn.items() if not torch.equal(value, state[name])}


def test_the_last_layers_are_those_on_the_way_to_the_evidence() -> None:
    """Not those that only the outline, drawn beside it, goes through."""
    merges = {"decoder.1.merge.convolution", "decoder.0.merge.convolution"}
    assert _drawn_anew(SliceNet(), 1) == {"presence"}
    assert _drawn_anew(SliceNet(), 3) == {"presence", *merges}
    deeper = _drawn_anew(SliceNet(), 6)
    assert deeper >= {"presence", "neck.convolution", *merges}
    assert len([name for name in deeper if name.startswith("encoder.stages.6")]) == 2
    two = _drawn_anew(LesionNet(), 2)
    assert {"classifier", "head.convolution"} < two
    assert {name.partition(".")[0] for name in two} == {"classifier", "head", "encoder"}


def test_the_map_of_an_ensemble_is_the_mean(network: FindingNet, crop: LungCrop) -> None:
    other = randomised(network, 3)
    both = shown_map([network, other], crop)
    np.testing.assert_allclose(both, (shown_map([network], crop) + shown_map([other], crop)) / 2, atol=1e-6)
