"""What must hold before slopes mean anything: a function of the input, that writes to nobody's arrays and keeps float64."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.check.report import Finding
from handmade.engine.check.stranger import Stranger

EXACT = 1e-11  # relative: sums of some thousand terms in another order, in float64
TINY = 1e-14  # what is nothing but rounding
FORGIVABLE = {"input mutated", "weights mutated", "layout", "missing"}  # slopes can be taken all the same


@dataclass(frozen=True)
class Subject:
    """A layer, and the inputs that it is tried on.

    Attributes
    ----------
    stranger : Stranger
        Calls are made to fresh copies of it, unless they are meant to follow one another.
    x : Array
        A little off the kinks.
    other : Array
        Another input of that shape.
    gy : Array
        A random gradient from above.
    """

    stranger: Stranger
    x: Array
    other: Array
    gy: Array


def forward_manners(s: Subject) -> Iterator[Finding]:
    """What is wrong with forward beside its numbers; stops where the next question would make no sense."""
    stranger, given = s.stranger.fresh(), s.x.copy()
    y = np.array(stranger.layer.forward(given))
    yield from _written("forward", {"x": (given, s.x)})
    yield from _trained("forward", stranger, s.stranger.weights)
    if y.dtype != np.float64:
        yield Finding("manners", "y", f"forward turns float64 into {y.dtype}", "float32" if y.dtype == np.float32 else "dtype")
    elif y.ndim == 0 or len(y) != len(s.x):
        what = f"forward makes the shape {y.shape} of {len(s.x)} images: the first axis wants to count them"
        yield Finding("manners", "y", what, "shape")
    elif not np.all(np.isfinite(y)):
        what = f"forward makes {int(np.sum(~np.isfinite(y))):,} numbers that are not finite"
        yield Finding("manners", "y", what, "not finite")
    elif not s.stranger.mixes_batch and (one := s.stranger.alone().forward(s.x[:1].copy())).shape != (1, *y.shape[1:]):
        yield Finding("manners", "y", f"one image alone comes out as {one.shape}, not {(1, *y.shape[1:])}", "shape")
    else:
        changed = list(_repeats(s, y))
        yield from changed
        if not changed:
            yield from _reads_any_layout(s, y)
            yield from _sees_small_steps(s, y)


def backward_manners(s: Subject) -> Iterator[Finding]:
    """The same of backward."""
    stranger, given, given_gy = s.stranger.fresh(), s.x.copy(), s.gy.copy()
    stranger.layer.forward(given)
    given[...] = s.x  # a forward that wrote to it has been told so
    before = {name: array.copy() for name, array in stranger.weights.items()}
    gx, gradients = stranger.backward(given, given_gy)
    gradients = {"x": gx, **gradients}
    written = [*_written("backward", {"x": (given, s.x), "gy": (given_gy, s.gy)}), *_trained("backward", stranger, before)]
    yield from written
    for name in sorted(s.stranger.weights.keys() - gradients.keys()):
        yield Finding("transpose", name, f"backward has no gradient for {name}", "missing")
    for name in sorted(gradients.keys() - s.stranger.weights.keys() - {"x"}):
        yield Finding("transpose", name, f"backward has a gradient for {name}, and there is no such weight", "unknown")
    for name, array in gradients.items():
        with np.errstate(over="ignore"):  # what float32 cannot hold is not equal
            single = array.dtype == np.float32 or np.array_equal(array, np.float32(array))
        whole = np.array_equal(array, np.round(array))  # zeros, say: another mistake, if any
        if array.dtype != np.float64 or (single and not whole):
            what = f"the gradient of {name} is less than float64, which x and gy are"
            yield Finding("manners", name, what, "float32" if single else "dtype")
        elif not np.all(np.isfinite(array)):
            yield Finding("manners", name, f"the gradient of {name} is not finite everywhere", "not finite")
    if not any(finding.name == "weights mutated" for finding in written):
        yield from _repeats_backwards(s, gradients)


def equal(one: Array, other: Array, scale: float | None = None) -> bool:
    """Equal up to the order of sums."""
    if one.shape != other.shape:
        return False
    largest = float(np.max(np.abs(other), initial=0.0)) if scale is None else scale
    return bool(np.all(np.abs(one - other) <= EXACT * largest + TINY))


def worst(got: Array, wanted: Array) -> dict[str, Any]:
    """The place that is furthest off, with both values: the end of a Finding."""
    if got.shape != wanted.shape:
        return {}
    index = tuple(int(i) for i in np.unravel_index(np.argmax(np.abs(got - wanted)), wanted.shape))
    return {"index": index, "got": float(got[index]), "wanted": float(wanted[index])}


def _repeats(s: Subject, y: Array) -> Iterator[Finding]:
    later = s.stranger.fresh()
    later.forward(s.other.copy())
    if not equal(again := later.forward(s.x.copy()), y):
        what = "forward gives another result after a call with another input"
        guess = "something is left over from an earlier call, or it is random"
        yield Finding("manners", "y", what, "state", guess, **worst(again, y))


def _reads_any_layout(s: Subject, y: Array) -> Iterator[Finding]:
    wide = np.full([2 * size for size in s.x.shape], np.nan)  # what lies between must not be read
    view = wide[(slice(None, None, 2),) * s.x.ndim]
    view[...] = s.x
    for layout in (view, np.asfortranarray(s.x)):
        if not equal(got := np.array(s.stranger.fresh().layer.forward(layout)), y):
            what = "forward gives another result for the same x when it lies differently in memory"
            guess = "strides, or the order of memory, are taken for granted"
            yield Finding("manners", "y", what, "layout", guess, **worst(got, y))
            return


def _sees_small_steps(s: Subject, y: Array) -> Iterator[Finding]:
    """In float64 steps of 1e-12 move whatever one of 1e-6 moves; in float32 they are rounded away, but for a rare one."""
    for name, array in {"x": s.x, **s.stranger.weights}.items():
        rng = np.random.default_rng(0)
        size = float(np.sqrt(np.mean(array**2))) or 1.0
        far, *near = (_seen(s, name, h * size * rng.standard_normal(array.shape), y) for h in (1e-6, 1e-12, 1e-12, 1e-12))
        if far and not all(near):
            what = f"a step of 1e-12 in {name} does not move the output, and one of 1e-6 does"
            yield Finding("manners", name, what, "float32", f"{name} is rounded on its way, to float32")


def _seen(s: Subject, name: str, step: Array, y: Array) -> bool:
    if name == "x":
        return not np.array_equal(s.stranger.fresh().forward(s.x + step), y)
    moved = s.stranger.with_weights({name: s.stranger.weights[name] + step})
    return not np.array_equal(moved.forward(s.x.copy()), y)


def _repeats_backwards(s: Subject, first: dict[str, Array]) -> Iterator[Finding]:
    later = s.stranger.fresh()
    _, gx, gradients = later.both(s.other, s.gy)
    earlier = {"x": gx, **gradients}
    _, gx, gradients = later.both(s.x, s.gy)
    runs = [{"x": gx, **gradients}]
    if not s.stranger.stateful:  # it is handed x, so what was forwarded last is none of its business
        later = s.stranger.fresh()
        later.forward(s.other.copy())
        gx, gradients = later.backward(s.x.copy(), s.gy.copy())
        runs.append({"x": gx, **gradients})
    for name, wanted in first.items():
        for run in runs:
            if name not in run or not equal(run[name], wanted):
                added = name in run and name in earlier and equal(run[name], wanted + earlier[name])
                guess = "it adds up over calls: start from zeros in every one" if added else "something is left over from it"
                what = f"the gradient of {name} is another one after a call with another input"
                yield Finding("manners", name, what, "state", guess, **(worst(run[name], wanted) if name in run else {}))
                return


def _written(method: str, arrays: dict[str, tuple[Array, Array]]) -> Iterator[Finding]:
    for name, (given, before) in arrays.items():
        if not np.array_equal(given, before):
            what = f"{method} writes to {name}, which belongs to the caller"
            guess = "an operation in place (+=, [...] = or out=) wants a copy first"
            yield Finding("manners", name, what, "input mutated", guess, **worst(given, before))


def _trained(method: str, stranger: Stranger, before: dict[str, Array]) -> Iterator[Finding]:
    for name, array in stranger.now().items():
        if not np.array_equal(array, before[name]):
            guess = "it trains: that belongs to the optimiser"
            yield Finding(
                "manners", name, f"{method} changes the weights {name}", "weights mutated", guess, **worst(array, before[name])
            )
