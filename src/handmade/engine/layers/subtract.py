"""Subtract: difference of two activations of one shape.

y = a - b
delta     dy = da - db
backward  ga = gy,   gb = -gy
"""

from collections.abc import Sequence
from dataclasses import dataclass

from handmade.engine.arrays import Array, Shape
from handmade.engine.layers.channel import Difference, in_common_channel
from handmade.engine.layers.connections import ONE, Derivatives
from handmade.engine.layers.join import Pair
from handmade.engine.terms import Term


@dataclass(frozen=True, eq=False)
class Subtract(Pair):
    """First activation minus the second one, element by element."""

    def forward(self, x: tuple[Array, ...]) -> Array:
        return x[0] - x[1]

    def delta(self, x: tuple[Array, ...], dx: Sequence[Array | None]) -> Array:
        """Return da - db; an activation with dx_k = None does not change."""
        da, db = dx
        if da is None:
            assert db is not None
            return -db
        return da if db is None else da - db

    def backward(self, x: tuple[Array, ...], gy: Array) -> tuple[tuple[Array, ...], dict[str, Array]]:
        return (gy, -gy), {}

    def receipt(self, x: tuple[Array, ...], at: Shape) -> Term:
        a, b = self.terms(x, at)
        return (a - b).named("difference of its inputs")

    def derivatives(self, _x: tuple[Array, ...], k: int, at: Shape) -> Derivatives:
        yield at, ONE if k == 0 else Term(-1.0)

    def difference(self, x: tuple[Array, ...], moved: Sequence[Difference | None]) -> Difference:
        """Return da - db in the channel of the differences."""
        parts, channel = in_common_channel(x, moved)
        return Difference(self.delta(x, parts), channel)
