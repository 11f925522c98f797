"""Correct layers on images and signals: convolutions, transposed convolutions and pools, channels last or first."""

from typing import Any

import numpy as np

from correct_kind import Cache, Draw, Kind, P
from handmade.engine.arrays import Array


def _windows(size: tuple[int, int], K: tuple[int, int], s: tuple[int, int], dil: tuple[int, int]) -> tuple[int, int]:
    H, W = ((n - d * (k - 1) - 1) // t + 1 for n, k, t, d in zip(size, K, s, dil, strict=True))
    return H, W


def _cut(i: int, j: int, out: tuple[int, int], s: tuple[int, int], dil: tuple[int, int]) -> tuple[slice, ...]:
    return (
        slice(None),
        slice(i * dil[0], i * dil[0] + s[0] * (out[0] - 1) + 1, s[0]),
        slice(j * dil[1], j * dil[1] + s[1] * (out[1] - 1) + 1, s[1]),
    )


def _last(x: Array, *, first: bool) -> Array:
    return x.transpose(0, 2, 3, 1) if first else x


def _back(y: Array, *, first: bool) -> Array:
    return y.transpose(0, 3, 1, 2) if first else y


def _padded(x: Array, pad: tuple[int, int], value: float = 0) -> Array:
    return np.pad(x, ((0, 0), (pad[0], pad[0]), (pad[1], pad[1]), (0, 0)), constant_values=value)


def _cropped(g: Array, pad: tuple[int, int]) -> Array:
    return g[:, pad[0] : g.shape[1] - pad[0], pad[1] : g.shape[2] - pad[1]]


def convolution(d: Draw) -> Kind:
    """Correlation with stride, padding, dilation and groups; filters (K, L, C / groups, O) or (O, C / groups, K, L)."""
    groups, flat = d.one(1, 1, 1, 2), d.chance(0.2)
    C, O = groups * d.whole(1, 2), groups * d.whole(1, 2)
    s, pad, dil = (d.whole(1, 2), d.whole(1, 2)), (d.whole(0, 2), d.whole(0, 1)), (d.one(1, 1, 2), d.one(1, 1, 2))
    K = (d.whole(1, 3), d.whole(1, 3))
    N, H, W = d.whole(2, 3), d.whole(dil[0] * (K[0] - 1) + 1, 6), d.whole(dil[1] * (K[1] - 1) + 1, 6)
    if flat:
        K, s, pad, dil, W = (K[0], 1), (s[0], 1), (pad[0], 0), (dil[0], 1), 1
    first, filters_first, bias = d.chance(0.5), d.chance(0.5), d.chance(0.8)
    shape: tuple[int, ...] = (N, C, H, W) if first else (N, H, W, C)
    if flat:
        shape = (N, C, H) if first else (N, H, C)
    full = (N, C, H, W) if first else (N, H, W, C)
    form: tuple[int, ...] = (O, C // groups, *K) if filters_first else (*K, C // groups, O)
    form = tuple(n for axis, n in enumerate(form) if not flat or axis != (3 if filters_first else 1))
    weights = {"W": d.w(*form)} | ({"b": d.w(O)} if bias else {})

    def filters(p: P) -> Array:
        F: Array = p.W.reshape((O, C // groups, *K) if filters_first else (*K, C // groups, O))
        F = F.transpose(2, 3, 1, 0) if filters_first else F
        return F.reshape(*K, C // groups, groups, O // groups)

    def forward(p: P, x: Array) -> tuple[Array, Cache]:
        F = filters(p)
        z = _padded(_last(x.reshape(len(x), *full[1:]), first=first), pad)
        z = z.reshape(*z.shape[:3], groups, C // groups)
        out = _windows(z.shape[1:3], K, s, dil)
        y = sum(np.einsum("nhwgc,cgo->nhwgo", z[_cut(i, j, out, s, dil)], F[i, j]) for i in range(K[0]) for j in range(K[1]))
        y = np.asarray(y).reshape(len(x), *out, O)
        y = _back(y + p.b if bias else y, first=first)
        return (np.squeeze(y, 3 if first else 2) if flat else y), (z, out)

    def backward(p: P, cache: Cache, gy: Array) -> tuple[Array, dict[str, Any]]:
        z, out = cache
        F = filters(p)
        g = _last(np.expand_dims(gy, 3 if first else 2) if flat else gy, first=first)
        gb = g.sum(axis=(0, 1, 2))
        g = g.reshape(*g.shape[:3], groups, O // groups)
        gz, gF = np.zeros_like(z), np.zeros_like(F)
        for i in range(K[0]):
            for j in range(K[1]):
                cut = _cut(i, j, out, s, dil)
                gz[cut] += np.einsum("nhwgo,cgo->nhwgc", g, F[i, j])
                gF[i, j] = np.einsum("nhwgc,nhwgo->cgo", z[cut], g)
        gx = _back(_cropped(gz.reshape(*gz.shape[:3], C), pad), first=first).reshape(len(z), *shape[1:])
        gW = gF.reshape(*K, C // groups, O)
        gW = (gW.transpose(3, 2, 0, 1) if filters_first else gW).reshape(p.W.shape)
        return gx, {"W": gW} | ({"b": gb} if bias else {})

    name = f"{'1-d ' if flat else ''}convolution {K}, stride {s}, padding {pad}, dilation {dil}, groups {groups}"
    return Kind(name + (", channels first" if first else ""), d.x(*shape), forward, backward, weights)


def transposed_convolution(d: Draw) -> Kind:
    C, O, K, s = d.whole(1, 2), d.whole(1, 2), (d.whole(1, 3), d.whole(1, 3)), (d.whole(1, 2), d.whole(1, 2))
    N, H, W, _ = d.images()
    out = ((H - 1) * s[0] + K[0], (W - 1) * s[1] + K[1])

    def forward(p: P, x: Array) -> tuple[Array, Cache]:
        y = np.zeros((len(x), *out, O), x.dtype) + p.b
        for i in range(K[0]):
            for j in range(K[1]):
                y[_cut(i, j, (H, W), s, (1, 1))] += x @ p.W[i, j]
        return y, x

    def backward(p: P, x: Cache, gy: Array) -> tuple[Array, dict[str, Any]]:
        gx, gW = np.zeros_like(x), np.zeros_like(p.W)
        for i in range(K[0]):
            for j in range(K[1]):
                g = gy[_cut(i, j, (H, W), s, (1, 1))]
                gx += g @ p.W[i, j].T
                gW[i, j] = np.einsum("nhwc,nhwo->co", x, g)
        return gx, {"W": gW, "b": gy.sum(axis=(0, 1, 2))}

    weights = {"W": d.w(*K, C, O), "b": d.w(O)}
    return Kind(f"transposed convolution {K}, stride {s}", d.x(N, H, W, C), forward, backward, weights)


def pool(d: Draw) -> Kind:
    """Largest, smallest, mean (padding counted or not) and root mean square of windows that overlap or leave gaps."""
    what, first = d.one("max", "max", "min", "mean", "mean without padding", "root mean square"), d.chance(0.5)
    K, s = (d.whole(1, 3), d.whole(1, 3)), (d.whole(1, 3), d.whole(1, 3))
    pad = (d.whole(0, K[0] // 2), d.whole(0, K[1] // 2))
    ties = d.one("first", "last", "shared")
    N, H, W, C = d.images()
    picks = what in {"max", "min"}
    places = [(i, j) for i in range(K[0]) for j in range(K[1])]

    def stacked(x: Array, value: float) -> tuple[Array, tuple[int, int]]:
        z = _padded(x, pad, value)
        out = _windows(z.shape[1:3], K, s, (1, 1))
        return np.stack([z[_cut(i, j, out, s, (1, 1))] for i, j in places]), out

    def shares(stack: Array, x: Array) -> Array:
        if picks:
            mask = (stack == stack.max(axis=0)).astype(x.dtype)
            if ties != "shared":
                one = mask.argmax(axis=0) if ties == "first" else len(mask) - 1 - mask[::-1].argmax(axis=0)
                mask = (np.arange(len(mask)).reshape(-1, 1, 1, 1, 1) == one).astype(x.dtype)
            return np.asarray(mask / mask.sum(axis=0))
        counted: Any = stacked(np.ones_like(x), 0)[0].sum(axis=0) if what == "mean without padding" else len(places)
        return np.asarray(np.ones_like(stack) / counted)

    def forward(_: P, x: Array) -> tuple[Array, Cache]:
        a = _last(x, first=first)
        sign = -1 if what == "min" else 1
        stack, out = stacked(sign * a, -np.inf if picks else 0)
        share = shares(stack, a)
        if picks:
            y = sign * stack.max(axis=0)
        elif what == "root mean square":
            y = np.sqrt((stack * stack).mean(axis=0) + 1e-6)
            share = share * stack / y
        else:
            y = (stack * share).sum(axis=0)
        return _back(y, first=first), (share, out, a.shape)

    def backward(_: P, cache: Cache, gy: Array) -> tuple[Array, dict[str, Any]]:
        share, out, size = cache
        g = _last(gy, first=first)
        gz = np.zeros((size[0], size[1] + 2 * pad[0], size[2] + 2 * pad[1], size[3]), gy.dtype)
        for (i, j), part in zip(places, share, strict=True):
            gz[_cut(i, j, out, s, (1, 1))] += part * g
        return _back(_cropped(gz, pad), first=first), {}

    name = f"{what} pool {K}, stride {s}, padding {pad}" + (f", ties: {ties}" if picks else "")
    settings = {"window": K, "stride": s, "padding": pad}
    shape = (N, C, H, W) if first else (N, H, W, C)
    return Kind(name, d.x(*shape), forward, backward, settings=settings, kinked=picks)


def squeeze_and_excite(d: Draw) -> Kind:
    """Images times a gate of each channel, worked out from the means of the channels."""
    N, H, W, C = d.images()

    def forward(p: P, x: Array) -> tuple[Array, Cache]:
        m = x.mean(axis=(1, 2))
        s = 1 / (1 + np.exp(-np.clip(m @ p.W + p.b, -30, 30)))
        return x * s[:, None, None], (x, m, s)

    def backward(p: P, cache: Cache, gy: Array) -> tuple[Array, dict[str, Any]]:
        x, m, s = cache
        gz = (gy * x).sum(axis=(1, 2)) * s * (1 - s) * (np.abs(m @ p.W + p.b) < 30)
        gx = gy * s[:, None, None] + (gz @ p.W.T)[:, None, None] / (H * W)
        return gx, {"W": m.T @ gz, "b": gz.sum(axis=0)}

    reason = "flat there" if d.mode in {"huge", "shifted", "pixels"} else ""
    return Kind("squeeze and excite", d.x(N, H, W, C), forward, backward, {"W": d.w(C, C), "b": d.w(C)}, untested=reason)


ON_IMAGES = [convolution, convolution, convolution, transposed_convolution, pool, pool, pool, squeeze_and_excite]
