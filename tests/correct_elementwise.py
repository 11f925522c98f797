"""Correct layers that treat each number by itself, and those without weights that move or pick numbers."""

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from correct_kind import Cache, Draw, Kind, P
from handmade.engine.arrays import Array

Function: TypeAlias = Callable[[Array], Array]


def sigmoid(x: Array) -> Array:
    small = np.exp(-np.abs(x))
    return np.asarray(np.where(x >= 0, 1 / (1 + small), small / (1 + small)))


def softplus(x: Array) -> Array:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def erf(x: Array) -> Array:
    return np.asarray(np.vectorize(math.erf, otypes=[x.dtype])(x))


def normal_density(x: Array) -> Array:
    return np.asarray(np.exp(-x * x / 2) / math.sqrt(2 * math.pi))


def gelu_slope(x: Array) -> Array:
    return np.asarray((1 + erf(x / math.sqrt(2))) / 2 + x * normal_density(x))


def _tanh_gelu(x: Array) -> tuple[Array, Array]:
    c = math.sqrt(2 / math.pi)
    t = np.tanh(c * (x + 0.044715 * x**3))
    return x * (1 + t) / 2, (1 + t) / 2 + x * (1 - t * t) / 2 * c * (1 + 3 * 0.044715 * x * x)


def _mish(x: Array) -> tuple[Array, Array]:
    t = np.tanh(softplus(x))
    return x * t, t + x * (1 - t * t) * sigmoid(x)


def less_exponent(x: Array) -> Array:
    return np.exp(np.minimum(x, 0))


SMOOTH: dict[str, tuple[Function, Function]] = {
    "sigmoid": (sigmoid, lambda x: sigmoid(x) * sigmoid(-x)),
    "plain sigmoid": (lambda x: 1 / (1 + np.exp(-x)), lambda x: np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x))) ** 2),
    "tanh": (np.tanh, lambda x: 1 - np.tanh(x) ** 2),
    "softplus": (softplus, sigmoid),
    "gelu (erf)": (lambda x: x * (1 + erf(x / math.sqrt(2))) / 2, gelu_slope),
    "gelu (tanh)": (lambda x: _tanh_gelu(x)[0], lambda x: _tanh_gelu(x)[1]),
    "swish": (lambda x: x * sigmoid(x), lambda x: sigmoid(x) * (1 + x * sigmoid(-x))),
    "mish": (lambda x: _mish(x)[0], lambda x: _mish(x)[1]),
    "elu": (lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))), less_exponent),
    "log-sigmoid": (lambda x: -softplus(-x), lambda x: sigmoid(-x)),
    "softsign": (lambda x: x / (1 + np.abs(x)), lambda x: 1 / (1 + np.abs(x)) ** 2),
    "sine": (np.sin, np.cos),
    "square": (lambda x: x * x, lambda x: 2 * x),
    "cube": (lambda x: x**3, lambda x: 3 * x**2),
    "exponential": (np.exp, np.exp),
    "arctan": (np.arctan, lambda x: 1 / (1 + x * x)),
    "bell": (lambda x: np.exp(-x * x), lambda x: -2 * x * np.exp(-x * x)),
    "large + tanh": (lambda x: 1e5 + np.tanh(x), lambda x: 1 - np.tanh(x) ** 2),
    "large + small sine": (lambda x: 100 + 1e-4 * np.sin(x), lambda x: 1e-4 * np.cos(x)),
    "steep tanh": (lambda x: np.tanh(1e6 * x), lambda x: 1e6 * (1 - np.tanh(1e6 * x) ** 2)),
    "steep sigmoid": (lambda x: sigmoid(1e4 * x), lambda x: 1e4 * sigmoid(1e4 * x) * sigmoid(-1e4 * x)),
    "smooth abs": (lambda x: np.sqrt(x * x + 1e-12), lambda x: x / np.sqrt(x * x + 1e-12)),
    "identity": (lambda x: x, np.ones_like),
    "negative": (lambda x: -x, lambda x: -np.ones_like(x)),
    "constant factor": (lambda x: 1e-7 * x, lambda x: 1e-7 * np.ones_like(x)),
    "log of 1 + square": (lambda x: np.log1p(x * x), lambda x: 2 * x / (1 + x * x)),
}

