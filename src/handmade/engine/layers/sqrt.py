"""Sqrt: y = sqrt(x).

    delta     dy = dx / (sqrt(x + dx) + sqrt(x))
    backward  gx = gy / (2 sqrt(x))

The denominator is a sum of positive numbers, so nothing cancels. At 0 the derivative is infinite; the square root of a negative
number is NaN, as in NumPy.

Higham (2002), "Accuracy and Stability of Numerical Algorithms", second edition, section 1.7 (cancellation).
"""

from dataclasses import dataclass

import numpy as np

from handmade.engine.arrays import Array, Shape
from handmade.engine.layers.channel import EVERY, Channel, select_channel
from handmade.engine.layers.connections import ONE, Derivatives
from handmade.engine.layers.layer import Layer
from handmade.engine.terms import Term, stored


@dataclass(frozen=True, eq=False)
class Sqrt(Layer):
    """Square root, element by element; inputs of any shape, of numbers that are not negative."""

    def forward(self, x: Array) -> Array:
        with np.errstate(invalid="ignore"):  # NaN is visible in the result
            y: Array = np.sqrt(x)
        return y

    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        x = select_channel(x, dx, channel)
        with np.errstate(divide="ignore", invalid="ignore"):
            dy = dx / (np.sqrt(x + dx) + np.sqrt(x))
        return np.where(dx == 0, dx, dy)

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return np.where(gy == 0, gy, gy / (2 * np.sqrt(x))), {}

    def receipt(self, x: Array, at: Shape) -> Term:
        return stored(x[at], "input", *at).sqrt().named("sqrt(x)")

    def derivatives(self, x: Array, _k: int, at: Shape) -> Derivatives:
        yield at, ONE / (2 * stored(x[at], "input", *at).sqrt()).named("2 sqrt(x)")
