"""HardSigmoid: y = min(max(u, 0), 1),   u = a x + b, with a slope a and a shift b.

    delta     dy = min(max(a dx + (u - y), -y), 1 - y)
    backward  gx = a gy where 0 < u < 1, else 0        (so on a kink, by convention, 0)

A kink lies where a x + b is 0 or 1, at an x that is seldom a floating-point number. So u is computed as a sum of two numbers, with
the rounding errors of the product and of the sum: the branch is always the right one, and a dx + (u - y) loses no digits.

Courbariaux, Bengio & David (2015), "BinaryConnect: Training Deep Neural Networks with Binary Weights during Propagations",
NeurIPS; ONNX, operator HardSigmoid.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from handmade.engine.arguments import number
from handmade.engine.arrays import Array, Shape
from handmade.engine.layers.channel import EVERY, Channel, select_channel
from handmade.engine.layers.connections import Derivatives
from handmade.engine.layers.error_free import two_product, two_sum
from handmade.engine.layers.layer import Layer
from handmade.engine.terms import Term, made, stored

LARGEST = 1e6  # slope and shift: larger than any useful one


@dataclass(frozen=True, eq=False)
class HardSigmoid(Layer):
    """Sigmoid made of three straight lines, element by element; inputs of any shape.

    Parameters
    ----------
    slope : float
        Slope a between the kinks; PyTorch's Hardsigmoid has 1/6.
    shift : float
        Output b for an input of 0.

    Raises
    ------
    HandmadeError
        If one is not a number, or too large, or the slope is below 0.
    """

    SETTINGS: ClassVar[tuple[str, ...]] = ("slope", "shift")

    slope: float = 0.2
    shift: float = 0.5

    def __post_init__(self) -> None:
        object.__setattr__(self, "slope", number(self.slope, "slope", 0, LARGEST))
        object.__setattr__(self, "shift", number(self.shift, "shift", -LARGEST, LARGEST))

    def forward(self, x: Array) -> Array:
        y: Array = np.minimum(np.maximum(self.slope * x + self.shift, 0), 1)
        return y

    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        x = select_channel(x, dx, channel)
        u, error = self._line(x)
        du, of_du = two_product(x.dtype.type(self.slope), dx)
        between = (_side(u, error) >= 0) & (_side(u - 1, error) <= 0)
        y, of_y = np.where(between, u, u > 0), np.where(between, error, 0)
        outside, of_outside = two_sum(u, -y)  # u - y, 0 between the kinks
        moved, of_moved = two_sum(du, outside)
        moved = moved + (of_moved + (of_du + (of_outside + (error - of_y))))
        dy: Array = np.minimum(np.maximum(moved, -y - of_y), (1 - y) - of_y)
        return dy

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        above_0, above_1 = self.sides(x)
        return self.slope * gy * ((above_0 > 0) & (above_1 < 0)), {}

    def sides(self, x: Array) -> list[Array]:
        """Return the sides of u of each kink, 0 and 1: -1, 0 on it, or 1."""
        u, error = self._line(x)
        return [_side(u, error), _side(u - 1, error)]

    def _line(self, x: Array) -> tuple[Array, Array]:
        """Return u = a x + b, rounded, and its error."""
        product, error = two_product(x.dtype.type(self.slope), x)
        u, more = two_sum(product, x.dtype.type(self.shift))
        return two_sum(u, more + error)

    def receipt(self, x: Array, at: Shape) -> Term:
        u = self._line_receipt(x, at)
        raised = made("largest", u, Term(0.0), label="max(u, 0)")
        return made("smallest", raised, Term(1.0), label="min(max(u, 0), 1)")

    def derivatives(self, x: Array, _k: int, at: Shape) -> Derivatives:
        if self.backward(x[at].reshape(1), np.ones(1, x.dtype))[0][0]:
            yield at, Term(self.slope, label="slope", note="between the kinks")
        else:
            yield at, Term(0.0, note="outside the kinks: cut off")

    def _line_receipt(self, x: Array, at: Shape) -> Term:
        line = Term(self.slope, label="slope") * stored(x[at], "input", *at) + Term(self.shift, label="shift")
        return line.named("u = a x + b")


def _side(u: Array, error: Array) -> Array:
    """Return the sign of u + error, whose error is less than half a unit in the last place of u."""
    return np.sign(np.where(u == 0, error, u))
