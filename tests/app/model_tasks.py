"""What a worker process does in tests: the name of the model says how it behaves."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from radviewer.ai.context import Context
from radviewer.ai.request import Show
from radviewer.ai.worker import Tasks, bundled
from radviewer.domain.opinion import Finding, Glimpse, Opinion, Outcome, Structure
from radviewer.domain.volume import Volume
from radviewer.errors import RadviewerError
from radviewer.progress import Progress

Opinions = tuple[Opinion, ...]
_kept: list[Progress] = []


def opinion(volume: Volume, context: Context) -> Opinion:
    """An opinion that can be shown; its version is the process's id."""
    image = volume.slices[0]
    assert image is not None
    assert np.shares_memory(image.stored, volume.stored)
    seen = np.repeat(image.modality_values()[None] > 0, len(volume.stored), axis=0)
    heat = np.full(volume.stored.shape[:3], 0.5, np.float32)
    finding = Finding("spot", Outcome.RAN, 0.7, 0.5, mask=seen, heatmap=heat, evidence=context.modality or "")
    return Opinion("fake", str(os.getpid()), Outcome.RAN, findings=(finding,), anatomy=(Structure("all", seen),))


def _answer(volume: Volume, context: Context, progress: Progress) -> Opinions:
    progress.report(0, 2, "first")
    progress.report(1, 2, "second")
    return (opinion(volume, context),)


def _spoilt(**values: Any) -> Callable[[Volume, Context, Progress], Opinions]:
    def read(volume: Volume, context: Context, _progress: Progress) -> Opinions:
        found = opinion(volume, context)
        for name, value in values.items():
            object.__setattr__(found.findings[0], name, value)  # past the checks of its constructor
        return (found,)

    return read


def _another_outline(volume: Volume, context: Context, _progress: Progress) -> Opinions:
    found = opinion(volume, context)
    return (replace(found, anatomy=(Structure("all", np.zeros((1, 2, 3), bool)),)), found)


def _raising(error: BaseException) -> Callable[[Volume, Context, Progress], Opinions]:
    def read(*_: object) -> NoReturn:
        raise error

    return read


def _hang(_volume: Volume, _context: Context, progress: Progress) -> NoReturn:
    progress.report(0, 0, "there")
    threading.Event().wait()
    raise AssertionError


def _polite(_volume: Volume | None, _context: Context | None, progress: Progress) -> NoReturn:
    progress.report(0, 0, "there")
    pause = threading.Event()
    while True:
        progress.check()
        pause.wait(0.01)


def _stale(volume: Volume, context: Context, progress: Progress) -> Opinions:
    """Report on behalf of an earlier run, too."""
    for earlier in _kept:
        earlier.report(7, 7, "stale")
    _kept.append(progress)
    return _answer(volume, context, progress)


def _unsendable(volume: Volume, context: Context, _progress: Progress) -> Opinions:
    found = opinion(volume, context)
    object.__setattr__(found, "reason", lambda: "cannot be pickled")
    return (found,)


def _die(*_: object) -> NoReturn:
    os._exit(3)


def _be_killed(*_: object) -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def _abort(*_: object) -> NoReturn:
    os.abort()


def _aborting_late(_volume: Volume, _context: Context, progress: Progress) -> NoReturn:
    progress.report(0, 0, "there")
    os.abort()


def _raising_late(_volume: Volume, _context: Context, progress: Progress) -> NoReturn:
    progress.report(0, 0, "there")
    raise ValueError


def _junk(*_: object) -> Any:
    return ["no opinion"]


