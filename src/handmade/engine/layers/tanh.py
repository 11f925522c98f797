"""Tanh: y = tanh(x) = 2 sigma(2x) - 1, where sigma is the sigmoid.

    delta     dy = 2 (sigma(2x + 2dx) - sigma(2x))        difference of the sigmoid at twice the input
    backward  gx = 4 sigma(2x) sigma(-2x) gy

With t = tanh(x), the first is (1 - t^2) tanh(dx) / (1 + t tanh(dx)), and the second is (1 - t^2) gy. But if t is nearly 1,
1 - t^2 loses its digits, and so does the denominator if x and dx are large with opposite signs. The sigmoid keeps them.

LeCun, Bottou, Orr & Mueller (1998), "Efficient BackProp", in "Neural Networks: Tricks of the Trade", section 4.4.
"""

from dataclasses import dataclass

import numpy as np

from handmade.engine.arrays import Array, Shape
from handmade.engine.layers.channel import EVERY, Channel, select_channel
from handmade.engine.layers.connections import Derivatives
from handmade.engine.layers.layer import Layer
from handmade.engine.layers.sigmoid import sigma, sigma_receipt, sigma_step
from handmade.engine.terms import Term, made, stored


@dataclass(frozen=True, eq=False)
class Tanh(Layer):
    """Hyperbolic tangent, element by element; inputs of any shape."""

    def forward(self, x: Array) -> Array:
        return np.tanh(x)

    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        x = select_channel(x, dx, channel)
        return 2 * sigma_step(2 * x, 2 * (x + dx), 2 * dx)

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        return 4 * sigma(2 * x) * sigma(-2 * x) * gy, {}

    def receipt(self, x: Array, at: Shape) -> Term:
        return made("tanh", stored(x[at], "input", *at), label="tanh(x)")

    def derivatives(self, x: Array, _k: int, at: Shape) -> Derivatives:
        twice = 2 * stored(x[at], "input", *at)
        yield at, (4 * sigma_receipt(twice) * sigma_receipt(-twice)).named("4 sigma(2x) sigma(-2x)")
