"""Correct layers on rows and sequences: dense and its relatives, norms, softmax, losses, attention, recurrent cells, dropout."""

import math
from typing import Any

import numpy as np

from correct_elementwise import sigmoid, softplus
from correct_kind import Cache, Draw, Kind, P, to_shape
from handmade.engine.arrays import Array

EPSILONS = (1e-5, 1e-8, 1e-12)
FAR = {"huge", "shifted", "pixels"}


def dense(d: Draw) -> Kind:
    shape, O = (d.rows() if d.chance(0.8) else (*d.rows(), d.whole(2, 3))), d.whole(1, 4)
    D, outer, bias = shape[-1], d.chance(0.3), d.one("array", "array", "array", "none", "one number", "row")
    W = d.w(O, D) if outer else d.w(D, O)
    weights: dict[str, Any] = {"W": W}
    if d.chance(0.15):
        weights = {"W": 1e-5 * W, "b": np.ones(O)}
    elif bias != "none":
        weights["b"] = d.one(0.0, 0.5) if bias == "one number" else d.w(*((1, O) if bias == "row" else (O,)))

    def forward(p: P, x: Array) -> tuple[Array, Cache]:
        y = x @ (p.W.T if outer else p.W)
        return (y + p.b if "b" in weights else y), x

    def backward(p: P, x: Cache, gy: Array) -> tuple[Array, dict[str, Any]]:
        rows, g = x.reshape(-1, D), gy.reshape(-1, O)
        gradients: dict[str, Any] = {"W": g.T @ rows if outer else rows.T @ g}
        if "b" in weights:
            gradients["b"] = float(g.sum()) if isinstance(weights["b"], float) else to_shape(g, weights["b"].shape)
        return gy @ (p.W if outer else p.W.T), gradients

    return Kind("dense" + (" (out, in)" if outer else ""), d.x(*shape), forward, backward, weights)


def scale_and_shift(d: Draw) -> Kind:
    shape = d.shape()
    form = d.one(shape[-1:], (1,) * (len(shape) - 1) + shape[-1:], (), shape[1:])
    weights: dict[str, Any] = {"gamma": d.w(*form), "beta": d.w(*form)}
    if form == ():
        weights = {"gamma": float(d.rng.standard_normal()), "beta": 0.0}

    def forward(p: P, x: Array) -> tuple[Array, Cache]:
        return x * p.gamma + p.beta, x

    def backward(p: P, x: Cache, gy: Array) -> tuple[Array, dict[str, Any]]:
        own = {"gamma": to_shape(gy * x, form), "beta": to_shape(gy, form)}
        return gy * p.gamma, {name: float(g) for name, g in own.items()} if form == () else own

    return Kind("scale and shift", d.x(*shape), forward, backward, weights)


def prelu(d: Draw) -> Kind:
    shape = d.shape()
    slope = 0.25 + 0.1 * d.rng.standard_normal(shape[-1:])

    def forward(p: P, x: Array) -> tuple[Array, Cache]:
        return np.where(x > 0, x, p.slope * x), x

    def backward(p: P, x: Cache, gy: Array) -> tuple[Array, dict[str, Any]]:
        return gy * np.where(x > 0, 1, p.slope), {"slope": to_shape(gy * np.minimum(x, 0), slope.shape)}

    return Kind("PReLU", d.x(*shape), forward, backward, {"slope": slope}, kinked=True)


