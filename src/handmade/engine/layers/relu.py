"""ReLU: y = max(x, 0).

    delta     dy = max(dx + min(x, 0), -max(x, 0))
    backward  gx = gy where x > 0, else 0          (so at the kink itself, by convention, 0)

Above zero we move with dx, but never below zero; from below, only what emerges counts.

Nair & Hinton (2010), "Rectified Linear Units Improve Restricted Boltzmann Machines", ICML.
"""

from dataclasses import dataclass

import numpy as np

from handmade.engine.arrays import Array, Shape
from handmade.engine.layers.channel import EVERY, Channel, select_channel
from handmade.engine.layers.layer import Layer
from handmade.engine.terms import Term, made, stored


@dataclass(frozen=True, eq=False)
class ReLU(Layer):
    """The rectifier, number by number; inputs of any shape."""

    def forward(self, x: Array) -> Array:
        return np.maximum(x, np.zeros_like(x[:1]))  # with an image of zeros: four times as fast as with a single one

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
            what = "exactly on the kink: 0 stays 0"
        else:
            what = "above 0: passes unchanged" if before.value > 0 else "below 0: cut off"
        return made("largest", before, Term(0.0), label="max(x, 0)", note=what)
