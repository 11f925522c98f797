"""Log: y = log(x), the natural logarithm.

    delta     dy = log1p(dx / x)                       for dx > -x / 2
              dy = log((x + dx) / x)                   otherwise: there x + dx is exact (Sterbenz), and 1 + dx/x would cancel
    backward  gx = gy / x

Where dx / x overflows, the outputs are so far apart that subtracting them loses nothing. log(0) is -infinity, and the logarithm
of a negative number is NaN, as in NumPy. If dx cancels x but for less than its own rounding, x + dx has no digit left, and its
logarithm is not known: the difference is -infinity or NaN then.

Sterbenz (1974), "Floating-Point Computation", theorem 4.3.1.
"""

from dataclasses import dataclass

import numpy as np

from handmade.engine.arrays import Array, Shape
from handmade.engine.layers.channel import EVERY, Channel, select_channel
from handmade.engine.layers.connections import ONE, Derivatives
from handmade.engine.layers.layer import Layer
from handmade.engine.terms import Term, made, stored


@dataclass(frozen=True, eq=False)
class Log(Layer):
    """Natural logarithm, element by element; inputs of any shape, of positive numbers."""

    def forward(self, x: Array) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):  # -infinity and NaN are visible in the result
            y: Array = np.log(x)
        return y

    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        x = select_channel(x, dx, channel)
        with np.errstate(all="ignore"):
            after = x + dx
            ratio = dx / x
            near = np.log1p(np.where(ratio > -0.5, ratio, 0))
            dy = np.where(ratio > -0.5, near, np.log(after / x))
            apart = np.log(after) - np.log(x)
            dy = np.where(np.isfinite(dy) & (x > 0), dy, apart)
        return np.where(dx == 0, dx, dy)

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return np.where(gy == 0, gy, gy / x), {}

    def receipt(self, x: Array, at: Shape) -> Term:
        return made("log", stored(x[at], "input", *at), label="log(x)")

    def derivatives(self, x: Array, _k: int, at: Shape) -> Derivatives:
        yield at, ONE / stored(x[at], "input", *at)
