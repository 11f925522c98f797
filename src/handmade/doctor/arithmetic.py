"""The floor under every running time: how much arithmetic a network is, counted in floating-point operations an image.

    forward      2 |W| a place of the output, for every array W of a Conv2d or a Linear: one product and one sum
    backprop     3 forward: y, gx and gW cost the same, and the first layer needs no gx
    difference   forward, and for every nudge the products of each later layer with the inputs that have moved: one channel of
                 them until the first Conv2d or Linear, all of them behind it

Biases, ReLU, pools and the loss are left out: they are passes over memory, not products.
"""

import math
from typing import TypeAlias

from handmade.engine.layers import Layer, Weighted
from handmade.engine.network import Network

Products: TypeAlias = tuple[Layer, int]  # a layer with weights, and the operations of its forward pass


def forward(network: Network) -> int:
    """Operations of one image's forward pass."""
    return sum(operations for _, operations in _products(network))


def backprop(network: Network) -> int:
    """Operations of one image's share in the gradient by backpropagation."""
    operations = [each for _, each in _products(network)]
    return 3 * sum(operations) - sum(operations[:1])


def difference(network: Network) -> int:
    """Operations of one image's share in all difference quotients, one-sided, if nothing is left out."""
    products = _products(network)
    total = sum(operations for _, operations in products)
    for i, (layer, _) in enumerate(products):
        outputs, nudges = _columns(layer)
        behind = [operations for _, operations in products[i + 1 :]]
        if behind:
            total += nudges * behind[0] + outputs * nudges * sum(behind[1:])  # of the first, a channel: 1 / outputs
    return total


def _products(network: Network) -> list[Products]:
    """The layers with weights, in their order."""
    found: list[Products] = []
    for layer, shape in zip(network.layers, network.shapes[1:], strict=True):
        if isinstance(layer, Weighted):
            found.append((layer, 2 * layer.parameters()["W"].size * math.prod(shape[:-1])))
    return found


def _columns(layer: Layer) -> tuple[int, int]:
    """How many columns of weights a layer has, and how many nudges each."""
    assert isinstance(layer, Weighted)
    W = layer.parameters()["W"]
    return W.shape[-1], W.size // W.shape[-1] + 1
