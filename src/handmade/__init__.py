"""A convolutional network for handwritten digits, made by hand: every number can be understood, proved and shown.

>>> import numpy as np
>>> import handmade
>>> network = handmade.networks.readme(np.random.default_rng(0))
>>> f"{network.size:,} weights"
'28,298 weights'
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from handmade import data, gradients, losses, networks, receipts, runs
    from handmade.engine.errors import HandmadeError
    from handmade.engine.layers import (
        GELU,
        AvgPool2d,
        BatchNorm2d,
        Conv2d,
        Dropout,
        Flatten,
        GlobalAvgPool2d,
        LeakyReLU,
        Linear,
        MaxPool2d,
        ReLU,
        Residual,
        Sigmoid,
        Tanh,
    )
    from handmade.engine.training import train
    from handmade.network import Network, load
    from handmade.own_digits import read_digit
    from handmade.receipts import explain, explain_update, trace

__all__ = [
    "GELU",
    "AvgPool2d",
    "BatchNorm2d",
    "Conv2d",
    "Dropout",
    "Flatten",
    "GlobalAvgPool2d",
    "HandmadeError",
    "LeakyReLU",
    "Linear",
    "MaxPool2d",
    "Network",
    "ReLU",
    "Residual",
    "Sigmoid",
    "Tanh",
    "data",
    "explain",
    "explain_update",
    "gradients",
    "load",
    "losses",
    "networks",
    "read_digit",
    "receipts",
    "runs",
    "trace",
    "train",
]

_ROOMS = {"data", "gradients", "losses", "networks", "receipts", "runs"}
_FROM = {  # where the other names are, but for layers
    "HandmadeError": "handmade.engine.errors",
    "Network": "handmade.network",
    "explain": "handmade.receipts",
    "explain_update": "handmade.receipts",
    "load": "handmade.network",
    "read_digit": "handmade.own_digits",
    "trace": "handmade.receipts",
    "train": "handmade.engine.training",
}


def __getattr__(name: str) -> Any:
    """Load a part of handmade when it is first asked for: who wants to show a help text does not wait for all of it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in _ROOMS:
        return import_module(f"handmade.{name}")
    found = getattr(import_module(_FROM.get(name, "handmade.engine.layers")), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
