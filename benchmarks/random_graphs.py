"""Random graphs against PyTorch, in float64: logits, backpropagation, and all exact differences, by every backend.

python benchmarks/random_graphs.py [--graphs 300]        needs `pip install torch==2.13.0` (CPU); exits with 1 if one disagrees

A graph has branches, joins, and activations that several nodes read. Its numbers are off every kink, so the difference at
h = 1e-30 is the derivative, too. `tests/test_graph.py` holds the same graphs to the definition.
"""

import argparse
import sys
from typing import Any

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.backend import BACKENDS, use_backend
from handmade.engine.gradients import backprop, difference
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
from handmade.engine.network import Network
from random_blocks import IN_TORCH, random_block

SIDE, CHANNELS, CLASSES, IMAGES = 5, 2, 3, 3
CLOSE = 1e-9  # relative to the largest number: both round to some 1e-14, and sums of a thousand terms follow one another


def random_graph(seed: int, nodes: int = 9, *, every: bool = False) -> Network:
    """Return a network with some random nodes on images, in float64; the last of them meet in one linear layer.

    `every`: with layers of every kind. The graphs without it stay the same.
    """
    rng = np.random.default_rng(seed)
    channels = {INPUT: CHANNELS}
    made: list[Node] = []
    for number in range(nodes):
        name, names = f"node{number}", list(channels)
        recent = names[-4:]
        source = str(rng.choice(recent))
        same = [other for other in names if channels[other] == channels[source]]
        kind = int(rng.integers(24 if every else 12))
        reads = [source]
        if kind >= 12:
            made += random_block(rng, name, source, str(rng.choice(same)), (SIDE, SIDE + 1, channels[source]))
            channels[name] = channels[source]
            continue
        layer: Layer
        if kind < 3:
            C = int(rng.integers(1, 4))
            layer = _filters(rng, channels[source], C)
        elif kind < 9:
            layer = _by_number(rng, channels[source])
        elif kind < 10:
            reads = [source, *(str(rng.choice(same)) for _ in range(int(rng.integers(1, 3))))]
            layer = Add()
        elif kind < 11:
            reads = [source, str(rng.choice(same))]
            layer = Multiply()
        else:
            reads = [source, str(rng.choice(names))]
            layer = Concat()
        made.append(Node(name, layer, reads))
        widths = [channels[read] for read in reads]
        channels[name] = C if kind < 3 else sum(widths) if kind == 11 else widths[0]
    read = {name for node in made for name in node.reads}
    ends = [node.name for node in made if node.name not in read]
    made.append(Node("ends", Concat(), [*ends, str(rng.choice(list(channels)))]))
    made.append(Node("row", [Flatten(), GlobalAvgPool2d(), GlobalMaxPool2d()][int(rng.integers(3))], "ends"))
    inputs = Network(made, (SIDE, SIDE + 1, CHANNELS)).shapes[-1][0]
    W = rng.standard_normal((inputs, CLASSES)) / np.sqrt(inputs)
    return Network([*made, Node("logits_of", Linear(W, 0.1 * rng.standard_normal(CLASSES)), "row")], (SIDE, SIDE + 1, CHANNELS))


def batch(seed: int) -> tuple[Array, Array]:
    """Return images and labels for a random graph."""
    rng = np.random.default_rng(seed + 10**6)
    return rng.standard_normal((IMAGES, SIDE, SIDE + 1, CHANNELS)), rng.integers(0, CLASSES, IMAGES)


def _filters(rng: "np.random.Generator", channels: int, filters: int) -> Conv2d:
    sizes: list[tuple[Any, Any]] = [((1, 1), 0), ((3, 3), 1), ((3, 1), (1, 0)), ((2, 4), ((1, 0), (1, 2)))]
    kernel, padding = sizes[int(rng.integers(4))]
    W = rng.standard_normal((*kernel, channels, filters)) / np.sqrt(kernel[0] * kernel[1] * channels)
    return Conv2d(W, 0.1 * rng.standard_normal(filters), padding=padding)


def _by_number(rng: "np.random.Generator", channels: int) -> Layer:
    W, b, mean = rng.standard_normal((3, channels))
    layers: list[Layer] = [
        *(ReLU(), LeakyReLU(0.2), Sigmoid(), Tanh(), GELU(), MaxPool2d(3, 1, 1), AvgPool2d(3, 1, 1), Dropout(0.3)),
        BatchNorm2d(W, b, mean, rng.random(channels) + 0.5),
        *(MaxPool2d((2, 3), 1, ((0, 1), (2, 0))), MaxPool2d(3, 1, 2, 2), AvgPool2d(3, 1, 1, count_padding=False)),
    ]
    return layers[int(rng.integers(len(layers)))]


