"""Right answers, by nested loops alone: a network's logits, the slope of its loss along a line, and what a pass costs."""

import time

import numpy as np

from handmade.engine import loops
from handmade.engine.arrays import Array
from handmade.engine.layers import Conv2d, Flatten, Layer, Linear, MaxPool2d, ReLU
from handmade.engine.network import Network

Parameters = dict[str, Array]

TOLERANCE = 1e-5  # of float32 against loops in float64: 6e-8 a rounding, some hundred of them in a row
ROWS = 2  # of a convolution's output, in loops: the rest of them cost the same


def logits(network: Network, x: Array, parameters: Parameters | None = None) -> Array:
    """The network in nested loops, in float64, at its own weights or at others."""
    p = network.parameters() if parameters is None else parameters
    y = x.astype(np.float64)
    for i, layer in enumerate(network.layers):
        y = _looped(layer, y, p.get(f"{i}.W"), p.get(f"{i}.b"))
    return y


def slope(network: Network, x: Array, y: Array, direction: Parameters, h: float = 1e-6) -> float:
    """Return how steep the mean loss is along a line through the weights, by a central quotient of the loops, in float64."""
    there, back = (
        {name: w + step * direction[name] for name, w in network.parameters().items()} for step in (np.float64(h), -np.float64(h))
    )
    ahead, behind = (float(loops.mean_loss(logits(network, x, p), y)) for p in (there, back))
    return (ahead - behind) / (2 * h)


def wrong(gradients: Parameters, network: Network, x: Array, y: Array) -> float:
    """Return how far a gradient is from the loops, in tolerances: its product with a random direction against their slope.

    An error in any array shows in it, for the direction is random; beyond 1 the gradient is wrong.
    """
    rng = np.random.default_rng(1)
    direction = {name: rng.standard_normal(w.shape) for name, w in network.parameters().items()}
    found = sum(float((gradients[name] * direction[name]).sum(dtype=np.float64)) for name in direction)
    size = np.sqrt(sum(float(np.square(g, dtype=np.float64).sum()) for g in gradients.values()))
    return float(abs(found - slope(network, x, y, direction)) / (TOLERANCE * size))


def seconds_of_a_pass(network: Network, x: Array) -> float:
    """Return what one image's forward pass takes in nested loops: of a convolution a few rows are run, and multiplied."""
    total = 0.0
    p = network.parameters()
    for i, (layer, activation) in enumerate(zip(network.layers, network.forward(x[:1]), strict=False)):
        times, cut = 1.0, activation
        if isinstance(layer, Conv2d):
            rows = network.shapes[i + 1][0]
            times, cut = rows / ROWS, activation[:, : layer.kernel[0] + ROWS - 1]
        start = time.process_time()
        _looped(layer, cut, p.get(f"{i}.W"), p.get(f"{i}.b"))
        total += times * (time.process_time() - start)
    return total


def twin(network: Network, rng: np.random.Generator) -> tuple[Network, Array, Array]:
    """A network with the same widths for images so small that loops are quick, off every kink, with images and labels."""
    shape = (8, 8, network.input_shape[-1])
    layers: list[Layer] = []
    for layer in network.layers:
        if isinstance(layer, Linear) and not any(isinstance(each, Linear) for each in layers):
            inputs = Network(layers, shape).shapes[-1][0]
            layers.append(Linear.init(rng, inputs, layer.W.shape[1], network.dtype))
        else:
            layers.append(layer)
    small = Network(layers, shape)
    drawn = {
        name: (0.1 * rng.standard_normal(b.shape)).astype(b.dtype) for name, b in small.parameters().items() if name[-1] == "b"
    }
    x = rng.standard_normal((2, *shape)).astype(network.dtype)
    return small.replace(drawn), x, rng.integers(0, network.classes, 2)


def estimate(network: Network, x: Array) -> float:
    """The whole gradient by its definition in nested loops, in seconds on one core: one pass more than there are weights."""
    return (network.size + 1) * len(x) * seconds_of_a_pass(network, x)


def _looped(layer: Layer, x: Array, W: Array | None, b: Array | None) -> Array:
    """One layer of a preset."""
    if isinstance(layer, Conv2d | Linear):
        assert W is not None
        assert b is not None
        return loops.conv2d(x, W, b) if isinstance(layer, Conv2d) else loops.linear(x, W, b)
    if isinstance(layer, MaxPool2d):
        return loops.max_pool2d(x, layer.window, layer.stride)
    return {ReLU: loops.relu, Flatten: loops.flatten}[type(layer)](x)
