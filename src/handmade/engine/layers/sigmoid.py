"""Sigmoid: y = sigma(x) = 1 / (1 + exp(-x)).

    delta     dy = expm1(dx) sigma(x) sigma(-(x + dx))        (1)
    backward  gx = sigma(x) sigma(-x) gy

With s = sigma(x), (1) is s (1 - s) expm1(dx) / (1 + s expm1(dx)). The denominator is (1 - s) + s exp(dx), and 1 - s divided by it
is sigma(-(x + dx)). The product of three factors loses no digits if s is nearly 1, and is never 0/0.

Rumelhart, Hinton & Williams (1986), "Learning Representations by Back-Propagating Errors", Nature 323.
"""

from dataclasses import dataclass

import numpy as np

from handmade.engine.arrays import Array, Shape
from handmade.engine.layers.channel import EVERY, Channel, select_channel
from handmade.engine.layers.connections import Derivatives
from handmade.engine.layers.layer import Layer
from handmade.engine.terms import Term, made, stored


def sigma(x: Array) -> Array:
    """Return 1 / (1 + exp(-x)), accurate to the last digits; the argument of exp is never positive, so it cannot overflow."""
    e = np.exp(-np.abs(x))
    y: Array = np.where(x < 0, e, 1) / (1 + e)
    return y


def sigma_step(a: Array, b: Array, step: Array) -> Array:
    """Return sigma(b) - sigma(a) for a step b - a that is known more accurately than by subtraction.

    For a large positive step, expm1 would overflow. But sigma(b) - sigma(a) = -(sigma(-b) - sigma(-a)): so a positive step is
    computed as the negative step from -a to -b, with the opposite sign.
    """
    up = step > 0
    factor = np.copysign(np.expm1(-np.abs(step)), step)
    dy: Array = factor * np.where(up, sigma(-a), sigma(a)) * sigma(np.where(up, b, -b))
    return dy


def sigma_receipt(x: Term) -> Term:
    """Return 1 / (1 + exp(-x)), or the same fraction expanded by exp(x), as in `sigma`."""
    e = made("exp", -made("absolute", x), label="e = exp(-|x|)")
    return ((e if x.value < 0 else Term(1.0)) / (1 + e)).named("e / (1 + e)" if x.value < 0 else "1 / (1 + e)")


@dataclass(frozen=True, eq=False)
class Sigmoid(Layer):
    """Logistic function, element by element; inputs of any shape."""

    def forward(self, x: Array) -> Array:
        return sigma(x)

    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        x = select_channel(x, dx, channel)
        return sigma_step(x, x + dx, dx)

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        return sigma(x) * sigma(-x) * gy, {}

    def receipt(self, x: Array, at: Shape) -> Term:
        return sigma_receipt(stored(x[at], "input", *at))

    def derivatives(self, x: Array, _k: int, at: Shape) -> Derivatives:
        before = stored(x[at], "input", *at)
        yield at, (sigma_receipt(before) * sigma_receipt(-before)).named("sigma(x) sigma(-x)")
