"""Opinions made by hand, and a worker that says what the test tells it to."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np

from radviewer import paths
from radviewer.ai.cards import read_card
from radviewer.ai.context import Context
from radviewer.app.glimpses import SliceGlimpse
from radviewer.app.model_worker import Show
from radviewer.app.shown import Shown
from radviewer.domain.measurement import Quantity
from radviewer.domain.opinion import Finding, Mask, Opinion, Outcome, Structure
from radviewer.domain.volume import Volume
from radviewer.progress import Cancelled, Progress
from tests.app.hand_made import picture, shown, stack

SHAPE = (1, 8, 10)
ANATOMY, FINDINGS = "chest-anatomy", "chest-findings"
VERSION = {name: read_card(paths.models() / name).version for name in (ANATOMY, FINDINGS)}
HASHES = (("fold0.safetensors", "ab" * 32),)


def mask(top: int, left: int, bottom: int, right: int) -> Mask:
    made = np.zeros(SHAPE, np.bool_)
    made[0, top:bottom, left:right] = True
    return made


def finding(label: str, probability: float, *, threshold: float = 0.4, lesion: Mask | None = None) -> Finding:
    heat = np.zeros(SHAPE, np.float32)
    heat[0, 2, 3] = probability
    return Finding(
        label, Outcome.RAN, probability, threshold, mask=lesion, heatmap=heat, evidence=f"Measured on {label}."
    )


def anatomy(version: str = VERSION[ANATOMY]) -> Opinion:
    boxes = {"right lung": (1, 1, 6, 4), "left lung": (1, 6, 6, 9), "heart": (4, 4, 7, 7)}
    parts = tuple(
        Structure(label, mask(*box), (Quantity("area", float(mask(*box).sum()), "{pixels}"),))
        for label, box in boxes.items()
    )
    return Opinion(ANATOMY, version, Outcome.RAN, HASHES, anatomy=parts)


def findings(tuberculosis: float = 0.9, pneumonia: float = 0.1, version: str = VERSION[FINDINGS]) -> Opinion:
    found = (finding("tuberculosis", tuberculosis), finding("pneumonia", pneumonia))
    return Opinion(FINDINGS, version, Outcome.RAN, HASHES, findings=found)


def refused(reason: str = "This is a lateral view.") -> Opinion:
    return Opinion(FINDINGS, VERSION[FINDINGS], Outcome.REFUSED, HASHES, reason)


def film(name: str = "film", modality: str = "DX") -> Shown:
    return shown(stack(name, planes=[None]), modality, name)


def volume() -> Volume:
    image = picture()
    return Volume(image.stored[None], (image,), None, {})


def glimpse(index: int, model: str = FINDINGS, label: str = "tuberculosis", probability: float = 0.8) -> SliceGlimpse:
    """What a model shows of a slice: a box and its heat."""
    box = mask(2, 3, 5, 6)[0]
    return SliceGlimpse(model, label, index, probability, box, box * np.uint8(200))


class FakeWorker:
    """Answers with `opinions`; with `hold` set it waits until it is let go or cancelled.

    Before that it shows `glimpses`, by the model that is asked.
    """

    def __init__(self, *opinions: Opinion) -> None:
        self.models: Path = paths.models()
        self.opinions = {opinion.model: opinion for opinion in opinions}
        self.asked: list[tuple[str | None, bool]] = []
        self.first: list[int] = []
        self.glimpses: dict[str | None, tuple[SliceGlimpse, ...]] = {}
        self.problem: Exception | None = None
        self.hold = False
        self.heeds = True
        self.started, self.go_on = threading.Event(), threading.Event()
        self.up = self.closed = False

    def start(self) -> None:
        self.up = True

    def close(self) -> None:
        self.closed = True
        self.go_on.set()

    def run(
        self,
        volume: Volume,
        context: Context,
        progress: Progress,
        *,
        model: str | None = None,
        override: bool = False,
        first: int = 0,
        show: Show = lambda _glimpses: None,
    ) -> tuple[Opinion, ...]:
        assert context.slices == len(volume.stored)
        self.asked.append((model, override))
        self.first.append(first)
        progress.report(1, 2, "half way")
        show(self.glimpses.get(model, ()))
        if self.hold:
            self.started.set()
            while not self.go_on.wait(0.01):
                if self.heeds and progress.cancelled:
                    raise Cancelled
            show(self.glimpses.get("late", ()))
        if self.problem is not None:
            raise self.problem
        return tuple(o for name, o in self.opinions.items() if model in (None, name))
