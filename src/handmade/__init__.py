"""A convolutional network for handwritten digits, made by hand: every number can be understood, proved and shown.

>>> import numpy as np
>>> import handmade
>>> network = handmade.networks.readme(np.random.default_rng(0))
>>> f"{network.size:,} weights"
'28,298 weights'
"""

from handmade import data, gradients, losses, networks
from handmade.engine.errors import HandmadeError
from handmade.engine.layers import (
    GELU,
    AvgPool2d,
    Conv2d,
    Flatten,
    GlobalAvgPool2d,
    LeakyReLU,
    Linear,
    MaxPool2d,
    ReLU,
    Sigmoid,
    Tanh,
)
from handmade.engine.training import train
from handmade.network import Network, load

__all__ = [
    "GELU",
    "AvgPool2d",
    "Conv2d",
    "Flatten",
    "GlobalAvgPool2d",
    "HandmadeError",
    "LeakyReLU",
    "Linear",
    "MaxPool2d",
    "Network",
    "ReLU",
    "Sigmoid",
    "Tanh",
    "data",
    "gradients",
    "load",
    "losses",
    "networks",
    "train",
]
