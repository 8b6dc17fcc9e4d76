"""The bundled networks on a real film: what graphs say beside what PyTorch says."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pydicom
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from radviewer.ai import anatomy, findings, graphs
from radviewer.ai.anatomy import Outlines
from radviewer.ai.calibration import probability
from radviewer.ai.catalogue import Catalogue
from radviewer.ai.films import Film, Placement, network_input
from radviewer.ai.lungs import cut_out, prepared
from radviewer.ai.networks import FindingNet
from radviewer.progress import Progress

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

LARGEST_DIFFERENCE, LEAST_DICE = 0.01, 0.995
FILM = "RG1_UNCR.dcm"


@pytest.fixture(scope="module")
def bundled() -> Catalogue:
    return Catalogue()


@pytest.fixture(scope="module")
def outlines(bundled: Catalogue) -> Outlines:
    spec = importlib.util.find_spec("data_store")  # what pydicom-data installs
    assert spec is not None
    assert spec.origin is not None
    pixels = pydicom.dcmread(Path(spec.origin).parent / "data" / FILM).pixel_array.astype(np.float32)
    film = Film(pixels, Placement(0.0, 0.0, 1.0, 1.0), pixels.shape)
    return anatomy.outline(bundled, bundled.card("chest-anatomy"), film, Progress(), refuse=lambda _: None)


def test_outlines_are_the_same(bundled: Catalogue, outlines: Outlines) -> None:
    card = bundled.card("chest-anatomy")
    grey, _ = network_input(outlines.film, card.input_size)
    images = torch.from_numpy(grey)[None, None]
    for net in anatomy.members(bundled, card):
        function = graphs.forward(net, shape=tuple(images.shape))
        graphs.prepare(Progress())
        assert function.backend != "torch"
        found, expected = (np.asarray(part[0][0]) > 0 for part in (function(images), function.reference(images)))
        for channel, wanted in zip(found, expected, strict=True):
            assert _dice(channel, wanted) >= LEAST_DICE


def test_probabilities_are_the_same(bundled: Catalogue, outlines: Outlines) -> None:
    card = bundled.card("chest-findings")
    crop = cut_out(outlines, card.input_size)
    image = torch.from_numpy(prepared(crop.grey, crop.lungs))[None, None]
    lungs = torch.from_numpy(crop.lungs.astype(np.float32))[None, None]
    for net in findings.members(bundled, card):
        function = graphs.forward(net, "features", tuple(image.shape))
        graphs.prepare(Progress())
        assert function.backend != "torch"

        def probabilities(features: Tensor, net: FindingNet = net) -> list[float]:
            logits = net.classifier(net.pool(features, lungs))[0]
            return [probability(float(z), f.calibration) for z, f in zip(logits, card.findings, strict=True)]

        with torch.inference_mode():
            found, expected = (probabilities(part) for (part,) in (function(image), function.reference(image)))
        assert np.abs(np.subtract(found, expected)).max() <= LARGEST_DIFFERENCE


def _dice(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))
