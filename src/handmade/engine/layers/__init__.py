"""One file a layer; in each, forward and its exact difference stand side by side."""

from handmade.engine.layers.avg_pool2d import AvgPool2d
from handmade.engine.layers.conv2d import Conv2d
from handmade.engine.layers.flatten import Flatten
from handmade.engine.layers.gelu import GELU
from handmade.engine.layers.global_avg_pool2d import GlobalAvgPool2d
from handmade.engine.layers.layer import EVERY, Channel, Channelwise, Layer, Weighted, beside, only, spread
from handmade.engine.layers.leaky_relu import LeakyReLU
from handmade.engine.layers.linear import Linear
from handmade.engine.layers.max_pool2d import MaxPool2d
from handmade.engine.layers.relu import ReLU
from handmade.engine.layers.sigmoid import Sigmoid
from handmade.engine.layers.tanh import Tanh

__all__ = [
    "EVERY",
    "GELU",
    "AvgPool2d",
    "Channel",
    "Channelwise",
    "Conv2d",
    "Flatten",
    "GlobalAvgPool2d",
    "Layer",
    "LeakyReLU",
    "Linear",
    "MaxPool2d",
    "ReLU",
    "Sigmoid",
    "Tanh",
    "Weighted",
    "beside",
    "only",
    "spread",
]
