"""Opinions and masks on disk: the same again, whatever else lies there."""

from __future__ import annotations

import json
import math
import os
import zipfile
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from radviewer.app.opinion_store import OpinionStore
from radviewer.domain.measurement import Quantity
from radviewer.domain.opinion import Opinion
from radviewer.errors import NotSaved
from tests.app import opinions

STACK = "ab" * 32


@pytest.fixture
def store(tmp_path: Path) -> OpinionStore:
    return OpinionStore(tmp_path / "opinions")


def same(one: Opinion, other: Opinion) -> None:
    for field in fields(Opinion):
        if field.name not in ("findings", "anatomy"):
            assert getattr(one, field.name) == getattr(other, field.name)
    for mine, yours in zip(one.anatomy, other.anatomy, strict=True):
        assert (mine.label, mine.measurements) == (yours.label, yours.measurements)
        np.testing.assert_array_equal(mine.mask, yours.mask)
    for a, b in zip(one.findings, other.findings, strict=True):
        assert (a.label, a.outcome, a.probability, a.threshold) == (b.label, b.outcome, b.probability, b.threshold)
        assert (a.reason, a.measurements, a.evidence) == (b.reason, b.measurements, b.evidence)
        assert a.slice_probabilities == b.slice_probabilities
        assert a.likeliest == b.likeliest
        assert a.heatmap is not None
        assert b.heatmap is not None
        assert b.heatmap.dtype == np.float32
        np.testing.assert_allclose(a.heatmap, b.heatmap, atol=1e-3)


def test_opinions_come_back_as_they_were(store: OpinionStore) -> None:
    said = (opinions.anatomy(), opinions.findings(), opinions.refused())
    store.save(STACK, said, {})
    for one, other in zip(said, store.load(STACK), strict=True):
        same(one, other)


def _by_slice(*probabilities: float | None) -> Opinion:
    (first, *others) = opinions.findings().findings
    judged = replace(first, slice_probabilities=probabilities, likeliest=len(probabilities) - 1)
    return replace(opinions.findings(), findings=(judged, *others), reason="Read as FLAIR.")


def test_probabilities_of_slices_and_how_it_was_read_come_back(store: OpinionStore) -> None:
    said = _by_slice(0.0, 0.1, None, 1.0)
    store.save(STACK, (said,), {})
    (found,) = store.load(STACK)
    same(said, found)
    numpy = _by_slice(*np.array([0.5, 0.25], np.float32))
    store.save(STACK, (numpy,), {})
    assert store.load(STACK)[0].findings[0].slice_probabilities == (0.5, 0.25)


def test_an_opinion_kept_before_slices_were_judged_is_read(store: OpinionStore, tmp_path: Path) -> None:
    store.save(STACK, (opinions.findings(),), {})
    path = tmp_path / "opinions" / f"{STACK}.zip"
    _rewrite(path, lambda texts: [finding.pop("slice_probabilities") for finding in texts["opinions"][0]["findings"]])
    (found,) = store.load(STACK)
    same(opinions.findings(), found)


def test_what_was_never_kept_is_nothing(store: OpinionStore) -> None:
    assert store.load(STACK) == ()
    assert store.load_mask("0" * 64) is None
    assert store.load_mask("../../etc/passwd") is None


@given(mask=arrays.arrays(np.bool_, arrays.array_shapes(min_dims=3, max_dims=3, max_side=9)))
def test_masks_come_back_bit_by_bit(tmp_path_factory: pytest.TempPathFactory, mask: np.ndarray) -> None:
    store = OpinionStore(tmp_path_factory.mktemp("masks"))
    name = store.save_mask(mask)
    found = store.load_mask(name)
    assert found is not None
    np.testing.assert_array_equal(found, mask)
    assert store.save_mask(mask) == name


def test_masks_of_other_shapes_have_other_names(store: OpinionStore) -> None:
    assert store.save_mask(np.zeros((1, 4, 6), bool)) != store.save_mask(np.zeros((1, 6, 4), bool))


@given(cut=st.integers(0, 400), flip=st.integers(0, 3000))
def test_damaged_files_are_nothing(tmp_path_factory: pytest.TempPathFactory, cut: int, flip: int) -> None:
    folder = tmp_path_factory.mktemp("store")
    store = OpinionStore(folder)
    store.save(STACK, (opinions.anatomy(), opinions.findings()), {})
    name = store.save_mask(opinions.mask(1, 1, 4, 4))
    for path in (folder / f"{STACK}.zip", folder / "masks" / f"{name}.zip"):
        data = bytearray(path.read_bytes())
        data[flip % len(data)] ^= 0x55
        path.write_bytes(bytes(data[: len(data) - cut % 50]))
    for opinion in store.load(STACK):
        assert isinstance(opinion, Opinion)
    found = store.load_mask(name)
    assert found is None or np.array_equal(found, opinions.mask(1, 1, 4, 4))


