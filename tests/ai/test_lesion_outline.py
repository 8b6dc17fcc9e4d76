"""From the logits of an ultrasound image to its lesion, and from frames to a cine."""

from __future__ import annotations

import numpy as np
import pytest

from radviewer.ai.breast import _Frame, cine_logit, lesion_of
from radviewer.ai.films import Placement
from radviewer.ai.lesion_ensemble import Judgement


def _judged(outline: np.ndarray) -> Judgement:
    logits = np.where(outline, 5.0, -5.0).astype(np.float32)
    return Judgement(
        logits, 0.0, np.zeros((2, 2), np.float32), 0.0, None, np.zeros((1, 320), np.float32), Placement(0, 0, 1, 1)
    )


def test_the_largest_part_is_the_lesion_and_its_holes_are_filled() -> None:
    outline = np.zeros((32, 32), np.bool_)
    outline[4:16, 4:16] = True
    outline[8:11, 8:11] = False
    outline[24:28, 24:28] = True
    found = lesion_of(_judged(outline), (64, 64))
    assert found.sum() == pytest.approx(24 * 24, rel=0.06)
    assert found[18, 18]
    assert not found[40:].any()
    speck = np.zeros((32, 32), np.bool_)
    speck[3, 3] = True
    assert not lesion_of(_judged(speck), (64, 64)).any()
    assert not lesion_of(_judged(np.zeros((32, 32), np.bool_)), (64, 64)).any()


def test_a_cine_without_any_outline_is_the_mean_of_all() -> None:
    nothing = np.zeros((4, 4), np.bool_)
    frames = {}
    for i, logit in enumerate((1.0, 3.0, -7.0)):
        judgement = _judged(np.zeros((32, 32), np.bool_))
        object.__setattr__(judgement, "logit", logit)
        frames[i] = _Frame(judgement, nothing)
    assert cine_logit(frames) == -1.0
    object.__setattr__(frames[1], "mask", ~nothing)
    assert cine_logit(frames) == 3.0
