"""Exp: y = exp(x).

    delta     dy = exp(x) expm1(dx)                    for dx <= 0
              dy = -exp(x + dx) expm1(-dx)             for dx > 0: expm1(dx) alone could overflow
    backward  gx = exp(x) gy

expm1 keeps the digits of a small step: Higham (2002), "Accuracy and Stability of Numerical Algorithms", second edition, section
1.14.1.
"""

from dataclasses import dataclass

import numpy as np

from handmade.engine.arrays import Array, Shape
from handmade.engine.layers.channel import EVERY, Channel, select_channel
from handmade.engine.layers.connections import Derivatives
from handmade.engine.layers.layer import Layer
from handmade.engine.terms import Term, made, stored


def exp_step(a: Array, b: Array, step: Array) -> Array:
    """Return exp(b) - exp(a) for a step b - a that is known more accurately than by subtraction."""
    dy: Array = np.copysign(np.exp(np.where(step > 0, b, a)) * -np.expm1(-np.abs(step)), step)
    return dy


@dataclass(frozen=True, eq=False)
class Exp(Layer):
    """Exponential function, element by element; inputs of any shape."""

    def forward(self, x: Array) -> Array:
        return np.exp(x)

    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        x = select_channel(x, dx, channel)
        return exp_step(x, x + dx, dx)

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        return np.exp(x) * gy, {}

    def receipt(self, x: Array, at: Shape) -> Term:
        return made("exp", stored(x[at], "input", *at), label="exp(x)")

    def derivatives(self, x: Array, _k: int, at: Shape) -> Derivatives:
        yield at, self.receipt(x, at)
