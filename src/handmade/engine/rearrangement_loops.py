"""Rearrangements, sums over axes and matrix products, as nested loops like those of `loops.py`: read that file first.

reshape      y = the numbers of x in their order, in another shape
transpose    y[n, i_(axes[0]), i_(axes[1]), ...] = x[n, i_0, i_1, ...]
pad          y[n, i] = x[n, i - before] inside, and along each axis outside: a constant, the edge, the mirror image, the other end
slice        y[n, i] = x[n, start + i step]
take         y[n, ..., k, ...] = x[n, ..., indices[k], ...]
expand       y[n, i] = x[n, i], with 0 for i along axes of size 1
concat       y[n, ..., first_k + i, ...] = x_k[n, ..., i, ...]
sum, mean    y[n, j] = sum over i of x[n, i, j]; divided by their number
matmul       y[n, ..., t, m] = sum over k of a[n, ..., t, k] b[n, ..., k, m]
linear_rows  y[n, ..., o] = b[o] + sum over i of W[i,o] x[n, ..., i]

Axes are those of one image: axis 0 is the first after the batch axis.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from handmade.engine.loops import Array, Number

Shape: TypeAlias = tuple[int, ...]


def copied(x: Array, shape: Shape, source: Callable[[Shape], Shape | None], constant: Number = 0) -> Array:
    """Return images of a shape, each number of which is copied from its source, or is the constant."""
    y = np.empty((len(x), *shape), x.dtype)
    for n in range(len(x)):
        for at in np.ndindex(shape):
            place = source(at)
            y[(n, *at)] = constant if place is None else x[(n, *place)]
    return y


def reshape(x: Array, shape: Shape) -> Array:
    """Write the numbers of every image in another shape."""
    y = np.empty((len(x), *shape), x.dtype)
    for n in range(len(x)):
        for at, place in zip(np.ndindex(shape), np.ndindex(x.shape[1:]), strict=True):
            y[(n, *at)] = x[(n, *place)]
    return y


def transpose(x: Array, axes: Shape) -> Array:
    """Write the axes of every image in another order."""
    shape = tuple(x.shape[1 + axis] for axis in axes)

    def source(at: Shape) -> Shape:
        place = [0] * len(axes)
        for i, axis in zip(at, axes, strict=True):
            place[axis] = i
        return tuple(place)

    return copied(x, shape, source)


def pad(x: Array, widths: Sequence[tuple[int, int]], mode: str = "constant", value: Number = 0) -> Array:
    """Surround every image by a margin."""
    sizes = x.shape[1:]
    shape = tuple(before + size + after for size, (before, after) in zip(sizes, widths, strict=True))

    def source(at: Shape) -> Shape | None:
        place = []
        for i, size, (before, _) in zip(at, sizes, widths, strict=True):
            inside = i - before
            if mode == "edge":
                inside = min(max(inside, 0), size - 1)
            while mode == "reflect" and not 0 <= inside < size:
                inside = -inside if inside < 0 else 2 * (size - 1) - inside
            while mode == "wrap" and not 0 <= inside < size:
                inside += size if inside < 0 else -size
            if not 0 <= inside < size:
                return None
            place.append(inside)
        return tuple(place)

    return copied(x, shape, source, value)


def slice_(x: Array, starts: Shape, shape: Shape, steps: Shape) -> Array:
    """Return the part of a shape that begins at `starts`."""
    return copied(x, shape, lambda at: tuple(start + i * step for i, start, step in zip(at, starts, steps, strict=True)))


def take(x: Array, axis: int, indices: Sequence[int]) -> Array:
    """Return some entries of one axis."""
    shape = (*x.shape[1 : 1 + axis], len(indices), *x.shape[2 + axis :])
    return copied(x, shape, lambda at: (*at[:axis], indices[at[axis]], *at[axis + 1 :]))


def expand(x: Array, shape: Shape) -> Array:
    """Repeat every image along new first axes, and along axes of size 1."""
    sizes = x.shape[1:]
    new = len(shape) - len(sizes)
    return copied(x, shape, lambda at: tuple(0 if size == 1 else i for i, size in zip(at[new:], sizes, strict=True)))


def concat(axis: int, *x: Array) -> Array:
    """Write activations one after the other along an axis."""
    size = 0
    for x_k in x:
        size += x_k.shape[1 + axis]
    y = np.empty((*x[0].shape[: 1 + axis], size, *x[0].shape[2 + axis :]), x[0].dtype)
    first = 0
    for x_k in x:
        for at in np.ndindex(x_k.shape):
            y[(*at[: 1 + axis], first + at[1 + axis], *at[2 + axis :])] = x_k[at]
        first += x_k.shape[1 + axis]
    return y


def sum_(x: Array, axes: Shape, *, keepdims: bool = False) -> Array:
    """Add the numbers along some axes."""
    kept = [axis for axis in range(x.ndim - 1) if axis not in axes]
    y = np.empty((len(x), *(x.shape[1 + axis] for axis in kept)), x.dtype)
    for n in range(len(x)):
        for at in np.ndindex(y.shape[1:]):
            total: Number = 0
            for inner in np.ndindex(*(x.shape[1 + axis] for axis in axes)):
                place = [0] * (x.ndim - 1)
                for axis, i in zip((*kept, *axes), (*at, *inner), strict=True):
                    place[axis] = i
                total += x[(n, *place)]
            y[(n, *at)] = total
    return reshape(y, tuple(1 if axis in axes else x.shape[1 + axis] for axis in range(x.ndim - 1))) if keepdims else y


def mean(x: Array, axes: Shape, *, keepdims: bool = False) -> Array:
    """Return the mean of the numbers along some axes."""
    count = 1
    for axis in axes:
        count *= x.shape[1 + axis]
    y = sum_(x, axes, keepdims=keepdims)
    for at in np.ndindex(y.shape):
        y[at] = y[at] / count
    return y


def matmul(a: Array, b: Array) -> Array:
    """Multiply matrices of the same images: (N, ..., T, K) and (N, ..., K, M) -> (N, ..., T, M)."""
    lead: list[int] = []
    for axis in range(max(a.ndim, b.ndim) - 3, 0, -1):  # counted from the axis before the matrices
        sizes = [x.shape[-2 - axis] for x in (a, b) if x.ndim - 3 >= axis]
        lead.append(max(sizes))
    y = np.empty((len(a), *lead, a.shape[-2], b.shape[-1]), np.result_type(a, b))
    for n in range(len(a)):
        for at in np.ndindex(y.shape[1:]):
            *before, t, m = at
            total: Number = 0
            for k in range(a.shape[-1]):
                total += a[(n, *_own(before, a), t, k)] * b[(n, *_own(before, b), k, m)]
            y[(n, *at)] = total
    return y


def _own(before: Sequence[int], x: Array) -> Shape:
    """Return the place of a matrix along the axes that an array has: 0 along axes of size 1."""
    sizes = x.shape[1:-2]
    return tuple(0 if size == 1 else i for i, size in zip(before[len(before) - len(sizes) :], sizes, strict=True))


def linear_rows(x: Array, W: Array, b: Array) -> Array:
    """Return weighted sums of every row: x (N, ..., in), W (in, out), b (out,) -> (N, ..., out)."""
    inputs, outputs = W.shape
    y = np.empty((*x.shape[:-1], outputs), np.result_type(x, W, b))
    for at in np.ndindex(x.shape[:-1]):
        for o in range(outputs):
            total = b[o]
            for i in range(inputs):
                total += W[i, o] * x[(*at, i)]
            y[(*at, o)] = total
    return y
