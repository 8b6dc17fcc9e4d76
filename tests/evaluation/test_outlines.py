from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from radviewer.domain.overlap import dice
from radviewer.evaluation.outlines import NAMES, Judged, mean_dice, refused_share, write_judged


def _judged(patient: str, lungs: float | None, refusal: str | None = None) -> Judged:
    scores = {} if lungs is None else {"lungs": lungs}
    return Judged(f"set/{patient}.png", patient, 0, refusal, scores, 0.5, 0.9)


def test_dice() -> None:
    a, b = np.zeros((2, 4, 4), bool)
    assert dice(a, b) == 1
    a[:2], b[1:3] = True, True
    assert dice(a, b) == pytest.approx(0.5)
    assert dice(a, ~a) == 0


def test_mean_dice_leaves_refused_films_out_and_counts_them() -> None:
    judged = [_judged("a", 0.9), _judged("b", 0.7), _judged("c", None, "No pair of lungs.")]
    figure = mean_dice(judged, "lungs")
    assert figure is not None
    assert figure.value == pytest.approx(0.8)
    assert figure.n == 2
    assert figure.low >= 0.7
    assert figure.high <= 0.9
    assert mean_dice(judged, "heart") is None
    assert refused_share(judged).value == pytest.approx(1 / 3)


def test_table_names_every_film_and_why_it_was_refused(tmp_path: Path) -> None:
    write_judged(tmp_path / "new" / "held-out.csv", [_judged("a", 0.91234), _judged("c", None, "No pair of lungs.")])
    with (tmp_path / "new" / "held-out.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert set(NAMES) <= set(lines[0])
    assert (lines[0]["lungs"], lines[0]["heart"], lines[0]["refused"]) == ("0.9123", "", "")
    assert (lines[1]["lungs"], lines[1]["refused"]) == ("", "No pair of lungs.")
