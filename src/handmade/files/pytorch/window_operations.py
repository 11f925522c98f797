"""Operations of PyTorch with weights or windows as operations of ONNX, one function each; see operations.py."""

from collections.abc import Callable
from typing import Any

import numpy as np

from handmade.engine.arrays import Array
from handmade.files.onnx.errors import OutOfScope
from handmade.files.pytorch.traced import Tensor, Traced


def _pair(value: Any) -> list[int]:
    return [int(value)] * 2 if isinstance(value, int) else [int(each) for each in value]


def conv2d(
    to: Traced,
    x: Tensor,
    weight: Array,
    bias: Array | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Return a convolution; `padding` may be "same" or "valid"."""
    apart, kernel = _pair(dilation), weight.shape[2:]
    if isinstance(padding, str):
        total = [step * (size - 1) if padding == "same" else 0 for step, size in zip(apart, kernel, strict=True)]
        pads = [*(each // 2 for each in total), *(each - each // 2 for each in total)]
    else:
        pads = 2 * _pair(padding)
    inputs: list[Tensor | Array | None] = [x, weight] if bias is None else [x, weight, bias]
    return to.emit("Conv", inputs, kernel_shape=kernel, strides=_pair(stride), pads=pads, dilations=apart, group=groups)


def linear(to: Traced, x: Tensor, weight: Array, bias: Array | None = None) -> Tensor:
    """Return x times the transposed weight, plus the bias."""
    if len(x.shape) == 2:
        return to.emit("Gemm", [x, weight] if bias is None else [x, weight, bias], transB=1)
    product = to.emit("MatMul", [x, np.ascontiguousarray(weight.T)])
    return product if bias is None else to.emit("Add", [product, bias])


def batch_norm(
    to: Traced,
    x: Tensor,
    running_mean: Array | None,
    running_var: Array | None,
    weight: Array | None = None,
    bias: Array | None = None,
    training: bool = False,  # noqa: FBT001, FBT002  the argument of PyTorch
    momentum: float | None = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Return x, normalised by the running statistics."""
    if running_mean is None or running_var is None or training:
        raise OutOfScope("batch normalisation without running statistics")
    scale = np.ones_like(running_var) if weight is None else weight
    shift = np.zeros_like(running_var) if bias is None else bias
    kept = 1.0 - (0.1 if momentum is None else momentum)
    return to.emit("BatchNormalization", [x, scale, shift, running_mean, running_var], epsilon=eps, momentum=kept)


def max_pool2d(
    to: Traced,
    x: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,  # noqa: FBT001, FBT002
    return_indices: bool = False,  # noqa: FBT001, FBT002
) -> Tensor:
    """Return the largest number of each window."""
    if return_indices:
        raise OutOfScope("max pooling that returns indices")
    attributes = _windows(kernel_size, stride, padding, ceil=ceil_mode)
    return to.emit("MaxPool", [x], dilations=_pair(dilation), **attributes)


def avg_pool2d(
    to: Traced,
    x: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,  # noqa: FBT001, FBT002
    count_include_pad: bool = True,  # noqa: FBT001, FBT002
    divisor_override: int | None = None,
) -> Tensor:
    """Return the mean of each window."""
    if divisor_override is not None:
        raise OutOfScope("average pooling with a divisor of its own")
    attributes = _windows(kernel_size, stride, padding, ceil=ceil_mode)
    return to.emit("AveragePool", [x], count_include_pad=int(count_include_pad), **attributes)


def _windows(kernel: Any, stride: Any, padding: Any, *, ceil: bool) -> dict[str, Any]:
    size = _pair(kernel)
    steps = size if stride is None or stride == [] else _pair(stride)
    return {"kernel_shape": size, "strides": steps, "pads": 2 * _pair(padding), "ceil_mode": int(ceil)}


def _adaptive(name: str) -> Callable[..., Tensor]:
    """Return the operation of an adaptive pool, whose windows must divide the image."""

    def pool(to: Traced, x: Tensor, output_size: Any, return_indices: bool = False) -> Tensor:  # noqa: FBT001, FBT002
        sizes = x.shape[2:]
        asked = [output_size] * 2 if output_size is None or isinstance(output_size, int) else list(output_size)
        goal = [size if each is None else int(each) for each, size in zip(asked, sizes, strict=True)]
        if return_indices or any(size % each for size, each in zip(sizes, goal, strict=True)):
            raise OutOfScope(f"adaptive pooling of {tuple(sizes)} to {tuple(goal)}, whose windows differ in size")
        if goal == [1, 1]:
            return to.emit(f"Global{name}", [x])
        kernel = [size // each for size, each in zip(sizes, goal, strict=True)]
        return to.emit(name, [x], kernel_shape=kernel, strides=kernel)

    return pool


adaptive_avg_pool2d, adaptive_max_pool2d = _adaptive("AveragePool"), _adaptive("MaxPool")
