"""A convolutional network for handwritten digits, made by hand: every number can be understood, proved and shown.

>>> import numpy as np
>>> import handmade
>>> network = handmade.networks.readme(np.random.default_rng(0))
>>> f"{network.size:,} weights"
'28,298 weights'
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from handmade import data, gradients, losses, networks
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

if TYPE_CHECKING:
    from handmade import receipts
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
    "trace",
    "train",
]

_LATER = {  # what is loaded when it is first asked for, and from where
    "receipts": "handmade.receipts",
    "explain": "handmade.receipts",
    "explain_update": "handmade.receipts",
    "trace": "handmade.receipts",
    "read_digit": "handmade.own_digits",
}


def __getattr__(name: str) -> Any:
    """Load what takes time to load, and is not always wanted."""
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(_LATER[name])
    return module if name == "receipts" else getattr(module, name)
