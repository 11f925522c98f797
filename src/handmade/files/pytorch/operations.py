"""Operations of PyTorch as operations of ONNX, one function each; the names of the arguments are those of PyTorch.

An operation is called with the graph that is built, its tensors as values, and its other arguments as they are. Images are
(N, C, H, W). In inference, Dropout passes all numbers, and BatchNorm takes its running statistics.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from handmade.files.onnx.errors import OutOfScope
from handmade.files.pytorch.traced import Tensor, Traced
from handmade.files.pytorch.window_operations import (
    adaptive_avg_pool2d,
    adaptive_max_pool2d,
    avg_pool2d,
    batch_norm,
    conv2d,
    linear,
    max_pool2d,
)

Operation = Callable[..., Tensor]


def _axis(axis: int, x: Tensor) -> int:
    return axis % len(x.shape)


def _axes(axes: Any, x: Tensor) -> list[int]:
    if axes is None:
        raise OutOfScope("over all axes, that of the images among them")
    found = [_axis(axis, x) for axis in ([axes] if isinstance(axes, int) else axes)]
    if 0 in found:
        raise OutOfScope("along the axis of the images")
    return found


def _reshaped(to: Traced, x: Tensor, *_: Any, **__: Any) -> Tensor:
    """Return x in the shape that PyTorch gave it."""
    return to.reshape(x, to.shape)


def _same(_to: Traced, x: Tensor, *_: Any, **__: Any) -> Tensor:
    return x


def _by_number(op: str, **attributes: float) -> Operation:
    def apply(to: Traced, x: Tensor, *_: Any, **__: Any) -> Tensor:
        return to.emit(op, [x], **attributes)

    return apply


def leaky_relu(to: Traced, x: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:  # noqa: ARG001, FBT001, FBT002
    """Return x, with the slope for negative numbers."""
    return to.emit("LeakyRelu", [x], alpha=float(negative_slope))


def elu(to: Traced, x: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:  # noqa: ARG001, FBT001, FBT002
    """Return the exponential linear unit of x."""
    return to.emit("Elu", [x], alpha=float(alpha))


def gelu(to: Traced, x: Tensor, approximate: str = "none") -> Tensor:
    """Return the Gaussian error linear unit of x."""
    return to.emit("Gelu", [x], approximate=approximate)


def clamp(to: Traced, x: Tensor, min: float | None = None, max: float | None = None) -> Tensor:  # noqa: A002  names of PyTorch
    """Return x between two numbers."""
    limits = [None if limit is None else np.asarray(limit, np.float32) for limit in (min, max)]
    return to.emit("Clip", [x, *limits])


def hardtanh(to: Traced, x: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:  # noqa: ARG001, FBT001, FBT002
    """Return x between two numbers."""
    return clamp(to, x, min_val, max_val)


def hardsigmoid(to: Traced, x: Tensor, *_: Any, **__: Any) -> Tensor:
    """Return x / 6 + 1/2 between 0 and 1."""
    return to.emit("HardSigmoid", [x], alpha=1 / 6, beta=0.5)


def _times(gate: Operation) -> Operation:
    """Return x times a gate: SiLU and Hardswish."""
    return lambda to, x, *_, **__: to.emit("Mul", [x, gate(to, x)])


def softmax(to: Traced, x: Tensor, dim: int | None = None, *_: Any, log: bool = False, **__: Any) -> Tensor:
    """Return probabilities along an axis, or their logarithms; without an axis, PyTorch takes that of the channels."""
    axis = (0 if len(x.shape) in {1, 3} else 1) if dim is None else _axis(dim, x)
    if axis == 0:
        raise OutOfScope("a softmax along the axis of the images")
    return to.emit("LogSoftmax" if log else "Softmax", [x], axis=axis)


def log_softmax(to: Traced, x: Tensor, dim: int | None = None, *_: Any, **__: Any) -> Tensor:
    """Return logarithms of probabilities along an axis."""
    return softmax(to, x, dim, log=True)


def permute(to: Traced, x: Tensor, *dims: Any) -> Tensor:
    """Return x with its axes in another order."""
    axes = dims[0] if len(dims) == 1 and not isinstance(dims[0], int) else dims
    return to.emit("Transpose", [x], perm=[_axis(axis, x) for axis in axes])


def transpose(to: Traced, x: Tensor, dim0: int, dim1: int) -> Tensor:
    """Return x with two axes swapped."""
    axes = list(range(len(x.shape)))
    axes[dim0], axes[dim1] = axes[dim1], axes[dim0]
    return to.emit("Transpose", [x], perm=axes)


def cat(to: Traced, tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Return tensors one after the other."""
    axis = dim % len(to.shape)
    if axis == 0:
        raise OutOfScope("concatenation of images of several batches")
    return to.emit("Concat", list(tensors), axis=axis)


def _reduce(op: str) -> Operation:
    def reduce(to: Traced, x: Tensor, dim: Any = None, keepdim: bool = False, **__: Any) -> Tensor:  # noqa: FBT001, FBT002
        return to.emit(op, [x, np.array(_axes(dim, x), np.int64)], keepdims=int(keepdim))

    return reduce


def _binary(op: str, *, swapped: bool = False) -> Operation:
    def join(to: Traced, a: Any, b: Any, alpha: float = 1, **__: Any) -> Tensor:
        if alpha != 1:
            raise OutOfScope("a sum with alpha")
        sides = [side if isinstance(side, Tensor | np.ndarray) else np.asarray(side, np.float32) for side in (a, b)]
        return to.emit(op, sides[::-1] if swapped else sides)

    return join