def main() -> int:
    """Compare, and say what the worst disagreement is; 1 if it is more than rounding."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--graphs", type=int, default=300)
    parser.add_argument("--every", action="store_true", help="with layers of every kind")
    options = parser.parse_args()
    graphs: int = options.graphs
    worst = {f"{what}, {name}": 0.0 for what in ("logits", "backpropagation", "differences") for name in BACKENDS}
    joins = shared = 0
    for seed in range(graphs):
        network, (x, y) = random_graph(seed, every=options.every), batch(seed)
        z, gradients = in_torch(network, x, y)
        for name in BACKENDS:
            with use_backend(name):
                found = {
                    "logits": _apart(network.logits(x), z),
                    "backpropagation": _apart(backprop(network, x, y)[1], gradients),
                    "differences": _apart(difference(network, x, y, h=1e-30)[1], gradients),
                }
            for what, error in found.items():
                worst[f"{what}, {name}"] = max(worst[f"{what}, {name}"], error)
        joins += sum(node.layer.joins for node in network.nodes)
        shared += sum(len(readers) > 1 for readers in network.readers.values())
    print(f"{graphs} random graphs, {joins} joins, {shared} activations that several nodes read. Worst difference from PyTorch,")
    print("relative to the largest number of its kind in the graph:")
    for what, error in worst.items():
        print(f"  {what:<25} {error:.1e}")
    return int(max(worst.values()) > CLOSE)


def _apart(ours: Any, theirs: Any) -> float:
    pairs = [(ours[name], theirs[name]) for name in theirs] if isinstance(theirs, dict) else [(ours, theirs)]
    largest = max(float(np.abs(one).max()) for _, one in pairs)
    return max(float(np.abs(one - other).max()) for one, other in pairs) / largest


def in_torch(network: Network, x: Array, y: Array) -> tuple[Array, dict[str, Array]]:
    """Return PyTorch's logits, and its gradient of the mean cross-entropy by the names of our arrays."""
    import torch  # noqa: PLC0415  only the comparison needs it
    from torch.nn import functional as F  # noqa: PLC0415

    def arrays_of(node: Node) -> dict[str, Any]:
        return {name: torch.tensor(array, requires_grad=True) for name, array in node.layer.parameters().items()}

    def padded(layer: Any, a: Any, outside: float) -> Any:
        (top, bottom), (left, right) = layer.geometry.sides
        return F.pad(a, (left, right, top, bottom), value=outside)

    weights = {node.name: arrays_of(node) for node in network.nodes}
    values = {INPUT: torch.tensor(x).permute(0, 3, 1, 2)}  # channels first
    ways: dict[str, Any] = {
        "Conv2d": lambda layer, a, w: F.conv2d(padded(layer, a, 0), w["W"].permute(3, 2, 0, 1).contiguous(), w["b"]),
        "Linear": lambda _, a, w: a @ w["W"] + w["b"],
        "ReLU": lambda _, a, __: F.relu(a),
        "LeakyReLU": lambda layer, a, _: F.leaky_relu(a, layer.slope),
        "Sigmoid": lambda _, a, __: torch.sigmoid(a),
        "Tanh": lambda _, a, __: torch.tanh(a),
        "GELU": lambda layer, a, _: F.gelu(a, approximate=layer.approximate),
        "MaxPool2d": lambda layer, a, _: F.max_pool2d(
            padded(layer, a, -np.inf), layer.window, layer.stride, dilation=layer.dilation
        ),
        "AvgPool2d": lambda layer, a, _: F.avg_pool2d(
            a, layer.window, layer.stride, layer.padding, count_include_pad=layer.count_padding
        ),
        "Dropout": lambda _, a, __: a,
        "BatchNorm2d": lambda layer, a, w: F.batch_norm(
            a, torch.tensor(layer.mean), torch.tensor(layer.variance), w["W"], w["b"], eps=layer.epsilon
        ),
        "Flatten": lambda _, a, __: a.permute(0, 2, 3, 1).flatten(1),
        "GlobalAvgPool2d": lambda _, a, __: a.mean(dim=(2, 3)),
        "GlobalMaxPool2d": lambda _, a, __: a.amax(dim=(2, 3)),
        "Add": lambda _, a, __: sum(a[1:], a[0]),
        "Multiply": lambda _, a, __: torch.stack(a).prod(dim=0),
    }

    def moved(a: Any, *axes: int) -> Any:
        return a.permute(axes) if a.ndim == 4 else a

    for node in network.nodes:
        a, own = node.inputs(values), node.layer.kind in IN_TORCH
        if own:  # in the order of our axes
            read = [moved(each, 0, 2, 3, 1) for each in (a if node.layer.joins else (a,))]
            values[node.name] = moved(IN_TORCH[node.layer.kind](torch, node.layer, *read), 0, 3, 1, 2)
        else:
            values[node.name] = ways[node.layer.kind](node.layer, a, weights[node.name])
    z = values[network.logits_name]
    F.cross_entropy(z, torch.tensor(y)).backward()
    gradients = {
        f"{node}.{name}": (np.zeros(tensor.shape) if tensor.grad is None else tensor.grad.numpy())
        for node, tensors in weights.items()
        for name, tensor in tensors.items()
    }
    return z.detach().numpy(), gradients


if __name__ == "__main__":
    sys.exit(main())
