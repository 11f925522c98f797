"""A gradient beside the numerical one, number by number: the evidence for a verdict and for guesses."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import TypeAlias

import numpy as np

from handmade.engine.arrays import Array, Shape
from handmade.engine.check.layers.slopes import EXACT, SAFE, Point, between, moved

Guess: TypeAlias = str | None  # in words; None where a mistake is not recognised
FAR = 30.0  # times the size of x: enough to change every output that reads a number, a pool's losers among them
RELATIVE = {8: 1e-7, 4: 2e-2, 2: 0.2}  # by the bytes of a number: what is left of the curvature
SEEN = 2.0  # times the tolerance: a slope that is larger shows that a sign is wrong
POWER = 10.0  # the same, for a guess


@dataclass(frozen=True)
class Comparison:
    """One gradient array beside the numerical one.

    Attributes
    ----------
    point : Point
        The layer at an input, and the array.
    gy : Array
        The gradient that came in.
    got : Array
        What backward says.
    known : Array of int
        The places, counted through the array, whose numerical slopes were taken.
    right, left : Array, (known, *y.shape)
        The slopes.
    tolerance : Array, (known,)
        What rounding and curvature can do.
    """

    point: Point
    gy: Array
    got: Array
    known: Array
    right: Array
    left: Array
    tolerance: Array

    @property
    def name(self) -> str:
        """The array: x or a weight."""
        return self.point.name

    @property
    def x(self) -> Array:
        """The input."""
        return self.point.x

    @property
    def y(self) -> Array:
        """The output."""
        return self.point.y

    @property
    def shape(self) -> Shape:
        """The shape that the gradient should have."""
        return self.point.array.shape

    @cached_property
    def bounds(self) -> tuple[Array, Array]:
        """Between these the gradient must lie: outputs on a kink may each choose a side."""
        return between(self.right, self.left, self.gy)

    @cached_property
    def kinked(self) -> Array:
        """True for numbers whose two sides differ by far more than curvature explains."""
        low, high = self.bounds
        sizes = np.abs(low) + np.abs(high)
        curved = 1e-3 * sizes + 1e-4 * np.max(sizes, initial=0.0)  # where a slope is 0, the curvature is all there is
        kinked: Array = high - low > curved + 10 * self.tolerance
        return kinked

    @cached_property
    def off(self) -> Array:
        """True for the known numbers that are outside of what the tolerance allows."""
        low, high = self.bounds
        got = self.got.reshape(-1)[self.known]
        wrong: Array = ~((got >= low - self.tolerance) & (got <= high + self.tolerance))
        return wrong

    @cached_property
    def seen(self) -> bool:
        """True if a gradient of zeros, or of the wrong sign, would be found wrong."""
        low, high = self.bounds
        clear = (low > SEEN * self.tolerance) | (high < -SEEN * self.tolerance)
        return bool(np.any(clear & ~self.kinked))  # between two sides that are far apart, twice the slope would pass, too

    @cached_property
    def numeric(self) -> Array:
        """The numerical gradient, halfway where its sides differ; NaN where it is not known."""
        return self.to_full(np.add(*self.bounds) / 2)

    def with_gy(self, gy: Array) -> Array:
        """Return the numerical gradient for another gradient from above."""
        return self.to_full(np.add(*between(self.right, self.left, gy)) / 2)

    def to_full(self, numbers: Array) -> Array:
        """Return numbers of the known places in an array of the right shape; NaN elsewhere."""
        full = np.full(self.shape, np.nan)
        full.reshape(-1)[self.known] = numbers
        return full


def compare(point: Point, gy: Array, got: Array, known: Array, relative: float | None = None) -> Comparison:
    """Nudge one number after the other; `relative` in the place of the usual tolerance."""
    y, shape = point.y, point.array.shape
    right, left = np.empty((len(known), *y.shape)), np.empty((len(known), *y.shape))
    for n, place in enumerate(known):
        nudge = np.zeros(shape)
        nudge.reshape(-1)[place] = 1
        right[n], left[n] = point.slopes(nudge)
    return Comparison(point, gy, got, known, right, left, tolerance(point, gy, right, left, relative=relative))


def tolerance(point: Point, gy: Array, right: Array, left: Array, relative: float | None = None, more: float = 0.0) -> Array:
    """Return what <gy, slope> may be off by, for each of several slopes; `more` is added to the sizes of its terms.

    Slopes of an exact delta are right to the last digits. Those of a subtraction are off by noise / h, and by h times the
    curvature, which is between the two sides, mostly; the ladder judges what is not, as x^3 at 0.
    """
    floor = np.finfo(np.float64).tiny
    axes = tuple(range(1, right.ndim))
    sizes = np.abs(gy * np.maximum(np.abs(right), np.abs(left))).sum(axis=axes) + more
    if point.exact:
        return np.asarray((relative or EXACT) * np.maximum(sizes, 1e-3 * np.max(sizes, initial=0.0)) + floor)
    usual = RELATIVE[point.bytes]
    least = 1e-3 * float(np.max(sizes, initial=0.0))
    result: Array = (relative or usual) * (sizes + least) + SAFE * point.lost(gy) + floor
    return result


def same(c: Comparison, one: Array, other: Array) -> bool:
    """Return True if a guess explains a wrong gradient.

    It has to agree with all numbers of the wrong gradient that it tells of, the wrong ones among them. It must be false for the
    right gradient there, by far more than the tolerance.
    """
    if one.shape != c.shape or other.shape != c.shape:
        return False
    told = np.isfinite(other).reshape(-1)[c.known]
    got, guess, off = one.reshape(-1)[c.known], other.reshape(-1)[c.known], c.off
    limit = SEEN * float(np.max(c.tolerance, initial=0.0))  # a guess is made of the slopes of all
    with np.errstate(invalid="ignore"):
        agrees = np.abs(got - guess) <= limit
        tells = np.abs(guess - c.numeric.reshape(-1)[c.known]) > POWER * c.tolerance
    explained = told & off & agrees & tells
    if not np.all(agrees[told]) or 2 * int(told.sum()) < len(told):
        return False
    count, wrong = int(explained.sum()), int((off & (told | ~np.isfinite(got))).sum())
    return count >= min(2, int(off.sum())) and 2 * count >= wrong


def equal_where_known(c: Comparison, one: Array, other: Array) -> bool:
    """Return True for arrays that are equal wherever both are known, and not all zero: for gradients of a wrong shape."""
    if one.shape != other.shape:
        return False
    known = np.isfinite(one) & np.isfinite(other)
    enough = int(known.sum()) >= max(1, min(8, one.size))
    limit = SEEN * float(np.max(c.tolerance, initial=0.0))
    return enough and bool(np.any(np.abs(one[known]) > limit)) and bool(np.all(np.abs(one[known] - other[known]) <= limit))


def reads(c: Comparison) -> Array:
    """Return which outputs read a number at all: a far move of it, up or down, is seen by every one of them."""
    array = c.point.array
    far = FAR * max(float(np.sqrt(np.mean(np.square(array)))), 1.0)
    readers = np.asarray(c.right != 0)
    for n, place in enumerate(c.known if c.name == "x" else ()):
        nudge = np.zeros(array.shape)
        nudge.reshape(-1)[place] = far
        readers[n] |= moved(c.point, nudge) != c.y
    return readers


def some(axes: range) -> Iterator[tuple[int, ...]]:
    """Yield every choice of one or more axes."""
    for count in range(1, len(axes) + 1):
        yield from combinations(axes, count)
