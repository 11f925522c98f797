"""JAX's side: the same network from the same weights, compiled by XLA for the CPU, with its own best habits.

Images (N, H, W, C) and filters (K_h, K_w, C, O), as ours are; `jit`, float32, and a step of training that gives its old weights
back (donated buffers). In inference the weights are constants of the compiled function. XLA takes every core. Pools of 2 x 2 are
a maximum over two axes of their own: with `reduce_window`, a step takes the CPU up to twice as long.
"""

from functools import partial
from typing import Any

import jax
import numpy as np
from jax import lax
from jax import numpy as jnp

from handmade.engine.arrays import Array
from handmade.engine.layers import Conv2d, Layer, Linear, MaxPool2d, ReLU
from handmade.engine.network import Network

Parameters = dict[str, Any]


class JaxNetwork:
    """One of our networks in JAX.

    Parameters
    ----------
    network : Network
        Of layers that the presets have.
    learning_rate, momentum : float
        Of the SGD that `step` takes.
    """

    def __init__(self, network: Network, learning_rate: float = 0.02, momentum: float = 0.9) -> None:
        self._p: Parameters = {name: jnp.array(array) for name, array in network.parameters().items()}
        self._v: Parameters = {name: jnp.zeros_like(array) for name, array in self._p.items()}
        forward = partial(_forward, network.layers)

        def loss(p: Parameters, x: Any, y: Any) -> Any:
            z = forward(p, x)
            return (jax.nn.logsumexp(z, axis=1) - jnp.take_along_axis(z, y[:, None], axis=1)[:, 0]).mean()

        def step(p: Parameters, v: Parameters, x: Any, y: Any) -> tuple[Parameters, Parameters]:
            g = jax.grad(loss)(p, x, y)
            v = {name: momentum * v[name] + g[name] for name in p}
            return {name: p[name] - learning_rate * v[name] for name in p}, v

        constants = {name: jnp.array(array) for name, array in network.parameters().items()}
        self._logits, self._gradient = jax.jit(partial(forward, constants)), jax.jit(jax.value_and_grad(loss))
        self._step = jax.jit(step, donate_argnums=(0, 1))

    def logits(self, x: Any) -> Any:
        """Return the logits, once they are there."""
        return self._logits(x).block_until_ready()

    def step(self, x: Any, y: Any) -> None:
        """Take one step of training."""
        self._p, self._v = jax.block_until_ready(self._step(self._p, self._v, x, y))

    def backprop(self, x: Any, y: Any) -> tuple[Any, Parameters]:
        """Return the loss and the gradient of every weight."""
        found: tuple[Any, Parameters] = jax.block_until_ready(self._gradient(self._p, x, y))
        return found

    @staticmethod
    def named(found: tuple[Any, Parameters]) -> dict[str, Array]:
        """Return the gradient as our arrays."""
        return {name: np.asarray(array) for name, array in found[1].items()}

    def weights(self) -> dict[str, Array]:
        """Return the weights as they are now, as our arrays."""
        return {name: np.asarray(array) for name, array in self._p.items()}


def images(x: Array) -> Any:
    """Return a batch as its array."""
    return jnp.array(x)


def labels(y: Array) -> Any:
    """Return labels, as it wants them."""
    return jnp.array(y.astype(np.int32))


def _forward(layers: tuple[Layer, ...], p: Parameters, x: Any) -> Any:
    for i, layer in enumerate(layers):
        if isinstance(layer, Conv2d):
            border = [(n, n) for n in layer.padding]
            x = lax.conv_general_dilated(x, p[f"{i}.W"], layer.stride, border, dimension_numbers=("NHWC", "HWIO", "NHWC"))
            x = x + p[f"{i}.b"]
        elif isinstance(layer, Linear):
            x = x @ p[f"{i}.W"] + p[f"{i}.b"]
        elif isinstance(layer, MaxPool2d):
            x = _pool(layer, x)
        else:
            x = jax.nn.relu(x) if isinstance(layer, ReLU) else x.reshape(len(x), -1)
    return x


def _pool(layer: MaxPool2d, x: Any) -> Any:
    assert (layer.window, layer.stride, layer.padding) == ((2, 2), (2, 2), (0, 0)), "the presets' pool"
    N, H, W, C = x.shape
    return x[:, : H // 2 * 2, : W // 2 * 2].reshape(N, H // 2, 2, W // 2, 2, C).max(axis=(2, 4))
