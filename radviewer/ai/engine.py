"""OpenVINO, as this program runs it: on the processor, within PyTorch's limit of threads, telling nobody.

The only importer of OpenVINO.  Nothing here is imported before the first graph is made.
"""

from __future__ import annotations

import hashlib
import sys
import threading
from functools import cache
from types import ModuleType
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

Precision = Literal["bf16", "f32"]
_PROCESSOR = "CPU"


@cache
def openvino() -> Any:
    """Import OpenVINO.

    Its Python package reports each import to its makers over the network, without having asked, and writes an
    identifier into the user's home.  The package that does so is kept out; OpenVINO then does without.
    """
    sys.modules["openvino_telemetry"] = ModuleType("openvino_telemetry")  # empty: every import from it fails
    import openvino

    return openvino


@cache
def _core() -> Any:
    return openvino().Core()


@cache
def precisions() -> tuple[Precision, ...]:
    """What this processor computes in, the faster first."""
    capable = "BF16" in _core().get_property(_PROCESSOR, "OPTIMIZATION_CAPABILITIES")
    return ("bf16", "f32") if capable else ("f32",)


@cache
def identity() -> str:
    """Hex digest of all that a compiled graph depends on beside the network: the library and the processor."""
    core = _core()
    told = [core.get_property(_PROCESSOR, name) for name in ("FULL_DEVICE_NAME", "OPTIMIZATION_CAPABILITIES")]
    return hashlib.sha256(
        repr((openvino().__version__, torch.backends.cpu.get_cpu_capability(), told)).encode()
    ).hexdigest()


class Graph:
    """A compiled graph; may be called from any thread, one at a time runs.

    Attributes
    ----------
    threads : int
        That it computes with: PyTorch's limit in the thread that made it.

    """

    def __init__(self, compiled: Any, threads: int) -> None:
        self.threads = threads
        self._compiled = compiled
        self._request = compiled.create_infer_request()
        self._lock = threading.Lock()

    @classmethod
    def compiled(cls, model: Any, precision: Precision) -> Graph:
        """Compile a translated network."""
        threads = torch.get_num_threads()
        return cls(_core().compile_model(model, _PROCESSOR, _settings(precision, threads)), threads)

    @classmethod
    def restored(cls, data: bytes, precision: Precision) -> Graph:
        """Read what `exported` wrote.

        Raises
        ------
        RuntimeError
            If OpenVINO cannot.

        """
        threads = torch.get_num_threads()
        return cls(_core().import_model(data, _PROCESSOR, _settings(precision, threads)), threads)

    def exported(self) -> bytes:
        """The graph as a file, for this library on this processor only."""
        data: bytes = self._compiled.export_model().getvalue()
        return data

    def __call__(self, images: Tensor) -> tuple[Tensor, ...]:
        """Compute, float32.

        Raises
        ------
        RuntimeError
            If OpenVINO cannot.

        """
        array = np.ascontiguousarray(images.numpy(force=True))
        with self._lock:
            found = tuple(self._request.infer([array], share_inputs=True).values())
            self._compiled.release_memory()  # of the layers: back to the process, where the next network takes it
        return tuple(torch.from_numpy(part) for part in found)


def _settings(precision: Precision, threads: int) -> dict[str, Any]:
    return {
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": 1,
        "INFERENCE_NUM_THREADS": threads,
        "ENABLE_CPU_PINNING": False,  # the window's thread must find a core wherever it is
        "INFERENCE_PRECISION_HINT": precision,
    }
