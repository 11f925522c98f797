"""One-sided slopes of a layer along a line, and what they can be trusted for.

    right(h) = (f(p + h d) - f(p)) / h,   left(h) = (f(p) - f(p - h d)) / h        for every number of the output

p is x or a weight array. With a gy, both sides give a least and a most for <gradient, d>: an output on a kink may take either.
The error bar at h is what rounding may do, noise / h, and what is left of the curvature: the change from 8 h to h.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.foreign import CallFailed, Foreign

EXACT_STEP = 1e-30  # of a delta that never subtracts
STEPS = {8: 2.0**-20, 4: 2.0**-9, 2: 2.0**-4}  # by the bytes of a number, relative to what is nudged: half of the digits are lost
EPS = {8: 2.0**-52, 4: 2.0**-23, 2: 2.0**-10}  # the rounding of 1
LARGEST_STEP = 2.0**-9  # where a slope is small beside the value, the step is larger
STRAIGHT = 2.0**-40  # steps for which every function is straight
COARSE = 2.0**-24  # steps that move what was rounded to float32
FINER = 6  # smaller steps that are tried, each 64 times smaller
RATIO = 8.0  # between two steps of the ladder
RUNGS = 14
QUIET = 1e6  # times the rounding of the largest output: more is a bend, not rounding
RELIABLE = 0.05  # of a slope: the error bar of a step that may overrule a larger one
SETTLED = 0.3  # of a slope, between two steps
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
        """The array that is moved."""
        return self.x if self.name == "x" else self.foreign.weights[self.name]

    @property
    def bytes(self) -> int:
        """The bytes of a number: of the output or of the array, where that has fewer digits."""
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

    def lost(self, gy: Array, h: float | None = None) -> Array:
        """Return what rounding may do to <gy, slope>; for each gy, if there are several."""
        if h is None and self.exact:
            return np.zeros(())
        return np.asarray(np.tensordot(np.abs(gy), self.noise, self.noise.ndim) / (h or self.step))


def at(foreign: Foreign, x: Array, name: str) -> Point:
    """Return a point, with its noise and the step that suits it."""
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
    """Return the output with the array moved by d; NaN where the layer refuses that, or gives another shape."""
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
    """Return the least and the most of <gy, slope> where every output may choose a slope between its two sides."""
    axes = tuple(range(right.ndim - gy.ndim, right.ndim))
    one, other = gy * right, gy * left
    return np.minimum(one, other).sum(axis=axes), np.maximum(one, other).sum(axis=axes)


@dataclass(frozen=True)
class Rung:
    """The slope at one step, and its error bar."""

    low: float
    high: float
    error: float


@dataclass(frozen=True)
class Verdict:
    """The judgement of one number.

    Attributes
    ----------
    low, high : float
        What the slope says.
    error : float
        How far that can be trusted.
    wrong : bool
        True if the number is beyond.
    """

    low: float
    high: float
    error: float
    wrong: bool


def judge(point: Point, direction: Array, gy: Array, value: float) -> Verdict:
    """Judge <gradient, direction> at the step where the error bar is smallest.

    If a smaller step has another value, and a small error bar as well, the function bends between: then the smaller step counts.
    """
    rungs = _rungs(point, direction, gy)
    if not rungs:
        return Verdict(math.nan, math.nan, math.inf, wrong=not math.isfinite(value))
    best = min(rungs, key=lambda rung: rung.error)
    for rung in rungs[rungs.index(best) + 1 :]:
        apart = max(abs(rung.low - best.low), abs(rung.high - best.high)) > SAFE * (rung.error + best.error)
        if apart and SAFE * rung.error <= RELIABLE * max(abs(rung.low), abs(rung.high)):
            best = rung
    wrong = not best.low - SAFE * best.error <= value <= best.high + SAFE * best.error
    return Verdict(best.low, best.high, best.error, wrong=wrong)


def _rungs(point: Point, direction: Array, gy: Array) -> list["Rung"]:
    """Return the slopes on a ladder of steps, from the largest to the smallest; those that are near their limit."""
    size = point.step / STEPS[point.bytes]
    scale = float(np.max(np.abs(point.y), initial=0.0)) * EPS[point.bytes]
    quiet = bool(np.max(point.noise, initial=0.0) <= QUIET * scale)
    rungs, before, gy_moved = [], None, gy * _moves(point, direction, size)
    for k in range(RUNGS):
        h = size * 2.0**-5 / RATIO**k
        right, left = point.slopes(direction, h)
        if not np.all(np.isfinite(right)) or not np.all(np.isfinite(left)):
            continue
        low, high = map(float, between(right, left, gy))
        total = float(np.abs(gy * np.maximum(np.abs(right), np.abs(left))).sum())
        if before is not None:
            change, lost = max(abs(low - before[0]), abs(high - before[1])), float(point.lost(gy_moved, h))
            steep, larger = max(abs(low), abs(high)), max(abs(before[0]), abs(before[1]))
            # near its limit, on the way to 0, or 0 as far as rounding tells
            if change <= SETTLED * steep or steep < larger / 2 or (quiet and change <= 2 * lost):
                rungs.append(Rung(low, high, lost + change + 1e-12 * total))
        before = low, high
    return rungs


def _moves(point: Point, direction: Array, size: float) -> Array:
    """Return which outputs move at all, however far: the others have no part in a sum, and their rounding has none."""
    far = [sign * distance * max(size, 1.0) for distance in (1.0, 30.0) for sign in (1, -1)]
    return np.asarray(np.any([moved(point, step * direction) != point.y for step in far], axis=0))


def _noise(point: Point, size: float) -> Array:
    """Return what rounding does to each output: what is left of a straight line, over steps for which all is straight.

    Of several steps, the one counts that leaves least, among those that move an output: larger ones show bends as well. Where
    small steps do not move an output that larger ones do, numbers are rounded on their way; then larger steps show how far.
    """
    y = point.y
    double = point.bytes == 8
    floor = EPS[y.dtype.itemsize if y.dtype.itemsize in EPS else 8] * np.abs(y).astype(np.float64)
    direction = np.random.default_rng(2).uniform(0.5, 1, point.array.shape)
    unit = STRAIGHT if double else STEPS[point.bytes] / 64
    fine, still = _left_of_line(point, size * unit * direction, 1)
    for _ in range(FINER):
        if not np.any(~still & (fine > 16 * floor)):
            break
        unit /= 64
        finer, unmoved = _left_of_line(point, size * unit * direction, 1)
        fine = np.where(unmoved, fine, np.minimum(fine, finer))
    if double and np.any(still):
        coarse, _ = _left_of_line(point, size * COARSE * direction, 2)
        rate = np.abs(moved(point, size * STEPS[8] * direction) - y) / STEPS[8]
        fine = np.where(still & (rate * STRAIGHT > 64 * floor), np.maximum(fine, coarse), fine)
    result: Array = np.maximum(fine, floor)
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
