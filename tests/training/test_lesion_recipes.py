"""The recipes of glioma and breast lesions on made-up data: what they load, draw and learn in one tiny epoch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from radviewer.ai.lesion_networks import Judged, LesionNet, SliceNet, WholeNet
from radviewer.errors import NothingToRead
from radviewer.training import brains, breast, breasts, glioma, measure_sites
from radviewer.training.brains import SIDE, SIZE, Brains, random_scan
from radviewer.training.breasts import Breast, without_calipers, without_lesion
from radviewer.training.outline_loss import outline_loss
from tests.ai.lesion_models import random_state
from tests.training.scans import SLICES, tumour, write_brains, write_breasts

FIRST, SECOND = (replace(phase, epochs=1, steps=1) for phase in (brains.FIRST, brains.SECOND))


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (brains, breasts):
        monkeypatch.setattr(module, "BATCH", 2)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_brains(folder)
    write_breasts(folder)
    return folder


@pytest.fixture(scope="module")
def heads(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Brains:
    return brains.load(data, tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def images(data: Path) -> list[Breast]:
    return breasts.load(data)


def test_slices_are_ordered_and_patients_keep_together(heads: Brains) -> None:
    assert [s.patient for s in sorted(heads.series, key=lambda s: s.patient)] == [f"brain-mr/P{i}" for i in range(3)]
    assert [i for s in heads.series for i in s.indices] == list(range(3 * SLICES))
    assert {s.fold for s in heads.series} <= set(range(brains.FOLDS))
    assert heads.images.shape == heads.outlines.shape == (3 * SLICES, SIDE, SIDE)
    for series in heads.series:
        assert [int(row.cells["slice"]) for row in series.rows] == list(range(SLICES))
        assert [heads.pixels[i] for i in series.indices] == tumour().sum(axis=(1, 2)).tolist()


def test_cut_outs_and_outlines_lie_on_one_another(heads: Brains) -> None:
    for series in heads.series:
        for i in series.indices:
            drawn = heads.outlines[i] > 127
            assert drawn.any() == (heads.pixels[i] > 0)
            area = heads.pixels[i] / series.placement.step_row**2
            assert drawn.sum() == pytest.approx(area, rel=0.1, abs=5)
            if drawn.any():
                assert heads.images[i][drawn].mean() > heads.images[i][~drawn].mean() + 60


def test_a_second_time_nothing_is_cut_out(data: Path, tmp_path: Path, heads: Brains) -> None:
    brains.load(data, tmp_path)
    saved = np.load(tmp_path / "brain-images.npy")
    np.testing.assert_array_equal(saved, heads.images)
    np.save(tmp_path / "brain-images.npy", saved[:3])
    with pytest.raises(NothingToRead, match="does not fit"):
        brains.load(data, tmp_path)


@pytest.mark.parametrize("phase", [brains.FIRST, brains.SECOND])
def test_batches_of_slices_repeat(heads: Brains, phase: brains.Phase) -> None:
    phase = replace(phase, steps=3)
    made = list(brains.batches(heads, heads.series, phase, 5, 1))
    torch.testing.assert_close(made, list(brains.batches(heads, heads.series, phase, 5, 1)))
    assert not torch.equal(made[0]["image"], next(brains.batches(heads, heads.series, phase, 5, 2))["image"])
    assert len(made) == 3
    for batch in made:
        assert batch["image"].shape == (2, 3, SIZE, SIZE)
        assert batch["outline"].shape == (2, 1, SIZE // 2, SIZE // 2)
        assert 0 <= float(batch["image"].min()) < float(batch["image"].max()) <= 1
        assert 0 <= float(batch["outline"].min()) <= float(batch["outline"].max()) <= 1
        for outline, present in zip(batch["outline"], batch["present"], strict=True):
            assert float(outline.max() > 0.5) == float(present)
    assert {float(v) for batch in made for v in batch["present"]} == {0.0, 1.0}


def test_another_scanner_keeps_slices_on_the_scale() -> None:
    slices = np.random.default_rng(1).random((3, 64, 64)).astype(np.float32)
    before = slices.copy()
    for seed in range(40):
        changed = random_scan(np.random.default_rng(seed), slices)
        assert changed.shape == slices.shape
        assert changed.dtype == np.float32
        assert 0 <= changed.min() <= changed.max() <= 1
    np.testing.assert_array_equal(slices, before)


def test_a_hospital_or_a_fold_is_left_out(heads: Brains) -> None:
    for name in ("0", "1", "2", "A", "B"):
        chosen, out = glioma.split(heads, name)
        assert len(chosen) + len(out) == 3
        assert not {s.patient for s in chosen} & {s.patient for s in out}
        assert all(name in (str(s.fold), s.site) for s in out)
    assert len(glioma.split(heads, "A")[1]) == 2


class _Knowing(torch.nn.Module):
    """Outlines what is bright in the middle slice."""

    def forward(self, x: torch.Tensor) -> Judged:
        half = torch.nn.functional.avg_pool2d(x[:, 1:2], 2)
        logit = (half > 0.75).float().mean(dim=(1, 2, 3)) * 100 - 1
        return Judged((half - 0.75) * 20, logit, torch.zeros(len(x), 24, 24), torch.zeros(len(x), 320))


def test_series_are_scored_at_full_size(heads: Brains) -> None:
    outline, logit, evidence = glioma.judged_series(_Knowing(), heads, heads.series[1])
    assert outline.shape == (SLICES, SIZE // 2, SIZE // 2)
    assert logit.shape == (SLICES,)
    assert evidence.shape == (SLICES, 24, 24)
    found = glioma.score(_Knowing(), heads, heads.series)
    assert found["slice auc"] == 1
    assert found["worst dice"] > 0.85
    assert found["volume error"] < 0.2


@pytest.mark.parametrize("make", [SliceNet, LesionNet])
def test_a_right_answer_costs_less(make: type[SliceNet] | type[LesionNet]) -> None:
    share = torch.zeros(2, 1, 32, 32)
    share[0, :, 8:20, 8:20] = 1
    right, wrong = (outline_loss((v - 0.5) * 12, share) for v in (share, 1 - share))
    assert 20 * float(right) < float(wrong)
    network = make()
    network.load_state_dict(random_state(make, 0))
    key, loss_of = ("present", glioma.loss_of) if make is SliceNet else ("malignant", breast.loss_of)
    batch = {"image": torch.rand(2, 3 if make is SliceNet else 1, 64, 64), "outline": share, key: torch.ones(2)}
    loss = loss_of(network.eval(), batch)
    loss.backward()  # type: ignore[no-untyped-call]
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in network.parameters())


def test_evidence_inside_the_lesion_costs_less() -> None:
    share = torch.zeros(2, 1, 32, 32)
    share[0, :, 8:20, 8:20] = 1  # the second image has no lesion and does not count
    inside, outside = torch.zeros(2, 8, 8), torch.zeros(2, 8, 8)
    inside[:, 3, 3], outside[:, 7, 7] = 1.0, 1.0
    right, wrong = (float(glioma.pointing_loss(evidence, share)) for evidence in (inside, outside))
    assert 0 <= right < 0.01
    assert wrong > 10
    assert right == float(glioma.pointing_loss(inside[:1], share[:1]))
    assert float(glioma.pointing_loss(inside, torch.zeros_like(share))) == 0


def test_one_epoch_of_each_phase_of_glioma(heads: Brains, tmp_path: Path) -> None:
    fold = str(heads.series[0].fold)
    with pytest.raises(NothingToRead, match="train this run first"):
        glioma.train(heads, fold, tmp_path, SECOND)
    first = glioma.train(heads, fold, tmp_path, FIRST)
    state = glioma.finished(tmp_path, fold, FIRST)
    assert "dice" in state["lines"][-1]
    finer = glioma.train(heads, fold, tmp_path, SECOND).state_dict()
    moved = (finer["presence.weight"] - first.state_dict()["presence.weight"]).abs().max()
    assert 0 < float(moved) < 0.01
    for name, value in finer.items():
        assert torch.isfinite(value).all(), name


def test_a_hospital_is_read_by_a_network_that_has_not_seen_it(heads: Brains, tmp_path: Path) -> None:
    names = sorted({s.site for s in heads.series})
    with pytest.raises(NothingToRead, match="train this run first"):
        measure_sites.sites(heads, tmp_path)
    for name in names:
        for phase in (brains.ALONE, brains.ALONE_ON):
            glioma.train(heads, name, tmp_path, replace(phase, epochs=1, steps=1))
    found = measure_sites.sites(heads, tmp_path)
    assert len(found) == 4 * len(names)
    for name in names:
        (mean,) = (m for m in found if m.name == "mean Dice" and name in m.group)
        assert mean.n == sum(s.site == name for s in heads.series)
        assert 0 <= mean.value <= 1


def test_reading_mirrored_too_gives_mirrored_maps() -> None:
    network = SliceNet()
    network.load_state_dict(random_state(SliceNet, 0))
    both, image = measure_sites.Mirrored(network.eval()), torch.rand(1, 3, 64, 96)
    with torch.no_grad():
        seen, mirrored = both(image), both(image.flip(3))
    torch.testing.assert_close(seen.outline, mirrored.outline.flip(3), atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(seen.evidence, mirrored.evidence.flip(2), atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(seen.logit, mirrored.logit, atol=1e-4, rtol=1e-3)


def test_one_epoch_of_each_phase_of_breast(images: list[Breast], tmp_path: Path) -> None:
    with pytest.raises(NothingToRead, match="train this run first"):
        breast.train_fold(images, 0, tmp_path, replace(breasts.SECOND, epochs=1, steps=1))
    first = breast.train_fold(images, 0, tmp_path, replace(breasts.FIRST, epochs=1, steps=1)).state_dict()
    state = breast.finished(tmp_path, 0, breasts.FIRST)
    assert {"dice", "auc", "missed"} <= set(state["lines"][0])
    network = breast.train_fold(images, 0, tmp_path, replace(breasts.SECOND, epochs=1, steps=1))
    assert not network.training
    second = network.state_dict()
    assert 0 < float((second["classifier.weight"] - first["classifier.weight"]).abs().max()) < 0.01
    for name, value in second.items():
        assert torch.isfinite(value).all(), name
        if name.startswith(("encoder.stem.", "encoder.stages.0.", "encoder.stages.1.")):
            torch.testing.assert_close(value, first[name], msg=name)


def test_one_epoch_of_the_network_of_the_whole_image(images: list[Breast], tmp_path: Path) -> None:
    network = breast.train_fold(images, 0, tmp_path, replace(breasts.WHOLE, epochs=1, steps=2))
    assert isinstance(network, WholeNet)
    assert not network.training
    assert set(breast.finished(tmp_path, 0, breasts.WHOLE)["lines"][0]) == {"epoch", "loss", "auc", "seconds"}
    assert all(torch.isfinite(value).all() for value in network.state_dict().values())


def test_malignancy_rightly_told_costs_less() -> None:
    class Said(torch.nn.Module):
        def __init__(self, logits: list[float]) -> None:
            super().__init__()
            self.logits = torch.tensor(logits)

        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            return self.logits, x

    batch = {"image": torch.zeros(2, 1, 64, 64), "malignant": torch.tensor([1.0, 0.0])}
    right, wrong = (float(breast.whole_loss_of(Said(said), batch)) for said in ([3.0, -3.0], [-3.0, 3.0]))
    assert right < 0.2 < 2 < wrong


def test_what_readers_said_softens_the_target(images: list[Breast]) -> None:
    named = zip(images, ("4", "4", "4", "5", "3", "5"), strict=True)
    read = [replace(b, row=replace(b.row, cells=b.row.cells | {"birads": category})) for b, category in named]
    found = breasts.suspicions(read, 0.3)  # of category 4 one of three is malignant
    assert [found[b.row.name] for b in read] == pytest.approx([0.1, 0.8, 0.1, 1, 0, 1])
    assert breasts.suspicions(images, 0.0) == {b.row.name: float(b.malignant) for b in images}


def test_images_are_cut_out_with_their_lesions(images: list[Breast]) -> None:
    assert [b.fold for b in images] == [0, 0, 1, 1, 2, 2]
    assert [b.malignant for b in images] == [False, True] * 3
    for number, b in enumerate(images):
        assert b.image.shape == b.cleaned.shape == b.lesion.shape == (150 + 4 * number, 220)
        assert b.origin == (10, 20)
        assert b.image[b.lesion > 0].mean() < 0.4 * b.image[b.lesion == 0].mean()


def test_calipers_are_painted_over_and_nothing_else() -> None:
    image, lesion = np.full((80, 80), 60, np.uint8), np.zeros((80, 80), np.uint8)
    lesion[30:50, 30:50] = 255
    marked = image.copy()
    marked[39:42, 24:31] = marked[37:44, 27] = 240  # at the border
    marked[5, 2:9] = 240  # elsewhere
    cleaned = without_calipers(marked, lesion)
    assert abs(int(cleaned[36:46, 22:34].max()) - 60) <= 2
    np.testing.assert_array_equal(cleaned[:15], marked[:15])
    np.testing.assert_array_equal(without_calipers(image, lesion), image)


def test_parts_without_the_lesion(images: list[Breast]) -> None:
    for b in images:
        part = without_lesion(b)
        assert part is not None
        assert max(part.shape) <= 1.5 * min(part.shape)
        assert part.min() >= 1
    everywhere = replace(images[0], lesion=np.full_like(images[0].lesion, 255))
    assert without_lesion(everywhere) is None
    assert without_lesion(replace(images[0], lesion=np.zeros_like(images[0].lesion))) is None


def test_batches_of_images_repeat(images: list[Breast]) -> None:
    phase = replace(breasts.FIRST, steps=12)
    made = list(breasts.batches(images, phase, 5, 1))
    torch.testing.assert_close(made, list(breasts.batches(images, phase, 5, 1)))
    canvases = set()
    for batch in made:
        rows, columns = batch["image"].shape[2:]
        canvases.add((rows, columns))
        assert batch["image"].shape == (2, 1, rows, columns)
        assert batch["outline"].shape == (2, 1, rows // 2, columns // 2)
        assert 0 <= float(batch["image"].min()) < float(batch["image"].max()) <= 1
        assert (rows % 32, columns % 32) == (0, 0)
        for outline, malignant in zip(batch["outline"], batch["malignant"], strict=True):
            assert not malignant or outline.max() > 0.5  # a part without its lesion is not malignant
    assert len(canvases) > 1
    assert {float(v) for batch in made for v in batch["malignant"]} == {0.0, 1.0}
