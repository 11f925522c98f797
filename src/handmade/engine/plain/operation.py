"""Operation: one node of a network, or several consecutive nodes that are fused, for inference and backpropagation.

    forward   y
    record    y, kept           kept: values of this pass that backward needs
    backward  gx, gradients     from kept and gy

In `plain`, each node is an operation. Another backend may fuse nodes: then it need not store the activations between them, or may
compute them in another order.
"""

from typing import Any

from handmade.engine.arrays import Array
from handmade.engine.graph import Node, Values
from handmade.engine.layers import rule


class Operation:
    """Operation of a single node. It keeps its input for the backward pass.

    Parameters
    ----------
    node : Node
        First node; only this node has weights.
    name : str, optional
        Last node, whose output is that of the operation; the first node if left out.
    """

    def __init__(self, node: Node, name: str | None = None) -> None:
        self.node, self.name = node, name or node.name

    def inputs(self, values: Values) -> Any:
        """Return the inputs of the operation."""
        return self.node.inputs(values)

    def forward(self, x: Any) -> Array:
        """Return the output."""
        return self.node.layer.forward(x)

    def record(self, x: Any) -> tuple[Array, Any]:
        """Return the output, and the values of this pass that `backward` needs."""
        return self.forward(x), x

    def backward(self, kept: Any, gy: Array, *, to_input: bool) -> tuple[Any, Any]:
        """Return gx, and the gradients of the weights by name; without `to_input`, gx may be None."""
        layer = self.node.layer
        weight_gradients = None if to_input else rule(layer, "weight_gradients")
        return layer.backward(kept, gy) if weight_gradients is None else (None, weight_gradients(layer, kept, gy))
