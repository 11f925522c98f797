"""A convolutional network for handwritten digits, made by hand: every number can be understood, proved and shown.

>>> import numpy as np
>>> import handmade
>>> network = handmade.networks.readme(np.random.default_rng(0))
>>> f"{network.size:,} weights"
'28,298 weights'
"""

from handmade import data, gradients, losses, networks
from handmade.engine.errors import HandmadeError
from handmade.engine.layers import Conv2d, Flatten, Linear, MaxPool2d, ReLU
from handmade.engine.training import train
from handmade.network import Network, load

__all__ = [
    "Conv2d",
    "Flatten",
    "HandmadeError",
    "Linear",
    "MaxPool2d",
    "Network",
    "ReLU",
    "data",
    "gradients",
    "load",
    "losses",
    "networks",
    "train",
]
