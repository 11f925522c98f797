"""The loss of a small network in sixty-digit arithmetic, for one nudged weight after the other, in seconds instead of hours.

Only what a nudge can change is worked out again: its own output channel, then the layers after it. The products are left to
NumPy's dot of objects, which multiplies and adds mpmath's numbers; `test_gradients` holds this shortcut to the plain loops.
"""

from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np

from handmade.engine import loops
from handmade.engine.arrays import Array
from handmade.engine.layers import Conv2d, Flatten, Layer, Linear, MaxPool2d, ReLU
from handmade.engine.network import Network
from laws import exact


@dataclass(frozen=True)
class ExactNetwork:
    """The layers and the tape of a network with every number exact."""

    layers: list[Layer]
    tape: list[Array]
    y: Array

    @classmethod
    def of(cls, network: Network, x: Array, y: Array) -> "ExactNetwork":
        layers = [exact_layer(layer) for layer in network.layers]
        tape = [exact(x)]
        for layer in layers:
            tape.append(forward(layer, tape[-1]))
        return cls(layers, tape, y)

    def losses(self) -> Array:
        """(N,)."""
        return loops.cross_entropy(self.tape[-1], self.y, exp=mpmath.exp, log=mpmath.log)

    def losses_with(self, i: int, name: str, index: int, step: Any) -> Array:
        """The losses, (N,), with one weight of layer i moved by a step."""
        layer = self.layers[i]
        assert isinstance(layer, Conv2d | Linear)
        arrays = {key: array.copy() for key, array in layer.parameters().items()}
        arrays[name].reshape(-1)[index] += step
        o = index % arrays[name].shape[-1]
        one = layer.replace({key: array[..., o : o + 1] for key, array in arrays.items()})  # the only channel that moves
        x = self.tape[i + 1].copy()
        x[..., o : o + 1] = forward(one, self.tape[i])
        for later in self.layers[i + 1 :]:
            x = forward(later, x)
        return loops.cross_entropy(x, self.y, exp=mpmath.exp, log=mpmath.log)


def exact_layer(layer: Layer) -> Layer:
    if isinstance(layer, Conv2d | Linear):
        return layer.replace({name: exact(array) for name, array in layer.parameters().items()})
    return layer


def forward(layer: Layer, x: Array) -> Array:
    y: Array
    match layer:
        case Conv2d():
            windows = sliding(loops.pad(x, pair_of(layer)), layer.kernel, layer.stride)  # (N, H', W', K_h, K_w, C)
            rows = windows.reshape(-1, layer.W[..., 0].size)
            y = rows.dot(layer.W.reshape(-1, layer.W.shape[-1])).reshape(*windows.shape[:3], -1) + layer.b
        case Linear():
            y = x.dot(layer.W) + layer.b
        case MaxPool2d() if layer.padding == (0, 0):
            y = sliding(x, layer.window, layer.stride).max(axis=(3, 4))
        case ReLU():
            y = loops.relu(x)
        case Flatten():
            y = x.reshape(len(x), -1)
        case _:
            raise NotImplementedError(layer)
    return y


def pair_of(layer: Conv2d | MaxPool2d) -> tuple[int, int]:
    """The padding above and left, which is that below and right as well."""
    (top, bottom), (left, right) = layer.geometry.sides
    assert (top, left) == (bottom, right)
    return top, left


def sliding(x: Array, window: tuple[int, int], stride: tuple[int, int]) -> Array:
    """(N, H, W, C) -> (N, H', W', K_h, K_w, C)."""
    views = np.lib.stride_tricks.sliding_window_view(x, window, axis=(1, 2))[:, :: stride[0], :: stride[1]]
    return np.moveaxis(views, 3, 5)


def in_loops(network: Network, x: Array, parameters: dict[str, Array]) -> Array:
    """The logits in nested loops alone, with these weights."""
    for i, layer in enumerate(network.layers):
        match layer:
            case Conv2d():
                x = loops.conv2d(x, parameters[f"{i}.W"], parameters[f"{i}.b"], layer.stride, pair_of(layer))
            case Linear():
                x = loops.linear(x, parameters[f"{i}.W"], parameters[f"{i}.b"])
            case MaxPool2d():
                x = loops.max_pool2d(x, layer.window, layer.stride, pair_of(layer))
            case ReLU():
                x = loops.relu(x)
            case Flatten():
                x = loops.flatten(x)
            case _:
                raise NotImplementedError(layer)
    return x
