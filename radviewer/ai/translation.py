"""A network's function as an OpenVINO graph, written down operation by operation while PyTorch runs it once.

Nothing is described a second time: what the network's own code calls is what the graph does, for any number of
images of any size.  An operation that the table does not know is refused.  PyTorch's own ways of writing a function
down were measured and left: `torch.jit.trace` is deprecated, takes seconds, and OpenVINO's use of it changes functions
of torch under the feet of other threads; `torch.export` takes half a minute and 300 MiB.  Watching takes a tenth of a
second and is bound to its thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from radviewer.ai.engine import openvino

Function = Callable[[Tensor], Tensor | tuple[Tensor, ...]]
"""From images ``(n, channels, rows, columns)``, float32, to one tensor or several."""

_EXAMPLE = (2, 64, 64)  # images, rows, columns
_SPATIAL = (2, 3)


class Untranslated(Exception):
    """The network calls something that the table does not know."""


def translated(function: Function, channels: int) -> Any:
    """Write a network's function down.

    Parameters
    ----------
    function : callable
        In evaluation mode, on the CPU.  The graph uses its weights where they lie: they must not change.
    channels : int
        Of its input.

    Returns
    -------
    openvino.Model
        From the same input to the same outputs.

    Raises
    ------
    Untranslated

    """
    count, rows, columns = _EXAMPLE
    images = torch.full((count, channels, rows, columns), 0.5)
    parameter = openvino().opset15.parameter([-1, channels, -1, -1], np.float32)
    with torch.inference_mode(), _Watch(images, parameter) as watch:
        found = function(images)
    return openvino().Model([watch.node(part) for part in outputs(found)], [parameter], "network")


def outputs(found: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """What a function returned, as a plain tuple."""
    return (found,) if isinstance(found, Tensor) else tuple(found)


class _Watch(TorchFunctionMode):
    """Keeps, for every tensor that depends on the images, the node that computes it."""

    def __init__(self, images: Tensor, parameter: Any) -> None:
        super().__init__()
        self._table = _Operations(self.node).table()
        self._kept = {id(images): (images, parameter)}  # with the tensors, so that no later one gets their id

    def node(self, tensor: Tensor) -> Any:
        """Node of a tensor; one that does not depend on the images is a constant."""
        if id(tensor) in self._kept:
            return self._kept[id(tensor)][1]
        values = np.ascontiguousarray(tensor.numpy(force=True))
        return openvino().opset15.constant(values, shared_memory=True)  # most weights are in memory once, then

    def __torch_function__(
        self, func: Callable[..., Any], _types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run an operation and write it down."""
        named = kwargs or {}
        depends = any(id(value) in self._kept for value in _flat((*args, *named.values())))
        known = self._table.get(func) if depends else None
        node = None if known is None else known(*args, **named)  # before it runs: it may work in place
        result = func(*args, **named)
        if node is not None:
            self._kept[id(result)] = (result, node)
        elif depends and any(isinstance(value, Tensor) for value in _flat((result,))):
            raise Untranslated(str(func))
        return result


def _flat(values: Iterable[Any]) -> list[Any]:
    return [item for value in values for item in (value if isinstance(value, tuple | list) else (value,))]


