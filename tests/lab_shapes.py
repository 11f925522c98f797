"""Networks of many shapes for the lab's page: blocks, branches, rows, one output, colours, a hundred classes, large images."""

import json
from pathlib import Path

import numpy as np

from handmade import Network, Node
from handmade.engine.layers import Concat, Conv2d, Flatten, GlobalAvgPool2d, Linear, MaxPool2d, ReLU, Sigmoid
from handmade.engine.residual import Residual


def _conv(channels: int, filters: int, kernel: int = 3, padding: int = 0, stride: int = 1) -> Conv2d:
    rng = np.random.default_rng(channels + 10 * filters + kernel)
    return Conv2d.init(rng, channels, filters, kernel, padding=padding, stride=stride)


def _linear(size: int, outputs: int) -> Linear:
    return Linear.init(np.random.default_rng(size), size, outputs)


def residual() -> Network:
    """Two blocks; the first one skips three layers."""
    block = [_conv(4, 4, padding=1), ReLU(), _conv(4, 4, padding=1)]
    layers = [_conv(1, 4, padding=1), ReLU(), Residual([*block]), MaxPool2d(2), Residual([_conv(4, 4, padding=1)])]
    return Network([*layers, GlobalAvgPool2d(), _linear(4, 10)])


def inception() -> Network:
    """Four branches that are joined."""
    nodes = [
        Node("stem", _conv(1, 4, padding=1)),
        Node("one", _conv(4, 2, 1), "stem"),
        Node("three", _conv(4, 2, 3, 1), "stem"),
        Node("five", _conv(4, 2, 5, 2), "stem"),
        Node("pool", MaxPool2d(3, stride=1, padding=1), "stem"),
        Node("both", Concat(), ["one", "three", "five", "pool", "stem"]),
        Node("mean", GlobalAvgPool2d(), "both"),
        Node("head", _linear(14, 10), "mean"),
    ]
    return Network(nodes, (30, 30, 1), logits="head")


def rows() -> Network:
    """Activations (T, D), and no image."""
    return Network([ReLU(), Sigmoid(), Flatten(), _linear(72, 4)], (12, 6))


def one() -> Network:
    """A single output, which is no class."""
    return Network([_conv(1, 2), ReLU(), Flatten(), _linear(2 * 28 * 28, 1)], (30, 30, 1))


def colours() -> Network:
    return Network([_conv(3, 4, padding=1), ReLU(), MaxPool2d(2), Flatten(), _linear(16 * 16 * 4, 10)], (32, 32, 3))


def hundred() -> Network:
    return Network([_conv(1, 4), ReLU(), GlobalAvgPool2d(), _linear(4, 100)], (30, 30, 1))


def large() -> Network:
    return Network([_conv(1, 4, 5, stride=2), ReLU(), MaxPool2d(2), Flatten(), _linear(15 * 15 * 4, 10)], (64, 64, 1))


SHAPES = {
    "residual": residual,
    "inception": inception,
    "rows": rows,
    "one": one,
    "colours": colours,
    "hundred": hundred,
    "large": large,
}


def write_shapes(folder: Path) -> Path:
    """Write a run for each network."""
    for name, make in SHAPES.items():
        (folder / name).mkdir(parents=True)
        make().save(folder / name / "model.safetensors")
        facts = {"network": name, "status": "finished", "when": "2026-01-02T03:04:05+00:00", "test_accuracy": 0.5}
        (folder / name / "run.json").write_text(json.dumps(facts))
    return folder
