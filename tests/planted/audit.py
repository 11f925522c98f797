"""Everything that is wrong with an exhibit, found without the checker: by central differences and by calling it twice.

It knows only the few ways in which exhibits are written, so that it stays short enough to be trusted.
"""

import copy
import inspect
from typing import Any

import numpy as np

from handmade.engine.arrays import Array
from planted.exhibit import Planted

H = 1e-5
OFF = 3e-7  # relative to what is added up; central differences of these layers are right to some 1e-9


def audit(exhibit: Planted) -> list[str]:
    """Name each number or side effect that is wrong, one a line; nothing for a correct layer."""
    x = exhibit.x if exhibit.at is None else exhibit.at
    with np.errstate(all="ignore"):
        return [*_numbers(exhibit, x), *_directions(exhibit, x), *_side_effects(exhibit, x)]


def forward(layer: Any, x: Array) -> Any:
    """The output, and the cache if there is one."""
    y = (layer.forward if hasattr(layer, "forward") else layer)(x)
    return y if isinstance(y, tuple) else (y, None)


def gradients(exhibit: Planted, layer: Any, x: Array, gy: Array, cache: Any) -> dict[str, Any]:
    """Gradients that backward gives for x and for each weight; None where there is nothing."""
    given = {"x": x, "gy": gy, "cache": cache}
    out = layer.backward(*(given[name] for name in inspect.signature(layer.backward).parameters))
    gx, returned = out if isinstance(out, tuple) and len(out) == 2 and isinstance(out[1], dict) else (out, {})
    if exhibit.gradients is not None:
        return {"x": gx} | exhibit.gradients(layer)
    found = dict(getattr(layer, "grads", {})) | returned
    return {"x": gx} | {name: found.get(name, getattr(layer, f"d{name}", None)) for name in weights(exhibit, exhibit.make())}


def weights(exhibit: Planted, layer: Any) -> dict[str, Any]:
    """Arrays of floats that a new layer holds, whether they move the output or not."""
    if exhibit.weights is not None:
        return exhibit.weights(layer)
    held = vars(layer) | getattr(layer, "params", {})
    return {
        name: array
        for name, array in held.items()
        if isinstance(array, np.ndarray) and array.dtype.kind == "f" and not (name[0] == "d" and name[1:] in held)
    }


def _numbers(exhibit: Planted, x: Array) -> list[str]:
    y, _ = forward(exhibit.make(), x.copy())
    slopes: dict[str, Any] = {}
    mistakes = []
    for seed in range(2):
        gy = np.random.default_rng(seed).standard_normal(y.shape)
        layer = exhibit.make()
        _, cache = forward(layer, x.copy())
        for name, got in gradients(exhibit, layer, x.copy(), gy.copy(), cache).items():
            if name == "x" and (x.dtype.kind != "f" or got is None):
                continue
            if name not in slopes:
                slopes[name] = _slopes(exhibit, x, name)
            right, left = slopes[name]
            mistakes += _compare(name, got, right, left, gy)
    return mistakes


def _compare(name: str, got: Any, right: Array, left: Array, gy: Array) -> list[str]:
    """Say which numbers are outside the sums of gy times the slopes, on either side of a kink."""
    ends = gy * right, gy * left
    axes = tuple(range(right.ndim - gy.ndim, right.ndim))
    sums = (a.sum(axis=axes) for a in (np.minimum(*ends), np.maximum(*ends), np.maximum(abs(ends[0]), abs(ends[1]))))
    low, high, size = sums
    if got is None:
        return [f"{name} has no gradient"] if np.any(size > 1e-9) else []
    if np.shape(got) != low.shape:
        return [f"the gradient of {name} has the shape {np.shape(got)}, not {low.shape}"]
    limit = OFF * size + 1e-8
    off = ~((got >= low - limit) & (got <= high + limit))
    return [f"{int(off.sum())} of {off.size} numbers of the gradient of {name} are off"] if np.any(off) else []


def _slopes(exhibit: Planted, x: Array, name: str) -> tuple[Array, Array]:
    """Slopes of every output on the right and on the left, (*name's shape, *y's shape); both are central off the kinks."""

    def moved(index: int, step: float) -> Any:
        layer, z = exhibit.make(), x.copy()
        array = z if name == "x" else weights(exhibit, layer)[name]
        if isinstance(array, float):
            setattr(layer, name, array + step)
        else:
            array.reshape(-1)[index] += step
        return forward(layer, z)[0].astype(np.float64)

    target = np.asarray(x if name == "x" else weights(exhibit, exhibit.make())[name])
    y = moved(0, 0.0)
    sides = np.empty((2, target.size, *y.shape))
    for index in range(target.size):
        up, down = moved(index, H), moved(index, -H)
        right, left, middle = (up - y) / H, (y - down) / H, (up - down) / (2 * H)
        kink = abs(right - left) > 1e-3 * (1 + abs(middle))
        sides[:, index] = np.where(kink, right, middle), np.where(kink, left, middle)
    right, left = sides.reshape(2, *target.shape, *y.shape)
    return right, left