POSITIVE: dict[str, tuple[Function, Function]] = {
    "logarithm": (np.log, lambda x: 1 / x),
    "root": (np.sqrt, lambda x: 0.5 / np.sqrt(x)),
    "reciprocal": (lambda x: 1 / x, lambda x: -1 / (x * x)),
    "power 1.7": (lambda x: x**1.7, lambda x: 1.7 * x**0.7),
}


def function_kind(name: str, x: Array, f: Function, slope: Function, **more: Any) -> Kind:
    def forward(_: P, x: Array) -> tuple[Array, Cache]:
        return f(x), x

    def backward(_: P, x: Cache, gy: Array) -> tuple[Array, dict[str, Any]]:
        return gy * slope(x), {}

    return Kind(name, x, forward, backward, **more)


def smooth(d: Draw) -> Kind:
    name = d.one(*SMOOTH)
    steep = name.startswith(("steep", "smooth abs"))
    x = d.x(*d.shape())
    drowned = name.startswith("large") or (steep and d.mode in {"huge", "shifted", "pixels"})
    far = d.mode in {"huge", "shifted", "pixels"} and name not in {"identity", "negative", "square", "cube", "constant factor"}
    reason = "flat at large x" if far else "slopes near rounding" if drowned else ""
    if steep and not far:
        reason = "steep: flat but near 0"
    return function_kind(name, x, *SMOOTH[name], untested=reason)


def positive(d: Draw) -> Kind:
    name = d.one(*POSITIVE)
    reason = "large x" if d.mode == "huge" else ""
    return function_kind(name, np.abs(d.x(*d.shape())) + 0.3, *POSITIVE[name], untested=reason)


def saturated(d: Draw) -> Kind:
    """Sigmoid and tanh of 8 to 30: slopes near, or below, the rounding of 1."""
    name = d.one("sigmoid", "tanh", "plain sigmoid", "softsign")
    x = d.rng.uniform(*d.one((8, 12), (20, 30)), d.shape()) * d.one(1, 1, -1)
    return function_kind(f"{name} of large numbers", x, *SMOOTH[name], untested="slopes near rounding")


def rectifier(d: Draw) -> Kind:
    at_kink = d.one(0.0, 1.0, 0.5)
    below, threshold = d.one((0.0, 0.0), (0.01, 0.0), (0.2, 0.0), (0.0, -1.0), (0.0, 0.5))
    x = d.x(*d.shape())

    def forward(p: P, x: Array) -> tuple[Array, Cache]:
        z = x - p.threshold
        mask = (z > 0).astype(x.dtype) + p.at_kink * (z == 0).astype(x.dtype)
        return np.where(z > 0, z, p.slope * z) + p.threshold, mask

    def backward(p: P, mask: Cache, gy: Array) -> tuple[Array, dict[str, Any]]:
        return gy * (mask + p.slope * (1 - mask)), {}

    settings = {"slope": below, "threshold": threshold, "at_kink": at_kink}
    name = f"ReLU from {threshold}, slope {below}, {at_kink} at its kink"
    return Kind(name, x, forward, backward, settings=settings, kinked=True)


def clip(d: Draw) -> Kind:
    low, high = d.one((0.0, 1.0), (-1.0, 1.0), (0.0, 6.0), (-0.5, 0.5))
    inside_at_kink = d.chance(0.5)
    x = d.x(*d.shape())

    def slope(x: Array) -> Array:
        inside = (x >= low) & (x <= high) if inside_at_kink else (x > low) & (x < high)
        return inside.astype(x.dtype)

    reason = "" if bool(np.any((x > low) & (x < high))) else "outside of what is clipped"
    return function_kind(f"clip to {low}, {high}", x, lambda x: np.clip(x, low, high), slope, kinked=True, untested=reason)


def magnitude(d: Draw) -> Kind:
    at_kink = d.one(0.0, 1.0, -1.0)
    return function_kind(
        f"abs, {at_kink} at 0",
        d.x(*d.shape()),
        np.abs,
        lambda x: np.where(x > 0, 1, np.where(x < 0, -1, at_kink)).astype(x.dtype),
        kinked=True,
    )


