"""A convolution with the max-pool and the ReLU behind it: y = relu(max over the window of (W * x) + b).

All pixels of a channel get the same bias, and neither that nor a ReLU changes their order. So the pool comes first, and what
follows has fewer numbers to go through.

    forward   z = W * x,   y = relu(pool(z) + b)
    backward  g = gy where y > 0,   then the pool's and the convolution's own
"""

from typing import Any

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.backends.link import Link
from handmade.engine.graph import Node


class Convolution(Link):
    """Conv2d, with the ReLU and the MaxPool2d that follow it, in either order; the convolution as the layer itself does it.

    Parameters
    ----------
    node : Node
        That of the convolution.
    name : str
        The last node.
    relu, pool : Layer or None
        What follows.
    """

    def __init__(self, node: Node, name: str, relu: Any, pool: Any) -> None:
        super().__init__(node, name)
        self.conv: Any = node.layer
        self.relu, self.pool = relu, pool

    def forward(self, x: Array) -> Array:
        return self.record(x)[0]

    def record(self, x: Array) -> tuple[Array, Any]:
        z = self.conv.filtered(x)
        y = z if self.pool is None else self.pool.forward(z)
        finish(y, self.conv.b, self.relu)
        return y, (x, z, y)

    def backward(self, kept: Any, gy: Array, *, to_input: bool) -> tuple[Array | None, dict[str, Array]]:
        x, z, y = kept
        g = gy if self.relu is None else gy * (y > 0)
        if self.pool is not None:
            g = self.pool.backward(z, g)[0]
        return self.conv.input_gradient(x, g) if to_input else None, self.conv.weight_gradients(x, g)


def finish(y: Array, b: Array, relu: object | None) -> None:
    """Add the bias to images (N, H, W, O) and cut off what is below zero, in place.

    A whole row of biases and an image of zeros take a third of the time of O numbers, or a single zero, again and again.
    """
    row = np.empty(y.shape[2:], b.dtype)
    row[...] = b
    y += row
    if relu is not None:
        np.maximum(y, np.zeros(y.shape[1:], y.dtype), out=y)
