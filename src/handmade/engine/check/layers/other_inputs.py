"""Inputs other than the given one: off the kinks, with more ties, at other scales; only those with a finite output."""

from collections.abc import Iterator

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.check.layers.slopes import all_finite
from handmade.engine.foreign import CallFailed, Foreign

OFF_THE_KINK = 1e-2  # relative to x
WIDER = 8.0  # times x: enough to reach the other side of thresholds such as 6
SCALES = (1 / 64, 64.0, 1e3, 1e-4)  # times x
SHIFTS = (3.0, -3.0, 30.0, -30.0)  # in units of the size of x
NORMAL = (0.01, 30.0, 1e3)  # scales of standard normal numbers


def size_of(x: Array) -> float:
    """Return the root mean square of x, 1 for zeros."""
    return float(np.sqrt(np.mean(np.square(x, dtype=np.float64)))) or 1.0


def is_finite(foreign: Foreign, x: Array) -> bool:
    """Return True if a layer accepts an input and returns finite numbers."""
    try:
        return all_finite(foreign.fresh().forward(x.copy()))
    except CallFailed:
        return False


def off_kinks(foreign: Foreign, x: Array, rng: "np.random.Generator") -> Array:
    """Return x moved a little, so that it lies on no kink; multiplied by factors if the layer accepts no other sign."""
    near = (x + OFF_THE_KINK * size_of(x) * rng.standard_normal(x.shape)).astype(x.dtype)
    if is_finite(foreign, near) or not is_finite(foreign, x):
        return near
    near = (x * (1 + OFF_THE_KINK * rng.uniform(-1, 1, x.shape))).astype(x.dtype)
    return near if is_finite(foreign, near) else x


def others(foreign: Foreign, x: Array, rng: "np.random.Generator") -> Iterator[Array]:
    """Yield inputs of the same kind that share no number with x: first with other sizes and signs, then without."""
    mixed = rng.permutation(x.reshape(-1)).reshape(x.shape)
    factors = rng.choice([1.0, 1.0, -1.0, WIDER], x.shape)
    for each in (factors * mixed, mixed):
        near = off_kinks(foreign, each.astype(x.dtype), rng)
        if is_finite(foreign, near):
            yield near


def tied(foreign: Foreign, x: Array, rng: "np.random.Generator") -> Array | None:
    """Return an input of few different numbers, zero among them if x has both signs."""
    levels = np.unique([*np.quantile(x, [0.25, 0.5, 0.75]), *([0.0] if x.min() <= 0 <= x.max() else [])])
    return _first(foreign, [rng.choice(levels, x.shape).astype(x.dtype)])


def wider(foreign: Foreign, x: Array, rng: "np.random.Generator") -> Array | None:
    """Return an input whose numbers are larger."""
    return _first(foreign, [(WIDER * size_of(x) * rng.standard_normal(x.shape)).astype(x.dtype)])


def several(foreign: Foreign, x: Array, rng: "np.random.Generator") -> Array | None:
    """Return three images for an x of one image, if the layer accepts them; None if x has several images."""
    if len(x) > 1:
        return None
    more = np.concatenate([x, *(off_kinks(foreign, x, rng) * sign for sign in (-1, 0.5))]).astype(x.dtype)
    try:
        fits = len(foreign.fresh().forward(more.copy())) == len(more)
    except (CallFailed, TypeError):
        return None
    return _first(foreign, [more]) if fits else None


def scaled(foreign: Foreign, x: Array, rng: "np.random.Generator") -> Iterator[Array]:
    """Yield inputs with other scales and other means."""
    size = size_of(x)
    generic = rng.standard_normal(x.shape)
    candidates = [generic, *(scale * x for scale in SCALES)]
    candidates += [size * (shift + generic) for shift in SHIFTS] + [scale * generic for scale in NORMAL]
    for other in candidates:
        typed = other.astype(x.dtype)
        if is_finite(foreign, typed):
            yield typed


def _first(foreign: Foreign, candidates: list[Array]) -> Array | None:
    return next((x for x in candidates if is_finite(foreign, x)), None)
