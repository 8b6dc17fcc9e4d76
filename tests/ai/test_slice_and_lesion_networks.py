from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from radviewer.ai import lesion_ensemble, slice_ensemble
from radviewer.ai.cards import BadModel, DescriptorCard
from radviewer.ai.catalogue import Catalogue
from radviewer.ai.films import Placement
from radviewer.ai.lesion_networks import BreastNet, Judged, LesionNet, SliceNet
from radviewer.ai.sonograms import Scan, scan_of
from radviewer.progress import Cancelled, Progress
from tests.ai.lesion_models import Make, breast_model, glioma_model, random_state
from tests.ai.series import speckled

NETWORKS = [(SliceNet, 3, 8), (LesionNet, 1, 8), (BreastNet, 1, 8)]


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    models = tmp_path_factory.mktemp("models")
    glioma_model(models)
    breast_model(models)
    return Catalogue(models)


def _network(make: Make, seed: int = 0) -> SliceNet | LesionNet | BreastNet:
    network = make()
    network.load_state_dict(random_state(make, seed))
    return network.eval()


@pytest.mark.parametrize(("make", "channels", "stride"), NETWORKS)
@pytest.mark.parametrize("shape", [(64, 64), (96, 64), (32, 128)])
def test_shapes(make: Make, channels: int, stride: int, shape: tuple[int, int]) -> None:
    rows, columns = shape
    with torch.inference_mode():
        judged = _network(make)(torch.rand(2, channels, *shape))
    assert judged.outline.shape == (2, 1, rows // 2, columns // 2)
    assert judged.logit.shape == (2,)
    assert judged.evidence.shape == (2, rows // stride, columns // stride)
    assert judged.features.shape == (2, make.feature_count)


@pytest.mark.parametrize(("make", "channels"), [(m, c) for m, c, _ in NETWORKS])
def test_evidence_sums_to_the_logit_minus_bias(make: Make, channels: int) -> None:
    network = _network(make)
    biases = {"whole.classifier.bias": 0.5, "lesion.classifier.bias": 0.9}
    for name, value in network.named_parameters():
        if name.endswith(("presence.bias", "classifier.bias")):
            value.data.fill_(biases.get(name, 0.7))
    with torch.inference_mode():
        judged = network(torch.rand(3, channels, 96, 64))
    assert network.bias == pytest.approx(0.7)
    torch.testing.assert_close(judged.evidence.sum(dim=(1, 2)), judged.logit - 0.7, atol=1e-4, rtol=1e-4)
    assert float(judged.logit.std()) > 1e-3


@pytest.mark.parametrize(("make", "channels"), [(m, c) for m, c, _ in NETWORKS])
def test_an_image_is_judged_alike_whatever_it_is_batched_with(make: Make, channels: int) -> None:
    network, images = _network(make), torch.rand(4, channels, 64, 64)
    with torch.inference_mode():
        together = network(images)
        for i in range(4):
            alone: Judged = network(images[i : i + 1])
            for a, b in zip(together, alone, strict=True):
                torch.testing.assert_close(a[i], b[0], atol=1e-4, rtol=1e-3)


def test_malignancy_is_read_inside_the_outline() -> None:
    outline = torch.full((1, 1, 32, 32), -20.0)
    outline[..., :16, :16] = 20
    weights = LesionNet.weights(outline)
    assert weights.shape == (1, 8, 8)
    assert float(weights.sum()) == pytest.approx(1)
    assert float(weights[0, :4, :4].sum()) > 0.9
    nothing = LesionNet.weights(torch.full_like(outline, -20))
    torch.testing.assert_close(nothing, torch.full((1, 8, 8), 1 / 64))


def test_two_networks_of_the_breast_speak_with_the_same_weight() -> None:
    network, images = _network(BreastNet), torch.rand(2, 1, 96, 64)
    assert isinstance(network, BreastNet)
    with torch.inference_mode():
        judged, alone, (logit, evidence) = network(images), network.lesion(images), network.whole(images)
    torch.testing.assert_close(judged.logit, (alone.logit + logit) / 2)
    torch.testing.assert_close(judged.outline, alone.outline)
    torch.testing.assert_close(judged.features, alone.features)
    assert evidence.shape == (2, 1, 3, 2)
    torch.testing.assert_close(evidence.sum(dim=(1, 2, 3)), logit - network.whole.bias, atol=1e-4, rtol=1e-4)
    rest = 2 * judged.evidence - alone.evidence  # of the second: the mean of 16 cells is near the one they were
    torch.testing.assert_close(rest.sum(dim=(1, 2)), evidence.sum(dim=(1, 2, 3)), atol=1e-4, rtol=1e-4)
    assert (
        float(
            torch.corrcoef(torch.stack([torch.nn.functional.avg_pool2d(rest, 4).flatten(), evidence.flatten()]))[0, 1]
        )
        > 0.8
    )


def test_slices_are_read_from_the_first_outwards() -> None:
    batches = list(slice_ensemble.outward(range(30), 20))
    assert [len(batch) for batch in batches] == [1, 8, 8, 8, 5]
    assert batches[0] == [20]
    assert sorted(i for batch in batches for i in batch) == list(range(30))
    distances = [max(abs(i - 20) for i in batch) for batch in batches]
    assert distances == sorted(distances)
    assert list(slice_ensemble.outward([3, 1], 99)) == [[3], [1]]
    assert list(slice_ensemble.outward([], 0)) == []


def test_slices_are_judged_with_their_neighbours_by_the_mean_of_the_members(catalogue: Catalogue) -> None:
    nets = list(slice_ensemble.members(catalogue, catalogue.card("brain-glioma")))
    grey = np.random.default_rng(0).random((7, 64, 64)).astype(np.float32)
    found = slice_ensemble.judge(nets, grey, [[3, 4], [0, 1], [6]], 2, Progress())
    for index in (0, 1, 3, 4, 6):
        around = torch.from_numpy(grey[[max(0, index - 2), index, min(6, index + 2)]][None])
        with torch.inference_mode():
            judged = [net(around) for net in nets]
            mirrored = [net(around.flip(3)) for net in nets]
        logits = [float(j.logit) for j in judged + mirrored]
        assert found.logits[index] == pytest.approx(np.mean(logits), abs=1e-4)
        assert np.ptp(logits) > 1e-3
        outlines = [j.outline[0, 0] for j in judged] + [j.outline[0, 0].flip(1) for j in mirrored]
        np.testing.assert_allclose(found.outlines[index], torch.stack(outlines).mean(dim=0), atol=1e-3)
        features = torch.stack([(a.features[0] + b.features[0]) / 2 for a, b in zip(judged, mirrored, strict=True)])
        np.testing.assert_allclose(found.features[:, index], features, atol=1e-4)
    assert not found.logits[[2, 5]].any()
    assert not found.outlines[[2, 5]].any()
    read = [0, 1, 3, 4, 6]
    np.testing.assert_allclose(found.evidence[read].sum(axis=(1, 2)), found.logits[read] - found.bias, atol=1e-4)


def test_what_is_told_and_reported_of_a_series(catalogue: Catalogue) -> None:
    nets = list(slice_ensemble.members(catalogue, catalogue.card("brain-glioma")))
    reports: list[tuple[int, int]] = []
    told: list[list[int]] = []
    slice_ensemble.judge(
        nets,
        np.zeros((5, 64, 64), np.float32),
        [[2], [1, 3]],
        1,
        Progress(lambda done, total, _: reports.append((done, total))),
        lambda _, batch: told.append(list(batch)),
    )
    assert told == [[2], [1, 3]]
    assert reports == [(1, 3), (3, 3)]


def _scan() -> Scan:
    return scan_of(speckled((140, 190)), 128)


def test_an_image_and_its_mirror_image_are_judged_alike(catalogue: Catalogue) -> None:
    nets = list(lesion_ensemble.members(catalogue, catalogue.card("breast-lesion")))
    scan = _scan()
    mirrored = Scan(scan.grey[:, ::-1].copy(), scan.inside[:, ::-1].copy(), scan.placement, scan.shape)
    found, other = (lesion_ensemble.judge(nets, s, Progress()) for s in (scan, mirrored))
    assert found.logit == pytest.approx(other.logit, abs=1e-4)
    np.testing.assert_allclose(found.outline, other.outline[:, ::-1], atol=1e-3)
    np.testing.assert_allclose(found.evidence, other.evidence[:, ::-1], atol=1e-3)
    assert found.evidence.sum() == pytest.approx(found.logit - found.bias, abs=1e-4)
    with torch.inference_mode():
        image = torch.from_numpy(scan.grey)
        both = torch.stack([image, image.flip(1)])[:, None]
        logits = [float(net(both).logit.mean()) for net in nets]
    assert found.logit == pytest.approx(np.mean(logits), abs=1e-4)
    assert found.features.shape == (2, 320)
    assert found.descriptors is not None
    term = {"name": "solidity", "mean": found.descriptors.solidity - 0.1, "spread": 0.1, "weight": 2.0}
    shaped = DescriptorCard.model_validate({"intercept": -0.5, "terms": [term]})
    added = lesion_ensemble.judge(nets, scan, Progress(), shaped)
    assert added.logit == pytest.approx(found.logit + 1.5, abs=1e-4)
    assert added.evidence.sum() == pytest.approx(added.logit - added.bias, abs=1e-4)


def test_maps_of_a_lesion_lie_on_the_image() -> None:
    grey = np.zeros((96, 128), np.float32)
    judgement = lesion_ensemble.Judgement(
        np.zeros((48, 64), np.float32), 0.0, np.zeros((3, 4), np.float32), 0.0, None, np.zeros((1, 320), np.float32),
        Placement(10.0, 20.0, 2.0, 2.0),
    )  # fmt: skip
    judgement.evidence[1, 2] = 3.0
    judgement.evidence[0, 0] = -3.0
    heat = judgement.heat(1.5, (220, 300), flagged=True)
    peak = np.unravel_index(int(heat.argmax()), heat.shape)
    assert heat.max() == pytest.approx(1, abs=0.03)
    assert peak == pytest.approx((10 + 2 * 48, 20 + 2 * 80), abs=1.5)
    assert heat.min() == 0
    against = judgement.heat(3.0, (220, 300), flagged=False)
    assert against.max() == pytest.approx(1, abs=0.03)
    assert np.unravel_index(int(against.argmax()), against.shape) == pytest.approx((42, 52), abs=32)
    assert judgement.placed(judgement.outline).step_row == 4
    assert judgement.placed(grey).step_row == 2


@pytest.mark.parametrize("ensemble", ["slices", "lesions"])
def test_numbers_that_are_none_are_a_bad_model(tmp_path: Path, ensemble: str) -> None:
    make = SliceNet if ensemble == "slices" else BreastNet
    state = random_state(make, 0)
    name = "presence.weight" if ensemble == "slices" else "whole.classifier.weight"
    state[name] = torch.full_like(state[name], float("nan"))
    (glioma_model if ensemble == "slices" else breast_model)(tmp_path, members=1, state_of=lambda _: state)
    catalogue = Catalogue(tmp_path)
    with pytest.raises(BadModel, match="not numbers"):
        _judge(catalogue, ensemble, Progress())
    stopped = Progress()
    stopped.cancel()
    with pytest.raises(Cancelled):
        _judge(catalogue, ensemble, stopped)


def _judge(catalogue: Catalogue, ensemble: str, progress: Progress) -> None:
    if ensemble == "slices":
        nets = list(slice_ensemble.members(catalogue, catalogue.card("brain-glioma")))
        slice_ensemble.judge(nets, np.zeros((2, 64, 64), np.float32), [[0, 1]], 1, progress)
    else:
        lesion_ensemble.judge(
            list(lesion_ensemble.members(catalogue, catalogue.card("breast-lesion"))), _scan(), progress
        )
