"""A layer under test: how it moves when something is nudged.

    right = (f(x + h d) - f(x)) / h,   left = (f(x) - f(x - h d)) / h        for one number of the output at a time

Everything happens to copies in float64. Where the two sides disagree lies a kink; a derivative there is whatever the layer says
it is, as long as each output's lies between its two sides.
"""

import math

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.layers.adapter import Foreign

EXACT_STEP = 1e-30  # of a delta that never subtracts
STEP = 2.0**-20  # of a subtraction, relative to what is nudged: half of the digits are lost, curvature shows in the seventh


class Stranger(Foreign):
    """A layer whose slopes can be taken."""

    fineness = 1.0  # of the steps, relative to STEP

    def slopes(self, x: Array, name: str, direction: Array, y: Array) -> tuple[Array, Array]:
        """Return the slopes of every output along x (the name "x") or a weight array, to the right and to the left."""
        h = EXACT_STEP if self.exact and name == "x" else self.step(x, name)
        return self._moved(x, name, h * direction, y) / h, self._moved(x, name, -h * direction, y) / -h

    def step(self, x: Array, name: str) -> float:
        """Return a power of two of the size of the numbers themselves, so that x + h is as exact as can be."""
        size = float(np.sqrt(np.mean(np.square(self.array(x, name))))) or 1.0
        return self.fineness * STEP * 2.0 ** round(math.log2(max(size, 1e-2)))

    def array(self, x: Array, name: str) -> Array:
        """Return x, or the weights of that name."""
        return x if name == "x" else self.weights[name]

    def _moved(self, x: Array, name: str, d: Array, y: Array) -> Array:
        if name == "x":
            return self.delta(x.copy(), d) if self.exact else self.forward(x + d) - y
        kept = self.weights[name].copy()
        self.weights[name] += d
        moved = self.forward(x.copy()) - y
        self.weights[name][...] = kept
        return moved
