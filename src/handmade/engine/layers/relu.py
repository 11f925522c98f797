"""ReLU: y = max(x, 0).

    delta     dy = max(dx + min(x, 0), -max(x, 0))
    backward  gx = gy where x > 0, else 0          (so at the kink itself, by convention, 0)

For x >= 0, y changes by dx, but not below 0. For x < 0, y changes only by the part of x + dx above 0.

Nair & Hinton (2010), "Rectified Linear Units Improve Restricted Boltzmann Machines", ICML.
"""

from dataclasses import dataclass

import numpy as np

from handmade.engine.arrays import Array, Shape
from handmade.engine.layers.channel import EVERY, Channel, select_channel
from handmade.engine.layers.connections import ONE, Derivatives
from handmade.engine.layers.layer import Layer
from handmade.engine.terms import Term, made, stored


@dataclass(frozen=True, eq=False)
class ReLU(Layer):
    """Rectified linear unit, element by element; inputs of any shape."""

    def forward(self, x: Array) -> Array:
        return np.maximum(x, np.zeros_like(x[:1]))  # an image of zeros is four times as fast as a scalar 0

    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        x = select_channel(x, dx, channel)
        dy: Array = dx + np.minimum(x, 0)
        np.maximum(dy, -np.maximum(x, 0), out=dy)
        return dy

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        return gy * (x > 0), {}

    def receipt(self, x: Array, at: Shape) -> Term:
        before = stored(x[at], "input", *at)
        if before.value == 0:
            note = "exactly on the kink: 0 stays 0"
        else:
            note = "above 0: passes unchanged" if before.value > 0 else "below 0: cut off"
        return made("largest", before, Term(0.0), label="max(x, 0)", note=note)

    def derivatives(self, x: Array, _k: int, at: Shape) -> Derivatives:
        yield at, ONE.named("", "above 0: passes unchanged") if x[at] > 0 else Term(0.0, note="not above 0: cut off")
