"""What a link is: one layer or some in a row, as one piece of work, and pure functions of their input.

    forward   y
    record    y, kept           kept: what backward will want of this pass
    backward  gx, gradients     from kept and gy

What lies between the layers of a link may never be written down, or be worked out in another order.
"""

from dataclasses import dataclass
from typing import Any, Protocol

from handmade.engine.arrays import Array
from handmade.engine.layers import Layer, is_halved


class Link(Protocol):
    """Layers worked out together. Only the first of them has weights."""

    def forward(self, x: Array) -> Array:
        """The last layer's output for the first one's input x, (N, ...)."""
        ...

    def record(self, x: Array) -> tuple[Array, Any]:
        """The same, and what `backward` will want of this pass."""
        ...

    def backward(self, kept: Any, gy: Array, *, to_input: bool) -> tuple[Array | None, dict[str, Array]]:
        """gx, which may be None unless it is to go on `to_input`, and the gradient of every weight array by its name."""
        ...


@dataclass(frozen=True, eq=False)
class Alone:
    """Any layer by itself: what it keeps of a pass is its input."""

    layer: Layer

    def forward(self, x: Array) -> Array:
        return self.layer.forward(x)

    def record(self, x: Array) -> tuple[Array, Array]:
        return self.layer.forward(x), x

    def backward(self, kept: Array, gy: Array, *, to_input: bool) -> tuple[Array | None, dict[str, Array]]:
        if to_input or not is_halved(self.layer):
            return self.layer.backward(kept, gy)
        return None, self.layer.weight_gradients(kept, gy)