def _rewrite(path: Path, change: Callable[[dict[str, Any]], object], method: int = zipfile.ZIP_DEFLATED) -> None:
    """Make the file anew with other texts, as whole as any."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    texts = json.loads(members["opinions.json"])
    change(texts)
    members["opinions.json"] = json.dumps(texts).encode()
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)


@pytest.mark.parametrize(
    "change",
    [
        lambda texts: texts.update(version=2),
        lambda texts: texts.update(opinions=7),
        lambda texts: texts["opinions"][0].pop("model"),
        lambda texts: texts["opinions"][0].update(outcome="perhaps"),
        lambda texts: texts["opinions"][0].update(seconds=[10**400, 0, 0]),
        lambda texts: texts["opinions"][0]["findings"][0].update(probability=10**400),
        lambda texts: texts["opinions"][0]["findings"][0].update(probability=2),
        lambda texts: texts["opinions"][0]["findings"][0].update(slice_probabilities=[0.5, 1.5]),
        lambda texts: texts["opinions"][0]["findings"][0].update(slice_probabilities=[0.5, 0.5], likeliest=2),
        lambda texts: texts["opinions"][0]["findings"][0].update(slice_probabilities=7),
        lambda texts: texts["opinions"][0]["findings"][0].update(heatmap=[]),
        lambda texts: texts["opinions"][0]["findings"][0]["heatmap"].update(kind="mask"),
        lambda texts: texts["opinions"][0]["findings"][0]["heatmap"].update(shape=[1, 1 << 19, 1 << 19]),
        lambda texts: texts["opinions"][0]["findings"][0]["heatmap"].update(name="array7"),
        lambda texts: texts["opinions"][0]["findings"].append(texts["opinions"][0]["findings"][0]),
        lambda texts: texts["opinions"][0].update(reason="x" * (17 << 20)),
    ],
)
def test_a_whole_file_that_says_something_else_is_nothing(
    store: OpinionStore, tmp_path: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    store.save(STACK, (opinions.findings(),), {})
    _rewrite(tmp_path / "opinions" / f"{STACK}.zip", change)
    assert store.load(STACK) == ()


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_file_packed_in_another_way_is_nothing(store: OpinionStore, tmp_path: Path, method: int) -> None:
    store.save(STACK, (opinions.findings(),), {})
    _rewrite(tmp_path / "opinions" / f"{STACK}.zip", lambda texts: texts, method)
    assert store.load(STACK) == ()


def test_a_measurement_without_a_value_comes_back_without(store: OpinionStore) -> None:
    part = replace(opinions.anatomy().anatomy[0], measurements=(Quantity("mean", math.nan, "HU"),))
    store.save(STACK, (replace(opinions.anatomy(), anatomy=(part,)),), {})
    ((found,),) = (opinion.anatomy for opinion in store.load(STACK))
    assert math.isnan(found.measurements[0].value)


def test_a_mask_whose_file_was_torn_is_written_again(store: OpinionStore, tmp_path: Path) -> None:
    mask = opinions.mask(1, 1, 3, 3)
    name = store.save_mask(mask)
    (tmp_path / "opinions" / "masks" / f"{name}.zip").write_bytes(b"torn")
    assert store.load_mask(name) is None
    assert store.save_mask(mask) == name
    found = store.load_mask(name)
    assert found is not None
    np.testing.assert_array_equal(found, mask)


@pytest.mark.parametrize(
    "shape", ["[1, 1000000, 1000000]", "[1, -1, 5]", "[1, 2]", '["a", 2, 3]', "[1, 8, 1e3]", "{}", "null"]
)
def test_a_file_that_asks_for_too_much_memory_gets_none(store: OpinionStore, tmp_path: Path, shape: str) -> None:
    name = "ab" * 32
    path = tmp_path / "opinions" / "masks" / f"{name}.zip"
    path.parent.mkdir(parents=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("shape.json", shape)
        archive.writestr("bits", b"\x00")
    assert store.load_mask(name) is None


def test_a_mask_that_is_not_what_its_name_says_is_not_taken(store: OpinionStore, tmp_path: Path) -> None:
    one, other = (store.save_mask(opinions.mask(1, 1, n, n)) for n in (3, 5))
    folder = tmp_path / "opinions" / "masks"
    (folder / f"{one}.zip").replace(folder / f"{other}.zip")
    assert store.load_mask(other) is None


def test_the_oldest_opinions_go_first_and_masks_never(tmp_path: Path) -> None:
    store = OpinionStore(tmp_path, budget=1)
    mask = store.save_mask(opinions.mask(1, 1, 3, 3))
    for number in range(3):
        store.save(f"{number:064d}", (opinions.anatomy(),), {})
        os.utime(tmp_path / f"{number:064d}.zip", (number, number))
    assert [path.name for path in tmp_path.glob("*.zip")] == [f"{2:064d}.zip"]
    assert store.load_mask(mask) is not None


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    store = OpinionStore(tmp_path / "file" / "opinions")
    with pytest.raises(NotSaved):
        store.save(STACK, (opinions.anatomy(),), {})
    with pytest.raises(NotSaved):
        store.save_mask(opinions.mask(1, 1, 3, 3))
    assert store.load(STACK) == ()
