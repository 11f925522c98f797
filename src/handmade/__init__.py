"""A convolutional network for handwritten digits, made by hand: every number can be understood, proved and shown.

>>> import handmade
>>> network = handmade.networks.readme(0)
>>> f"{network.size:,} weights"
'28,298 weights'
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from handmade import data, gradients, losses, networks, optim, pictures, receipts, runs, sweep
    from handmade.engine.backend import use_backend
    from handmade.engine.errors import HandmadeError
    from handmade.engine.evaluation import evaluate
    from handmade.engine.graph import Node
    from handmade.engine.layers import (
        ELU,
        GELU,
        Add,
        Affine,
        AvgPool2d,
        BatchNorm2d,
        Clip,
        Concat,
        Conv2d,
        Divide,
        Dropout,
        Exp,
        Expand,
        Flatten,
        GlobalAvgPool2d,
        GlobalMaxPool2d,
        HardSigmoid,
        Layer,
        LeakyReLU,
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
        Tanh,
        Transpose,
    )
    from handmade.engine.preparation import Preparation
    from handmade.engine.residual import Residual
    from handmade.engine.training import train
    from handmade.estimator import CNNClassifier
    from handmade.html.progress import show_progress
    from handmade.network import Network, load
    from handmade.own_digits import read_digit, read_digits
    from handmade.receipts import explain, explain_update, trace

__all__ = [
    "ELU",
    "GELU",
    "Add",
    "Affine",
    "AvgPool2d",
    "BatchNorm2d",
    "CNNClassifier",
    "Clip",
    "Concat",
    "Conv2d",
    "Divide",
    "Dropout",
    "Exp",
    "Expand",
    "Flatten",
    "GlobalAvgPool2d",
    "GlobalMaxPool2d",
    "HandmadeError",
    "HardSigmoid",
    "Layer",
    "LeakyReLU",
    "Linear",
    "Log",
    "LogSoftmax",
    "MatMul",
    "MaxPool2d",
    "Mean",
    "Multiply",
    "Network",
    "Node",
    "Pad",
    "Preparation",
    "ReLU",
    "Reshape",
    "Residual",
    "Sigmoid",
    "Slice",
    "Softmax",
    "Sqrt",
    "Subtract",
    "Sum",
    "Take",
    "Tanh",
    "Transpose",
    "data",
    "evaluate",
    "explain",
    "explain_update",
    "gradients",
    "load",
    "losses",
    "networks",
    "optim",
    "pictures",
    "read_digit",
    "read_digits",
    "receipts",
    "runs",
    "show_progress",
    "sweep",
    "trace",
    "train",
    "use_backend",
]

_ROOMS = {"data", "gradients", "losses", "networks", "optim", "pictures", "receipts", "runs", "sweep"}
_FROM = {  # where the other names are, but for layers
    "CNNClassifier": "handmade.estimator",
    "HandmadeError": "handmade.engine.errors",
    "Network": "handmade.network",
    "Node": "handmade.engine.graph",
    "Preparation": "handmade.engine.preparation",
    "Residual": "handmade.engine.residual",
    "evaluate": "handmade.engine.evaluation",
    "explain": "handmade.receipts",
    "explain_update": "handmade.receipts",
    "load": "handmade.network",
    "read_digit": "handmade.own_digits",
    "show_progress": "handmade.html.progress",
    "read_digits": "handmade.own_digits",
    "trace": "handmade.receipts",
    "train": "handmade.engine.training",
    "use_backend": "handmade.engine.backend",
}


def __getattr__(name: str) -> Any:
    """Load a part of handmade when it is first used, so that a help text appears at once."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in _ROOMS:
        return import_module(f"handmade.{name}")
    found = getattr(import_module(_FROM.get(name, "handmade.engine.layers")), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