def hard(d: Draw) -> Kind:
    x = d.x(*d.shape())
    name = d.one("hard swish", "hard sigmoid", "shrink", "soft shrink", "SELU", "CELU")
    scale, alpha = 1.0507009873554805, 1.6732632423543772
    table: dict[str, tuple[Function, Function]] = {
        "hard swish": (
            lambda x: x * np.clip(x + 3, 0, 6) / 6,
            lambda x: np.where(x <= -3, 0, np.where(x >= 3, 1, (2 * x + 3) / 6)).astype(x.dtype),
        ),
        "hard sigmoid": (lambda x: np.clip(x / 6 + 0.5, 0, 1), lambda x: ((x > -3) & (x < 3)).astype(x.dtype) / 6),
        "shrink": (
            lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0),
            lambda x: (np.abs(x) > 0.5).astype(x.dtype),
        ),
        "soft shrink": (lambda x: np.maximum(x - 0.5, 0) + np.minimum(x + 0.5, 0), lambda x: (np.abs(x) > 0.5).astype(x.dtype)),
        "SELU": (
            lambda x: scale * np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))),
            lambda x: scale * np.where(x > 0, 1, alpha * less_exponent(x)),
        ),
        "CELU": (
            lambda x: np.maximum(x, 0) + np.minimum(2 * np.expm1(np.minimum(x, 0) / 2), 0),
            lambda x: np.where(x > 0, 1, np.exp(np.minimum(x, 0) / 2)),
        ),
    }
    flat = name in {"hard sigmoid", "hard swish"} and d.mode in {"huge", "shifted", "pixels"}
    flat |= name.endswith("shrink") and bool((np.abs(x) <= 0.5).all())
    return function_kind(name, x, *table[name], kinked=True, untested="flat there" if flat else "")


def dead(d: Draw) -> Kind:
    """Layers that are flat at every scale one can expect to be tried."""
    name = d.one("dead ReLU", "constant", "steps", "dead clip", "saturated tanh")
    table: dict[str, tuple[Function, Function]] = {
        "dead ReLU": (lambda x: np.maximum(0.01 * np.tanh(x) - 10, 0), np.zeros_like),
        "constant": (lambda x: 0 * x + 3, np.zeros_like),
        "steps": (np.sign, np.zeros_like),
        "dead clip": (lambda x: np.clip(np.tanh(x) + 4, 0, 1), np.zeros_like),
        "saturated tanh": (lambda x: np.tanh(np.tanh(x) + 40), np.zeros_like),
    }
    x = d.x(*d.shape())
    x[x == 0] = 0.25  # the steps are at 0
    return function_kind(f"dead: {name}", x, *table[name], untested="dead")


# --- that move, repeat or pick numbers ---------------------------------------------------------------------------------------


