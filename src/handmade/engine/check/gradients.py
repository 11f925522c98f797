"""The gradients that a layer gives, each from a fresh copy of it."""

from dataclasses import dataclass

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.check.equality import equal
from handmade.engine.check.slopes import Point
from handmade.engine.errors import HandmadeError
from handmade.engine.foreign import Foreign


@dataclass
class Gradients:
    """What backward gives.

    Attributes
    ----------
    foreign : Foreign
        The layer.
    rng : numpy.random.Generator
        Where upstream gradients come from.
    floor : dict of str to float
        What rounding may do to the gradient of an array.
    """

    foreign: Foreign
    rng: "np.random.Generator"
    floor: dict[str, float]

    def all(self, x: Array, gy: Array) -> dict[str, Array | None]:
        """Return the gradients of x and of the weights, by name."""
        _, gx, gradients = self.foreign.fresh().both(x, gy)
        return {"x": gx, **gradients}

    def of(self, point: Point, gy: Array) -> Array:
        """Return the gradient of the array that a point moves."""
        gradient = self.all(point.x, gy).get(point.name)
        if gradient is None:
            raise HandmadeError(
                f"{self.foreign.name}.backward: expected a gradient of {point.name} in each call; got none in one"
            )
        return gradient

    def output(self, x: Array) -> Array:
        """Return the output of a fresh copy."""
        return np.array(self.foreign.fresh().forward(x.copy()))

    def draw(self, y: Array) -> Array:
        """Return a random gradient from above."""
        return self.rng.standard_normal(y.shape).astype(y.dtype)

    def is_zero_without_gy(self, x: Array, name: str) -> bool:
        """Return True if nothing comes out where gy is 0."""
        y = self.output(x)
        nothing = self.all(x, np.zeros(y.shape, y.dtype)).get(name)
        return nothing is None or not np.any(np.abs(nothing) > self.floor.get(name, 0.0))

    def is_linear(self, x: Array, name: str) -> bool:
        """Return True if a sum of two gy gives the sum of both gradients."""
        y = self.output(x)
        one, other = self.draw(y), self.draw(y)
        results = [self.all(x, gy).get(name) for gy in (one, other, 2 * one - other)]
        if any(each is None for each in results):
            return True
        g_one, g_other, g_both = (np.asarray(each, np.float64) for each in results)
        scale = max(float(np.max(np.abs(each), initial=0.0)) for each in (g_one, g_other, g_both))
        if y.dtype != np.float64 or np.asarray(results[0]).dtype != np.float64:
            scale *= 1e7  # from the tolerance of float64 to that of float32
        return equal(g_both, 2 * g_one - g_other, scale=scale, floor=8 * self.floor.get(name, 0.0))
