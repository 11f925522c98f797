"""The gradient of one array at one input: right, or wrong.

low <= <gradient, d> <= high, up to the tolerance       for single numbers, then for all of them at once with another gy
"""

from dataclasses import dataclass

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.check.layers.comparison import Comparison, compare, tolerance
from handmade.engine.check.layers.gradients import Gradients
from handmade.engine.check.layers.slopes import EPS, Point, Verdict, between, judge

LOCALISED = 2000  # numbers of an array that are nudged once a wrong number was found
SLOPES = 2**22  # largest number of stored slopes of one array
SUSPECTS = 24  # numbers of an array that are judged again with several step sizes
DIRECTIONS = 3
NEARLY_ZERO = 0.05  # of the gradient: a smaller slope counts as 0 in comparison
UNSEEN = 4.0  # times the rounding of the largest output
DRAWS = 4
NEARLY = (2.0**-50, 2.0**-40, 2.0**-30, 2.0**-20)  # relative changes of x
NEAR = (1e-5, 1e-8, 1e-11)  # distances relative to the size of x: so small that only a kink changes the gradient
NEIGHBOURS = 24


@dataclass(frozen=True)
class Disagreement:
    """Direction along which a gradient is wrong.

    Attributes
    ----------
    direction : str
        Description of the direction.
    got, expected : float
        Actual and expected value of <gradient, direction>.
    """

    direction: str
    got: float
    expected: float


