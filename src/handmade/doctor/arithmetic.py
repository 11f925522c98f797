"""Arithmetic of a network, in floating-point operations per image: a lower bound of every running time.

    forward      2 |W| per output position, for every array W of a Conv2d or a Linear: one product and one sum;
                 2 T K M for every product of two activations (T, K) and (K, M) by a MatMul
    backprop     3 forward: y, gx and gW cost the same, and the first layer needs no gx
    difference   forward, and for every nudge the products of each later layer with the changed inputs: one channel of them up to
                 the first later Conv2d or Linear, all of them after it

Biases, ReLU, pools and the loss are left out: they need memory accesses, not products.
"""

import math

from handmade.engine.graph import Node, downstream
from handmade.engine.layers import rule
from handmade.engine.network import Network


def forward(network: Network) -> int:
    """Return the operations of the forward pass of one image."""
    return sum(_operations(network, node) for node in network.nodes)


def backprop(network: Network) -> int:
    """Return the operations of backpropagation for one image."""
    operations = [each for node in network.nodes if (each := _operations(network, node))]
    return 3 * sum(operations) - sum(operations[:1])


def difference(network: Network) -> int:
    """Return the operations of all one-sided difference quotients for one image, without shortcuts."""
    total = forward(network)
    for node in network.nodes:
        if not _operations(network, node):
            continue
        nudges = sum(array.size for array in node.layer.parameters().values())
        outputs, spread = network.shape_of[node.name][-1], {node.name: False}
        for later in downstream(network.nodes, node.name):
            products = _operations(network, later)
            in_full = any(spread.get(name, False) for name in later.reads)
            spread[later.name] = in_full or products > 0
            total += nudges * products if in_full else nudges * products // outputs  # else one channel of the inputs
    return total


def _operations(network: Network, node: Node) -> int:
    """Return the operations of one node's forward pass: of its arrays with more than one axis, or of a product of activations."""
    products = rule(node.layer, "products")
    if products:
        return 2 * int(products(node.layer, [network.shape_of[name] for name in node.reads]))
    sizes = [array.size for array in node.layer.parameters().values() if array.ndim > 1]
    return 2 * sum(sizes) * math.prod(network.shape_of[node.name][:-1])