def two_layers(d: Draw) -> Kind:
    """Dense, ReLU or tanh, dense; x is added in half of them."""
    (N, D), H = d.rows(), d.whole(2, 5)
    residual, rectified = d.chance(0.5), d.chance(0.6)
    weights = {"W1": d.w(D, H), "b1": d.w(H), "W2": d.w(H, D), "b2": d.w(D)}

    def forward(p: P, x: Array) -> tuple[Array, Cache]:
        z = x @ p.W1 + p.b1
        a = np.maximum(z, 0) if rectified else np.tanh(z)
        y = a @ p.W2 + p.b2
        return (x + y if residual else y), (x, z, a)

    def backward(p: P, cache: Cache, gy: Array) -> tuple[Array, dict[str, Any]]:
        x, z, a = cache
        ga = gy @ p.W2.T
        gz = ga * (z > 0) if rectified else ga * (1 - a * a)
        gx = gz @ p.W1.T
        own = {"W1": x.T @ gz, "b1": gz.sum(axis=0), "W2": a.T @ gy, "b2": gy.sum(axis=0)}
        return (gx + gy if residual else gx), own

    kinks_within = rectified and (d.mode in {"zeros", "rounded", "blank", "pixels"} or d.weights_are != "generic")
    reason = "kinks within" if kinks_within else "flat there" if d.mode in FAR else ""
    return Kind(
        "residual block" if residual else "two layers", d.x(N, D), forward, backward, weights, kinked=True, untested=reason
    )


def highway(d: Draw) -> Kind:
    N, D = d.rows()
    weights = {"W": d.w(D, D), "b": d.w(D), "V": d.w(D, D), "c": d.w(D) - 1}

    def forward(p: P, x: Array) -> tuple[Array, Cache]:
        h, t = np.tanh(x @ p.W + p.b), sigmoid(x @ p.V + p.c)
        return t * h + (1 - t) * x, (x, h, t)

    def backward(p: P, cache: Cache, gy: Array) -> tuple[Array, dict[str, Any]]:
        x, h, t = cache
        gz, gv = gy * t * (1 - h * h), gy * (h - x) * t * (1 - t)
        own = {"W": x.T @ gz, "b": gz.sum(axis=0), "V": x.T @ gv, "c": gv.sum(axis=0)}
        return gy * (1 - t) + gz @ p.W.T + gv @ p.V.T, own

    return Kind("highway layer", d.x(N, D), forward, backward, weights, untested="flat there" if d.mode in FAR else "")


def bilinear(d: Draw) -> Kind:
    (N, D), O = d.rows(), d.whole(1, 3)

    def forward(p: P, x: Array) -> tuple[Array, Cache]:
        return np.einsum("ni,oij,nj->no", x, p.W, x), x

    def backward(p: P, x: Cache, gy: Array) -> tuple[Array, dict[str, Any]]:
        gx = np.einsum("no,oij,nj->ni", gy, p.W, x) + np.einsum("no,oji,nj->ni", gy, p.W, x)
        return gx, {"W": np.einsum("no,ni,nj->oij", gy, x, x)}

    return Kind("bilinear form", d.x(N, D), forward, backward, {"W": d.w(O, D, D)})


def maxout(d: Draw) -> Kind:
    (N, D), O, pieces = d.rows(), d.whole(1, 3), d.whole(2, 3)

    def forward(p: P, x: Array) -> tuple[Array, Cache]:
        z = np.einsum("nd,kdo->nko", x, p.W) + p.b
        best = z.argmax(axis=1)
        return np.take_along_axis(z, best[:, None], axis=1)[:, 0], (x, best)

    def backward(p: P, cache: Cache, gy: Array) -> tuple[Array, dict[str, Any]]:
        x, best = cache
        g = np.zeros((len(x), pieces, O), gy.dtype)
        np.put_along_axis(g, best[:, None], gy[:, None], axis=1)
        return np.einsum("nko,kdo->nd", g, p.W), {"W": np.einsum("nd,nko->kdo", x, g), "b": g.sum(axis=0)}

    weights = {"W": d.w(pieces, D, O), "b": d.w(pieces, O)}
    return Kind("maxout", d.x(N, D), forward, backward, weights, kinked=True)


