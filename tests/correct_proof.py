"""A proof that a random correct layer is correct, which shares nothing with the checker of layers.

`doubts(seed)` runs the layer as its author would and compares it with its equations; and the equations with differences in long
double: central ones at points off every kink; one-sided ones at the point itself, where a derivative lies between its two sides.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from correct_kind import Kind
from correct_layers import Made, made, passes
from handmade.engine.arrays import Array

STEPS = tuple(10.0**-k for k in range(2, 15))
CLOSE = 1e-5  # of a quotient at its best step; the gradients are exact to 1e-9 of their largest number
ROUNDING = {True: 1e-17, False: 1e-13}  # of long double, and of float64 (erf, and handmade's layers), with sums of some terms


def doubts(seed: int) -> list[str]:
    """Return what speaks against the layer of a seed; nothing if it is correct."""
    one = made(seed)
    with np.errstate(all="ignore"):
        return [*_of_the_writing(one), *_of_the_equations(one.kind, np.random.default_rng(seed))]


def _of_the_writing(one: Made) -> Iterator[str]:
    """Compare the layer with its equations, in its own precision."""
    low = one.dtype == "float32"
    dtype = np.dtype(one.dtype)
    y, _ = passes(one.kind, dtype)
    gy = np.random.default_rng(1).standard_normal(y.shape)
    _, expected = passes(one.kind, dtype, gy=gy)
    before = one.x.copy()
    np.random.seed(5)  # noqa: NPY002  as `passes`
    got_y, gx, own = one.drive(one.layer, one.x, gy)
    got: dict[str, Any] = own | ({} if gx is None else {"x": gx})
    if not np.array_equal(before, one.x):
        yield "x is written to"
    if set(got) != set(expected):
        yield f"gradients of {sorted(got)}, expected {sorted(expected)}"
        return
    most = max((float(np.abs(g).max(initial=0)) for g in expected.values()), default=0.0)
    pairs = {"y": (got_y, y)} | {f"gradient of {n}": (got[n], expected[n]) for n in got}
    for name, (found, right) in pairs.items():
        size = most if name.removeprefix("gradient of ") in one.kind.truly_zero else np.abs(right).max(initial=0)
        low = low or any(np.asarray(w).dtype == np.float32 for w in (*one.weights.values(), found))
        size += (
            np.abs(one.kind.weights.get(name.removeprefix("gradient of "), 0)).max(initial=0) / 100
        )  # of a step taken in place
        if np.shape(found) != np.shape(right):
            yield f"{name}: shape {np.shape(found)}, expected {np.shape(right)}"
        elif not np.abs(np.asarray(found) - right).max(initial=0) <= (1e-4 if low else 1e-8) * size + 1e-12:
            yield f"{name}: another number than the equations give"


def _of_the_equations(kind: Kind, rng: np.random.Generator) -> Iterator[str]:
    """Compare the gradients with differences: near the point, in random directions, and at the point, one number at a time."""
    names = [*kind.weights, *(["x"] if kind.x.dtype.kind == "f" else [])]
    arrays = {name: np.asarray(kind.x if name == "x" else kind.weights[name]) for name in names}
    for far in (1e-3, 1e-7):
        near = {n: a + far * _size(a) * rng.standard_normal(a.shape) for n, a in arrays.items()}
        directions = {n: _size(a) * rng.standard_normal(a.shape) for n, a in arrays.items()}
        for chosen in [*([name] for name in names), names]:
            d = {n: directions[n] if n in chosen else 0 * directions[n] for n in names}
            if not _agrees(kind, near, d, rng, far, kinks=False):
                yield f"{far} beside the point, along {chosen}: no step gives the gradient"
    if "kinks within" in kind.untested or "ties of three" in kind.untested:
        return  # there, a derivative by convention need not lie between the two sides: kinks cancel each other
    for name, a in arrays.items():
        for at in rng.permutation(a.size)[:4]:
            d = {n: np.zeros(b.shape) for n, b in arrays.items()}
            d[name].reshape(-1)[at] = _size(a)
            if not _agrees(kind, arrays, d, rng, 1.0, kinks=True):
                yield f"{name}, number {at}: not between the slopes of its two sides"


def _size(a: Array) -> float:
    return float(np.abs(a).max(initial=0)) or 1.0


def _agrees(kind: Kind, at: dict[str, Array], d: dict[str, Array], rng: np.random.Generator, far: float, *, kinks: bool) -> bool:
    """Tell whether <g, d> is the slope along d at some step, or lies between the two slopes of each output, weighted by gy."""
    exact = kind.low and "erf" not in kind.name
    best = np.longdouble if kind.low else np.float64
    here, _ = _values(kind, at, d, 0, best)
    gy = rng.standard_normal(here.shape)
    _, g = _values(kind, at, d, 0, best, gy)
    terms = [np.asarray(g[name], best) * d[name] for name in g]
    slope, total = sum(t.sum() for t in terms), sum(np.abs(t).sum() for t in terms)
    noise = np.abs(gy * here).sum() + sum(np.abs(g[name]).sum() * _size(at[name]) for name in g)  # in units of rounding
    for step in STEPS:
        h = step * (1 if kinks else far)
        right, left = _values(kind, at, d, h, best)[0] - here, here - _values(kind, at, d, -h, best)[0]
        sides = np.stack([gy * right / h, gy * left / h])
        tolerance = CLOSE * total + ROUNDING[exact] * noise / h
        low, high = (sides.min(axis=0).sum(), sides.max(axis=0).sum()) if kinks else (sides.mean(axis=0).sum(),) * 2
        if low - tolerance <= slope <= high + tolerance:
            return True
    return False


def _values(
    kind: Kind, at: dict[str, Array], d: dict[str, Array], h: float, best: Any, gy: Any = None
) -> tuple[Array, dict[str, Any]]:
    moved = {name: np.asarray(at[name], best) + h * np.asarray(d[name], best) for name in at}
    p = kind.p(best)
    for name in kind.weights:
        setattr(p, name, moved[name])
    return passes(kind, best, moved.get("x", kind.x), p, gy)
