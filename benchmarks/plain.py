"""Plain vectorised NumPy, as a good student writes it: windows as views, one tensordot, masks, and no tricks.

The yardstick between the nested loops and ours. It knows the layers of the presets only: Conv2d without stride and padding, ReLU,
2 x 2 max-pool, Flatten, Linear, and cross-entropy. x is (N, H, W, C); arrays are named and shaped as in handmade.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from handmade.engine.arrays import Array
from handmade.engine.layers import Conv2d, Flatten, Linear, MaxPool2d, ReLU
from handmade.engine.network import Network

Parameters = dict[str, Array]


def conv2d(x: Array, p: Parameters) -> Array:
    """All windows at once: (N, H', W', C, K_h, K_w) times (K_h, K_w, C, O)."""
    windows = sliding_window_view(x, p["W"].shape[:2], axis=(1, 2))
    return np.tensordot(windows, p["W"], axes=((3, 4, 5), (2, 0, 1))) + p["b"]


def conv2d_backward(x: Array, p: Parameters, gy: Array) -> tuple[Array, Parameters]:
    """The gradient of x is a convolution of padded gy with the filters turned round."""
    K_h, K_w = p["W"].shape[:2]
    windows = sliding_window_view(x, (K_h, K_w), axis=(1, 2))
    gW = np.tensordot(windows, gy, axes=((0, 1, 2), (0, 1, 2))).transpose(1, 2, 0, 3)
    padded = np.pad(gy, ((0, 0), (K_h - 1, K_h - 1), (K_w - 1, K_w - 1), (0, 0)))
    turned = sliding_window_view(padded, (K_h, K_w), axis=(1, 2))
    gx = np.tensordot(turned, p["W"][::-1, ::-1], axes=((3, 4, 5), (3, 0, 1)))
    return gx, {"W": gW, "b": gy.sum(axis=(0, 1, 2))}


def relu(x: Array, _: Parameters) -> Array:
    """Zero in the place of what is below it."""
    return np.maximum(x, 0)


def relu_backward(x: Array, _: Parameters, gy: Array) -> tuple[Array, Parameters]:
    """Nothing for what was below zero."""
    return np.where(x > 0, gy, 0), {}


def max_pool2d(x: Array, _: Parameters) -> Array:
    """2 x 2 windows as two axes of their own."""
    N, H, W, C = x.shape
    y: Array = x[:, : H // 2 * 2, : W // 2 * 2].reshape(N, H // 2, 2, W // 2, 2, C).max(axis=(2, 4))
    return y


def max_pool2d_backward(x: Array, _: Parameters, gy: Array) -> tuple[Array, Parameters]:
    """The first winner of a window takes all."""
    N, H, W, C = x.shape
    windows = x[:, : H // 2 * 2, : W // 2 * 2].reshape(N, H // 2, 2, W // 2, 2, C).transpose(0, 1, 3, 5, 2, 4)
    winner = windows.reshape(N, H // 2, W // 2, C, 4).argmax(axis=-1)
    won = np.where(np.arange(4) == winner[..., None], gy[..., None], 0).reshape(N, H // 2, W // 2, C, 2, 2)
    gx = np.zeros_like(x)
    gx[:, : H // 2 * 2, : W // 2 * 2] = won.transpose(0, 1, 4, 2, 5, 3).reshape(N, H // 2 * 2, W // 2 * 2, C)
    return gx, {}


def linear(x: Array, p: Parameters) -> Array:
    """One matrix product."""
    return x @ p["W"] + p["b"]


def linear_backward(x: Array, p: Parameters, gy: Array) -> tuple[Array, Parameters]:
    """Its two transposes."""
    return gy @ p["W"].T, {"W": x.T @ gy, "b": gy.sum(axis=0)}


def cross_entropy(z: Array, p: Parameters) -> Array:
    """-log softmax(z)[y], image by image."""
    shifted = z - z.max(axis=1, keepdims=True)
    L: Array = np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(z)), p["y"]]
    return L


def cross_entropy_backward(z: Array, p: Parameters, gy: Array) -> tuple[Array, Parameters]:
    """Softmax, less one at the right class."""
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    gz = powers / powers.sum(axis=1, keepdims=True)
    gz[np.arange(len(z)), p["y"]] -= 1
    return gz * gy[:, None], {}


def flatten(x: Array, _: Parameters) -> Array:
    """Every image as one row."""
    return x.reshape(len(x), -1)


def flatten_backward(x: Array, _: Parameters, gy: Array) -> tuple[Array, Parameters]:
    """The rows as images again."""
    return gy.reshape(x.shape), {}


STEPS = {
    Conv2d: (conv2d, conv2d_backward),
    ReLU: (relu, relu_backward),
    MaxPool2d: (max_pool2d, max_pool2d_backward),
    Flatten: (flatten, flatten_backward),
    Linear: (linear, linear_backward),
}


def forward(network: Network, x: Array) -> list[Array]:
    """The tape of a network, x first."""
    tape = [x]
    for i, layer in enumerate(network.layers):
        tape.append(STEPS[type(layer)][0](tape[-1], _own(network.parameters(), i)))
    return tape


def backprop(network: Network, x: Array, y: Array) -> tuple[float, Parameters]:
    """The loss and its gradient with respect to every weight."""
    parameters = network.parameters()
    gradients: Parameters = {}
    *tape, z = forward(network, x)
    g, _ = cross_entropy_backward(z, {"y": y}, np.full(len(y), 1 / len(y), z.dtype))
    for i in reversed(range(len(network.layers))):
        g, own = STEPS[type(network.layers[i])][1](tape[i], _own(parameters, i), g)
        gradients |= {f"{i}.{name}": array for name, array in own.items()}
    return float(cross_entropy(z, {"y": y}).mean()), gradients


def _own(parameters: Parameters, layer: int) -> Parameters:
    """The arrays of one layer, without its number."""
    prefix = f"{layer}."
    return {name.removeprefix(prefix): array for name, array in parameters.items() if name.startswith(prefix)}
