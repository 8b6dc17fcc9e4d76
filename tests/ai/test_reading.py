"""Several models on one stack: what becomes of one is no matter of the others."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from safetensors import SafetensorError

from radviewer.ai import reading
from radviewer.ai.catalogue import Catalogue
from radviewer.ai.context import Context
from radviewer.ai.request import Request
from radviewer.domain.opinion import Opinion, Outcome
from radviewer.progress import Cancelled
from tests.ai.lesion_models import breast_model, glioma_model
from tests.ai.series import plain


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    glioma_model(tmp_path)
    breast_model(tmp_path)
    return Catalogue(tmp_path)


def _raising(monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    """Let the first model that is asked raise."""

    def read(_request: Request, _loaded: float) -> Opinion:
        raise fault

    monkeypatch.setitem(reading._KINDS, "brain glioma", replace(reading._KINDS["brain glioma"], read=read))


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (RuntimeError("DOE^JANE"), "internal fault (RuntimeError)"),
        (KeyError("DOE^JANE"), "internal fault (KeyError)"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory for DOE^JANE"), "not enough memory"),
        (MemoryError(), "not enough memory"),
        (cv2.error("DOE^JANE"), "internal fault (error)"),
        (cv2.error("Insufficient memory"), "not enough memory"),
        (SafetensorError("DOE^JANE"), "internal fault (SafetensorError)"),
    ],
)
@pytest.mark.expects_log("met a fault")
def test_a_fault_of_one_model_leaves_the_opinions_of_others(
    catalogue: Catalogue,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    fault: Exception,
    said: str,
) -> None:
    _raising(monkeypatch, fault)
    with caplog.at_level(logging.INFO):
        spoilt, other = reading.read(plain(np.zeros((1, 64, 64), np.uint8)), Context(), catalogue)
    assert (spoilt.model, spoilt.outcome) == ("brain-glioma", Outcome.FAILED)
    assert said in (spoilt.reason or "")
    assert (other.model, other.outcome) == ("breast-lesion", Outcome.REFUSED)
    assert "blank" in (other.reason or "")
    assert type(fault).__name__ in caplog.text
    assert "JANE" not in caplog.text + str(spoilt)


def test_what_was_cancelled_is_no_fault(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    _raising(monkeypatch, Cancelled())
    with pytest.raises(Cancelled):
        reading.read(plain(np.zeros((1, 64, 64), np.uint8)), Context(), catalogue)
