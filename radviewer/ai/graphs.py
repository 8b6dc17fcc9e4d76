"""Networks near the processor's speed: PyTorch is the reference, a compiled graph answers in its stead once it agrees.

``forward(network)(images)`` gives what ``network(images)`` gives, as a plain tuple.  PyTorch computes it until the
graph is there, so that no reading waits for one.  `prepare` makes the graphs of all networks that it was asked for,
and is called when nothing else is to be done: after the networks were loaded, and after an answer.  A graph of an
earlier start is taken from the user's cache.  None answers before its outputs were compared with PyTorch's in this
very process, at the size of the images that it will see; without OpenVINO, on another device than the CPU, or where
graph and reference differ, PyTorch goes on.

OpenVINO was chosen by measurement (tests/benchmarks/test_network_speed.py): on one core it needs 1.4-1.6 times what
the processor's fastest convolution would, ONNX Runtime 1.4-1.9 (and cannot hold a `LesionNet` for images of any size),
PyTorch 2.1-2.6.  Graphs take any size, which costs nothing against graphs for one size.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from radviewer.ai import graph_cache
from radviewer.ai.engine import Graph, Precision, identity, precisions
from radviewer.ai.translation import Untranslated, outputs, translated
from radviewer.progress import Progress

Shape = tuple[int, ...]
Backend = Literal["torch"] | Precision

TOLERANCE = 0.005
"""Largest root mean square difference from PyTorch, in those of the output itself or of 0.1, whichever is larger."""
_LEAST = 0.1
_VERSION = "1"  # of what is written to the cache
_REFUSED = b""  # cached in a graph's place: it differs from PyTorch
_FAILURES = (ImportError, OSError, RuntimeError, TypeError, ValueError, Untranslated)

_log = logging.getLogger(__name__)
_known: dict[tuple[int, str], Forward] = {}
_lock = threading.Lock()


def forward(network: nn.Module, method: str = "forward", shape: Shape | None = None) -> Forward:
    """Give the function that stands for a network's method; always the same one.

    Parameters
    ----------
    network : Module
        In evaluation mode; as `radviewer.ai.running.build` makes it, and like there kept for good.
    method : str
        From images ``(n, channels, rows, columns)``, float32, to one tensor or several.
    shape : tuple of int, optional
        Of the images to come.  Without it, `prepare` makes no graph before the first images came.

    """
    with _lock:
        found = _known.setdefault((id(network), method), Forward(network, method))
    if shape is not None:
        found.expect(shape)
    return found


def prepare(progress: Progress) -> None:
    """Make the graphs of all networks that have none yet; in the thread that runs them, whose limit of threads counts.

    Raises
    ------
    Cancelled
        Between two steps of some tenths of a second, when `progress` was cancelled; the next call goes on.

    """
    with _lock:
        waiting = list(_known.values())
    for item in waiting:
        item.prepare(progress)


class Forward:
    """A network's method, computed by PyTorch or by a graph that agrees with it; may be called from any thread."""

    def __init__(self, network: nn.Module, method: str) -> None:
        self._network, self._method = network, method
        self._shape: Shape | None = None
        self._graph: Graph | None = None
        self._backend: Backend = "torch"
        self._settled = False  # a graph is there, or there will be none
        self._making = threading.Lock()

    @property
    def backend(self) -> Backend:
        """What computes at present: PyTorch, or a graph in one of two precisions."""
        return self._backend

    def expect(self, shape: Shape) -> None:
        """Say which images will come."""
        self._shape = shape

    def reference(self, images: Tensor) -> tuple[Tensor, ...]:
        """What PyTorch computes."""
        with torch.inference_mode():
            return outputs(getattr(self._network, self._method)(images))

    def __call__(self, images: Tensor) -> tuple[Tensor, ...]:
        """Compute; outputs are as the network's, float32 and without gradients."""
        graph = self._graph
        if graph is not None and _suits(graph, images):
            try:
                return graph(images)
            except RuntimeError as problem:
                self._give_up(problem)
        self._shape = self._shape or tuple(images.shape)
        return self.reference(images)

    def prepare(self, progress: Progress) -> None:
        """Make the graph, unless it is there, cannot be had, or no images have been named yet.

        Raises
        ------
        Cancelled

        """
        with self._making:
            if self._settled or self._shape is None:
                return
            try:
                self._make(self._shape, progress)
            except _FAILURES as problem:
                self._give_up(problem)
            self._settled = True

    def _give_up(self, problem: Exception) -> None:
        self._graph, self._backend, self._settled = None, "torch", True
        _log.info("%s runs in PyTorch: %s", type(self._network).__name__, problem)

    def _make(self, shape: Shape, progress: Progress) -> None:
        if any(parameter.device.type != "cpu" for parameter in self._network.parameters()):
            return
        progress.check()
        images = _probe(shape)
        expected = self.reference(images)
        for precision in precisions():
            graph = self._agreeing(precision, lambda graph: _agree(graph(images), expected), shape[1], progress)
            if graph is not None:
                self._graph, self._backend = graph, precision
                return
        _log.info("%s runs in PyTorch: its graph differs", type(self._network).__name__)

    def _agreeing(
        self, precision: Precision, agrees: Callable[[Graph], bool], channels: int, progress: Progress
    ) -> Graph | None:
        """The graph from the cache, or a new one that is put there; None if it does not agree."""
        key = self._key(precision)
        data = graph_cache.load(key)
        if data == _REFUSED:
            return None
        if data is not None:
            with suppress(RuntimeError):  # written by another program: made anew
                graph = Graph.restored(data, precision)
                if agrees(graph):
                    return graph
        progress.check()
        model = translated(getattr(self._network, self._method), channels)
        progress.check()
        graph = Graph.compiled(model, precision)
        progress.check()
        agreed = agrees(graph)
        graph_cache.save(key, graph.exported() if agreed else _REFUSED)
        return graph if agreed else None

    def _key(self, precision: Precision) -> str:
        """Hex digest of all that the graph depends on; the network's code is compared, by what it computes."""
        digest = hashlib.sha256()
        for text in (_VERSION, identity(), precision, type(self._network).__name__, self._method):
            digest.update(f"{text}\n".encode())
        for name, tensor in self._network.state_dict().items():
            digest.update(f"{name} {tuple(tensor.shape)}\n".encode())
            digest.update(np.ascontiguousarray(tensor.numpy(force=True)).data)
        return digest.hexdigest()


def _suits(graph: Graph, images: Tensor) -> bool:
    """Whether it may answer: for images like those it was compared with, on no more threads than are allowed now."""
    return images.device.type == "cpu" and images.dtype == torch.float32 and graph.threads <= torch.get_num_threads()


def _probe(shape: Shape) -> Tensor:
    """Images of broad shapes under some noise, always the same."""
    generator = torch.Generator().manual_seed(0)
    broad = torch.rand((*shape[:2], 8, 8), generator=generator)
    noise = torch.rand(shape, generator=generator)
    return 0.8 * functional.interpolate(broad, size=shape[2:], mode="bilinear") + 0.2 * noise


def _agree(found: tuple[Tensor, ...], expected: tuple[Tensor, ...]) -> bool:
    return len(found) == len(expected) and all(
        a.shape == b.shape and _size(a - b) <= TOLERANCE * max(_size(b), _LEAST)  # false for what is not a number
        for a, b in zip(found, expected, strict=True)
    )


def _size(values: Tensor) -> float:
    return float(values.square().mean().sqrt())