def radial(d: Draw) -> Kind:
    """Gaussian bumps around learned centres."""
    (N, D), K = d.rows(), d.whole(1, 3)

    def forward(p: P, x: Array) -> tuple[Array, Cache]:
        apart = x[:, None] - p.centres
        y = np.exp(-p.width * (apart * apart).sum(axis=2))
        return y, (apart, y)

    def backward(p: P, cache: Cache, gy: Array) -> tuple[Array, dict[str, Any]]:
        apart, y = cache
        g = (-2 * p.width * gy * y)[..., None] * apart
        return g.sum(axis=1), {"centres": -g.sum(axis=0)}

    reason = "flat there" if d.mode in FAR else ""
    return Kind("radial basis", d.x(N, D), forward, backward, {"centres": d.w(K, D)}, {"width": 0.3}, untested=reason)


# --- norms -------------------------------------------------------------------------------------------------------------------


def _axes(d: Draw) -> tuple[str, tuple[int, ...], tuple[int, ...]]:
    """Return a norm's name, the shape of its input, and the axes that it takes statistics over."""
    name = d.one("batch norm", "batch norm", "layer norm", "layer norm", "instance norm", "RMS norm", "L2 norm")
    if name == "batch norm":
        shape: tuple[int, ...] = (d.whole(3, 5), d.whole(2, 4)) if d.chance(0.5) else d.images()
        return name, shape, tuple(range(len(shape) - 1))
    if name == "instance norm":
        return name, d.images(), (1, 2)
    shape = d.shape()
    return name, shape, (tuple(range(1, len(shape))) if d.chance(0.2) else (len(shape) - 1,))


def norm(d: Draw) -> Kind:
    name, shape, axes = _axes(d)
    affine, eps = d.chance(0.6) and name != "L2 norm", d.one(*EPSILONS)
    form = shape[-1:]
    weights = {"gamma": 1 + 0.3 * d.w(*form), "beta": d.w(*form)} if affine else {}
    centred = name in {"batch norm", "layer norm", "instance norm"}
    running = name == "batch norm" and d.chance(0.5)
    state = {"running_mean": np.zeros(form), "running_var": np.ones(form)} if running else {}

    def forward(p: P, x: Array) -> tuple[Array, Cache]:
        mean = x.mean(axis=axes, keepdims=True) if centred else 0
        z = x - mean
        squares = (z * z).sum(axis=axes, keepdims=True) if name == "L2 norm" else (z * z).mean(axis=axes, keepdims=True)
        if running:
            p.running_mean = (0.9 * p.running_mean + 0.1 * np.reshape(mean, form)).astype(x.dtype)
            p.running_var = (0.9 * p.running_var + 0.1 * squares.reshape(form)).astype(x.dtype)
        s = 1 / np.sqrt(squares + p.eps)
        n = z * s
        return (n * p.gamma + p.beta if affine else n), (n, s)

    def backward(p: P, cache: Cache, gy: Array) -> tuple[Array, dict[str, Any]]:
        n, s = cache
        g = gy * p.gamma if affine else gy
        total = np.sum if name == "L2 norm" else np.mean
        gx = g - n * total(g * n, axis=axes, keepdims=True)
        if centred:
            gx -= g.mean(axis=axes, keepdims=True)
        return gx * s, {"gamma": to_shape(gy * n, form), "beta": to_shape(gy, form)} if affine else {}

    x = d.x(*shape)
    flat = d.mode in {"shifted", "huge", "pixels"}  # constant rows far from 0: their variance is rounding
    return Kind(
        f"{name}, eps {eps}{', running statistics' if running else ''}",
        x,
        forward,
        backward,
        weights,
        {"eps": eps},
        state,
        untested="rounding instead of a variance" if flat and not _spread(x, axes) else "",
    )


def _spread(x: Array, axes: tuple[int, ...]) -> bool:
    size = np.abs(x).max(axis=axes) + 1e-300
    return bool((x.std(axis=axes) / size > 1e-6).all())


