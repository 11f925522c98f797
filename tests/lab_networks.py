"""Networks for the lab's tests, as runs in a folder: a chain, a graph, colours, many classes, float64."""

import json
from pathlib import Path

import numpy as np

from handmade import Network, Node
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
    LeakyReLU,
    Linear,
    MatMul,
    MaxPool2d,
    Mean,
    Multiply,
    ReLU,
    Reshape,
    Sigmoid,
    Transpose,
)
from handmade.engine.preparation import Preparation
from handmade.engine.residual import Residual


def chain() -> Network:
    """A small chain on MNIST's images."""
    rng = np.random.default_rng(0)
    layers = [Conv2d.init(rng, 1, 3, 3, stride=2), ReLU(), MaxPool2d(2), Flatten(), Linear.init(rng, 147, 10)]
    return Network([*layers])


def graph() -> Network:
    """Joins, a Residual, groups, dilation, and a head beside the logits, in float64."""
    rng = np.random.default_rng(1)

    def conv(channels: int, filters: int, **settings: int) -> Conv2d:
        return Conv2d.init(rng, channels, filters, 3, dtype=np.float64, **settings)

    scale = rng.random((4, 4)) + 0.5
    nodes = [
        Node("stem", conv(2, 4, padding=1)),
        Node("norm", BatchNorm2d(scale[0], scale[1], scale[2], scale[3]), "stem"),
        Residual([conv(4, 4, padding=1), LeakyReLU(0.1)]),
        Node("grouped", conv(4, 4, padding=2, dilation=2, groups=2), "norm"),
        Node("both", Concat(), ["grouped", "norm"]),
        Node("gate", Sigmoid(), "both"),
        Node("gated", Multiply(), ["both", "gate"]),
        Node("pooled", AvgPool2d(2), "gated"),
        Node("curve", GELU(), "pooled"),
        Node("drop", Dropout(0.3), "curve"),
        Node("sum", Add(), ["drop", "pooled"]),
        Node("mean", GlobalAvgPool2d(), "sum"),
        Node("head", Linear.init(rng, 8, 3, np.float64), "mean"),
        Node("aside", ReLU(), "stem"),
    ]
    return Network(
        nodes,
        (8, 10, 2),
        logits="head",
        outputs=["head", "aside"],
        class_names=["a", "b", "c"],
        preparation=Preparation(),  # images of 8 x 10, without a border
    )


def colours() -> Network:
    """Images of 8 x 8 pixels with three channels, prepared in its own way."""
    rng = np.random.default_rng(2)
    layers = [Conv2d.init(rng, 3, 4, 3), ReLU(), MaxPool2d(2), Flatten(), Linear.init(rng, 64, 100)]
    return Network([*layers], (10, 10, 3), preparation=Preparation(scale=(0.01, 0.02, 0.03), shift=0.1, padding=1))


def vector() -> Network:
    """No images at all."""
    return Network([Linear.init(np.random.default_rng(3), 5, 4)], (5,))


def tokens() -> Network:
    """Attention over patches of an image: activations with two and four axes."""
    rng = np.random.default_rng(4)
    nodes = [
        Node("patches", Reshape((2, 4, 5, 2)), "input"),
        Node("ordered", Transpose((0, 2, 1, 3)), "patches"),
        Node("rows", Reshape((10, 8)), "ordered"),
        Node("query", Linear.init(rng, 8, 3), "rows"),
        Node("turned", Transpose((1, 0)), "query"),
        Node("scores", MatMul(), ["query", "turned"]),
        Node("active", ReLU(), "scores"),
        Node("mixed", MatMul(), ["active", "rows"]),
        Node("longer", Concat(0), ["mixed", "rows"]),
        Node("mean", Mean((0,)), "longer"),
        Node("head", Linear.init(rng, 8, 4), "mean"),
    ]
    return Network(nodes, (8, 10, 1))


NETWORKS = {"chain": chain, "graph": graph, "colours": colours, "vector": vector, "tokens": tokens}


def write_runs(folder: Path) -> Path:
    """Write a run for each network."""
    for name, make in NETWORKS.items():
        run = folder / name
        run.mkdir(parents=True)
        make().save(run / "model.safetensors")
        facts = {"network": name, "status": "finished", "when": "2026-01-01T00:00:00+00:00", "test_accuracy": 0.5}
        (run / "run.json").write_text(json.dumps(facts))
    chain().save(folder / "chain" / "best.safetensors")
    records = [{"step": n, "loss": 1.0 / n, "accuracy": None, "learning_rate": 0.1, "seconds": n} for n in range(1, 5001)]
    records[99]["validation_accuracy"] = 0.25
    (folder / "chain" / "log.jsonl").write_text("".join(json.dumps(each) + "\n" for each in records) + '{"step": ')
    return folder
