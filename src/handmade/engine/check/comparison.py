"""A gradient beside its numerical twin, number by number: the evidence that guesses are made from."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import TypeAlias

import numpy as np

from handmade.engine.arrays import Array, Shape
from handmade.engine.check.stranger import STEP, Stranger

Guess: TypeAlias = str | None  # in words; None where a mistake is not recognised
FAR = 30.0  # times the size of x: enough to change every output that reads a number, a pool's losers among them


@dataclass(frozen=True)
class Comparison:
    """One gradient array beside its numerical twin, number by number.

    Attributes
    ----------
    stranger, x, y, gy
        The layer, its input and output, and the gradient that came in.
    name : str
        "x", or the name of the weight array.
    got : Array
        What backward says.
    known : Array of int
        The places, counted through the array, whose numerical slopes were taken.
    right, left : Array, (known, *y.shape)
        The slopes.
    tolerance : float
        What rounding can do.
    """

    stranger: Stranger
    x: Array
    y: Array
    gy: Array
    name: str
    got: Array
    known: Array
    right: Array
    left: Array
    tolerance: float

    @property
    def shape(self) -> Shape:
        return self.stranger.array(self.x, self.name).shape

    @property
    def bounds(self) -> tuple[Array, Array]:
        """Between these the gradient must lie: outputs on a kink may each choose a side."""
        return between(self.right, self.left, self.gy)

    @property
    def kinks(self) -> int:
        """How many of the nudges met a kink: where the sides differ by far more than curvature explains."""
        low, high = self.bounds
        return int(np.sum(high - low > 1e-3 * (np.abs(low) + np.abs(high)) + 10 * self.tolerance))

    @property
    def off(self) -> Array:
        """Which of the known numbers are wrong."""
        low, high = self.bounds
        got = self.got.reshape(-1)[self.known]
        wrong: Array = ~((got >= low - self.tolerance) & (got <= high + self.tolerance))
        return wrong

    @property
    def numeric(self) -> Array:
        """The numerical gradient, halfway where its sides differ; NaN where it is not known."""
        return self.spread(np.add(*self.bounds) / 2)

    def with_gy(self, gy: Array) -> Array:
        """The numerical gradient for another gradient from above."""
        return self.spread(np.add(*between(self.right, self.left, gy)) / 2)

    def spread(self, numbers: Array) -> Array:
        """Numbers of the known places in an array of the right shape; NaN elsewhere."""
        full = np.full(self.shape, np.nan)
        full.reshape(-1)[self.known] = numbers
        return full


def between(right: Array, left: Array, gy: Array) -> tuple[Array, Array]:
    """The least and the most that <gy, slope> comes to when every output may choose a slope between its two sides."""
    axes = tuple(range(right.ndim - gy.ndim, right.ndim))
    return np.minimum(gy * right, gy * left).sum(axis=axes), np.maximum(gy * right, gy * left).sum(axis=axes)


def rounding(stranger: Stranger, x: Array, y: Array, gy: Array, name: str, sizes: Array) -> float:
    """What <gy, slope> may be off by, when the terms of its sum add up to these sizes without their signs.

    The slopes of an exact delta are right to the last digits. Those of a subtraction with step h are off by eps |y| / h from
    rounding, by h times the curvature (it is between the two sides, mostly), and by h^2 even where the slope is zero: x^3 at 0.
    """
    exact = stranger.exact and name == "x"
    largest = float(np.max(sizes, initial=0.0))
    if exact:
        return 1e-9 * largest
    eps = float(np.finfo(np.float64).eps)
    lost = eps * float(np.max(np.abs(y), initial=0.0)) / stranger.step(x, name) + STEP**2
    return 2e-6 * largest + 16 * lost * float(np.linalg.norm(gy))


def compare(stranger: Stranger, x: Array, gy: Array, name: str, got: Array, known: Array) -> Comparison:
    """Nudge one number after the other."""
    y = stranger.forward(x.copy())
    shape = stranger.array(x, name).shape
    right, left = np.empty((len(known), *y.shape)), np.empty((len(known), *y.shape))
    for n, place in enumerate(known):
        nudge = np.zeros(shape)
        nudge.reshape(-1)[place] = 1
        right[n], left[n] = stranger.slopes(x, name, nudge, y)
    sizes = np.abs(gy * np.maximum(np.abs(right), np.abs(left))).reshape(len(known), -1).sum(axis=1)
    return Comparison(stranger, x, y, gy, name, got, known, right, left, rounding(stranger, x, y, gy, name, sizes))


def same(c: Comparison, one: Array, other: Array) -> bool:
    """Equal to rounding wherever both are known, in more places than chance explains, and not because all is zero."""
    known = np.isfinite(one) & np.isfinite(other)
    enough = int(known.sum()) >= min(8, one.size)
    return enough and bool(np.any(one[known])) and bool(np.all(np.abs(one[known] - other[known]) <= 2 * c.tolerance))


def slopes_agree(c: Comparison, stranger: Stranger, x: Array) -> bool:
    """Whether what backward says is right in another world: in three random directions, which it is not by chance."""
    rng = np.random.default_rng(0)
    y = stranger.forward(x.copy())
    for _ in range(3):
        direction = rng.standard_normal(c.shape)
        right, left = stranger.slopes(x, c.name, direction, y)
        low, high = between(right, left, c.gy)
        sizes = np.abs(c.gy * np.maximum(np.abs(right), np.abs(left))).sum()
        if not abs(np.vdot(c.got, direction) - (low + high) / 2) <= rounding(stranger, x, y, c.gy, c.name, sizes) + (high - low):
            return False
    return True


def reads(c: Comparison) -> Array:
    """Which outputs read a number at all: a far move of it, up or down, is seen by every one of them."""
    far = FAR * max(float(np.sqrt(np.mean(np.square(c.stranger.array(c.x, c.name))))), 1.0)
    stranger, readers = c.stranger.fresh(), np.asarray(c.right != 0)
    for n, place in enumerate(c.known if c.name == "x" else ()):
        nudged = c.x.copy()
        nudged.reshape(-1)[place] += far
        readers[n] |= stranger.forward(nudged) != c.y
    return readers


def some(axes: range) -> Iterator[tuple[int, ...]]:
    """Every choice of one or more axes."""
    for count in range(1, len(axes) + 1):
        yield from combinations(axes, count)