def group_norm(d: Draw) -> Kind:
    (N, H, W, _), groups, each = d.images(), d.whole(1, 2), d.whole(1, 2)
    C, eps = groups * each, d.one(*EPSILONS)
    axes = (1, 2, 4)

    def forward(p: P, x: Array) -> tuple[Array, Cache]:
        z = x.reshape(N, H, W, groups, each)
        z = z - z.mean(axis=axes, keepdims=True)
        s = 1 / np.sqrt((z * z).mean(axis=axes, keepdims=True) + eps)
        return (z * s).reshape(x.shape) * p.gamma + p.beta, (z * s, s)

    def backward(p: P, cache: Cache, gy: Array) -> tuple[Array, dict[str, Any]]:
        n, s = cache
        g = (gy * p.gamma).reshape(n.shape)
        gx = (g - g.mean(axis=axes, keepdims=True) - n * (g * n).mean(axis=axes, keepdims=True)) * s
        return gx.reshape(gy.shape), {"gamma": to_shape(gy * n.reshape(gy.shape), (C,)), "beta": to_shape(gy, (C,))}

    weights = {"gamma": 1 + 0.3 * d.w(C), "beta": d.w(C)}
    x = d.x(N, H, W, C)
    reason = "" if _spread(x.reshape(N, H, W, groups, each), axes) or d.mode not in FAR else "rounding instead of a variance"
    return Kind(f"group norm, eps {eps}", x, forward, backward, weights, untested=reason)


def norm_at_inference(d: Draw) -> Kind:
    shape, eps = d.one(d.rows(), d.images()), d.one(*EPSILONS)
    C = shape[-1]
    settings = {"running_mean": d.rng.standard_normal(C), "running_var": 0.5 + d.rng.random(C), "eps": eps}

    def forward(p: P, x: Array) -> tuple[Array, Cache]:
        n = (x - p.running_mean) / np.sqrt(p.running_var + p.eps)
        return n * p.gamma + p.beta, n

    def backward(p: P, n: Cache, gy: Array) -> tuple[Array, dict[str, Any]]:
        own = {"gamma": to_shape(gy * n, (C,)), "beta": to_shape(gy, (C,))}
        return gy * p.gamma / np.sqrt(p.running_var + p.eps), own

    weights = {"gamma": 1 + 0.3 * d.w(C), "beta": d.w(C)}
    return Kind(
        "batch norm at inference", d.x(*shape), forward, backward, weights, settings, untested="statistics without a gradient"
    )


def bias_before_norm(d: Draw) -> Kind:
    """Dense and batch norm in one layer: the bias moves nothing, so its gradient is truly zero."""
    (N, D), O = (d.whole(3, 5), d.whole(2, 5)), d.whole(1, 4)
    eps = d.one(*EPSILONS)

    def forward(p: P, x: Array) -> tuple[Array, Cache]:
        z = x @ p.W + p.b
        z = z - z.mean(axis=0)
        s = 1 / np.sqrt((z * z).mean(axis=0) + eps)
        return z * s * p.gamma, (x, z * s, s)

    def backward(p: P, cache: Cache, gy: Array) -> tuple[Array, dict[str, Any]]:
        x, n, s = cache
        g = gy * p.gamma
        gz = (g - g.mean(axis=0) - n * (g * n).mean(axis=0)) * s
        return gz @ p.W.T, {"W": x.T @ gz, "b": gz.sum(axis=0), "gamma": (gy * n).sum(axis=0)}

    weights = {"W": d.w(D, O), "b": d.w(O), "gamma": 1 + 0.3 * d.w(O)}
    reason = "rounding instead of a variance" if d.mode in {"equal images", "zeros", "huge", "shifted"} else ""
    name = f"dense and batch norm, eps {eps}"
    return Kind(name, d.x(N, D), forward, backward, weights, untested=reason, truly_zero=("b",))


# --- softmax and losses ------------------------------------------------------------------------------------------------------


