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
        return [*_numbers(exhibit, x), *_side_effects(exhibit, x)]


def forward(layer: Any, x: Array) -> Any:
    y = (layer.forward if hasattr(layer, "forward") else layer)(x)
    return y if isinstance(y, tuple) else (y, None)


def gradients(exhibit: Planted, layer: Any, x: Array, gy: Array, cache: Any) -> dict[str, Any]:
    """What backward gives for x and for each weight; None where there is nothing."""
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
            mistakes += _compare(name, got, *slopes[name], gy)
    return mistakes


def _compare(name: str, got: Any, right: Array, left: Array, gy: Array) -> list[str]:
    """Say which numbers are outside the sums of gy times the slopes, on either side of a kink."""
    ends = gy * right, gy * left
    axes = tuple(range(right.ndim - gy.ndim, right.ndim))
    low, high, size = (a.sum(axis=axes) for a in (np.minimum(*ends), np.maximum(*ends), np.maximum(abs(ends[0]), abs(ends[1]))))
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
        array.reshape(-1)[index] += step
        return forward(layer, z)[0].astype(np.float64)

    target = x if name == "x" else weights(exhibit, exhibit.make())[name]
    y = moved(0, 0.0)
    sides = np.empty((2, target.size, *y.shape))
    for index in range(target.size):
        up, down = moved(index, H), moved(index, -H)
        right, left, middle = (up - y) / H, (y - down) / H, (up - down) / (2 * H)
        kink = abs(right - left) > 1e-3 * (1 + abs(middle))
        sides[:, index] = np.where(kink, right, middle), np.where(kink, left, middle)
    right, left = sides.reshape(2, *target.shape, *y.shape)
    return right, left


def _side_effects(exhibit: Planted, x: Array) -> list[str]:
    mistakes = []
    layer = exhibit.make()
    held = {name: array.copy() for name, array in weights(exhibit, layer).items()}
    given, other = x.copy(), x[::-1] * (1 if x.dtype.kind != "f" else 0.9)
    y, cache = forward(layer, given)
    gy = np.random.default_rng(2).standard_normal(y.shape)
    passed = gy.copy()
    first = gradients(exhibit, layer, given, passed, cache)
    y_kept, first_kept = copy.deepcopy((y, first))
    if not np.array_equal(given, x):
        mistakes.append("x is written to")
    if not np.array_equal(passed, gy):
        mistakes.append("gy is written to")
    now = weights(exhibit, layer)
    if not all(np.array_equal(array, now[name]) for name, array in held.items()):
        mistakes.append("weights are written to")
    mistakes += _precision(x, y, first)

    _clear(layer)
    z, cache = forward(layer, other.copy())
    gradients(exhibit, layer, other.copy(), 2 * gy, cache)
    if not _equal({"y": y}, {"y": y_kept}) or not _equal({"x": first["x"]}, {"x": first_kept["x"]}):
        mistakes.append("a result is overwritten by the next call")
    _clear(layer)
    again, cache = forward(layer, x.copy())
    second = gradients(exhibit, layer, x.copy(), gy.copy(), cache)
    if not _equal({"y": again} | second, {"y": y_kept} | first_kept):
        mistakes.append("a second call differs from the first")
    fresh = exhibit.make()
    z_fresh, cache = forward(fresh, other.copy())
    if not _equal({"y": z}, {"y": z_fresh}):
        mistakes.append("forward depends on earlier calls")

    for number, turn in enumerate((np.asfortranarray, _spaced)):
        fresh = exhibit.make()
        y_turned, cache = forward(fresh, turn(x.copy()))
        turned = gradients(exhibit, fresh, turn(x.copy()), turn(gy.copy()), cache)
        if not _equal({"y": y_turned} | turned, {"y": y_kept} | first_kept):
            mistakes.append(f"the layout of memory matters ({number})")

    fresh = exhibit.make()  # handed x, after another forward
    if "x" in inspect.signature(fresh.backward).parameters and "cache" not in inspect.signature(fresh.backward).parameters:
        forward(fresh, x.copy())
        forward(fresh, other.copy())
        if not _equal(gradients(exhibit, fresh, x.copy(), gy.copy(), None), first_kept):
            mistakes.append("backward looks at the last input, not at x")
    return mistakes


def _clear(layer: Any) -> None:
    if callable(getattr(layer, "zero_grad", None)):
        layer.zero_grad()


def _spaced(array: Array) -> Array:
    wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)
    wide[..., ::2] = array
    return wide[..., ::2]


def _precision(x: Array, y: Any, first: dict[str, Any]) -> list[str]:
    if np.array_equal(x, x.astype(np.float32)):  # all else may then be short numbers, too
        return []
    mistakes = []
    for name, array in ({"y": y} | first).items():
        if array is None:
            continue
        if np.asarray(array).dtype != np.float64:
            mistakes.append(f"{name} is of {np.asarray(array).dtype}")
        elif np.any(array) and np.array_equal(array, np.asarray(array, np.float32).astype(np.float64), equal_nan=True):
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