def linear_map(d: Draw) -> Kind:
    """Flatten, transposed axes, flips, pads, crops, repeats, sums: linear, without weights, and their transposes."""
    N, H, W, C = d.images()
    shape = (N, H, W, C)
    x = d.x(*shape)

    def bilinear(M: Array, axis: int) -> tuple[Function, Function]:
        def along(M: Array, a: Array) -> Array:
            return np.moveaxis(np.tensordot(M.astype(a.dtype), a, axes=(1, axis)), 0, axis)

        return lambda x: along(M, x), lambda g: along(M.T, g)

    def pad_matrix(index: list[int]) -> Array:
        M = np.zeros((len(index), H))
        M[np.arange(len(index)), index] = 1
        return M

    def between() -> Array:
        M, at = np.zeros((2 * H, H)), np.clip((np.arange(2 * H) + 0.5) / 2 - 0.5, 0, H - 1)
        low = np.minimum(at.astype(int), H - 2)
        M[np.arange(2 * H), low], M[np.arange(2 * H), low + 1] = 1 - (at - low), at - low
        return M

    table: dict[str, tuple[Function, Function]] = {
        "flatten": (lambda x: x.reshape(N, -1), lambda g: g.reshape(shape)),
        "channels first": (lambda x: x.transpose(0, 3, 1, 2), lambda g: g.transpose(0, 2, 3, 1)),
        "flip": (lambda x: x[:, :, ::-1], lambda g: g[:, :, ::-1]),
        "roll": (lambda x: np.roll(x, 2, axis=1), lambda g: np.roll(g, -2, axis=1)),
        "zero padding": (lambda x: np.pad(x, ((0, 0), (1, 2), (0, 1), (0, 0))), lambda g: g[:, 1 : 1 + H, :W]),
        "crop": (lambda x: x[:, 1:, :-1], lambda g: np.pad(g, ((0, 0), (1, 0), (0, 1), (0, 0)))),
        "nearest upsampling": (
            lambda x: x.repeat(2, axis=1).repeat(3, axis=2),
            lambda g: g.reshape(N, H, 2, W, 3, C).sum(axis=(2, 4)),
        ),
        "subsampling": (lambda x: x[:, ::2], _into_every_second(H)),
        "mean of the image": (lambda x: x.mean(axis=(1, 2)), lambda g: np.broadcast_to(g[:, None, None], shape) / (H * W)),
        "sum": (lambda x: x.sum(axis=(1, 2, 3)), lambda g: np.broadcast_to(g[:, None, None, None], shape)),
        "mean of all": (lambda x: x.mean(), lambda g: np.broadcast_to(g, shape) / x.size),
        "centred": (lambda x: x - x.mean(axis=1, keepdims=True), lambda g: g - g.mean(axis=1, keepdims=True)),
        "cumulative sum": (lambda x: x.cumsum(axis=2), lambda g: g[:, :, ::-1].cumsum(axis=2)[:, :, ::-1]),
        "differences": (lambda x: np.diff(x, axis=1), lambda g: -np.diff(np.pad(g, ((0, 0), (1, 1), (0, 0), (0, 0))), axis=1)),
        "twice beside itself": (lambda x: np.concatenate([x, 2 * x], axis=-1), lambda g: g[..., :C] + 2 * g[..., C:]),
        "reflection padding": bilinear(pad_matrix([2, 1, *range(H), H - 2]), 1),
        "edge padding": bilinear(pad_matrix([0, 0, *range(H), H - 1]), 1),
        "circular padding": bilinear(pad_matrix([H - 1, *range(H), 0]), 1),
        "bilinear upsampling": bilinear(between(), 1),
    }
    name = d.one(*table)
    f, transposed = table[name]

    def forward(_: P, x: Array) -> tuple[Array, Cache]:
        return np.asarray(f(x)), None

    def backward(_: P, __: Cache, gy: Array) -> tuple[Array, dict[str, Any]]:
        return transposed(gy), {}

    return Kind(name, x, forward, backward)


def _into_every_second(H: int) -> Function:
    def transposed(g: Array) -> Array:
        full = np.zeros((g.shape[0], H, *g.shape[2:]), g.dtype)
        full[:, ::2] = g
        return full

    return transposed


def extreme(d: Draw) -> Kind:
    """Largest or smallest along an axis: the first, the last, or all that tie, in equal parts."""
    x, ties = d.x(*d.shape()), d.one("first", "last", "shared")
    axis, sign = d.whole(1, x.ndim - 1), d.one(1, -1)

    def forward(_: P, x: Array) -> tuple[Array, Cache]:
        z = sign * x
        top = z.max(axis=axis, keepdims=True)
        mask = (z == top).astype(x.dtype)
        if ties == "first":
            mask *= np.cumsum(mask, axis=axis) == 1
        elif ties == "last":
            mask *= np.flip(np.cumsum(np.flip(mask, axis), axis=axis), axis) == 1
        return sign * np.squeeze(top, axis), mask / mask.sum(axis=axis, keepdims=True)

    def backward(_: P, mask: Cache, gy: Array) -> tuple[Array, dict[str, Any]]:
        return mask * np.expand_dims(gy, axis), {}

    return Kind(f"{'max' if sign > 0 else 'min'} over axis {axis}, ties: {ties}", x, forward, backward, kinked=True)


