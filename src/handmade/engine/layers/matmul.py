"""MatMul: matrix product of two activations, image by image.

    y[n,...,t,m] = sum over k of a[n,...,t,k] b[n,...,k,m]                                                 (1)
    delta     dy = da b + (a + da) db                                                                      (2)
    backward  ga = gy b^T,   gb = a^T gy,   summed over the axes along which a or b was broadcast

The last two axes are those of the matrices. Axes before them are broadcast, as in `numpy.matmul`. In (2) no two products are
subtracted. A product with a constant matrix is a Linear.

Vaswani, Shazeer, Parmar, Uszkoreit, Jones, Gomez, Kaiser & Polosukhin (2017), "Attention Is All You Need", NIPS 30, section 3.2.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from handmade.engine.arrays import Array, Shape
from handmade.engine.errors import HandmadeError
from handmade.engine.layers.channel import Difference, to_dense
from handmade.engine.layers.connections import Box, Derivatives
from handmade.engine.layers.join import Join, shapes_of
from handmade.engine.terms import Term, largest_products, stored, total


@dataclass(frozen=True, eq=False)
class MatMul(Join):
    """Matrix products of two activations (N, ..., T, K) and (N, ..., K, M) -> (N, ..., T, M)."""

    def output_shape(self, shape: tuple[Shape, ...]) -> Shape:
        fit = len(shape) == 2 and min(map(len, shape)) >= 2 and shape[0][-1] == shape[1][-2]
        try:
            lead = np.broadcast_shapes(*(each[:-2] for each in shape)) if fit else ()
        except ValueError:
            fit = False
        if not fit:
            raise HandmadeError(
                f"MatMul: expected two activations (..., T, K) and (..., K, M), with axes before them that can be broadcast; "
                f"got {shapes_of(shape)}"
            )
        return (*lead, shape[0][-2], shape[1][-1])

    def products(self, shapes: Sequence[Shape]) -> int:
        """Return the number of products of two numbers for one image."""
        return math.prod(self.output_shape(tuple(shapes))) * shapes[0][-1]

    def forward(self, x: tuple[Array, ...]) -> Array:
        a, b = _aligned(x)
        y: Array = np.matmul(a, b)
        return y

    def delta(self, x: tuple[Array, ...], dx: tuple[Array, ...]) -> Array:
        """Return equation (2)."""
        (a, b), (da, db) = _aligned(x), _aligned(dx)
        dy: Array = np.matmul(da, b)
        dy += np.matmul(a + da, db)
        return dy

    def backward(self, x: tuple[Array, ...], gy: Array) -> tuple[tuple[Array, ...], dict[str, Array]]:
        a, b = _aligned(x)
        ga, gb = np.matmul(gy, b.swapaxes(-1, -2)), np.matmul(a.swapaxes(-1, -2), gy)
        return (_summed(ga, a.shape).reshape(x[0].shape), _summed(gb, b.shape).reshape(x[1].shape)), {}

    def difference(self, x: tuple[Array, ...], moved: Sequence[Difference | None]) -> Difference:
        """Return equation (2), for many nudges at once; in the channel of db if b alone changes."""
        da, db = moved
        axes = max(each.ndim for each in x)
        a, b = _aligned(x)
        if db is None:
            assert da is not None
            return Difference(_left(_widened(da.dx, x[0].ndim, axes), b[..., da.channel, :], axes))
        if da is None:
            return Difference(_right(a, _widened(db.dx, x[1].ndim, axes), axes), db.channel)
        dense = [_widened(to_dense(x_k, each.dx, each.channel), x_k.ndim, axes) for x_k, each in zip(x, (da, db), strict=True)]
        if dense[0].ndim == axes:
            return Difference(self.delta((a, b), tuple(dense)))
        dy = _left(dense[0], b, axes)
        each_a, each_b = (np.moveaxis(part, -1, 0) for part in (a[..., None] + dense[0], dense[1]))
        return Difference(dy + np.moveaxis(np.matmul(each_a, each_b), 0, -1))

    def receipt(self, x: tuple[Array, ...], at: Shape) -> Term:
        a, b = x
        row, column = _own(at, a.shape), _own(at, b.shape)

        def term(k: int) -> Term:
            left, right = (*row[:-1], k), (*column[:-2], k, column[-1])
            return stored(a[left], "input0", *left) * stored(b[right], "input1", *right)

        values = a[row[:-1]].astype(np.float64) * b[column[:-2]][:, column[-1]].astype(np.float64)
        return total(largest_products(values, term, "products"), "sum over k of a[t,k] b[k,m]")

    def derivatives(self, x: tuple[Array, ...], k: int, at: Shape) -> Derivatives:
        other = 1 - k
        for place in product(*(range(*span) for span in self.targets([each.shape for each in x], k, at))):
            factor = _own(place, x[other].shape)
            factor = (*factor[:-2], at[-1], place[-1]) if other else (*factor[:-1], at[-2])
            yield place, stored(x[other][factor], f"input{other}", *factor)

    def sources(self, shapes: Sequence[Shape], at: Shape) -> list[Box]:
        a, b = shapes
        row, column = ([(i, i + 1) for i in _own(at, shape)] for shape in shapes)
        return [(*row[:-1], (0, a[-1])), (*column[:-2], (0, b[-2]), column[-1])]

    def targets(self, shapes: Sequence[Shape], k: int, at: Shape) -> Box:
        output = self.output_shape(tuple(shapes))
        spans = [(0, size) for size in output]
        for axis in range(2, len(shapes[k])):  # the axes before the matrices, from the last to the first
            if shapes[k][-axis - 1] == output[-axis - 1]:
                spans[-axis - 1] = (at[-axis - 1], at[-axis - 1] + 1)
        free = -1 if k else -2
        spans[free] = (at[free], at[free] + 1)
        return tuple(spans)


def _own(at: Shape, shape: Shape) -> Shape:
    """Return the place in an array that belongs to a place of the output: 0 on the axes along which the array is broadcast.

    The last two numbers are those of the output: row t and column m.
    """
    lead = len(shape) - 2
    before = at[len(at) - 2 - lead : len(at) - 2]
    return (*(0 if size == 1 else i for i, size in zip(before, shape, strict=False)), *at[-2:])


def _widened(x: Array, axes: int, most: int) -> Array:
    """Return an array with N and its shape on `axes` axes, with axes of size 1 after N, so that there are `most`."""
    return x.reshape(len(x), *(1,) * (most - axes), *x.shape[1:])


def _aligned(x: Sequence[Array]) -> tuple[Array, Array]:
    most = max(each.ndim for each in x)
    a, b = (_widened(each, each.ndim, most) for each in x)
    return a, b


def _summed(g: Array, shape: Shape) -> Array:
    """Return the sum over the axes along which an array of a shape was broadcast."""
    axes = tuple(axis for axis, (size, own) in enumerate(zip(g.shape, shape, strict=True)) if size != own)
    return np.asarray(g.sum(axis=axes, keepdims=True)) if axes else g


def _left(da: Array, b: Array, axes: int) -> Array:
    """Return da b; da may have an axis for the nudges at its end."""
    if da.ndim == axes:
        return np.asarray(np.matmul(da, b))
    return np.asarray(np.matmul(b.swapaxes(-1, -2)[..., None, :, :], da))  # (..., 1, M, K) (..., T, K, nudges)


def _right(a: Array, db: Array, axes: int) -> Array:
    """Return a db; db may have an axis for the nudges at its end."""
    dy: Array = np.matmul(a, db if db.ndim == axes else db.reshape(*db.shape[:-2], -1))  # (..., T, K) (..., K, M nudges)
    return dy if db.ndim == axes else dy.reshape(*dy.shape[:-1], *db.shape[-2:])
