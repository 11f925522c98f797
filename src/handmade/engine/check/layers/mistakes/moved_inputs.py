"""Gradients of a weight that are right for another input: channels in another order, windows in other positions.

gW_k = sum over outputs o of gy_o x_(o s + k d)         with the stride s and the dilation d that backward uses
"""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.check.layers.comparison import Comparison, Guess, compare, same
from handmade.engine.check.layers.mistakes.relations import FEW, agrees_at_first, numeric_at
from handmade.engine.check.layers.mistakes.windows import shifted
from handmade.engine.check.layers.slopes import Point, at

STEPS = (-3, -2, -1, 1, 2, 3)
MOST_POSITIONS = 25
LAYOUTS = (((0, 1), (1, 2)), ((2, 3), (2, 3)))  # the axes of the kernel and of the images: channels last, or first


def groups_of_x(c: Comparison) -> Guess:
    """Recognise channels of x that are interleaved instead of grouped, or groups that are exchanged."""
    for axis, order in _orders(c, turns=True):
        if _at(c, np.take(c.x, order, axis=axis)):
            return f"the channels of x (axis {axis}) are put into the wrong groups: {', '.join(map(str, order))}"
    return None


def order_of_x(c: Comparison) -> Guess:
    """Recognise channels of x that are read in another order."""
    for axis, order in _orders(c, turns=False):
        if _at(c, np.take(c.x, order, axis=axis)):
            return f"x is read with axis {axis} in another order: {', '.join(map(str, order))}"
    return None


def stride_in_weights(c: Comparison) -> Guess:
    """Recognise windows too close together or too far apart: output w reads x moved by w d."""
    if c.name == "x" or c.x.ndim != c.y.ndim or c.x.ndim < 3 or len(c.shape) < 2:
        return None
    for steps in _steps(c):
        if _agrees(c, partial(_with_stride, c, steps)):
            return _windows("stride", steps)
    return None


def dilation_in_weights(c: Comparison) -> Guess:
    """Recognise a wrong dilation: position k of the kernel reads x moved by k d."""
    if c.name == "x" or len(c.shape) != 4 or not c.x.ndim == c.y.ndim == 4:
        return None
    for kernel_axes, spatial in LAYOUTS:
        for steps in product((0, *STEPS), repeat=2):
            moves = dict(zip(spatial, steps, strict=True))
            if any(steps) and _agrees(c, partial(_with_dilation, c, kernel_axes, moves)):
                return _windows("dilation", moves)
    return None


def dilation_in_x(c: Comparison) -> Guess:
    """Recognise a wrong dilation: the contribution of position k of the kernel is moved by k d."""
    kernels = [name for name, W in c.point.foreign.weights.items() if W.ndim == 4]
    if c.name != "x" or len(kernels) != 1 or not c.x.ndim == c.y.ndim == 4 or len(c.known) < c.x.size:
        return None
    W = c.point.foreign.weights[kernels[0]]
    for axes, spatial in LAYOUTS:
        positions = list(product(range(W.shape[axes[0]]), range(W.shape[axes[1]])))
        if len(positions) > MOST_POSITIONS:
            continue
        parts = [_of_position(c, kernels[0], axes, position) for position in positions]
        for steps in product((0, *STEPS), repeat=2):
            moves = [
                {axis: place * step for axis, place, step in zip(spatial, position, steps, strict=True)} for position in positions
            ]
            guess = np.sum([shifted(part, move) for part, move in zip(parts, moves, strict=True)], axis=0)
            if any(steps) and same(c, c.got, guess):
                return _windows("dilation", dict(zip(spatial, steps, strict=True)))
    return None


def _of_position(c: Comparison, name: str, axes: tuple[int, int], position: tuple[int, int]) -> Array:
    """Return the contribution of one kernel position to the gradient of x."""
    foreign = c.point.foreign.fresh()
    W = foreign.weights[name]
    only = np.zeros_like(W)
    here = tuple(position[axes.index(n)] if n in axes else slice(None) for n in range(W.ndim))
    only[here] = W[here]
    foreign.put(name, only)
    return compare(at(foreign, c.x, "x"), c.gy, c.got, c.known).numeric


