"""One file a layer; in each, forward and its exact difference stand side by side."""

from handmade.engine.layers.conv2d import Conv2d
from handmade.engine.layers.flatten import Flatten
from handmade.engine.layers.layer import EVERY, Channel, Channelwise, Layer, Weighted, beside, only, spread
from handmade.engine.layers.linear import Linear
from handmade.engine.layers.max_pool2d import MaxPool2d
from handmade.engine.layers.relu import ReLU

__all__ = [
    "EVERY",
    "Channel",
    "Channelwise",
    "Conv2d",
    "Flatten",
    "Layer",
    "Linear",
    "MaxPool2d",
    "ReLU",
    "Weighted",
    "beside",
    "only",
    "spread",
]