def _directions(exhibit: Planted, x: Array) -> list[str]:
    """Ties: what no number shows alone, all of them moved together do."""
    if x.dtype.kind != "f":
        return []
    layer = exhibit.make()
    y, cache = forward(layer, x.copy())
    gy = np.random.default_rng(3).standard_normal(y.shape)
    gx = np.asarray(gradients(exhibit, layer, x.copy(), gy.copy(), cache)["x"])
    if gx.shape != x.shape:
        return []
    mistakes = []
    for direction in (np.ones(x.shape), np.random.default_rng(4).standard_normal(x.shape)):
        up, down = (forward(exhibit.make(), x + step * direction)[0].astype(np.float64) for step in (H, -H))
        right, left, middle = (up - y) / H, (y - down) / H, (up - down) / (2 * H)
        kink = abs(right - left) > 1e-3 * (1 + abs(middle))
        ends = np.stack([gy * np.where(kink, right, middle), gy * np.where(kink, left, middle)])
        limit = OFF * (abs(ends).max(axis=0).sum() + abs(gx).sum()) + 1e-8
        if not ends.min(axis=0).sum() - limit <= (gx * direction).sum() <= ends.max(axis=0).sum() + limit:
            mistakes.append("along a direction the gradient of x is off")
    return mistakes


def _both(exhibit: Planted, layer: Any, x: Array, gy: Array) -> dict[str, Any]:
    """The output and the gradients of one call."""
    y, cache = forward(layer, x)
    return {"y": y} | gradients(exhibit, layer, x, gy, cache)


def _side_effects(exhibit: Planted, x: Array) -> list[str]:
    mistakes = []
    layer = exhibit.make()
    held = {name: np.copy(array) for name, array in weights(exhibit, layer).items()}
    given = x.copy()
    gy = np.random.default_rng(2).standard_normal(forward(exhibit.make(), x.copy())[0].shape)
    passed = gy.copy()
    first = _both(exhibit, layer, given, passed)
    kept = copy.deepcopy(first)
    now = weights(exhibit, layer)
    mistakes += ["x is written to"] * (not np.array_equal(given, x))
    mistakes += ["gy is written to"] * (not np.array_equal(passed, gy))
    mistakes += ["weights are written to"] * (not all(np.array_equal(array, now[name]) for name, array in held.items()))
    mistakes += _precision(x, first)

    other = x[::-1] * 0.9 if x.dtype.kind == "f" else x[::-1]
    _clear(layer)
    second = copy.deepcopy(_both(exhibit, layer, other.copy(), 2 * gy))
    if not _equal(second, _both(exhibit, exhibit.make(), other.copy(), 2 * gy)):
        mistakes.append("a second call is not what it is in a new layer")
    if not callable(getattr(layer, "zero_grad", None)) and not _equal(first, kept):
        mistakes.append("a result is overwritten by the next call")
    _clear(layer)
    if not _equal(_both(exhibit, layer, x.copy(), gy.copy()), kept):
        mistakes.append("a third call differs from the first")
    for turn in (np.asfortranarray, _spaced):
        if not _equal(_both(exhibit, exhibit.make(), turn(x.copy()), turn(gy.copy())), kept):
            mistakes.append(f"the layout of memory matters: {turn.__name__}")
    return mistakes + _after_another(exhibit, x, other, gy, kept) + _linearity(exhibit, x, gy, kept)


def _after_another(exhibit: Planted, x: Array, other: Array, gy: Array, kept: dict[str, Any]) -> list[str]:
    """Hand x, or its cache, to backward after a forward of something else."""
    layer = exhibit.make()
    parameters = inspect.signature(layer.backward).parameters
    if "x" not in parameters and "cache" not in parameters:
        return []
    y, cache = forward(layer, x.copy())
    forward(layer, other.copy())
    if _equal({"y": y} | gradients(exhibit, layer, x.copy(), gy.copy(), cache), kept):
        return []
    return ["backward looks at the last input, and not at what it is handed"]


def _linearity(exhibit: Planted, x: Array, gy: Array, kept: dict[str, Any]) -> list[str]:
    """Compare the gradients for 3 gy with 3 times those for gy."""
    tripled = _both(exhibit, exhibit.make(), x.copy(), 3 * gy)
    names = [name for name, g in kept.items() if name != "y" and g is not None and tripled[name] is not None]
    return [
        f"the gradient of {name} is not linear in gy"
        for name in names
        if not np.allclose(tripled[name], 3 * np.asarray(kept[name]), 1e-10, 1e-13, equal_nan=True)
    ]


def _clear(layer: Any) -> None:
    if callable(getattr(layer, "zero_grad", None)):
        layer.zero_grad()


def _spaced(array: Array) -> Array:
    wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)
    wide[..., ::2] = array
    return wide[..., ::2]


def _precision(x: Array, first: dict[str, Any]) -> list[str]:
    if np.array_equal(x, x.astype(np.float32)):  # all else may then be short numbers, too
        return []
    mistakes = []
    for name, array in first.items():
        if array is None:
            continue
        if np.asarray(array).dtype != np.float64:
            mistakes.append(f"{name} is of {np.asarray(array).dtype}")
        elif (
            name != "y"
            and np.any(array)
            and np.array_equal(array, np.asarray(array, np.float32).astype(np.float64), equal_nan=True)
        ):
            mistakes.append(f"{name} is rounded to float32")
    return mistakes


def _equal(a: dict[str, Any], b: dict[str, Any]) -> bool:
    if a.keys() != b.keys():
        return False
    for name, one in a.items():
        other = b[name]
        if (one is None) != (other is None):
            return False
        if one is not None and (np.shape(one) != np.shape(other) or not np.allclose(one, other, 1e-9, 1e-12, equal_nan=True)):
            return False
    return True
