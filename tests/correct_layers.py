"""Random correct layers of other people: `correct(seed)` gives a layer, an input, and a description of both.

None of them may be called wrong. A description that ends in "may stay untested: ..." says for which reason the verdict "not
tested" is right, too. `made(seed)` gives the equations as well; `correct_proof.py` proves them by differences in long double,
without the checker of layers.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from correct_elementwise import ELEMENTWISE, WITHOUT_WEIGHTS, clip, hard, magnitude, rectifier, smooth
from correct_handwriting import Drive, Written, write
from correct_kind import Builder, Cache, Draw, Kind, P
from correct_on_images import ON_IMAGES
from correct_ours import OURS
from correct_with_weights import FAR, WITH_WEIGHTS
from handmade.engine.arrays import Array

FOLLOWERS = (smooth, rectifier, clip, magnitude, hard)


def chain(d: Draw) -> Kind:
    """Return a layer followed by one without weights that takes any shape: a small network in one layer."""
    one = d.one(*WITH_WEIGHTS, *ON_IMAGES)(d)
    other = d.one(*FOLLOWERS)(d)

    def forward(p: P, x: Array) -> tuple[Array, Cache]:
        z, cache = one.forward(p, x)
        y, kept = other.forward(P(**other.settings), z)
        return y, (cache, kept)

    def backward(p: P, cache: Cache, gy: Array) -> tuple[Array | None, dict[str, Any]]:
        gz, _ = other.backward(P(**other.settings), cache[1], gy)
        assert gz is not None
        return one.backward(p, cache[0], gz)

    both = f"{one.name}, then {other.name}"
    kind = replace(one, name=both, forward=forward, backward=backward, kinked=one.kinked or other.kinked)
    y, _ = passes(kind, np.float64)
    flat = any(not np.any(g) for g in passes(kind, np.float64, gy=d.rng.standard_normal(y.shape))[1].values())
    if one.kinked and other.kinked and d.mode != "generic":
        kind.untested = "kinks within"
    elif flat or d.mode in FAR:
        kind.untested = one.untested or "flat behind the other layer"
    return kind


GROUPS: tuple[tuple[float, Sequence[Builder]], ...] = (
    (0.22, ELEMENTWISE),
    (0.12, WITHOUT_WEIGHTS),
    (0.32, WITH_WEIGHTS),
    (0.18, ON_IMAGES),
    (0.10, OURS),
    (0.06, [chain]),
)
PRECISION = {"float64": 1e-9, "float32": 1e-4}  # of a gradient that counts as right, relative to its largest number
STEEPEST = 1e10  # change of the output relative to its size, for a change of the input relative to its size: beyond, it is a jump
UNTESTED = "may stay untested: "


@dataclass
class Made:
    """A correct layer, with the equations it was written from."""

    layer: Any
    x: Array
    description: str
    kind: Kind
    drive: Drive
    dtype: str  # of its numbers on the way
    weights: dict[str, Any]  # as they are held


def correct(seed: int) -> tuple[Any, Array, str]:
    """Return a random correct layer, an input, and a description of both."""
    one = made(seed)
    return one.layer, one.x, one.description


def made(seed: int) -> Made:
    """Return a random correct layer with its equations. A layer that rounding spoils on its input is drawn again."""
    for attempt in range(100):
        rng = np.random.default_rng([seed, attempt])
        with np.errstate(all="ignore"):
            one = _drawn(rng)
        if one is not None:
            return one
    raise AssertionError(f"no layer for seed {seed}")


def _drawn(rng: np.random.Generator) -> Made | None:
    group = GROUPS[int(rng.choice(len(GROUPS), p=[share for share, _ in GROUPS]))][1]
    d = Draw(rng)
    kind = d.one(*group)(d)
    form = "float64"
    if kind.low and d.chance(0.25):
        form = d.one("float32", "float32 inside", "float32 weights")
    exact = "float32" if form.startswith("float32") and form != "float32 weights" else "float64"
    if kind.x.dtype.kind != "f" and form == "float32 inside":
        form = "float32"
    if not precise(kind, exact, rng):
        return None
    if not kind.weights and form == "float32 weights":
        form = "float64"
    low = form != "float64"
    weights = {name: _held(value, d, low=low) for name, value in kind.weights.items()}
    kind.weights = {name: w if isinstance(w, float) else w.astype(np.float64) for name, w in weights.items()}
    x = kind.x.astype(np.float32) if form == "float32" and kind.x.dtype.kind == "f" else kind.x
    kind.x = x.astype(np.float64) if x.dtype.kind == "f" else x
    inside = np.float32 if exact == "float32" else None
    if kind.ours is not None and d.chance(0.4):
        written = Written(kind.ours, _drive_ours, "itself")
    else:
        written = write(kind, d, weights, x, inside)
    if exact == "float32" and (kind.name.startswith("large") or np.all(kind.weights.get("b", 0) == 1)):
        kind.untested = kind.untested or "slopes below the rounding of float32"
    if form == "float32 weights" and "cosine" in kind.name:
        kind.untested = kind.untested or "works in float32, and gives float64"
    reason = f"; {UNTESTED}{kind.untested}" if kind.untested else ""
    weights_are = f", weights {d.weights_are}" if weights else ""
    description = f"{kind.name} [{written.description}] x {x.shape} {d.mode}{weights_are}, {form}{reason}"
    return Made(written.layer, x, description, kind, written.drive, exact, weights)


def _drive_ours(layer: Any, x: Array, gy: Array) -> tuple[Any, Any, dict[str, Any]]:
    return layer.forward(x), *layer.backward(x, gy)


def _held(value: Any, d: Draw, *, low: bool) -> Any:
    """Return a weight as it is held: some lie in Fortran's order, or in every second place of another array."""
    if isinstance(value, float):
        return value
    value = value.astype(np.float32) if low else value
    if d.chance(0.1):
        return np.asfortranarray(value)
    if d.chance(0.05) and value.ndim:
        wide = np.zeros((*value.shape[:-1], 2 * value.shape[-1]), value.dtype)
        wide[..., ::2] = value
        return wide[..., ::2]
    return value


