"""One-sided slopes of a layer along a line, and what they can be trusted for.

    right(h) = (f(p + h d) - f(p)) / h,   left(h) = (f(p) - f(p - h d)) / h        for every number of the output

p is x or a weight array. With a gy, both sides give a least and a most for <gradient, d>: an output on a kink may take either.
The error bar at h is what rounding may do, noise / h, and what is left of the curvature: the change from 8 h to h.
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.foreign import CallFailed, Foreign

EXACT_STEP = 1e-30  # of a delta that never subtracts
STEPS = {8: 2.0**-20, 4: 2.0**-9, 2: 2.0**-4}  # by the bytes of a number, relative to what is nudged: half of the digits are lost
LARGEST_STEP = 2.0**-9  # where a slope is small beside the value, the step is larger
STRAIGHT = 2.0**-40  # steps for which every function is straight
COARSE = 2.0**-24  # steps that move what was rounded to float32
RATIO = 8.0  # between two steps of the ladder
RUNGS = 14
SAFE = 4.0  # error bars are estimates: this many of them
EXACT = 1e-9  # relative, of slopes from a delta


@dataclass(frozen=True)
class Point:
    """A layer at an input, and one array that is moved: x, or a weight.

    Attributes
    ----------
    foreign : Foreign
    x, y : Array
        The input and its output.
    name : str
        "x" or a weight.
    noise : Array, the shape of y
        What rounding does to each number of the output.
    step : float
        The size of the first nudge.
    """

    foreign: Foreign
    x: Array
    y: Array
    name: str
    noise: Array
    step: float

    @property
    def array(self) -> Array:
        """What is moved."""
        return self.x if self.name == "x" else self.foreign.weights[self.name]

    @property
    def exact(self) -> bool:
        """True if slopes come from the layer's own delta."""
        return self.foreign.exact and self.name == "x"

    def slopes(self, direction: Array, h: float | None = None) -> tuple[Array, Array]:
        """Return the slopes of every output along a direction, to the right and to the left."""
        if h is None and self.exact:
            right = self.foreign.delta(self.x.copy(), EXACT_STEP * direction) / EXACT_STEP
            return right, self.foreign.delta(self.x.copy(), -EXACT_STEP * direction) / -EXACT_STEP
        h = self.step if h is None else h
        return (moved(self, h * direction) - self.y) / h, (self.y - moved(self, -h * direction)) / h

    def lost(self, gy: Array, h: float | None = None) -> float:
        """Return what rounding may do to <gy, slope>."""
        if h is None and self.exact:
            return 0.0
        return float(np.vdot(np.abs(gy), self.noise)) / (h or self.step)


def at(foreign: Foreign, x: Array, name: str) -> Point:
    """Return a point, with its noise and the step that suits it."""
    y = np.array(foreign.forward(x.copy()))
    array = x if name == "x" else foreign.weights[name]
    size = _power_of_two(float(np.sqrt(np.mean(np.square(array, dtype=np.float64)))) if array.size else 1.0)
    point = Point(foreign, x, y, name, np.zeros(y.shape), size * STEPS.get(y.dtype.itemsize, STEPS[8]))
    noise = _noise(point, size)
    step = point.step
    if not point.exact:
        rng = np.random.default_rng(1)
        slope = np.abs(moved(point, step * rng.standard_normal(array.shape)) - y) / step
        typical, lost = float(np.max(slope, initial=0.0)), float(np.max(noise, initial=0.0))
        while step < max(size, 1.0) * LARGEST_STEP and 0 < lost / step > 1e-7 * typical > 0:
            step *= 2
    return Point(foreign, x, y, name, noise, step)


def moved(point: Point, d: Array) -> Array:
    """Return the output with the array moved by d."""
    if point.name == "x":
        return np.array(point.foreign.forward((point.x + d).astype(point.x.dtype)))
    kept = np.array(point.foreign.weights[point.name])
    point.foreign.put(point.name, (kept + d).astype(kept.dtype))
    try:
        return np.array(point.foreign.forward(point.x.copy()))
    finally:
        point.foreign.put(point.name, kept)


def between(right: Array, left: Array, gy: Array) -> tuple[Array, Array]:
    """Return the least and the most of <gy, slope> where every output may choose a slope between its two sides."""
    axes = tuple(range(right.ndim - gy.ndim, right.ndim))
    one, other = gy * right, gy * left
    return np.minimum(one, other).sum(axis=axes), np.maximum(one, other).sum(axis=axes)


