"""Multiply: product of several activations of one shape.

    y = a b                                         (of more than two: y = product over k of x_k)
    delta     dy = a db + b da + da db = da b + (a + da) db
              dy = sum over k of (product over j < k of x_j + dx_j) dx_k (product over j > k of x_j)        (1)
    backward  gx_k = gy product over j != k of x_j

In (1) no two products are subtracted.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from handmade.engine.arrays import Array, Shape
from handmade.engine.layers.channel import Difference, in_common_channel, select_channel
from handmade.engine.layers.connections import Derivatives
from handmade.engine.layers.join import Join
from handmade.engine.terms import Term, made, stored


@dataclass(frozen=True, eq=False)
class Multiply(Join):
    """Product of activations of one shape, element by element."""

    def forward(self, x: tuple[Array, ...]) -> Array:
        return reduce(np.multiply, x)

    def delta(self, x: tuple[Array, ...], dx: Sequence[Array | None]) -> Array:
        """Return equation (1); an activation with dx_k = None does not change."""
        moved = [x_k if dx_k is None else x_k + dx_k for x_k, dx_k in zip(x, dx, strict=True)]
        terms = [_product([*moved[:k], dx_k, *x[k + 1 :]]) for k, dx_k in enumerate(dx) if dx_k is not None]
        return reduce(np.add, terms)

    def backward(self, x: tuple[Array, ...], gy: Array) -> tuple[tuple[Array, ...], dict[str, Array]]:
        return tuple(_product([gy, *x[:k], *x[k + 1 :]]) for k in range(len(x))), {}

    def receipt(self, x: tuple[Array, ...], at: Shape) -> Term:
        product, *others = self.terms(x, at)
        for other in others:
            product = made("product", product, other)
        return product.named("product of its inputs")

    def derivatives(self, x: tuple[Array, ...], k: int, at: Shape) -> Derivatives:
        others = [stored(each[at], f"input{n}", *at) for n, each in enumerate(x) if n != k]
        yield at, reduce(lambda a, b: a * b, others)

    def difference(self, x: tuple[Array, ...], moved: Sequence[Difference | None]) -> Difference:
        """Return equation (1) in the channel of the differences."""
        parts, channel = in_common_channel(x, moved)
        one = next(part for part in parts if part is not None)
        return Difference(self.delta(tuple(select_channel(x_k, one, channel) for x_k in x), parts), channel)


def _product(factors: Iterable[Array]) -> Array:
    return reduce(np.multiply, factors)