# --- the proof that the equations are right ------------------------------------------------------------------------------------


def passes(
    kind: Kind, dtype: Any, x: Array | None = None, p: P | None = None, gy: Array | None = None
) -> tuple[Array, dict[str, Any]]:
    """Return y and the gradients ("x" among them) in a precision; random layers draw the same every time."""
    p = copy.deepcopy(kind.p() if p is None else p)
    for name, value in vars(p).items():
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            setattr(p, name, value.astype(dtype))
    x = kind.x if x is None else x
    np.random.seed(5)  # noqa: NPY002  of layers that use the global generator
    y, cache = kind.forward(p, x.astype(dtype) if x.dtype.kind == "f" else x)
    if gy is None:
        return y, {}
    gx, gradients = kind.backward(p, cache, gy.astype(dtype))
    return y, gradients | ({} if gx is None else {"x": gx})


def precise(kind: Kind, dtype: str, rng: np.random.Generator) -> bool:
    """Tell whether the gradients are finite, and as exact in a precision as they should be."""
    low = np.dtype(dtype)
    rounded = copy.copy(kind)  # of the numbers as they are held
    if low == np.float32:
        rounded.x = kind.x.astype(low).astype(float) if kind.x.dtype.kind == "f" else kind.x
        rounded.weights = {n: w if isinstance(w, float) else w.astype(low).astype(float) for n, w in kind.weights.items()}
    best = np.longdouble if kind.low else np.float64
    y, _ = passes(rounded, best)
    gy = rng.standard_normal(y.shape)
    _, right = passes(rounded, best, gy=gy)
    y, found = passes(rounded, low, gy=gy)
    if y.size == 0 or not np.isfinite(y).all() or np.abs(y).max(initial=0) > 1e30:
        return False
    for name, g in right.items():
        apart = np.abs(np.asarray(found[name], best) - g).max(initial=0)
        if not np.isfinite(found[name]).all() or np.abs(g).max(initial=0) > 1e30:
            return False
        if not apart <= PRECISION[dtype] * np.abs(g).max(initial=0) + 1e-30 and name not in kind.truly_zero:
            return False
        size = np.abs(np.asarray(kind.x if name == "x" else kind.weights[name])).max(initial=0) or 1.0
        if np.abs(g).max(initial=0) * size > STEEPEST * (np.abs(y).max() or 1.0):
            return False
    return True