class _Operations:
    """OpenVINO's name for each operation; parameters are named and ordered as PyTorch's.

    Parameters
    ----------
    node : callable
        The node that stands for a tensor.

    """

    def __init__(self, node: Callable[[Tensor], Any]) -> None:
        self._node = node
        self._ops = openvino().opset15

    def table(self) -> dict[Callable[..., Any], Callable[..., Any]]:
        """The method for each function of PyTorch."""
        return {
            Tensor.add: lambda a, b: self._ops.add(*self._two(a, b)),
            Tensor.sub: lambda a, b: self._ops.subtract(*self._two(a, b)),
            Tensor.mul: lambda a, b: self._ops.multiply(*self._two(a, b)),
            Tensor.div: lambda a, b: self._ops.divide(*self._two(a, b)),
            Tensor.sigmoid: lambda x: self._ops.sigmoid(self._node(x)),
            Tensor.mean: self.mean,
            Tensor.sum: self.sum,
            Tensor.expand: self.expand,
            Tensor.__getitem__: self.getitem,
            torch.cat: lambda tensors, dim: self._ops.concat([self._node(x) for x in tensors], dim),
            torch.ones_like: self.ones_like,
            torch.einsum: lambda equation, *tensors: self._ops.einsum([self._node(x) for x in tensors], equation),
            functional.conv2d: self.conv2d,
            functional.linear: self.linear,
            functional.batch_norm: self.batch_norm,
            functional.pad: self.pad,
            functional.relu6: lambda x, **_: self._ops.clamp(self._node(x), 0.0, 6.0),
            functional.interpolate: self.interpolate,
            functional.avg_pool2d: self.avg_pool2d,
            functional.dropout: self.dropout,
            functional.dropout2d: self.dropout,
        }

    def _two(self, *values: Tensor | float) -> list[Any]:
        return [self._node(v) if isinstance(v, Tensor) else self._ops.constant(np.float32(v)) for v in values]

    def mean(self, x: Tensor, dim: Sequence[int], keepdim: bool = False) -> Any:
        return self._ops.reduce_mean(self._node(x), np.array(dim), keepdim)

    def sum(self, x: Tensor, dim: Sequence[int], keepdim: bool = False) -> Any:
        return self._ops.reduce_sum(self._node(x), np.array(dim), keepdim)

    def expand(self, x: Tensor, *sizes: int) -> Any:
        target = np.array([1 if size == -1 else size for size in sizes])
        return self._ops.broadcast(self._node(x), target, broadcast_spec="BIDIRECTIONAL")

    def ones_like(self, x: Tensor) -> Any:
        return self._ops.broadcast(self._ops.constant(np.float32(1)), self._ops.shape_of(self._node(x)))

    def getitem(self, x: Tensor, key: Any) -> Any:
        """Whole axes and single places of others."""
        found = self._node(x)
        for axis, place in reversed(list(enumerate(key if isinstance(key, tuple) else (key,)))):
            if isinstance(place, int):
                found = self._ops.gather(found, np.array(place), np.array(axis))
            elif place != slice(None):
                raise Untranslated(f"a tensor at {key}")
        return found

    def conv2d(
        self,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None = None,
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
    ) -> Any:
        steps, pads, spread = (_pair(value) for value in (stride, padding, dilation))
        if groups == 1:
            found = self._ops.convolution(self._node(x), self._node(weight), steps, pads, pads, spread)
        else:
            grouped = weight.reshape(groups, weight.shape[0] // groups, *weight.shape[1:])
            found = self._ops.group_convolution(self._node(x), self._node(grouped), steps, pads, pads, spread)
        return found if bias is None else self._ops.add(found, self._node(bias.reshape(1, -1, 1, 1)))

    def linear(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Any:
        found = self._ops.matmul(self._node(x), self._node(weight), False, True)
        return found if bias is None else self._ops.add(found, self._node(bias))

    def batch_norm(
        self,
        x: Tensor,
        mean: Tensor,
        variance: Tensor,
        weight: Tensor,
        bias: Tensor,
        *,
        training: bool,
        eps: float,
        **_: Any,
    ) -> Any:
        if training:
            raise Untranslated("batch norm in training")
        scale = weight / (variance + eps).sqrt()
        scaled = self._ops.multiply(self._node(x), self._node(scale.reshape(1, -1, 1, 1)))
        return self._ops.add(scaled, self._node((bias - mean * scale).reshape(1, -1, 1, 1)))

    def pad(self, x: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Any:
        if len(pad) != 4 or mode != "constant":
            raise Untranslated(f"padding {mode} {pad}")
        left, right, top, bottom = pad
        before, after = np.array([0, 0, top, left]), np.array([0, 0, bottom, right])
        return self._ops.pad(self._node(x), before, after, "constant", np.float32(value or 0))

    def interpolate(
        self,
        x: Tensor,
        size: Any = None,
        scale_factor: float | None = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
        antialias: bool = False,
    ) -> Any:
        if size is not None or scale_factor is None or mode != "bilinear":
            raise Untranslated(f"interpolation {mode} to {size}")
        if align_corners or recompute_scale_factor or antialias:
            raise Untranslated("interpolation in another manner")
        scales = np.full(2, scale_factor, np.float32)
        return self._ops.interpolate(self._node(x), scales, "linear_onnx", "scales", axes=np.array(_SPATIAL))

    def avg_pool2d(self, x: Tensor, size: int | tuple[int, int]) -> Any:
        """Of whole windows side by side."""
        window = _pair(size)
        if any(x.shape[axis] % length for axis, length in zip(_SPATIAL, window, strict=True)):
            raise Untranslated("pooling in another manner")
        return self._ops.avg_pool(self._node(x), window, [0, 0], [0, 0], window, True)

    def dropout(self, x: Tensor, *, training: bool, **_: Any) -> Any:
        """Nothing, outside training."""
        if training:
            raise Untranslated("dropout in training")
        return self._node(x)


def _pair(value: int | tuple[int, int]) -> list[int]:
    return [value, value] if isinstance(value, int) else list(value)