@dataclass
class Agreement:
    """Comparison of the gradient of one array at one input with slopes.

    Attributes
    ----------
    gradients : Gradients
    point : Point
        Input and array.
    allowed : float or None
        Allowed relative error; None for the default of the dtype.
    """

    gradients: Gradients
    point: Point
    allowed: float | None

    def compared(self, most: int, gy: Array | None = None, got: Array | None = None) -> Comparison:
        """Compare up to `most` numbers of the array, drawn at random."""
        point, rng = self.point, self.gradients.rng
        gy = self.gradients.draw(point.y) if gy is None else gy
        got = self.gradients.of(point, gy) if got is None else got
        count = max(1, min(point.array.size, most, SLOPES // max(gy.size, 1)))
        return compare(point, gy, got, np.sort(rng.choice(point.array.size, count, replace=False)), self.allowed)

    def with_more_numbers(self, c: Comparison) -> Comparison:
        """Return the same comparison with more numbers of the array."""
        return self.compared(LOCALISED, c.gy, c.got) if len(c.known) < c.got.size else c

    def is_wrong(self, c: Comparison) -> bool:
        """Judge the suspicious numbers again, the worst first, at the step with the smallest error bar."""
        if not np.any(c.off):
            return False
        low, high = c.bounds
        got = c.got.reshape(-1)[c.known]
        excess = np.where(np.isfinite(got), np.maximum(low - got, got - high) / c.tolerance, np.inf)
        noise = self.gradients.noise(self.point.x, c.gy, c.name).reshape(-1)[c.known]
        for n in np.argsort(-np.where(c.off, excess, -np.inf))[: min(SUSPECTS, int(c.off.sum()))]:
            direction = np.zeros(c.shape)
            direction.reshape(-1)[c.known[n]] = 1
            verdict = self._judge(direction, c.gy, float(got[n]), float(noise[n]))
            if verdict.wrong and not self._is_gradient_nearby(c.gy, direction, float(got[n])):
                return True
        return False

    def _is_gradient_nearby(self, gy: Array, direction: Array, value: float) -> bool:
        """Return True on a kink where several numbers are equal, if a gradient nearby has a value like this one.

        A convention uses one of the gradients around a kink. Where three or more numbers are equal, as in a sorted row, this
        value need not lie between the two one-sided slopes along a line. A direction of ones keeps all ties; then sums are
        compared.
        """
        x, rng = self.point.x, np.random.default_rng(0)
        if self.point.name != "x" or not np.isfinite(value):
            return False
        size = float(np.sqrt(np.mean(np.square(x)))) or 1.0
        near = [x + distance * size * rng.standard_normal(x.shape) for distance in NEAR for _ in range(NEIGHBOURS)]
        given = [self.gradients.all(each.astype(x.dtype), gy)["x"] for each in near]
        found = [g * direction for g in given if g is not None and g.shape == x.shape and np.all(np.isfinite(g))]
        if not found:
            return False
        if np.ptp(direction) == 0:
            low, high = min(float(g.sum()) for g in found), max(float(g.sum()) for g in found)
        else:
            low, high = float(np.min(found, axis=0).sum()), float(np.max(found, axis=0).sum())
        allowed = 10 * NEAR[0] * (float(np.abs(found).sum(axis=tuple(range(1, x.ndim + 1))).max()) + abs(value))
        return high - low > allowed and low - allowed <= value <= high + allowed

    def along(self, n: int) -> tuple[Disagreement | None, bool]:
        """Compare the slope along one direction, with a new gy: equal moves for n = 0, which keep ties; else random moves.

        Returns
        -------
        disagreement : Disagreement or None
        kinked : bool
            True if the direction crosses a kink.
        """
        point, rng = self.point, self.gradients.rng
        shape = point.array.shape
        random = rng.uniform(0.5, 1, shape) * rng.choice([-1.0, 1.0], shape)
        direction = np.ones(shape) if n == 0 else random
        gy = self.gradients.draw(point.y)
        got = self.gradients.of(point, gy)
        value = float(np.vdot(got, direction))
        right, left = point.slopes(direction)
        low, high = (float(side) for side in between(right, left, gy))
        size = float(np.abs(got * direction).sum())
        allowed = float(tolerance(point, gy, right[None], left[None], self.allowed, size)[0])
        if low - allowed <= value <= high + allowed:
            return None, bool(high - low > 1e-3 * (abs(low) + abs(high)) + 10 * allowed)
        noise = float(np.sum(self.gradients.noise(point.x, gy, point.name) * np.abs(direction)))
        verdict = self._judge(direction, gy, value, noise)
        if verdict.wrong and self._is_gradient_nearby(gy, direction, value):
            return None, True
        description = f"all of {point.name} moved equally" if n == 0 else f"{point.name} moved at random"
        return (Disagreement(description, value, (verdict.low + verdict.high) / 2) if verdict.wrong else None), False

    def _judge(self, direction: Array, gy: Array, value: float, noise: float) -> Verdict:
        """Judge a number of the gradient that rounding may have changed by `noise`."""
        verdict = judge(self.point, direction, gy, value)
        if not verdict.wrong:
            return verdict
        slope = max(abs(verdict.low), abs(verdict.high))
        more = noise + (self.allowed or 0.0) * slope
        wrong = not verdict.low - more <= value <= verdict.high + more
        if wrong and slope <= NEARLY_ZERO * abs(value):
            wrong = not self._is_invisible(gy, value) and not self._is_rounding(direction, gy, value)
        return Verdict(verdict.low, verdict.high, verdict.error, wrong=wrong)

    def _is_invisible(self, gy: Array, value: float) -> bool:
        """Return True for a number so small that it is not visible in the output: saturated units have such gradients."""
        point = self.point
        array = float(np.sqrt(np.mean(np.square(point.array, dtype=np.float64)))) or 1.0
        return abs(value) * array <= UNSEEN * EPS[point.bytes] * self.gradients.scale * float(np.abs(gy).sum())

    def _is_rounding(self, direction: Array, gy: Array, value: float) -> bool:
        """Return True if a number that should be 0 changes strongly for nearly the same x: then it is only rounding."""
        x, rng = self.point.x, np.random.default_rng(5)
        if x.dtype.kind != "f" or not np.isfinite(value):
            return False
        for near in NEARLY * DRAWS:
            moved = (x * (1 + near * rng.uniform(-1, 1, x.shape))).astype(x.dtype)
            given = self.gradients.all(moved, gy)[self.point.name]
            if (
                given is not None
                and given.shape == direction.shape
                and abs(float(np.vdot(given, direction)) - value) > abs(value) / 8
            ):
                return True
        return False
