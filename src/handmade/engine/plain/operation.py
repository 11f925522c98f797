"""Links: one node of a network, or several in a row, as one piece of work for inference and backpropagation.

    forward   y
    record    y, kept           kept: what backward needs of this pass
    backward  gx, gradients     from kept and gy

`plain` takes the nodes one by one. In another backend, what lies between the nodes of a link may never be written down, or be
worked out in another order.
"""

from typing import Any

from handmade.engine.arrays import Array
from handmade.engine.graph import Node, Values
from handmade.engine.layers import rule


class Operation:
    """One node by itself. What it keeps of a pass is its input.

    Parameters
    ----------
    node : Node
        The first node; it alone has weights.
    name : str, optional
        The last node, whose activation the link makes; the first one if left out.
    """

    def __init__(self, node: Node, name: str | None = None) -> None:
        self.node, self.name = node, name or node.name

    def inputs(self, values: Values) -> Any:
        """Return what the link reads."""
        return self.node.inputs(values)

    def forward(self, x: Any) -> Array:
        """Return the output."""
        return self.node.layer.forward(x)

    def record(self, x: Any) -> tuple[Array, Any]:
        """Return the output, and what `backward` needs of this pass."""
        return self.forward(x), x

    def backward(self, kept: Any, gy: Array, *, to_input: bool) -> tuple[Any, Any]:
        """Return gx, which may be None unless it is to go on `to_input`, and the gradients of the weights by name."""
        layer = self.node.layer
        weight_gradients = None if to_input else rule(layer, "weight_gradients")
        return layer.backward(kept, gy) if weight_gradients is None else (None, weight_gradients(layer, kept, gy))
