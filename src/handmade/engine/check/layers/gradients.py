"""Gradients that a layer returns, each from a fresh copy of the layer."""

from dataclasses import dataclass

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.check.layers.equality import equal
from handmade.engine.check.layers.slopes import Point
from handmade.engine.errors import HandmadeError
from handmade.engine.foreign import Foreign

TRIALS = 6
ROUNDED = 16.0  # times the largest observed change


@dataclass
class Gradients:
    """Results of backward.

    Attributes
    ----------
    foreign : Foreign
        Layer.
    rng : numpy.random.Generator
        Source of upstream gradients.
    floor : dict of str to float
        Rounding of the gradient of each array.
    scale : float
        Largest absolute output so far.
    """

    foreign: Foreign
    rng: "np.random.Generator"
    floor: dict[str, float]
    scale: float = 0.0

    def all(self, x: Array, gy: Array) -> dict[str, Array | None]:
        """Return the gradients of x and of the weights, by name."""
        _, gx, gradients = self.foreign.fresh().both(x, gy)
        return {"x": gx, **gradients}

    def of(self, point: Point, gy: Array) -> Array:
        """Return the gradient of the array that a point moves."""
        gradient = self.all(point.x, gy).get(point.name)
        if gradient is None:
            raise HandmadeError(
                f"{self.foreign.name}.backward: expected a gradient of {point.name} in each call; got none in one call"
            )
        return gradient

    def output(self, x: Array) -> Array:
        """Return the output of a fresh copy."""
        y = np.array(self.foreign.fresh().forward(x.copy()))
        if y.dtype.kind == "f" and np.all(np.isfinite(y)):
            self.scale = max(self.scale, float(np.max(np.abs(y), initial=0.0)))
        return y

    def draw(self, y: Array) -> Array:
        """Return a random upstream gradient."""
        return self.rng.standard_normal(y.shape).astype(y.dtype)

    def noise(self, x: Array, gy: Array, name: str) -> Array:
        """Return the rounding of a gradient: its change when x, gy and the weights change in their last digits.

        A gradient that is only rounding, as that of a bias before a batch norm, changes by as much as its own size. For the
        gradient of x itself, x is not changed: it would lose its ties.
        """
        rng = np.random.default_rng(3)
        given = self.all(x, gy)[name]
        if given is None:
            return np.zeros(())
        worst = np.zeros(given.shape)
        for n in range(TRIALS):
            foreign = self.foreign.fresh()
            for weight, array in foreign.weights.items() if n % 2 else ():
                foreign.put(weight, _nearly(array, rng))
            _, gx, gradients = foreign.both(x if name == "x" else _nearly(x, rng), _nearly(gy, rng))
            found = gx if name == "x" else gradients.get(name)
            if found is not None and found.shape == given.shape:
                worst = np.maximum(worst, np.abs(found - given))
        if (
            name != "x" and self.foreign.updates["seen"]
        ):  # a gradient that is computed from an update has the rounding of the weight
            worst += np.finfo(np.float64).eps * np.abs(self.foreign.weights[name])
        return np.asarray(np.where(np.isfinite(worst), ROUNDED * worst, 0.0))

    def is_zero_without_gy(self, x: Array, name: str) -> bool:
        """Return True if the gradient is 0 for gy = 0."""
        y = self.output(x)
        gradient = self.all(x, np.zeros(y.shape, y.dtype)).get(name)
        return gradient is None or not np.any(np.abs(gradient) > self.floor.get(name, 0.0))

    def is_linear(self, x: Array, name: str) -> bool:
        """Return True if the gradient is linear in gy."""
        y = self.output(x)
        one, other = self.draw(y), self.draw(y)
        results = [self.all(x, gy).get(name) for gy in (one, other, 2 * one - other)]
        if any(each is None for each in results):
            return True
        g_one, g_other, g_both = (np.asarray(each, np.float64) for each in results)
        scale = max(float(np.max(np.abs(each), initial=0.0)) for each in (g_one, g_other, g_both))
        if y.dtype != np.float64 or np.asarray(results[0]).dtype != np.float64:
            scale *= 1e7  # from the tolerance of float64 to that of float32
        expected = 2 * g_one - g_other
        if equal(g_both, expected, scale=scale, floor=8 * self.floor.get(name, 0.0)):
            return True
        rounding = self.noise(x, one, name) + self.noise(x, other, name) + self.noise(x, (2 * one - other).astype(y.dtype), name)
        return equal(g_both, expected, scale=scale, floor=8 * self.floor.get(name, 0.0) + 8 * rounding)


def _nearly(array: Array, rng: "np.random.Generator") -> Array:
    """Return the array with random changes of its last digits."""
    if array.dtype.kind != "f":
        return array.copy()
    return np.asarray((array * (1 + 8 * np.finfo(array.dtype).eps * rng.uniform(-1, 1, array.shape))).astype(array.dtype))
