"""One file a layer; in each, forward and its exact difference stand side by side."""

import handmade.engine.layers.table  # noqa: F401  the rules of all layers
from handmade.engine.layers.add import Add
from handmade.engine.layers.avg_pool2d import AvgPool2d
from handmade.engine.layers.batch_norm2d import BatchNorm2d
from handmade.engine.layers.channel import EVERY, Channel, Difference, only, select_channel, to_dense
from handmade.engine.layers.concat import Concat
from handmade.engine.layers.conv2d import Conv2d
from handmade.engine.layers.dropout import Dropout
from handmade.engine.layers.flatten import Flatten
from handmade.engine.layers.gelu import GELU
from handmade.engine.layers.global_avg_pool2d import GlobalAvgPool2d
from handmade.engine.layers.layer import Layer
from handmade.engine.layers.leaky_relu import LeakyReLU
from handmade.engine.layers.linear import Linear
from handmade.engine.layers.max_pool2d import MaxPool2d
from handmade.engine.layers.multiply import Multiply
from handmade.engine.layers.registry import KINDS, add_rules, register, rule
from handmade.engine.layers.relu import ReLU
from handmade.engine.layers.sigmoid import Sigmoid
from handmade.engine.layers.tanh import Tanh

__all__ = [
    "EVERY",
    "GELU",
    "KINDS",
    "Add",
    "AvgPool2d",
    "BatchNorm2d",
    "Channel",
    "Concat",
    "Conv2d",
    "Difference",
    "Dropout",
    "Flatten",
    "GlobalAvgPool2d",
    "Layer",
    "LeakyReLU",
    "Linear",
    "MaxPool2d",
    "Multiply",
    "ReLU",
    "Sigmoid",
    "Tanh",
    "add_rules",
    "only",
    "register",
    "rule",
    "select_channel",
    "to_dense",
]
