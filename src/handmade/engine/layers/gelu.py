"""GELU in its tanh approximation: y = x/2 (1 + tanh(u)), u = sqrt(2/pi) (x + c x^3), c = 0.044715.

With v = 2u and 1 + tanh(u) = 2 sigma(2u), which keeps its digits if tanh(u) is nearly -1:

    forward   y  = x sigma(v),   v = 2 sqrt(2/pi) x (1 + c x^2)
    delta     dy = dx sigma(v') + x (sigma(v') - sigma(v)),   v' = v(x + dx)        (1)
              v' - v = 2 sqrt(2/pi) dx (1 + c (3 (2x + dx)^2 + dx^2) / 4)
    backward  gx = (sigma(v) + x sigma(v) sigma(-v) dv/dx) gy,   dv/dx = 2 sqrt(2/pi) (1 + 3 c x^2)

v' - v is dx times a sum of positive numbers, and the difference of sigmas is that of layers/sigmoid.py. So for x > 0 nothing
cancels. For x < 0 the two terms of (1) have opposite signs, because y falls and rises again. Near its minimum, x = -0.75, they
nearly cancel.

Hendrycks & Gimpel (2016), "Gaussian Error Linear Units (GELUs)", arXiv:1606.08415.
"""

import math
from dataclasses import dataclass

from handmade.engine.arrays import Array, Shape
from handmade.engine.layers.channel import EVERY, Channel, select_channel
from handmade.engine.layers.layer import Layer
from handmade.engine.layers.sigmoid import sigma, sigma_receipt, sigma_step
from handmade.engine.terms import Term, stored

K = 2 * math.sqrt(2 / math.pi)
c = 0.044715


@dataclass(frozen=True, eq=False)
class GELU(Layer):
    """Gaussian error linear unit: nearly x times the probability that a normal number is below x; inputs of any shape."""

    def forward(self, x: Array) -> Array:
        return x * sigma(_v(x))

    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        x = select_channel(x, dx, channel)
        v, v_moved = _v(x), _v(x + dx)
        dv = K * dx * (1 + c * (3 * (2 * x + dx) ** 2 + dx**2) / 4)
        dy: Array = dx * sigma(v_moved) + x * sigma_step(v, v_moved, dv)
        return dy

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        v = _v(x)
        slope = K * (1 + 3 * c * x**2)
        return (sigma(v) + x * sigma(v) * sigma(-v) * slope) * gy, {}

    def receipt(self, x: Array, at: Shape) -> Term:
        before = stored(x[at], "input", *at)
        v = Term(K, label="2 sqrt(2/pi)") * before * (1 + Term(c, label="c") * before**2)
        return (before * sigma_receipt(v.named("v = 2 sqrt(2/pi) x (1 + c x^2)"))).named("x sigma(v)")


def _v(x: Array) -> Array:
    return K * x * (1 + c * x**2)
