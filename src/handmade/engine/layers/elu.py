"""ELU: y = max(x, 0) + a expm1(min(x, 0)), with a scale a below zero.

    delta     dy = max(dx + min(x, 0), -max(x, 0)) + a (exp(n') - exp(n))        (1)
              n = min(x, 0),   n' = min(x + dx, 0),   n' - n = min(dx + max(x, 0), -min(x, 0))
    backward  gx = gy where x > 0, else a exp(x) gy        (so at 0, by convention, a)

The second term of (1) is computed from n' - n by expm1. The two terms never differ in sign, so nothing cancels. With a = 1 both
branches have the slope 1 at 0; with any other a there is a kink.

Clevert, Unterthiner & Hochreiter (2016), "Fast and Accurate Deep Network Learning by Exponential Linear Units (ELUs)", ICLR.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from handmade.engine.arguments import number
from handmade.engine.arrays import Array, Shape
from handmade.engine.layers.channel import EVERY, Channel, select_channel
from handmade.engine.layers.connections import ONE, Derivatives
from handmade.engine.layers.exp import exp_step
from handmade.engine.layers.layer import Layer
from handmade.engine.terms import Term, made, stored

LARGEST = 1e6  # alpha: larger than any useful one, and float32 can hold it


@dataclass(frozen=True, eq=False)
class ELU(Layer):
    """Exponential linear unit, element by element; inputs of any shape.

    Parameters
    ----------
    alpha : float
        Scale a of the negative part, which ends at -a; with 0 it is a ReLU.

    Raises
    ------
    HandmadeError
        If alpha is not a number, below 0, or too large.
    """

    SETTINGS: ClassVar[tuple[str, ...]] = ("alpha",)

    alpha: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "alpha", number(self.alpha, "alpha", 0, LARGEST))

    def forward(self, x: Array) -> Array:
        y: Array = np.maximum(x, 0) + self.alpha * np.expm1(np.minimum(x, 0))
        return y

    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        x = select_channel(x, dx, channel)
        above, below = np.maximum(x, 0), np.minimum(x, 0)
        step = np.minimum(dx + above, -below)
        dy: Array = np.maximum(dx + below, -above) + self.alpha * exp_step(below, np.minimum(x + dx, 0), step)
        return dy

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        return np.where(x > 0, gy, self.alpha * np.exp(np.minimum(x, 0)) * gy), {}

    def receipt(self, x: Array, at: Shape) -> Term:
        before = stored(x[at], "input", *at)
        above, below = made("largest", before, Term(0.0)), made("smallest", before, Term(0.0))
        note = "above 0: passes unchanged" if before.value > 0 else "below 0: a (exp(x) - 1)"
        note = "0 stays 0" if before.value == 0 else note
        return (above + Term(self.alpha, label="alpha") * made("expm1", below)).named("max(x, 0) + a (exp(min(x, 0)) - 1)", note)

    def derivatives(self, x: Array, _k: int, at: Shape) -> Derivatives:
        if x[at] > 0:
            yield at, ONE.named("", "above 0: passes unchanged")
        else:
            yield at, (Term(self.alpha, label="alpha") * made("exp", stored(x[at], "input", *at))).named("a exp(x)")
