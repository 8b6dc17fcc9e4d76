from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from radviewer.errors import NothingToRead
from radviewer.training.data import Row, cached, patient_folds, read_grey, read_index, squared


def _rows(count: int, films_each: int = 2) -> list[Row]:
    return [
        Row("set", Path(f"{patient}-{film}.png"), f"set/{patient}", {"label": "ab"[patient % 2]})
        for patient in range(count)
        for film in range(films_each)
    ]


def test_a_patient_is_in_one_fold_only_and_strata_are_even() -> None:
    rows = _rows(100)
    folds = patient_folds(rows, [row.cells["label"] for row in rows], 5, seed=1)
    by_patient = {(row.patient, fold) for row, fold in zip(rows, folds, strict=True)}
    assert len(by_patient) == 100
    for label in "ab":
        counts = np.bincount([f for row, f in zip(rows, folds, strict=True) if row.cells["label"] == label])
        assert counts.tolist() == [20] * 5


def test_folds_depend_on_the_seed_and_on_nothing_else() -> None:
    rows = _rows(30, films_each=1)
    strata = [row.cells["label"] for row in rows]
    assert patient_folds(rows, strata, 3, seed=1) == patient_folds(rows, strata, 3, seed=1)
    assert patient_folds(rows, strata, 3, seed=1) != patient_folds(rows, strata, 3, seed=2)
    backwards = patient_folds(rows[::-1], strata[::-1], 3, seed=1)
    assert backwards[::-1] == patient_folds(rows, strata, 3, seed=1)


def test_index_names_source_and_patient(tmp_path: Path) -> None:
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "index.csv").write_text("image,patient,label\nimages/a.png,7,normal\n")
    (row,) = read_index(tmp_path / "films")
    assert (row.name, row.patient, row.cells["label"]) == ("films/a.png", "films/7", "normal")
    assert row.image == tmp_path / "films" / "images" / "a.png"


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(NothingToRead, match=r"index\.csv"):
        read_index(tmp_path)
    with pytest.raises(NothingToRead, match=r"gone\.png"):
        read_grey(tmp_path / "gone.png")


def test_squared_keeps_the_aspect() -> None:
    film = np.full((100, 50), 200, np.uint8)
    found = squared(film, 64)
    assert found.shape == (64, 64)
    assert (found[:, :15] == 0).all()
    assert (found[:, 17:47] == 200).all()


def test_images_are_decoded_once(tmp_path: Path) -> None:
    film = np.random.default_rng(0).integers(0, 255, (8, 8)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), film)
    first = cached(tmp_path / "c" / "films.npy", 1, 8, (read_grey(tmp_path / "a.png") for _ in range(1)))
    np.testing.assert_array_equal(first[0], film)
    np.testing.assert_array_equal(cached(tmp_path / "c" / "films.npy", 1, 8, iter(())), first)
    with pytest.raises(NothingToRead, match="delete it"):
        cached(tmp_path / "c" / "films.npy", 2, 8, iter(()))