def power(to: Traced, x: Tensor, exponent: float) -> Tensor:
    """Return x squared, or its square root."""
    if exponent not in {2, 0.5, 1}:
        raise OutOfScope(f"x to the power of {exponent}")
    return x if exponent == 1 else to.emit("Mul", [x, x]) if exponent == 2 else to.emit("Sqrt", [x])


def pad(to: Traced, x: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Tensor:
    """Return x with numbers around it; `pad` begins with the last axis."""
    before, after = [0] * len(x.shape), [0] * len(x.shape)
    for k, (first, last) in enumerate(zip(pad[::2], pad[1::2], strict=True), 1):
        before[-k], after[-k] = int(first), int(last)
    modes = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
    inputs: list[Any] = [x, np.array([*before, *after], np.int64)]
    return to.emit("Pad", [*inputs, np.asarray(value or 0.0, np.float32)], mode=modes[mode])


def getitem(to: Traced, x: Tensor, key: Any) -> Tensor:
    """Return a part of x: ranges, integers, None and ... in brackets; the images must stay."""
    keys = list(key) if isinstance(key, tuple) else [key]
    if Ellipsis in keys:
        at = keys.index(Ellipsis)
        used = sum(each is not None and each is not Ellipsis for each in keys)
        keys[at : at + 1] = [slice(None)] * (len(x.shape) - used)
    cuts, axis = [], 0
    for each in keys:
        if each is None:
            continue
        size = x.shape[axis]
        if axis == 0 and each != slice(None):
            raise OutOfScope("a part of the images")
        if isinstance(each, int):
            cuts.append((axis, each % size, each % size + 1, 1))
        elif isinstance(each, slice):
            if each != slice(None):
                cuts.append((axis, *each.indices(size)))
        else:
            raise OutOfScope("indices that are neither ranges nor integers")
        axis += 1
    found = x
    if cuts:
        axes, starts, stops, steps = (np.array(column, np.int64) for column in zip(*cuts, strict=True))
        found = to.emit("Slice", [x, starts, stops, axes, steps])
    return to.reshape(found, to.shape)


def expand(to: Traced, x: Tensor, *_: Any) -> Tensor:
    """Return copies of x along axes of size 1, in the shape that PyTorch gave it."""
    if len(x.shape) != len(to.shape):
        raise OutOfScope("copies along new axes")
    return to.emit("Expand", [x, np.array([1, *to.shape[1:]], np.int64)])


BY_NAME: dict[str, Operation] = {  # functions of torch, torch.nn.functional and operator, and methods of tensors
    **{name: _by_number("Relu") for name in ("relu", "relu_")},
    **{name: _by_number("Sigmoid") for name in ("sigmoid", "sigmoid_")},
    **{name: _by_number("Tanh") for name in ("tanh", "tanh_")},
    "exp": _by_number("Exp"),
    "log": _by_number("Log"),
    "sqrt": _by_number("Sqrt"),
    "neg": lambda to, x: to.emit("Mul", [x, np.asarray(-1, np.float32)]),
    "leaky_relu": leaky_relu,
    "leaky_relu_": leaky_relu,
    "elu": elu,
    "gelu": gelu,
    "hardtanh": hardtanh,
    "relu6": lambda to, x, *_, **__: clamp(to, x, 0.0, 6.0),
    "hardsigmoid": hardsigmoid,
    "silu": _times(_by_number("Sigmoid")),
    "hardswish": _times(hardsigmoid),
    "clamp": clamp,
    "clip": clamp,
    "softmax": softmax,
    "log_softmax": log_softmax,
    "linear": linear,
    "conv2d": conv2d,
    "batch_norm": batch_norm,
    "max_pool2d": max_pool2d,
    "_max_pool2d": max_pool2d,
    "avg_pool2d": avg_pool2d,
    "pad": pad,
    "_pad": pad,
    "adaptive_avg_pool2d": adaptive_avg_pool2d,
    "adaptive_max_pool2d": adaptive_max_pool2d,
    "_adaptive_max_pool2d": adaptive_max_pool2d,
    **dict.fromkeys(
        ("dropout", "dropout2d", "feature_dropout", "alpha_dropout", "contiguous", "clone", "detach", "float"), _same
    ),
    **dict.fromkeys(("flatten", "view", "reshape", "squeeze", "unsqueeze", "unflatten", "view_as", "reshape_as"), _reshaped),
    "permute": permute,
    "transpose": transpose,
    "swapaxes": transpose,
    "expand": expand,
    **dict.fromkeys(("cat", "concat", "concatenate"), cat),
    "mean": _reduce("ReduceMean"),
    "sum": _reduce("ReduceSum"),
    "pow": power,
    "square": lambda to, x: power(to, x, 2),
    **dict.fromkeys(("add", "add_", "iadd"), _binary("Add")),
    **dict.fromkeys(("sub", "sub_", "isub", "subtract"), _binary("Sub")),
    "rsub": _binary("Sub", swapped=True),
    **dict.fromkeys(("mul", "mul_", "imul", "multiply"), _binary("Mul")),
    **dict.fromkeys(("div", "div_", "truediv", "itruediv", "true_divide", "divide"), _binary("Div")),
    **dict.fromkeys(("matmul", "bmm"), _binary("MatMul")),
    "getitem": getitem,
}