def _agrees(c: Comparison, guess: Callable[[Array], Array]) -> bool:
    """Compute a guess for a few of the wrong numbers, and in full if these agree."""
    few = c.known[c.off][:FEW]
    first = guess(few).reshape(-1)[few]
    limit = 2 * c.tolerance[c.off][:FEW]
    return bool(np.all(np.abs(first - c.got.reshape(-1)[few]) <= limit)) and same(c, c.got, guess(c.known))


def _with_stride(c: Comparison, steps: dict[int, int], known: Array) -> Array:
    total = np.zeros(c.shape)
    for places in product(*(range(c.y.shape[axis]) for axis in steps)):
        moved = np.roll(c.x, [-place * step for place, step in zip(places, steps.values(), strict=True)], list(steps))
        total = total + _numeric(c, moved, _only(c.gy, dict(zip(steps, places, strict=True))), known)
    return total


def _with_dilation(c: Comparison, kernel_axes: tuple[int, int], moves: dict[int, int], known: Array) -> Array:
    guess = np.full(c.shape, np.nan)
    index = np.unravel_index(known, c.shape)
    for places in product(*(range(c.shape[axis]) for axis in kernel_axes)):
        here = known[np.all([index[axis] == place for axis, place in zip(kernel_axes, places, strict=True)], axis=0)]
        if len(here):
            shifts = [-place * step for place, step in zip(places, moves.values(), strict=True)]
            found = _numeric(c, np.roll(c.x, shifts, list(moves)), c.gy, here)
            guess.reshape(-1)[here] = found.reshape(-1)[here]
    return guess


def _at(c: Comparison, x: Array) -> bool:
    point = at(c.point.foreign.fresh(), x, c.name)
    return agrees_at_first(c, point) and same(c, c.got, numeric_at(c, point))


def _numeric(c: Comparison, x: Array, gy: Array, known: Array) -> Array:
    point = Point(c.point.foreign, x, np.array(c.point.foreign.forward(x.copy())), c.name, c.point.noise, c.point.step)
    return compare(point, gy, c.got, known).numeric


def _only(gy: Array, places: dict[int, int]) -> Array:
    part = np.zeros_like(gy)
    here = tuple(slice(places[axis], places[axis] + 1) if axis in places else slice(None) for axis in range(gy.ndim))
    part[here] = gy[here]
    return part


def _steps(c: Comparison) -> Iterator[dict[int, int]]:
    """Yield changes of the stride, along one axis of the windows or along two."""
    axes = [axis for axis in range(1, c.x.ndim) if c.x.shape[axis] >= 2 * c.y.shape[axis] - 1 > 1]
    for axis in axes:
        yield from ({axis: step} for step in STEPS)
    for one, other in product(axes, axes):
        if one < other:
            yield from ({one: step, other: more} for step, more in product(STEPS, STEPS))


def _orders(c: Comparison, *, turns: bool) -> Iterator[tuple[int, list[int]]]:
    """Yield other orders of the channels of x: with `turns`, interleaved and exchanged groups; else shifted and reversed ones."""
    if c.name == "x" or c.x.ndim < 2:
        return
    for axis in {c.x.ndim - 1, 1}:
        size = c.x.shape[axis]
        places = np.arange(size)
        for count in range(2, size):
            if turns and size % count == 0:
                yield axis, places.reshape(count, -1).T.reshape(-1).tolist()
                yield axis, np.roll(places, size // count).tolist()
        if not turns and size > 1:
            yield from ((axis, order.tolist()) for order in (np.roll(places, 1), np.roll(places, -1), places[::-1]))


def _windows(setting: str, steps: dict[int, int]) -> str:
    words = " and ".join(
        f"{abs(step)} too {'far' if step > 0 else 'close'} along axis {axis}" for axis, step in steps.items() if step
    )
    return f"the {setting} is wrong: the numbers that are read lie {words}"
