"""Divide: quotient of two activations of one shape.

    y = a / b
    delta     dy = (da - y db) / (b + db)        (1)
    backward  ga = gy / b,   gb = -gy y / b

In (1) no two quotients are subtracted; it is accurate relative to its two terms. A division by 0 gives infinity or NaN, as in
NumPy.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from handmade.engine.arrays import Array, Shape
from handmade.engine.layers.channel import Difference, in_common_channel, select_channel
from handmade.engine.layers.connections import ONE, Derivatives
from handmade.engine.layers.join import Pair
from handmade.engine.terms import Term


@dataclass(frozen=True, eq=False)
class Divide(Pair):
    """First activation divided by the second one, element by element."""

    def forward(self, x: tuple[Array, ...]) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):  # infinity and NaN are visible in the result
            y: Array = x[0] / x[1]
        return y

    def delta(self, x: tuple[Array, ...], dx: Sequence[Array | None]) -> Array:
        """Return equation (1); an activation with dx_k = None does not change."""
        (a, b), (da, db) = x, dx
        with np.errstate(divide="ignore", invalid="ignore"):
            if db is None:
                assert da is not None
                dy: Array = da / b
            else:
                change = a / b * db
                dy = (-change if da is None else da - change) / (b + db)
        return dy

    def backward(self, x: tuple[Array, ...], gy: Array) -> tuple[tuple[Array, ...], dict[str, Array]]:
        a, b = x
        with np.errstate(divide="ignore", invalid="ignore"):
            ga = gy / b
            return (ga, -ga * (a / b)), {}

    def receipt(self, x: tuple[Array, ...], at: Shape) -> Term:
        a, b = self.terms(x, at)
        return (a / b).named("quotient of its inputs")

    def derivatives(self, x: tuple[Array, ...], k: int, at: Shape) -> Derivatives:
        a, b = self.terms(x, at)
        yield at, ONE / b if k == 0 else -((a / b).named("y") / b)

    def difference(self, x: tuple[Array, ...], moved: Sequence[Difference | None]) -> Difference:
        """Return equation (1) in the channel of the differences."""
        parts, channel = in_common_channel(x, moved)
        one = next(part for part in parts if part is not None)
        return Difference(self.delta(tuple(select_channel(x_k, one, channel) for x_k in x), parts), channel)