_MODELS: dict[str | None, Callable[[Volume, Context, Progress], Opinions]] = {
    None: _answer,
    "exits": _die,
    "aborts": _abort,
    "aborts late": _aborting_late,
    "raises late": _raising_late,
    "is killed": _be_killed,
    "raises": _raising(KeyError("Mustermann^Max")),
    "has no memory": _raising(MemoryError()),
    "torch has no memory": _raising(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried …")),
    "explains": _raising(RadviewerError("It needs what is not there.")),
    "leaves": _raising(SystemExit(0)),
    "hangs": _hang,
    "polite": _polite,
    "stale": _stale,
    "unsendable": _unsendable,
    "junk": _junk,
    "nan": _spoilt(probability=float("nan")),
    "two": _spoilt(probability=2.0),
    "mask shape": _spoilt(mask=np.zeros((1, 2, 3), bool)),
    "mask kind": _spoilt(mask=np.zeros((1, 6, 5), np.uint8)),
    "heat shape": _spoilt(heatmap=np.zeros((1, 2, 3), np.float32)),
    "heat kind": _spoilt(heatmap=np.zeros((1, 6, 5))),
    "heat nan": _spoilt(heatmap=np.full((1, 6, 5), np.nan, np.float32)),
    "heat high": _spoilt(heatmap=np.full((1, 6, 5), 1.5, np.float32)),
    "slices": _spoilt(slice_probabilities=(0.5, 0.5)),
    "slice nan": _spoilt(slice_probabilities=(float("nan"),)),
    "slice two": _spoilt(slice_probabilities=(2.0,)),
    "likeliest": _spoilt(likeliest=1),
    "outline": _another_outline,
}


Streaming = Callable[[Volume, Context, Progress, int, Show], Opinions]


def glimpse(volume: Volume, index: int, **values: Any) -> Glimpse:
    """What a model shows of a slice: one pixel of mask and heat, whose column is the slice."""
    _, rows, columns = volume.stored.shape[:3]
    mask, heat = np.zeros((rows, columns), bool), np.zeros((rows, columns), np.float32)
    mask[0, index % columns], heat[0, index % columns] = True, 1.0
    made: dict[str, Any] = {"probability": 0.5, "mask": mask, "heatmap": heat}
    return Glimpse("fake", "spot", index, **(made | values))


def order(first: int, count: int) -> list[int]:
    """Slices, those close to the first one first."""
    return sorted(range(count), key=lambda i: abs(i - first))


def _stream(volume: Volume, context: Context, progress: Progress, first: int, show: Show) -> Opinions:
    for done, i in enumerate(order(first, len(volume.stored))):
        if volume.slices[i] is not None:
            show(glimpse(volume, i))
        progress.report(done + 1, len(volume.stored), "slices")
    return (opinion(volume, context),)


def _stream_and(then: Callable[[Volume, Context, Progress], Opinions]) -> Streaming:
    def read(volume: Volume, context: Context, progress: Progress, first: int, show: Show) -> Opinions:
        show(glimpse(volume, first))
        return then(volume, context, progress)

    return read


def _stream_junk(volume: Volume, context: Context, _progress: Progress, first: int, show: Show) -> Opinions:
    count, rows, columns = volume.stored.shape
    nan = np.full((rows, columns), np.nan, np.float32)
    spoilt: list[tuple[int, dict[str, Any]]] = [
        (-1, {}),
        (count, {}),
        (first, {"probability": float("nan")}),
        (first, {"probability": 1.5}),
        (first, {"mask": np.ones((columns, rows), bool), "heatmap": None}),
        (first, {"mask": np.ones((rows, columns), bool), "heatmap": np.ones((columns, rows), np.float32)}),
        (first, {"mask": np.ones((rows, columns), np.float32)}),
        (first, {"mask": np.ones((1, rows, columns), bool), "heatmap": None}),
        (first, {"heatmap": nan}),
        (first, {"heatmap": np.full((rows, columns), -0.5, np.float32)}),
        (first, {"heatmap": np.full((rows, columns), 1.5, np.float32)}),
    ]
    for index, values in spoilt:
        show(glimpse(volume, index, **values))
    show(glimpse(volume, first, probability=None, mask=None, heatmap=None))
    return (opinion(volume, context),)


_STREAMING: dict[str | None, Streaming] = {
    "streams": _stream,
    "streams and exits": _stream_and(_die),
    "streams and hangs": _stream_and(_hang),
    "streams and goes on": _stream_and(_polite),
    "streams junk": _stream_junk,
}


class _Fake:
    def __init__(self, models: Path) -> None:
        self._models = models

    def warm_up(self, progress: Progress) -> None:
        """Say so in a pipe, and go on until something is asked."""
        pipe = self._models / "warming"
        if pipe.is_fifo():
            pipe.write_text(str(os.getpid()))
            _polite(None, None, progress)

    def read(
        self,
        volume: Volume,
        context: Context,
        progress: Progress,
        *,
        model: str | None,
        override: bool,
        first: int,
        show: Show,
    ) -> Opinions:
        if model in _STREAMING:
            return _STREAMING[model](volume, context, progress, first, show)
        found = _MODELS[model](volume, context, progress)
        return tuple(replace(one, overridden="it") for one in found) if override else found


def fake(models: Path) -> Tasks:
    return _Fake(models)


class _Watched:
    """The bundled models, and what of Qt their process has imported."""

    def __init__(self, models: Path) -> None:
        self._real = bundled(models)

    def warm_up(self, progress: Progress) -> None:
        self._real.warm_up(progress)

    def read(
        self,
        volume: Volume,
        context: Context,
        progress: Progress,
        *,
        model: str | None,
        override: bool,
        first: int,
        show: Show,
    ) -> Opinions:
        found = self._real.read(volume, context, progress, model=model, override=override, first=first, show=show)
        qt = ", ".join(sorted(name for name in sys.modules if name.startswith("PySide6")))
        nice = os.getpriority(os.PRIO_PROCESS, 0)
        policy = os.environ["OMP_WAIT_POLICY"]
        return (*found, Opinion("process", "1", Outcome.REFUSED, reason=f"{qt}|{nice}|{policy}"))


def watched(models: Path) -> Tasks:
    return _Watched(models)
