"""The one table of cases: a new layer is one new row, and every law is checked for it.

Heights differ from widths, kernels from squares, channels from filters, strides and paddings from axis to axis: where two
numbers agree, code that mistakes one for the other cannot be told from code that does not.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from handmade.engine import loops
from handmade.engine.arrays import Array, Shape
from handmade.engine.layers import Conv2d, Flatten, Linear, MaxPool2d, ReLU, Weighted

Parameters: TypeAlias = dict[str, Array]
Pair: TypeAlias = tuple[int, int]
Draw: TypeAlias = Callable[[np.random.Generator, Shape], Array]


@dataclass(frozen=True)
class Case:
    layer: Any
    shape: Shape  # of the input, the images included
    twin: Callable[[Array, Parameters], Array]  # the same layer in nested loops, for numbers of any kind

    @property
    def parameters(self) -> Parameters:
        return self.layer.parameters() if isinstance(self.layer, Weighted) else {}

    @property
    def terms(self) -> int:
        """How many products and sums make one number of the output."""
        return 1 + sum(math.prod(array.shape[:-1]) for array in self.parameters.values())

    def single(self) -> "Case":
        """The same case in float32."""
        parameters = {name: array.astype(np.float32) for name, array in self.parameters.items()}
        return replace(self, layer=self.layer.replace(parameters)) if parameters else self


def conv(shape: Shape, kernel: Pair, filters: int, stride: Pair = (1, 1), padding: Pair = (0, 0)) -> Case:
    rng = np.random.default_rng(1)
    layer = Conv2d(rng.standard_normal((*kernel, shape[-1], filters)), rng.standard_normal(filters), stride, padding)
    return Case(layer, shape, lambda x, p: loops.conv2d(x, p["W"], p["b"], stride, padding))


def pool(shape: Shape, window: Pair, stride: Pair, padding: Pair = (0, 0)) -> Case:
    return Case(MaxPool2d(window, stride, padding), shape, lambda x, _: loops.max_pool2d(x, window, stride, padding))


def linear(images: int, inputs: int, outputs: int) -> Case:
    rng = np.random.default_rng(2)
    layer = Linear(rng.standard_normal((inputs, outputs)), rng.standard_normal(outputs))
    return Case(layer, (images, inputs), lambda x, p: loops.linear(x, p["W"], p["b"]))


def relu(shape: Shape) -> Case:
    return Case(ReLU(), shape, lambda x, _: loops.relu(x))


def flatten(shape: Shape) -> Case:
    return Case(Flatten(), shape, lambda x, _: loops.flatten(x))


def flatten_rows(shape: Shape) -> Case:
    return Case(Flatten(), shape, lambda x, _: x)


CASES: dict[str, Case] = {
    "conv": conv((2, 5, 4, 2), (3, 2), 3),
    "conv, stride 2 x 1, padding 1 x 0": conv((2, 5, 4, 2), (2, 3), 3, (2, 1), (1, 0)),
    "conv, stride 1 x 3, padding 0 x 2": conv((2, 3, 5, 3), (2, 3), 2, (1, 3), (0, 2)),
    "conv, stride 3 x 2, rows left over": conv((3, 6, 4, 1), (2, 1), 2, (3, 2)),
    "conv, padding 2 x 1": conv((2, 3, 4, 1), (2, 3), 2, (1, 1), (2, 1)),
    "conv, 1 x 1 kernel": conv((2, 3, 4, 2), (1, 1), 3),
    "conv, kernel as large as the padded image": conv((2, 3, 4, 2), (5, 4), 3, (1, 1), (1, 0)),
    "conv, one channel, one filter, one image": conv((1, 4, 3, 1), (2, 2), 1),
    "conv, a window's row longer than a short block": conv((2, 2, 3, 9), (1, 2), 2),  # windows.SHORT: another way to copy
    "relu on images": relu((2, 3, 4, 2)),
    "relu on rows": relu((3, 6)),
    "pool": pool((2, 4, 6, 3), (2, 2), (2, 2)),
    "pool, not square": pool((2, 6, 4, 2), (3, 2), (3, 2)),
    "pool, overlapping": pool((2, 5, 4, 2), (3, 2), (1, 1)),
    "pool, stride larger than the window": pool((2, 7, 5, 2), (2, 1), (3, 2)),
    "pool, padded": pool((2, 5, 3, 2), (3, 2), (2, 1), (1, 0)),
    "pool, padded across only": pool((2, 3, 6, 2), (2, 4), (1, 2), (0, 2)),
    "pool, rows and columns left over": pool((1, 5, 7, 2), (2, 3), (2, 3)),
    "flatten on images": flatten((2, 3, 4, 2)),
    "flatten on rows": flatten_rows((3, 6)),
    "linear": linear(3, 6, 4),
    "linear, one output": linear(2, 5, 1),
    "linear, one input": linear(2, 1, 3),
}


def generic(rng: np.random.Generator, shape: Shape) -> Array:
    """Numbers away from every kink and tie."""
    return rng.standard_normal(shape)


def kinked(rng: np.random.Generator, shape: Shape) -> Array:
    """Few different numbers, zero among them, so that most windows hold ties and many numbers lie on the kink."""
    return rng.integers(-2, 3, shape) / 2


INPUTS: dict[str, Draw] = {"generic": generic, "on kinks and ties": kinked}