def softmax(d: Draw) -> Kind:
    shape = d.shape()
    axis, name = d.whole(1, len(shape) - 1), d.one("softmax", "log-softmax", "logsumexp")
    if d.chance(0.1):
        axis = 0
    T = d.one(1.0, 1.0, 0.5, 4.0)

    def forward(p: P, x: Array) -> tuple[Array, Cache]:
        z = x / p.temperature
        z = z - z.max(axis=axis, keepdims=True)
        e = np.exp(z)
        total = e.sum(axis=axis, keepdims=True)
        s = e / total
        if name == "softmax":
            return s, s
        if name == "log-softmax":
            return z - np.log(total), s
        return np.squeeze(np.log(total) + x.max(axis=axis, keepdims=True) / p.temperature, axis), s

    def backward(p: P, s: Cache, gy: Array) -> tuple[Array, dict[str, Any]]:
        if name == "softmax":
            gx = s * (gy - (gy * s).sum(axis=axis, keepdims=True))
        elif name == "log-softmax":
            gx = gy - s * gy.sum(axis=axis, keepdims=True)
        else:
            gx = np.expand_dims(gy, axis) * s
        return gx / p.temperature, {}

    reason = "flat there" if d.mode in FAR else ""
    return Kind(f"{name} over axis {axis}", d.x(*shape), forward, backward, settings={"temperature": T}, untested=reason)


def loss(d: Draw) -> Kind:
    N, D = d.rows()
    y, name = (
        d.rng.integers(0, D, N),
        d.one("cross-entropy", "squared error", "hinge", "logistic loss", "absolute error", "Huber"),
    )
    each, target = d.chance(0.5), np.eye(D)[y]
    settings: dict[str, Any] = {"labels": y}
    rows = np.arange(N)

    def per_image(x: Array) -> tuple[Array, Array]:
        t = target.astype(x.dtype)
        if name == "cross-entropy":
            z = x - x.max(axis=1, keepdims=True)
            total = np.exp(z).sum(axis=1, keepdims=True)
            return (np.log(total) - z[rows, y, None])[:, 0], np.exp(z) / total - t
        if name == "squared error":
            return ((x - t) ** 2).sum(axis=1), 2 * (x - t)
        if name == "hinge":
            margins = (x - x[rows, y, None] + 1) * (1 - t)
            over = (margins > 0).astype(x.dtype)
            return np.maximum(margins, 0).sum(axis=1), over - t * over.sum(axis=1, keepdims=True)
        if name == "logistic loss":
            return (softplus(x) - t * x).sum(axis=1), sigmoid(x) - t
        if name == "absolute error":
            return np.abs(x - t).sum(axis=1), np.sign(x - t)
        far = np.abs(x - t) > 1
        return np.where(far, np.abs(x - t) - 0.5, (x - t) ** 2 / 2).sum(axis=1), np.clip(x - t, -1, 1)

    def forward(_: P, x: Array) -> tuple[Array, Cache]:
        L, g = per_image(x)
        return (L if each else np.asarray(L.mean())), g

    def backward(_: P, g: Cache, gy: Array) -> tuple[Array, dict[str, Any]]:
        return (gy[:, None] * g if each else gy * g / N), {}

    kinked = name in {"hinge", "absolute error"}
    reason = "flat there" if d.mode in FAR and name in {"hinge", "cross-entropy", "logistic loss"} else ""
    kind = Kind(f"{name} as a layer", d.x(N, D), forward, backward, settings=settings, kinked=kinked, untested=reason)
    kind.fixed_batch = True
    return kind


# --- sequences ---------------------------------------------------------------------------------------------------------------


