"""Networks of many shapes for the lab's page: blocks, branches, rows, one output, colours, a hundred classes, large images."""

import json
from pathlib import Path

import numpy as np

from handmade import Network, Node
from handmade.engine.layers import (
    ELU,
    Add,
    Affine,
    AvgPool2d,
    Clip,
    Concat,
    Conv2d,
    Divide,
    Exp,
    Expand,
    Flatten,
    GlobalAvgPool2d,
    GlobalMaxPool2d,
    HardSigmoid,
    Linear,
    Log,
    LogSoftmax,
    MatMul,
    MaxPool2d,
    Mean,
    Multiply,
    Pad,
    ReLU,
    Reshape,
    Sigmoid,
    Slice,
    Softmax,
    Sqrt,
    Subtract,
    Sum,
    Take,
    Transpose,
)
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


def attention() -> Network:
    """Two heads of attention over 16 patches: activations with two, three and four axes."""
    nodes = [
        Node("cut", Slice((1, 1, None), (29, 29, None)), "input"),
        Node("patches", Reshape((4, 7, 4, 7)), "cut"),
        Node("ordered", Transpose((0, 2, 1, 3)), "patches"),
        Node("rows", Reshape((16, 49)), "ordered"),
        Node("query", _linear(49, 8), "rows"),
        Node("heads", Reshape((16, 2, 4)), "query"),
        Node("a", Transpose((1, 0, 2)), "heads"),
        Node("b", Transpose((1, 2, 0)), "heads"),
        Node("scores", MatMul(), ["a", "b"]),
        Node("weights", Softmax(), "scores"),
        Node("mixed", MatMul(), ["weights", "a"]),
        Node("back", Transpose((1, 0, 2)), "mixed"),
        Node("merged", Reshape((16, 8)), "back"),
        Node("longer", Concat(0), ["merged", "query"]),
        Node("active", ReLU(), "longer"),
        Node("mean", Mean((0,)), "active"),
        Node("head", _linear(8, 10), "mean"),
    ]
    return Network(nodes, (30, 30, 1), logits="head")


def elements() -> Network:
    """Every layer of a type that other networks here lack, on maps and on vectors."""
    rng = np.random.default_rng(7)
    wide = Conv2d(rng.standard_normal((3, 2, 2, 3)).astype(np.float32), np.zeros(3, np.float32), padding=((2, 0), (1, 0)))
    nodes = [
        Node("stem", _conv(1, 2, stride=3), "input"),
        Node("margin", Pad(((1, 0), (0, 2), (0, 0)), "reflect"), "stem"),
        Node("wide", wide, "margin"),
        Node("elu", ELU(), "wide"),
        Node("clip", Clip(-0.5, 0.5), "elu"),
        Node("gate", HardSigmoid(), "clip"),
        Node("gated", Multiply(), ["clip", "gate"]),
        Node("scaled", Affine(np.full(3, 0.5, np.float32), np.array([1, 2, 3], np.float32)), "gated"),
        Node("exp", Exp(), "gated"),
        Node("root", Sqrt(), "exp"),
        Node("log", Log(), "exp"),
        Node("less", Subtract(), ["scaled", "log"]),
        Node("ratio", Divide(), ["less", "root"]),
        Node("sum", Sum((0,), keepdims=True), "ratio"),
        Node("rows", Expand((11, 12, 3)), "sum"),
        Node("both", Add(), ["rows", "ratio"]),
        Node("some", Take(2, [2, 0]), "both"),
        Node("pool", AvgPool2d(3, 2, ceil_mode=True, count_padding=False), "some"),
        Node("share", Softmax(), "pool"),
        Node("largest", GlobalMaxPool2d(), "pool"),
        Node("mean", GlobalAvgPool2d(), "share"),
        Node("vector", Concat(), ["largest", "mean"]),
        Node("head", _linear(4, 10), "vector"),
        Node("log_p", LogSoftmax(), "head"),
    ]
    return Network(nodes, (30, 30, 1), logits="head", outputs=["head", "log_p"])


SHAPES = {
    "attention": attention,
    "elements": elements,
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
