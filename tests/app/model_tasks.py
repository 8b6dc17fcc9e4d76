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
from radviewer.ai.worker import Tasks, bundled
from radviewer.domain.opinion import Finding, Opinion, Outcome, Structure
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
    seen = image.modality_values()[None] > 0
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
    "outline": _another_outline,
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
        self, volume: Volume, context: Context, progress: Progress, *, model: str | None, override: bool
    ) -> Opinions:
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
        self, volume: Volume, context: Context, progress: Progress, *, model: str | None, override: bool
    ) -> Opinions:
        found = self._real.read(volume, context, progress, model=model, override=override)
        qt = ", ".join(sorted(name for name in sys.modules if name.startswith("PySide6")))
        nice = os.getpriority(os.PRIO_PROCESS, 0)
        policy = os.environ["OMP_WAIT_POLICY"]
        return (*found, Opinion("process", "1", Outcome.REFUSED, reason=f"{qt}|{nice}|{policy}"))


def watched(models: Path) -> Tasks:
    return _Watched(models)
