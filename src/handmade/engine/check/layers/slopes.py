"""One-sided slopes of a layer along a line, and their error bars.

    right(h) = (f(p + h d) - f(p)) / h,   left(h) = (f(p) - f(p - h d)) / h        for every number of the output

p is x or a weight array. With a gy, both sides give a smallest and a largest value of <gradient, d>: an output on a kink may
have either slope. The error bar at h is the rounding, noise / h, plus the remaining curvature: the change from 8 h to h.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.foreign import CallFailed, Foreign

EXACT_STEP = 1e-30  # for a delta that never subtracts
STEPS = {
    8: 2.0**-20,
    4: 2.0**-9,
    2: 2.0**-4,
}  # by the bytes of a number, relative to the nudged array: half of the digits are lost
EPS = {8: 2.0**-52, 4: 2.0**-23, 2: 2.0**-10}  # the rounding of 1
LARGEST_STEP = 2.0**-9  # if a slope is small compared with the value, the step is larger
STRAIGHT = 2.0**-40  # steps so small that every function is linear
COARSE = 2.0**-24  # steps that are visible after rounding to float32
FINER = 6  # number of smaller steps that are tried, each 64 times smaller
RATIO = 8.0  # between two step sizes
STEP_COUNT = 14
QUIET = 1e6  # times the rounding of the largest output: more is curvature, not rounding
RELIABLE = 0.05  # of a slope: largest error bar of a step that may replace a larger one
SETTLED = 0.3  # largest relative change of a slope between two steps
SAFE = 4.0  # factor for error bars, which are estimates
EXACT = 1e-9  # relative error of slopes from a delta


@dataclass(frozen=True)
class Point:
    """Layer at an input, and the array that is moved: x or a weight.

    Attributes
    ----------
    foreign : Foreign
    x, y : Array
        Input and output.
    name : str
        "x", or the name of a weight.
    noise : Array, the shape of y
        Rounding of each number of the output.
    step : float
        Size of the first nudge.
    """

    foreign: Foreign
    x: Array
    y: Array
    name: str
    noise: Array
    step: float

    @property
    def array(self) -> Array:
        """Array that is moved."""
        return self.x if self.name == "x" else self.foreign.weights[self.name]

    @property
    def bytes(self) -> int:
        """Bytes of a number: of the output, or of the array if that has fewer."""
        return min(8, self.y.dtype.itemsize, self.array.dtype.itemsize if self.array.dtype.kind == "f" else 8)

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

    def rounding(self, gy: Array, h: float | None = None) -> Array:
        """Return the rounding of <gy, slope>; for each gy, if there are several."""
        if h is None and self.exact:
            return np.zeros(())
        return np.asarray(np.tensordot(np.abs(gy), self.noise, self.noise.ndim) / (h or self.step))


def at(foreign: Foreign, x: Array, name: str) -> Point:
    """Return a point with its noise and a suitable step."""
    y = np.array(foreign.forward(x.copy()))
    array = x if name == "x" else foreign.weights[name]
    size = _power_of_two(float(np.sqrt(np.mean(np.square(array, dtype=np.float64)))) if array.size else 1.0)
    point = Point(foreign, x, y, name, np.zeros(y.shape), size)
    point = replace(point, step=size * STEPS[point.bytes])
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
    """Return the output with the array moved by d; NaN if the layer raises an error or returns another shape."""
    kept = None if point.name == "x" else np.array(point.foreign.weights[point.name])
    try:
        if kept is None:
            y = np.array(point.foreign.forward((point.x + d).astype(point.x.dtype)))
        else:
            point.foreign.put(point.name, (kept + d).astype(kept.dtype))
            y = np.array(point.foreign.forward(point.x.copy()))
        return y if y.shape == point.y.shape else np.full(point.y.shape, np.nan)
    except CallFailed:
        return np.full(point.y.shape, np.nan)
    finally:
        if kept is not None:
            point.foreign.put(point.name, kept)


def between(right: Array, left: Array, gy: Array) -> tuple[Array, Array]:
    """Return the smallest and largest <gy, slope> if the slope of each output may lie anywhere between its two sides."""
    axes = tuple(range(right.ndim - gy.ndim, right.ndim))
    one, other = gy * right, gy * left
    return np.minimum(one, other).sum(axis=axes), np.maximum(one, other).sum(axis=axes)


@dataclass(frozen=True)
class Slope:
    """Slope at one step, and its error bar."""

    low: float
    high: float
    error: float


@dataclass(frozen=True)
class Verdict:
    """Verdict on one number.

    Attributes
    ----------
    low, high : float
        Range of the slope.
    error : float
        Error bar of the slope.
    wrong : bool
        True if the number is outside the error bar.
    """

    low: float
    high: float
    error: float
    wrong: bool


def judge(point: Point, direction: Array, gy: Array, value: float) -> Verdict:
    """Judge <gradient, direction> at the step where the error bar is smallest.

    If a smaller step gives another value, also with a small error bar, the function is curved there: then it counts.
    """
    slopes = _slopes(point, direction, gy)
    if not slopes:
        return Verdict(math.nan, math.nan, math.inf, wrong=not math.isfinite(value))
    best = min(slopes, key=lambda slope: slope.error)
    for slope in slopes[slopes.index(best) + 1 :]:
        differ = max(abs(slope.low - best.low), abs(slope.high - best.high)) > SAFE * (slope.error + best.error)
        if differ and SAFE * slope.error <= RELIABLE * max(abs(slope.low), abs(slope.high)):
            best = slope
    wrong = not best.low - SAFE * best.error <= value <= best.high + SAFE * best.error
    return Verdict(best.low, best.high, best.error, wrong=wrong)


def _slopes(point: Point, direction: Array, gy: Array) -> list[Slope]:
    """Return the slopes that are near their limit, from the largest step size to the smallest."""
    size = point.step / STEPS[point.bytes]
    scale = float(np.max(np.abs(point.y), initial=0.0)) * EPS[point.bytes]
    quiet = bool(np.max(point.noise, initial=0.0) <= QUIET * scale)
    slopes, before, gy_moved = [], None, gy * _moves(point, direction, size)
    for k in range(STEP_COUNT):
        h = size * 2.0**-5 / RATIO**k
        right, left = point.slopes(direction, h)
        if not np.all(np.isfinite(right)) or not np.all(np.isfinite(left)):
            continue
        low, high = map(float, between(right, left, gy))
        total = float(np.abs(gy * np.maximum(np.abs(right), np.abs(left))).sum())
        if before is not None:
            change, lost = max(abs(low - before[0]), abs(high - before[1])), float(point.rounding(gy_moved, h))
            steep, larger = max(abs(low), abs(high)), max(abs(before[0]), abs(before[1]))
            # near its limit, on the way to 0, or 0 up to rounding
            if change <= SETTLED * steep or steep < larger / 2 or (quiet and change <= 2 * lost):
                slopes.append(Slope(low, high, lost + change + 1e-12 * total))
        before = low, high
    return slopes


def _moves(point: Point, direction: Array, size: float) -> Array:
    """Return a mask of the outputs that change with the array at all: other outputs add neither slope nor rounding."""
    far = [sign * distance * max(size, 1.0) for distance in (1.0, 30.0) for sign in (1, -1)]
    return np.asarray(np.any([moved(point, step * direction) != point.y for step in far], axis=0))


def _noise(point: Point, size: float) -> Array:
    """Return the rounding of each output: the residual of a straight line through steps so small that the function is linear.

    Of several steps that change an output, the one with the smallest residual counts: larger residuals include curvature. If only
    larger steps change an output, numbers are rounded inside the layer; then larger steps show by how much.
    """
    y = point.y
    double = point.bytes == 8
    floor = EPS[y.dtype.itemsize if y.dtype.itemsize in EPS else 8] * np.abs(y).astype(np.float64)
    direction = np.random.default_rng(2).uniform(0.5, 1, point.array.shape)
    unit = STRAIGHT if double else STEPS[point.bytes] / 64
    fine, still = _residual(point, size * unit * direction, 1)
    for _ in range(FINER):
        if not np.any(~still & (fine > 16 * floor)):
            break
        unit /= 64
        finer, unmoved = _residual(point, size * unit * direction, 1)
        fine = np.where(unmoved, fine, np.minimum(fine, finer))
    if double and np.any(still):
        coarse, _ = _residual(point, size * COARSE * direction, 2)
        rate = np.abs(moved(point, size * STEPS[8] * direction) - y) / STEPS[8]
        fine = np.where(still & (rate * STRAIGHT > 64 * floor), np.maximum(fine, coarse), fine)
    result: Array = np.maximum(fine, floor)
    return np.asarray(np.where(np.isfinite(result), result, floor))


def _residual(point: Point, step: Array, degree: int) -> tuple[Array, Array]:
    """Return the largest residual of a polynomial through seven steps, and a mask of the outputs that did not change."""
    t = np.arange(-3.0, 4.0)
    rows = np.stack([moved(point, n * step) if n else point.y for n in t]).astype(np.float64) - point.y
    powers = np.stack([t**k for k in range(degree + 1)], axis=1)
    flat = np.where(np.isfinite(rows), rows, 0.0).reshape(len(t), -1)
    left = flat - powers @ np.linalg.lstsq(powers, flat, rcond=None)[0]
    return np.abs(left).max(axis=0).reshape(point.y.shape), ~np.any(rows, axis=0)


def _power_of_two(size: float) -> float:
    """Return a power of two near a size, so that p + h has the smallest rounding; 1 for zeros."""
    return 2.0 ** round(math.log2(size)) if size > 0 and math.isfinite(size) else 1.0


def all_finite(array: Any) -> bool:
    """Return True if an array holds no NaN and no infinity."""
    return bool(np.all(np.isfinite(array)))
