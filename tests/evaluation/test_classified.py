from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from radviewer.errors import NotSaved
from radviewer.evaluation.charts import roc_chart, save_picture
from radviewer.evaluation.classified import Predicted, draw, figures, telling_cases


def _films(count: int = 120, seed: int = 0) -> list[Predicted]:
    rng = np.random.default_rng(seed)
    logit = rng.normal(0, 2, count)
    probability = 1 / (1 + np.exp(-logit))
    positive = rng.random(count) < probability
    return [
        Predicted(f"set/{i}.png", f"set/{i // 2}", bool(y), float(p))
        for i, (p, y) in enumerate(zip(probability, positive, strict=True))
    ]


def test_figures_of_calibrated_films() -> None:
    films = [*_films(), Predicted("set/x.png", "set/x", True, None, "No pair of lungs.")]
    found = figures(films, 0.5)
    assert found["share refused"].value == pytest.approx(1 / 121)
    assert found["AUC"].n == 120
    assert found["AUC"].low < found["AUC"].value < found["AUC"].high
    assert 0.7 < found["AUC"].value < 1
    assert found["calibration slope"].low < 1 < found["calibration slope"].high
    assert found["calibration intercept"].low < 0 < found["calibration intercept"].high


def test_with_one_class_there_is_only_its_own_figure() -> None:
    negatives = [film for film in _films() if not film.positive]
    assert set(figures(negatives, 0.5)) == {"share refused", "specificity"}
    positives = [film for film in _films() if film.positive]
    assert set(figures(positives, 0.5)) == {"share refused", "sensitivity"}


def test_when_all_are_refused_there_is_only_that() -> None:
    assert set(figures([Predicted("a", "a", True, None, "No.")], 0.5)) == {"share refused"}


def test_telling_cases_go_by_what_is_true() -> None:
    films = [Predicted(str(p), str(p), p >= 50, p / 100 if p != 90 else 0.01) for p in range(0, 100, 10)]
    cases = telling_cases(films, count=1)
    assert cases["best"][0].name == "0"
    assert cases["worst"][0].name == "90"


def test_charts_are_drawn_where_there_are_two_classes(tmp_path: Path) -> None:
    names = draw(_films(), tmp_path / "new", "tuberculosis")
    assert names == ("roc.png", "precision-recall.png", "reliability.png")
    for name in names:
        picture = cv2.imread(str(tmp_path / "new" / name))
        assert picture is not None
        assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 3
    assert draw([film for film in _films() if film.positive], tmp_path, "tuberculosis") == ()


def test_a_perfect_model_draws_a_curve_through_the_corner() -> None:
    positive = np.array([False, False, True, True])
    perfect = roc_chart(positive, np.array([0.1, 0.2, 0.8, 0.9]), "x")
    chance = roc_chart(positive, np.array([0.5, 0.5, 0.5, 0.5]), "x")
    corner = perfect[54:60, 54:60]
    assert (corner == (160, 90, 20)).all(axis=-1).any()
    assert not (chance[54:60, 54:60] == (160, 90, 20)).all(axis=-1).any()


def test_a_picture_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(NotSaved, match=r"roc\.png"):
        save_picture(tmp_path / "file" / "roc.png", np.zeros((4, 4, 3), np.uint8))