def order(d: Draw) -> Kind:
    """Sort, the top two, the median of three or five: gather by argsort."""
    N, D = d.whole(2, 4), d.one(3, 5)
    name = d.one("sort", "top 2", "median", "argmax gather")
    middle = D // 2
    columns = {
        "sort": slice(None),
        "top 2": slice(D - 2, None),
        "median": slice(middle, middle + 1),
        "argmax gather": slice(D - 1, D),
    }
    x = d.x(N, D)

    def forward(_: P, x: Array) -> tuple[Array, Cache]:
        index = np.argsort(x, axis=1, kind="stable")[:, columns[name]]
        return np.take_along_axis(x, index, axis=1), (x.shape, index)

    def backward(_: P, cache: Cache, gy: Array) -> tuple[Array, dict[str, Any]]:
        shape, index = cache
        gx = np.zeros(shape, gy.dtype)
        np.put_along_axis(gx, index, gy, axis=1)
        return gx, {}

    tied = any(len(np.unique(row)) < D for row in x)
    return Kind(name, x, forward, backward, kinked=True, untested="ties of three" if tied else "")


def product(d: Draw) -> Kind:
    x = d.x(*d.rows())

    def others(x: Array) -> Array:
        return np.stack([np.delete(x, i, axis=1).prod(axis=1) for i in range(x.shape[1])], axis=1)

    def forward(_: P, x: Array) -> tuple[Array, Cache]:
        return x.prod(axis=1), x

    def backward(_: P, x: Cache, gy: Array) -> tuple[Array, dict[str, Any]]:
        return others(x) * gy[:, None], {}

    reason = "zeros: no slope along one number" if d.mode in {"zeros", "blank", "rounded"} else ""
    return Kind("product", x, forward, backward, untested=reason)


def running_product(d: Draw) -> Kind:
    x = d.x(*d.rows())

    def forward(_: P, x: Array) -> tuple[Array, Cache]:
        return x.cumprod(axis=1), x

    def backward(_: P, x: Cache, gy: Array) -> tuple[Array, dict[str, Any]]:
        gx = np.zeros_like(x)
        for i in range(x.shape[1]):
            without = x.copy()
            without[:, i] = 1
            gx[:, i] = (gy * without.cumprod(axis=1))[:, i:].sum(axis=1)
        return gx, {}

    return Kind("cumulative product", x, forward, backward)


def moment(d: Draw) -> Kind:
    """Variance, or a Euclidean length that 1e-12 keeps off its corner."""
    x = d.x(*d.rows())
    name = d.one("variance", "length", "sum of squares")

    def forward(_: P, x: Array) -> tuple[Array, Cache]:
        if name == "variance":
            return x.var(axis=1), x
        total = (x * x).sum(axis=1)
        return (np.sqrt(total + 1e-12) if name == "length" else total), x

    def backward(_: P, x: Cache, gy: Array) -> tuple[Array, dict[str, Any]]:
        g = gy[:, None]
        if name == "variance":
            return g * 2 * (x - x.mean(axis=1, keepdims=True)) / x.shape[1], {}
        return g * (2 * x if name == "sum of squares" else x / np.sqrt((x * x).sum(axis=1, keepdims=True) + 1e-12)), {}

    return Kind(name, x, forward, backward)


def gate(d: Draw) -> Kind:
    """One half of the channels times the sigmoid of the other."""
    N, D = d.rows()
    x = d.x(N, 2 * D)

    def forward(_: P, x: Array) -> tuple[Array, Cache]:
        return x[:, :D] * sigmoid(x[:, D:]), x

    def backward(_: P, x: Cache, gy: Array) -> tuple[Array, dict[str, Any]]:
        a, s = x[:, :D], sigmoid(x[:, D:])
        return np.concatenate([gy * s, gy * a * s * (1 - s)], axis=1), {}

    reason = "flat there" if d.mode in {"huge", "shifted", "pixels"} else ""
    return Kind("gated linear unit", x, forward, backward, untested=reason)


ELEMENTWISE = [smooth, smooth, smooth, smooth, smooth, positive, saturated, rectifier, rectifier, clip, magnitude, hard, dead]
WITHOUT_WEIGHTS = [linear_map, linear_map, extreme, order, product, running_product, moment, gate]
