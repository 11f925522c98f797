"""Gradients of the loss for one image, by backpropagation, as far back as they are asked for.

    g[logits] = loss.backward(z, y),   then   gx, gW = layer.backward(x, g[node])   from the last node to the first

What several nodes read collects a gradient from each of them. A layer without `backward` matters only for what stands before it.
"""

from collections.abc import Iterator

import numpy as np

from handmade.engine.arrays import Array, Shape
from handmade.engine.graph import INPUT, Node, Values
from handmade.engine.losses import Loss
from handmade.engine.network import Network


class Upstream:
    """Gradients with respect to activations and weights, each computed once.

    Parameters
    ----------
    network : Network
    tape : mapping of Array
        Activations of one image, as a batch of one.
    loss : Loss
    y : Array, (1,)
        Class of the image.
    """

    def __init__(self, network: Network, tape: Values, loss: Loss, y: Array) -> None:
        self._network, self._tape = network, tape
        self._g: dict[str, Array] = {network.logits_name: loss.backward(tape[network.logits_name], y)}
        self._weights: dict[str, Array] = {}
        self._nodes: Iterator[Node] = iter([*reversed(network.nodes)])
        self._passed: set[str] = set()

    def activation(self, name: str) -> Array:
        """Return the gradient with respect to an activation, in its shape, as a batch of one."""
        readers = {node.name for node in self._network.readers[name]}
        while not readers <= self._passed:
            self._step()
        found = self._g.get(name)
        return np.zeros_like(self._tape[name]) if found is None else found

    def weights(self, name: str) -> dict[str, Array]:
        """Return the gradients with respect to the arrays of a node, by their names in the layer."""
        while name not in self._passed:
            self._step()
        arrays = self._network.node(name).layer.parameters()
        return {each: self._weights.get(f"{name}.{each}", np.zeros_like(array)) for each, array in arrays.items()}

    def weight(self, key: str, index: Shape) -> float:
        """Return the gradient with respect to one weight, by the key of its array."""
        node, name = self._network.owners[key]
        return float(self.weights(node)[name][index])

    def activations(self) -> dict[str, Array]:
        """Return the gradients with respect to all activations by name, the image's first."""
        return {name: self.activation(name) for name in (INPUT, *(node.name for node in self._network.nodes))}

    def _step(self) -> None:
        """Go back over one more node."""
        node = next(self._nodes)
        if node.name in self._g:
            gx, arrays = node.layer.backward(node.inputs(self._tape), self._g[node.name])
            self._weights |= {f"{node.name}.{name}": array for name, array in arrays.items()}
            for read, part in zip(node.reads, gx if node.layer.joins else (gx,), strict=True):
                self._g[read] = self._g[read] + part if read in self._g else part
        self._passed.add(node.name)