def attention(d: Draw) -> Kind:
    N, T, D, K = d.whole(2, 3), d.whole(2, 3), d.whole(2, 3), d.whole(1, 2)
    causal = d.chance(0.4)
    hidden = np.triu(np.ones((T, T), bool), 1) if causal else np.zeros((T, T), bool)

    def forward(p: P, x: Array) -> tuple[Array, Cache]:
        q, k, v = x @ p.Wq, x @ p.Wk, x @ p.Wv
        z = np.where(hidden, -np.inf, q @ k.transpose(0, 2, 1) / math.sqrt(K))
        e = np.exp(z - z.max(axis=2, keepdims=True))
        s = e / e.sum(axis=2, keepdims=True)
        return s @ v, (x, q, k, v, s)

    def backward(p: P, cache: Cache, gy: Array) -> tuple[Array, dict[str, Any]]:
        x, q, k, v, s = cache
        gs, gv = gy @ v.transpose(0, 2, 1), s.transpose(0, 2, 1) @ gy
        gz = s * (gs - (gs * s).sum(axis=2, keepdims=True)) / math.sqrt(K)
        gq, gk = gz @ k, gz.transpose(0, 2, 1) @ q
        own = {name: np.einsum("ntd,ntk->dk", x, g) for name, g in (("Wq", gq), ("Wk", gk), ("Wv", gv))}
        return gq @ p.Wq.T + gk @ p.Wk.T + gv @ p.Wv.T, own

    weights = {"Wq": d.w(D, K), "Wk": d.w(D, K), "Wv": d.w(D, K)}
    reason = "flat there" if d.mode in FAR else ""
    return Kind("attention" + (", causal" if causal else ""), d.x(N, T, D), forward, backward, weights, untested=reason)


def recurrent(d: Draw) -> Kind:
    N, T, D, H = d.whole(2, 3), d.whole(2, 3), d.whole(1, 3), d.whole(1, 3)
    last = d.chance(0.5)

    def forward(p: P, x: Array) -> tuple[Array, Cache]:
        h = [np.zeros((N_of(x), H), x.dtype)]
        for t in range(T):
            h.append(np.tanh(x[:, t] @ p.W + h[-1] @ p.U + p.b))
        return (h[-1] if last else np.stack(h[1:], axis=1)), (x, h)

    def backward(p: P, cache: Cache, gy: Array) -> tuple[Array, dict[str, Any]]:
        x, h = cache
        gx, gh = np.zeros_like(x), np.zeros_like(h[0])
        own = {"W": np.zeros_like(p.W), "U": np.zeros_like(p.U), "b": np.zeros_like(p.b)}
        for t in range(T - 1, -1, -1):
            gh = gh + (gy if t == T - 1 else 0 * gy) if last else gh + gy[:, t]
            gz = gh * (1 - h[t + 1] ** 2)
            own = {"W": own["W"] + x[:, t].T @ gz, "U": own["U"] + h[t].T @ gz, "b": own["b"] + gz.sum(axis=0)}
            gx[:, t], gh = gz @ p.W.T, gz @ p.U.T
        return gx, own

    weights = {"W": d.w(D, H), "U": d.w(H, H), "b": d.w(H)}
    reason = "flat there" if d.mode in FAR else ""
    return Kind("recurrent cell", d.x(N, T, D), forward, backward, weights, untested=reason)


def N_of(x: Array) -> int:
    return int(x.shape[0])


def gated_recurrent(d: Draw) -> Kind:
    """LSTM over two or three steps, the four gates in one matrix."""
    N, T, D, H = d.whole(2, 3), d.whole(2, 3), d.whole(1, 3), d.whole(1, 2)

    def forward(p: P, x: Array) -> tuple[Array, Cache]:
        h, c = np.zeros((N_of(x), H), x.dtype), np.zeros((N_of(x), H), x.dtype)
        steps = []
        for t in range(T):
            z = x[:, t] @ p.W + h @ p.U + p.b
            i, f, o, g = sigmoid(z[:, :H]), sigmoid(z[:, H : 2 * H]), sigmoid(z[:, 2 * H : 3 * H]), np.tanh(z[:, 3 * H :])
            new = f * c + i * g
            steps.append((h, c, i, f, o, g, new))
            h, c = o * np.tanh(new), new
        return h, (x, steps)

    def backward(p: P, cache: Cache, gy: Array) -> tuple[Array, dict[str, Any]]:
        x, steps = cache
        gx, gh, gc = np.zeros_like(x), gy, np.zeros_like(gy)
        gW, gU, gb = np.zeros_like(p.W), np.zeros_like(p.U), np.zeros_like(p.b)
        for t in range(T - 1, -1, -1):
            h, c, i, f, o, g, new = steps[t]
            tanh = np.tanh(new)
            gc = gc + gh * o * (1 - tanh**2)
            gates = [gc * g * i * (1 - i), gc * c * f * (1 - f), gh * tanh * o * (1 - o), gc * i * (1 - g**2)]
            gz = np.concatenate(gates, axis=1)
            gW, gU, gb = gW + x[:, t].T @ gz, gU + h.T @ gz, gb + gz.sum(axis=0)
            gx[:, t], gh, gc = gz @ p.W.T, gz @ p.U.T, gc * f
        return gx, {"W": gW, "U": gU, "b": gb}

    weights = {"W": d.w(D, 4 * H), "U": d.w(H, 4 * H), "b": d.w(4 * H)}
    reason = "flat there" if d.mode in FAR or d.weights_are == "zero" else ""
    return Kind("LSTM", d.x(N, T, D), forward, backward, weights, untested=reason)


