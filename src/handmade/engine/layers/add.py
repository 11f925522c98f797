"""Add: sum of several activations of one shape.

y = sum over k of x_k
delta     dy = sum over k of dx_k
backward  gx_k = gy
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from handmade.engine.arrays import Array, Shape
from handmade.engine.layers.channel import Difference, in_common_channel
from handmade.engine.layers.connections import ONE, Derivatives
from handmade.engine.layers.join import Join
from handmade.engine.terms import Term, total


@dataclass(frozen=True, eq=False)
class Add(Join):
    """Sum of activations of one shape, element by element."""

    def forward(self, x: tuple[Array, ...]) -> Array:
        return reduce(np.add, x)

    def delta(self, x: tuple[Array, ...], dx: tuple[Array, ...]) -> Array:
        """Return the sum of dx; it does not depend on x, because the sum is linear."""
        return reduce(np.add, dx)

    def backward(self, x: tuple[Array, ...], gy: Array) -> tuple[tuple[Array, ...], dict[str, Array]]:
        return (gy,) * len(x), {}

    def receipt(self, x: tuple[Array, ...], at: Shape) -> Term:
        return total(self.terms(x, at), "sum of its inputs")

    def derivatives(self, _x: tuple[Array, ...], _k: int, at: Shape) -> Derivatives:
        yield at, ONE

    def difference(self, x: tuple[Array, ...], moved: Sequence[Difference | None]) -> Difference:
        """Return the sum of the differences; in one channel if all of them lie in the same channel."""
        if sum(each is not None for each in moved) == 1:
            return next(each for each in moved if each is not None)
        parts, channel = in_common_channel(x, moved)
        return Difference(reduce(np.add, [part for part in parts if part is not None]), channel)
