from __future__ import annotations

import pytest
import torch

from radviewer.ai.networks import AnatomyNet, Encoder, FindingNet, channels_last


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def test_encoder_strides() -> None:
    outputs = Encoder().eval()(torch.rand(1, 1, 64, 96))
    assert [tuple(o.shape[2:]) for o in outputs] == [(32, 48), (16, 24), (8, 12), (4, 6), (4, 6), (2, 3), (2, 3)]


def test_anatomy_outlines_at_half_resolution() -> None:
    logits, polarity, pooled = AnatomyNet().eval()(torch.rand(2, 1, 64, 64))
    assert logits.shape == (2, 3, 32, 32)
    assert polarity.shape == (2,)
    assert pooled.shape == (2, 320)


def test_class_activation_map_sums_to_the_logit_minus_bias() -> None:
    network = FindingNet(2).eval()
    image = torch.rand(3, 1, 96, 64)
    lungs = torch.zeros_like(image)
    lungs[:, :, 20:60, 10:50] = 1
    with torch.inference_mode():
        maps = network.activation_maps(network.features(image), lungs)
        torch.testing.assert_close(maps.sum(dim=(2, 3)) + network.classifier.bias, network(image, lungs))


def test_gradient_of_the_features_gives_the_same_map() -> None:
    network = FindingNet(1).eval()
    image, lungs = torch.rand(1, 1, 64, 64), torch.ones(1, 1, 64, 64)
    features = network.features(image).detach().requires_grad_()
    logit = network.classifier(network.pool(features, lungs))[0, 0]
    (gradient,) = torch.autograd.grad(logit, features)
    by_gradient = (gradient * features).sum(dim=1)
    torch.testing.assert_close(by_gradient, network.activation_maps(features, lungs)[:, 0], atol=1e-6, rtol=1e-4)


def test_cells_outside_the_lungs_hardly_count() -> None:
    lungs = torch.zeros(1, 1, 64, 64)
    lungs[..., :32, :32] = 1
    weights = FindingNet.weights(lungs, torch.zeros(1, 1, 2, 2))
    assert float(weights.sum()) == pytest.approx(1)
    assert float(weights[0, 0, 0, 0]) > 0.99


def test_memory_layout_changes_no_result() -> None:
    network, image = AnatomyNet().eval(), torch.rand(1, 1, 64, 64)
    with torch.inference_mode():
        before = network(image)
        channels_last(network)
        for a, b in zip(before, network(image), strict=True):
            torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-3)
