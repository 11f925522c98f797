"""Clip: y = min(max(x, low), high).

    delta     dy = min(max(dx + (x - y), low - y), high - y)
    backward  gx = gy where low < x < high, else 0        (so at a bound itself, by convention, 0, as for ReLU)

For x inside, x - y is 0. For x outside, dx + (x - y) is the sum of three numbers, dx + x - bound, which may nearly cancel. It is
computed with the rounding error of each addition, so no digit is lost. With low = 0 and high = 6 this is ReLU6.

Krizhevsky (2010), "Convolutional Deep Belief Networks on CIFAR-10" (ReLU6); ONNX, operator Clip.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from handmade.engine.arguments import number
from handmade.engine.arrays import Array, Shape
from handmade.engine.layers.channel import EVERY, Channel, select_channel
from handmade.engine.layers.connections import ONE, Derivatives
from handmade.engine.layers.error_free import two_sum
from handmade.engine.layers.layer import Layer
from handmade.engine.terms import Term, made, stored

LARGEST = 3e38  # bound: float32 can hold it


@dataclass(frozen=True, eq=False)
class Clip(Layer):
    """Numbers limited to an interval, element by element; inputs of any shape.

    Parameters
    ----------
    low, high : float or None
        Bounds of the interval; None for no bound. With low above high, every output is high, as in ONNX.

    Raises
    ------
    HandmadeError
        If a bound is neither None nor a finite number that float32 can hold.
    """

    SETTINGS: ClassVar[tuple[str, ...]] = ("low", "high")

    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        for name in self.SETTINGS:
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, number(value, name, -LARGEST, LARGEST))

    @property
    def bounds(self) -> tuple[float, float]:
        """Bounds as numbers, with an infinity for None."""
        return -np.inf if self.low is None else self.low, np.inf if self.high is None else self.high

    def forward(self, x: Array) -> Array:
        low, high = self.bounds
        y: Array = np.minimum(np.maximum(x, low), high)
        return y

    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        x = select_channel(x, dx, channel)
        low, high = self.bounds
        y = self.forward(x)
        outside, error = two_sum(x, -y)
        moved, more = two_sum(dx, np.where(x == y, 0, outside))
        dy: Array = np.minimum(np.maximum(moved + (more + error), low - y), high - y)
        return dy

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        low, high = self.bounds
        return gy * ((x > low) & (x < high)), {}

    def sides(self, x: Array) -> list[Array]:
        """Return the sides of x of each bound at which y bends: -1, 0 on it, or 1."""
        low, high = self.bounds
        return [np.sign(x - bound) for bound in (low, high) if np.isfinite(bound) and low < high]

    def receipt(self, x: Array, at: Shape) -> Term:
        before = stored(x[at], "input", *at)
        raised = before if self.low is None else made("largest", before, Term(self.low, label="low"), label="max(x, low)")
        y = raised if self.high is None else made("smallest", raised, Term(self.high, label="high"), label="min(that, high)")
        return made("same", y, label="clipped", note=self._note(before.value))

    def derivatives(self, x: Array, _k: int, at: Shape) -> Derivatives:
        low, high = self.bounds
        note = self._note(float(x[at]))
        yield at, ONE.named("", note) if low < x[at] < high else Term(0.0, note=note)

    def _note(self, x: float) -> str:
        low, high = self.bounds
        if low < x < high:
            return "between the bounds: passes unchanged"
        return "exactly on a bound" if low <= x <= high else "outside the bounds: cut off"