@dataclass(frozen=True)
class Verdict:
    """The judgement of one number on a ladder of steps.

    Attributes
    ----------
    low, high : float
        What the slope says.
    error : float
        How far that can be trusted.
    wrong : bool
        True if the number is beyond.
    known : bool
        False if the error is so large that nothing can be said.
    """

    low: float
    high: float
    error: float
    wrong: bool
    known: bool


def judge(point: Point, direction: Array, gy: Array, value: float) -> Verdict:
    """Judge <gradient, direction> at the step where the error bar is smallest."""
    sizes = point.step / STEPS.get(point.y.dtype.itemsize, STEPS[8])
    steps = [sizes * 2.0**-5 / RATIO**k for k in range(RUNGS)]
    rows = []
    with np.errstate(all="ignore"):
        for h in steps:
            try:
                right, left = point.slopes(direction, h)
            except CallFailed:
                continue
            if np.all(np.isfinite(right)) and np.all(np.isfinite(left)):
                total = float(np.abs(gy * np.maximum(np.abs(right), np.abs(left))).sum())
                rows.append((*map(float, between(right, left, gy)), point.lost(gy, h), total))
    best: tuple[float, float, float, float] | None = None
    for before, here in pairwise(rows):
        change = max(abs(here[0] - before[0]), abs(here[1] - before[1]))
        error = here[2] + change + 1e-12 * here[3]
        if best is None or error < best[2]:
            best = (here[0], here[1], error, here[3])
    if best is None or not math.isfinite(value):
        return Verdict(math.nan, math.nan, math.inf, wrong=not math.isfinite(value), known=best is not None)
    low, high, error, total = best
    wrong = not low - SAFE * error <= value <= high + SAFE * error
    size = max(abs(value), abs(low), abs(high))
    return Verdict(
        low, high, error, wrong=wrong, known=wrong or SAFE * error <= 0.05 * max(size, 1e-3 * total) or size <= SAFE * error
    )


def _noise(point: Point, size: float) -> Array:
    """Return what rounding does to each output: what is left of a straight line, over steps for which all is straight.

    Where such steps do not move an output that larger ones do, numbers are rounded on their way; then larger steps show how far.
    """
    y = point.y
    floor = np.finfo(y.dtype).eps * np.abs(y).astype(np.float64)
    direction = np.random.default_rng(2).uniform(0.5, 1, point.array.shape)
    if y.dtype.itemsize < 8:
        left, _ = _left_of_line(point, size * STEPS[y.dtype.itemsize] / 64 * direction, 1)
        return np.asarray(np.maximum(left, floor))
    fine, still = _left_of_line(point, size * STRAIGHT * direction, 1)
    if not np.any(still):
        return np.asarray(np.where(np.isfinite(fine), np.maximum(fine, floor), floor))
    coarse, _ = _left_of_line(point, size * COARSE * direction, 2)
    rate = np.abs(moved(point, size * STEPS[8] * direction) - y) / STEPS[8]
    stairs = still & (rate * STRAIGHT > 64 * floor)
    result: Array = np.maximum(np.where(stairs, np.maximum(fine, coarse), fine), floor)
    return np.asarray(np.where(np.isfinite(result), result, floor))


def _left_of_line(point: Point, step: Array, degree: int) -> tuple[Array, Array]:
    """Return the largest residual of a polynomial through seven steps, and where nothing moved."""
    t = np.arange(-3.0, 4.0)
    rows = np.stack([moved(point, n * step) if n else point.y for n in t]).astype(np.float64) - point.y
    powers = np.stack([t**k for k in range(degree + 1)], axis=1)
    flat = np.where(np.isfinite(rows), rows, 0.0).reshape(len(t), -1)
    left = flat - powers @ np.linalg.lstsq(powers, flat, rcond=None)[0]
    return np.abs(left).max(axis=0).reshape(point.y.shape), ~np.any(rows, axis=0)


def _power_of_two(size: float) -> float:
    """Return a power of two near a size, so that p + h is as exact as can be; 1 for zeros."""
    return 2.0 ** round(math.log2(size)) if size > 0 and math.isfinite(size) else 1.0


def all_finite(array: Any) -> bool:
    """Return True if an array holds no NaN and no infinity."""
    return bool(np.all(np.isfinite(array)))
