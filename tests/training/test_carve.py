"""A tumour of another patient in a slice."""

from __future__ import annotations

import numpy as np

from radviewer.training.carve import carved

SIDE = 96


def _disc(row: int, column: int, radius: int, value: int) -> np.ndarray:
    rows, columns = np.mgrid[:SIDE, :SIDE]
    inside = (rows - row) ** 2 + (columns - column) ** 2 <= radius**2
    return np.where(inside, value, 0).astype(np.uint8)


def test_the_tumour_and_its_outline_are_put_in_together() -> None:
    head = np.stack([_disc(48, 48, 44, 100)] * 3)
    theirs, drawn = head.copy(), _disc(48, 48, 8, 255)
    theirs[:, drawn > 0] = 200
    slices, outline = carved(np.random.default_rng(0), head, np.zeros((SIDE, SIDE), np.uint8), theirs, drawn)
    assert outline.max() == 255
    assert abs(int((outline > 127).sum()) - int((drawn > 127).sum())) < 20
    well_inside = outline == 255
    assert (slices[:, well_inside] > 150).mean() > 0.9
    assert np.array_equal(slices[:, :8], head[:, :8])  # far away nothing changes


def test_nothing_is_put_beside_the_head() -> None:
    air = np.zeros((3, SIDE, SIDE), np.uint8)
    own, drawn = _disc(20, 20, 4, 255), _disc(48, 48, 8, 255)
    slices, outline = carved(np.random.default_rng(1), air, own, np.full_like(air, 200), drawn)
    assert np.array_equal(slices, air)
    assert np.array_equal(outline, own)
