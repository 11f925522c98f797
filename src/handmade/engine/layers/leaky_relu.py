"""LeakyReLU: y = max(x, 0) + a min(x, 0), with a slope a below zero.

    delta     dy = max(dx + min(x, 0), -max(x, 0)) + a min(dx + max(x, 0), -min(x, 0))
    backward  gx = gy where x > 0, else a gy        (so at the kink itself, by convention, a)

The first term is the difference of max(x, 0), the second that of a min(x, 0). They never differ in sign, so nothing cancels.

Maas, Hannun & Ng (2013), "Rectifier Nonlinearities Improve Neural Network Acoustic Models", ICML workshop on deep learning for
audio, speech and language processing.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from handmade.engine.arguments import number
from handmade.engine.arrays import Array, Shape
from handmade.engine.layers.channel import EVERY, Channel, select_channel
from handmade.engine.layers.connections import ONE, Derivatives
from handmade.engine.layers.layer import Layer
from handmade.engine.terms import Term, made, stored

LARGEST = 1e6  # slope: larger than any useful one, and float32 can hold it


@dataclass(frozen=True, eq=False)
class LeakyReLU(Layer):
    """Leaky rectifier, element by element; inputs of any shape.

    Parameters
    ----------
    slope : float
        Slope a for negative inputs; with 0 it is a ReLU.

    Raises
    ------
    HandmadeError
        If the slope is not a number, below 0, or too large.
    """

    SETTINGS: ClassVar[tuple[str, ...]] = ("slope",)

    slope: float = 0.01

    def __post_init__(self) -> None:
        object.__setattr__(self, "slope", number(self.slope, "slope", 0, LARGEST))

    def forward(self, x: Array) -> Array:
        y: Array = np.maximum(x, 0) + self.slope * np.minimum(x, 0)
        return y

    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        x = select_channel(x, dx, channel)
        above, below = np.maximum(x, 0), np.minimum(x, 0)
        dy: Array = np.maximum(dx + below, -above) + self.slope * np.minimum(dx + above, -below)
        return dy

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        return np.where(x > 0, gy, self.slope * gy), {}

    def receipt(self, x: Array, at: Shape) -> Term:
        before = stored(x[at], "input", *at)
        above, below = made("largest", before, Term(0.0)), made("smallest", before, Term(0.0))
        note = "above 0: passes unchanged" if before.value > 0 else "below 0: multiplied by the slope"
        note = "exactly on the kink: 0 stays 0" if before.value == 0 else note
        return (above + Term(self.slope, label="slope") * below).named("max(x, 0) + a min(x, 0)", note)

    def derivatives(self, x: Array, _k: int, at: Shape) -> Derivatives:
        yield at, ONE.named("", "above 0: passes unchanged") if x[at] > 0 else Term(self.slope, label="slope")
