"""Random networks that are right, with inputs and weights that are hard on a checker: ties, zeros, equal images, any scale."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.graph import INPUT, Node
from handmade.engine.layers import (
    GELU,
    Add,
    AvgPool2d,
    BatchNorm2d,
    Concat,
    Conv2d,
    Dropout,
    Flatten,
    GlobalAvgPool2d,
    GlobalMaxPool2d,
    Layer,
    LeakyReLU,
    Linear,
    MaxPool2d,
    Multiply,
    ReLU,
    Sigmoid,
    Tanh,
)
from handmade.engine.losses import CrossEntropy, Loss, MeanSquaredError
from handmade.engine.network import Network
from handmade.engine.residual import Residual

IMAGES = ("normal", "blank", "equal", "halves", "one colour", "constant images", "small", "large")
WEIGHTS = ("usual", "coarse", "zero biases", "some zero", "any scale", "small", "large", "dead")
SIDED = (
    *(MaxPool2d(2, 1, ((1, 0), (0, 1))), MaxPool2d(2, 2, 1, ceil_mode=True), MaxPool2d((3, 1), 1, (1, 0))),
    *(MaxPool2d((2, 1), 2, ((2, 0), (0, 0)), (2, 1), ceil_mode=True), AvgPool2d(2, 1, ((0, 1), (1, 1)))),
    *(AvgPool2d(3, 2, 1, ceil_mode=True, count_padding=False), AvgPool2d(1, 2, ceil_mode=True)),
)


@dataclass(frozen=True, eq=False)
class Problem:
    """A network and a batch, with a text that says what they are."""

    network: Network
    x: Array
    y: Array
    loss: Loss
    about: str


def random_problem(seed: int, *, sided: bool = False) -> Problem:
    """Return a right network of up to eight layers on a few small images; `sided`: with windows of every setting.

    The numbers of seeds that once found something stay the same.
    """
    rng = np.random.default_rng([seed, 77])
    H, W, C = (int(rng.integers(*sizes)) for sizes in ((2, 6), (2, 6), (1, 3)))
    nodes = _nodes(rng, (H, W, C), sided=sided)
    network = Network(nodes, (H, W, C))
    weights, images = str(rng.choice(WEIGHTS)), str(rng.choice(IMAGES))
    network = network.replace({name: _weights(rng, weights, array) for name, array in network.parameters().items()})
    count = int(rng.integers(2, 6))
    training = bool(rng.integers(2))
    network = network.in_training(count, rng) if training else network
    x = _images(rng, images, (count, H, W, C))
    y = np.arange(count) % network.classes if rng.integers(2) else rng.integers(0, network.classes, count)
    losses: list[Loss] = [CrossEntropy(), CrossEntropy(), MeanSquaredError(), CrossEntropy(0.1)]
    loss = losses[int(rng.integers(len(losses)))]
    single = rng.integers(4) == 0
    if single:
        arrays = network.parameters() | network.statistics()
        network = network.replace({name: array.astype(np.float32) for name, array in arrays.items()})
        x = x.astype(np.float32)
    about = f"{', '.join(node.layer.kind for node in network.nodes)}; {weights} weights, {images} images, {loss}"
    return Problem(network, x, y, loss, f"{about}{', training' * training}{', float32' * bool(single)}")


def _nodes(rng: "np.random.Generator", shape: tuple[int, int, int], *, sided: bool) -> list[Any]:
    """Return image layers, joins among them, then rows, then the logits."""
    entries: list[Any] = []
    names = [INPUT]
    for n in range(int(rng.integers(0, 5))):
        now = Network(entries, shape).shapes[-1] if entries else shape
        kind = int(rng.integers(9))
        if kind == 0 and entries:
            entries.append(Node(f"join{n}", _one(rng, [Add(), Multiply(), Concat()]), [names[-1], names[-1]]))
        elif kind == 1 and entries:
            other = Node(f"side{n}", _filters(rng, now[-1], now[-1], same=True), names[-1])
            entries += [other, Node(f"join{n}", _one(rng, [Add(), Multiply(), Concat()]), [names[-1], f"side{n}"])]
        elif kind == 2:
            block = [
                _filters(rng, now[-1], now[-1], same=True),
                _norm(rng, now[-1]),
                ReLU(),
                _filters(rng, now[-1], now[-1], same=True),
            ]
            entries.append(Residual(block[: int(rng.integers(1, 5))]))
        elif kind < 6:
            entries.append(_filters(rng, now[-1], int(rng.integers(1, 4)), same=bool(rng.integers(2)) or min(now[:2]) < 3))
            if sided:
                entries[-1] = _around(rng, entries[-1])
        else:
            entries.append(_norm(rng, now[-1]))
        if rng.integers(2):
            wide = (Network(entries, shape).shapes[-1] if entries else shape)[1] > 1
            layer = _one(rng, SIDED) if sided and rng.integers(2) else _by_number(rng)
            entries.append(layer if wide or layer.settings().get("window") != [1, 2] else MaxPool2d(1))
        names.append(Network(entries, shape).nodes[-1].name)
    entries.append(GlobalMaxPool2d() if sided and rng.integers(3) == 0 else _one(rng, [Flatten(), Flatten(), GlobalAvgPool2d()]))
    classes = int(rng.integers(2, 5))
    for _ in range(int(rng.integers(0, 3))):
        width = Network(entries, shape).shapes[-1][0]
        units = int(rng.integers(1, 5))
        entries.append(Linear(rng.standard_normal((width, units)) / np.sqrt(width), 0.1 * rng.standard_normal(units)))
        if rng.integers(2):
            entries.append(_norm(rng, units))
        entries.append(_one(rng, [ReLU(), ReLU(), LeakyReLU(0.1), Sigmoid(), Tanh(), GELU(), Dropout(0.4)]))
    width = Network(entries, shape).shapes[-1][0]
    entries.append(Linear(rng.standard_normal((width, classes)) / np.sqrt(width), 0.1 * rng.standard_normal(classes)))
    return entries


def _one(rng: "np.random.Generator", layers: Sequence[Layer]) -> Layer:
    return layers[int(rng.integers(len(layers)))]


def _filters(rng: "np.random.Generator", channels: int, filters: int, *, same: bool) -> Conv2d:
    kernel, padding = [((1, 1), (0, 0)), ((3, 3), (1, 1)), ((3, 1), (1, 0))][int(rng.integers(3))] if same else ((2, 2), (0, 0))
    W = rng.standard_normal((*kernel, channels, filters)) / np.sqrt(kernel[0] * kernel[1] * channels)
    return Conv2d(W, 0.1 * rng.standard_normal(filters), padding=padding)


def _around(rng: "np.random.Generator", conv: Conv2d) -> Conv2d:
    """Return a convolution with more padding on some sides."""
    top, bottom, left, right = map(int, rng.integers(0, 2, 4))
    (above, below), (before, behind) = conv.geometry.sides
    return Conv2d(conv.W, conv.b, padding=((above + top, below + bottom), (before + left, behind + right)))


def _norm(rng: "np.random.Generator", channels: int) -> BatchNorm2d:
    W, b, mean = rng.standard_normal((3, channels))
    return BatchNorm2d(W, b, mean, rng.random(channels) + 0.5, epsilon=float(rng.choice([1e-12, 1e-8, 1e-5, 1e-3])))


def _by_number(rng: "np.random.Generator") -> Layer:
    layers = [
        *(ReLU(), ReLU(), LeakyReLU(0.2), Sigmoid(), Tanh(), GELU(), Dropout(0.3)),
        *(MaxPool2d(2, 1, 1), MaxPool2d(3, 1, 1), MaxPool2d(1), MaxPool2d((1, 2), 1), AvgPool2d(2, 1, 1)),
    ]
    return _one(rng, layers)


def _weights(rng: "np.random.Generator", kind: str, W: Array) -> Array:
    bias = W.ndim == 1
    scale = 10.0 ** rng.integers(-8, 9)
    return {
        "usual": W,
        "coarse": np.round(4 * W) / 4,
        "zero biases": W * (not bias),
        "some zero": W * bool(rng.integers(2)),
        "any scale": W * scale,
        "small": W * 1e-8,
        "large": W * 1e8,
        "dead": W - 50 if bias else W,
    }[kind]


def _images(rng: "np.random.Generator", kind: str, shape: tuple[int, ...]) -> Array:
    x = rng.standard_normal(shape)
    return {
        "normal": x,
        "blank": np.zeros(shape),
        "equal": np.broadcast_to(x[:1], shape).copy(),
        "halves": rng.integers(-2, 3, shape) / 2,
        "one colour": np.full(shape, rng.standard_normal()),
        "constant images": np.broadcast_to(x[:, :1, :1], shape).copy(),
        "small": 1e-4 * x,
        "large": 1e4 * x,
    }[kind]
