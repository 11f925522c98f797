"""Comparison of a gradient with the numerical one, number by number: the evidence for a verdict and for guesses."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import TypeAlias

import numpy as np

from handmade.engine.arrays import Array, Shape
from handmade.engine.check.layers.slopes import EXACT, SAFE, Point, between, moved

Guess: TypeAlias = str | None  # as text; None if a mistake is not recognised
FAR = 30.0  # times the size of x: enough to change every output that reads a number, even one that is not the maximum of a pool
RELATIVE = {8: 1e-7, 4: 2e-2, 2: 0.2}  # tolerance by the bytes of a number: covers the remaining curvature
SEEN = 2.0  # times the tolerance: a larger slope reveals a wrong sign
POWER = 10.0  # times the tolerance: a guess must differ this much from the right gradient


@dataclass(frozen=True)
class Comparison:
    """One gradient array and the numerical one.

    Attributes
    ----------
    point : Point
        Layer at an input, and the array.
    gy : Array
        Upstream gradient.
    got : Array
        Result of backward.
    known : Array of int
        Flat indices of the numbers whose numerical slopes were computed.
    right, left : Array, (known, *y.shape)
        Slopes on both sides.
    tolerance : Array, (known,)
        Largest error that rounding and curvature can cause.
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
        """Name of the array: x or a weight."""
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
        """Expected shape of the gradient."""
        return self.point.array.shape

    @cached_property
    def bounds(self) -> tuple[Array, Array]:
        """Lower and upper bound of the gradient: each output on a kink may use either side."""
        return between(self.right, self.left, self.gy)

    @cached_property
    def kinked(self) -> Array:
        """True for numbers whose two sides differ by far more than curvature explains."""
        low, high = self.bounds
        sizes = np.abs(low) + np.abs(high)
        curved = 1e-3 * sizes + 1e-4 * np.max(sizes, initial=0.0)  # where a slope is 0, the difference is curvature only
        kinked: Array = high - low > curved + 10 * self.tolerance
        return kinked

    @cached_property
    def off(self) -> Array:
        """True for the known numbers that are outside the bounds by more than the tolerance."""
        low, high = self.bounds
        got = self.got.reshape(-1)[self.known]
        wrong: Array = ~((got >= low - self.tolerance) & (got <= high + self.tolerance))
        return wrong

    @cached_property
    def seen(self) -> bool:
        """True if the comparison would detect a gradient of zeros, or of the wrong sign."""
        low, high = self.bounds
        clear = (low > SEEN * self.tolerance) | (high < -SEEN * self.tolerance)
        return bool(np.any(clear & ~self.kinked))  # if the two sides differ strongly, twice the slope would pass, too

    @cached_property
    def numeric(self) -> Array:
        """Numerical gradient, the mean of both sides; NaN where it is not known."""
        return self.to_full(np.add(*self.bounds) / 2)

    def with_gy(self, gy: Array) -> Array:
        """Return the numerical gradient for another upstream gradient."""
        return self.to_full(np.add(*between(self.right, self.left, gy)) / 2)

    def to_full(self, numbers: Array) -> Array:
        """Return an array of the right shape with numbers at the known positions, and NaN elsewhere."""
        full = np.full(self.shape, np.nan)
        full.reshape(-1)[self.known] = numbers
        return full


def compare(point: Point, gy: Array, got: Array, known: Array, relative: float | None = None) -> Comparison:
    """Compare a gradient with slopes, one nudged number after the other; `relative` replaces the usual tolerance."""
    y, shape = point.y, point.array.shape
    right, left = np.empty((len(known), *y.shape)), np.empty((len(known), *y.shape))
    for n, place in enumerate(known):
        nudge = np.zeros(shape)
        nudge.reshape(-1)[place] = 1
        right[n], left[n] = point.slopes(nudge)
    return Comparison(point, gy, got, known, right, left, tolerance(point, gy, right, left, relative=relative))


def tolerance(point: Point, gy: Array, right: Array, left: Array, relative: float | None = None, more: float = 0.0) -> Array:
    """Return the largest possible error of <gy, slope>, for each of several slopes; `more` is added to the sizes of its terms.

    Slopes of an exact delta are right up to the last digits. Slopes of a subtraction have errors of noise / h, and of h times the
    curvature, which mostly lies between the two sides. Other cases, such as x^3 at 0, are judged with several step sizes.
    """
    floor = np.finfo(np.float64).tiny
    axes = tuple(range(1, right.ndim))
    sizes = np.abs(gy * np.maximum(np.abs(right), np.abs(left))).sum(axis=axes) + more
    if point.exact:
        return np.asarray((relative or EXACT) * np.maximum(sizes, 1e-3 * np.max(sizes, initial=0.0)) + floor)
    usual = RELATIVE[point.bytes]
    least = 1e-3 * float(np.max(sizes, initial=0.0))
    result: Array = (relative or usual) * (sizes + least) + SAFE * point.rounding(gy) + floor
    return result


def same(c: Comparison, one: Array, other: Array) -> bool:
    """Return True if a guess explains a wrong gradient.

    The guess must agree with the layer's gradient wherever the guess is defined, also at wrong numbers. At these, it must differ
    from the right gradient by much more than the tolerance.
    """
    if one.shape != c.shape or other.shape != c.shape:
        return False
    defined = np.isfinite(other).reshape(-1)[c.known]
    got, guess, off = one.reshape(-1)[c.known], other.reshape(-1)[c.known], c.off
    limit = SEEN * float(np.max(c.tolerance, initial=0.0))  # a guess is computed from the slopes of all numbers
    with np.errstate(invalid="ignore"):
        agrees = np.abs(got - guess) <= limit
        differs = np.abs(guess - c.numeric.reshape(-1)[c.known]) > POWER * c.tolerance
    explained = defined & off & agrees & differs
    if not np.all(agrees[defined]) or 2 * int(defined.sum()) < len(defined):
        return False
    count, wrong = int(explained.sum()), int((off & (defined | ~np.isfinite(got))).sum())
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
    """Return a mask of the outputs that read each number: a large move of it, up or down, changes these outputs."""
    array = c.point.array
    far = FAR * max(float(np.sqrt(np.mean(np.square(array)))), 1.0)
    readers = np.asarray(c.right != 0)
    for n, place in enumerate(c.known if c.name == "x" else ()):
        nudge = np.zeros(array.shape)
        nudge.reshape(-1)[place] = far
        readers[n] |= moved(c.point, nudge) != c.y
    return readers


def axis_subsets(axes: range) -> Iterator[tuple[int, ...]]:
    """Yield every subset of one or more axes."""
    for count in range(1, len(axes) + 1):
        yield from combinations(axes, count)
