"""Softmax: p_i = exp(x_i) / sum over k of exp(x_k), along one axis.

    delta     p'_i - p_i, exactly: layers/probabilities.py
    backward  gx_i = p_i (gy_i - sum over k of p_k gy_k)
                   = p_i (gy_i sum over k != i of p_k - sum over k != i of p_k gy_k)        (1)

(1) keeps its digits if p_i is nearly 1. The largest x is subtracted from all of them first, so that exp cannot overflow.

Bridle (1990), "Probabilistic Interpretation of Feedforward Classification Network Outputs, with Relationships to Statistical
Pattern Recognition", in "Neurocomputing", NATO ASI Series F 68.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from handmade.engine.arguments import integer
from handmade.engine.arrays import Array, Shape
from handmade.engine.errors import HandmadeError
from handmade.engine.layers.channel import EVERY, Channel, select_channel, to_dense
from handmade.engine.layers.connections import ONE, Box, Derivatives
from handmade.engine.layers.layer import Layer
from handmade.engine.layers.probabilities import (
    log_softmax,
    log_softmax_receipt,
    log_softmax_step,
    softmax,
    softmax_receipt,
    softmax_step,
    sum_of_others,
)
from handmade.engine.terms import Term, stored

MOST_AXES = 64  # of an array of NumPy


@dataclass(frozen=True, eq=False)
class AlongAxis(Layer):
    """Base class of Softmax and LogSoftmax.

    Parameters
    ----------
    axis : int
        Axis of one image, counted without the batch axis; a negative one counts from the end.

    Raises
    ------
    HandmadeError
        If it is no integer; from `output_shape`, if the input has no such axis.
    """

    SETTINGS: ClassVar[tuple[str, ...]] = ("axis",)

    axis: int = -1

    def __post_init__(self) -> None:
        object.__setattr__(self, "axis", integer(self.axis, "axis", -MOST_AXES))

    def output_shape(self, shape: Shape) -> Shape:
        if not -len(shape) <= self.axis < len(shape):
            axes = f"from {-len(shape)} to {len(shape) - 1}"
            raise HandmadeError(f"{self.kind}: expected an axis {axes}, for one image {tuple(shape)}; got {self.axis}")
        return tuple(shape)

    def output_channel(self, channel: Channel, shape: Shape) -> Channel:
        """Return the channel of the output: all of them if the layer reads along the channels."""
        return EVERY if self.axis % len(shape) == len(shape) - 1 else channel

    def sources(self, shapes: Sequence[Shape], at: Shape) -> list[Box]:
        return [self._line(shapes[0], at)]

    def targets(self, shapes: Sequence[Shape], _k: int, at: Shape) -> Box:
        return self._line(shapes[0], at)

    def _line(self, shape: Shape, at: Shape) -> Box:
        axis = self.axis % len(shape)
        return tuple((0, size) if k == axis else (i, i + 1) for k, (size, i) in enumerate(zip(shape, at, strict=True)))

    def _places(self, shape: Shape, at: Shape) -> list[Shape]:
        """Return the places of all numbers along the axis through `at`."""
        axis = self.axis % len(shape)
        return [(*at[:axis], k, *at[axis + 1 :]) for k in range(shape[axis])]

    def _terms(self, x: Array, at: Shape) -> list[Term]:
        return [stored(x[place], "input", *place) for place in self._places(x.shape, at)]

    def _axis(self, x: Array) -> int:
        """Return the axis of a batch."""
        return self.axis % (x.ndim - 1) + 1

    def _parts(self, x: Array, dx: Array, channel: Channel) -> tuple[Array, Array, int]:
        """Return x and dx with all numbers along the axis, and an axis for nudges if dx has one; and the axis."""
        axis = self._axis(x)
        if axis == x.ndim - 1:
            dx, channel = to_dense(x, dx, channel), EVERY
        return select_channel(x, dx, channel), dx, axis


@dataclass(frozen=True, eq=False)
class Softmax(AlongAxis):
    """Probabilities from numbers along one axis; inputs of any shape."""

    def forward(self, x: Array) -> Array:
        return softmax(x, self._axis(x))

    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        return softmax_step(*self._parts(x, dx, channel))

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        axis = self._axis(x)
        p = softmax(x, axis)
        return p * (gy * sum_of_others(p, axis) - sum_of_others(p * gy, axis)), {}

    def receipt(self, x: Array, at: Shape) -> Term:
        return softmax_receipt(self._terms(x, at), at[self.axis])

    def derivatives(self, x: Array, _k: int, at: Shape) -> Derivatives:
        terms, j = self._terms(x, at), at[self.axis]
        p_j = softmax_receipt(terms, j)
        for i, place in enumerate(self._places(x.shape, at)):
            if i == j:
                yield place, (p_j * (ONE - p_j)).named("p (1 - p)")
            else:
                yield place, -(softmax_receipt(terms, i) * p_j).named("p[i] p[j]")


@dataclass(frozen=True, eq=False)
class LogSoftmax(AlongAxis):
    """Logarithms of the probabilities of Softmax; inputs of any shape.

    forward   y_i = log p_i
    delta     exactly: layers/probabilities.py
    backward  gx_i = gy_i - p_i sum over k of gy_k = gy_i sum over k != i of p_k - p_i sum over k != i of gy_k
    """

    def forward(self, x: Array) -> Array:
        return log_softmax(x, self._axis(x))

    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        return log_softmax_step(*self._parts(x, dx, channel))

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        axis = self._axis(x)
        p = softmax(x, axis)
        return gy * sum_of_others(p, axis) - p * sum_of_others(gy, axis), {}

    def receipt(self, x: Array, at: Shape) -> Term:
        return log_softmax_receipt(self._terms(x, at), at[self.axis])

    def derivatives(self, x: Array, _k: int, at: Shape) -> Derivatives:
        p_j, j = softmax_receipt(self._terms(x, at), at[self.axis]), at[self.axis]
        for i, place in enumerate(self._places(x.shape, at)):
            yield place, (ONE - p_j).named("1 - p") if i == j else -p_j