def embedding(d: Draw) -> Kind:
    N, T, V, D = d.whole(2, 4), d.whole(1, 3), d.whole(2, 5), d.whole(1, 3)
    x = d.rng.integers(0, V, (N, T) if d.chance(0.7) else (N,))

    def forward(p: P, x: Array) -> tuple[Array, Cache]:
        return p.W[x], x

    def backward(p: P, x: Cache, gy: Array) -> tuple[None, dict[str, Any]]:
        gW = np.zeros_like(p.W)
        np.add.at(gW, x, gy)
        return None, {"W": gW}

    return Kind("embedding", x, forward, backward, {"W": d.w(V, D)})


def dropout(d: Draw) -> Kind:
    shape, rate, source = d.shape(), d.one(0.2, 0.5, 0.0), d.one("own", "own", "global", "mask")
    settings: dict[str, Any] = {"rate": rate}
    reason = ""
    if source == "own":
        settings["rng"] = np.random.default_rng(d.whole(0, 99))
    elif source == "mask":
        settings["mask"] = (d.rng.random(shape[1:]) >= rate).astype(float)
        reason = "a constant array without a gradient"

    def forward(p: P, x: Array) -> tuple[Array, Cache]:
        if source == "mask":
            mask = p.mask
        else:
            draws = p.rng.random(x.shape) if source == "own" else np.random.random(x.shape)  # noqa: NPY002  the global one is meant
            mask = (draws >= p.rate) / (1 - p.rate)
        mask = mask.astype(x.dtype)
        return x * mask, mask

    def backward(_: P, mask: Cache, gy: Array) -> tuple[Array, dict[str, Any]]:
        return gy * mask, {}

    random = source in {"own", "global"}
    return Kind(f"dropout, {source}", d.x(*shape), forward, backward, settings=settings, untested=reason, random=random)


def cosine(d: Draw) -> Kind:
    """Cosine between each row and learned directions."""
    (N, D), O = d.rows(), d.whole(1, 3)
    eps = 1e-8

    def forward(p: P, x: Array) -> tuple[Array, Cache]:
        a, b = 1 / np.sqrt((x * x).sum(axis=1, keepdims=True) + eps), 1 / np.sqrt((p.W * p.W).sum(axis=0, keepdims=True) + eps)
        return (x * a) @ (p.W * b), (x, a, b)

    def backward(p: P, cache: Cache, gy: Array) -> tuple[Array, dict[str, Any]]:
        x, a, b = cache
        u, v = x * a, p.W * b
        gu, gv = gy @ v.T, u.T @ gy
        gx = a * (gu - u * (gu * u).sum(axis=1, keepdims=True))
        return gx, {"W": b * (gv - v * (gv * v).sum(axis=0, keepdims=True))}

    return Kind("cosine similarity", d.x(N, D), forward, backward, {"W": d.w(D, O)})


WITH_WEIGHTS = [
    *(dense, dense, dense, scale_and_shift, prelu, two_layers, highway, bilinear, maxout, radial, cosine),
    *(norm, norm, norm, group_norm, norm_at_inference, bias_before_norm, softmax, softmax, loss, loss),
    *(attention, recurrent, gated_recurrent, embedding, dropout),
]
