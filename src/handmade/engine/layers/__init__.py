"""One file a layer; in each, forward and its exact difference stand side by side."""

from handmade.engine.layers.avg_pool2d import AvgPool2d
from handmade.engine.layers.batch_norm2d import BatchNorm2d
from handmade.engine.layers.conv2d import Conv2d
from handmade.engine.layers.dropout import Dropout
from handmade.engine.layers.flatten import Flatten
from handmade.engine.layers.gelu import GELU
from handmade.engine.layers.global_avg_pool2d import GlobalAvgPool2d
from handmade.engine.layers.layer import (
    EVERY,
    Channel,
    Channelwise,
    Composite,
    Coupling,
    Explained,
    Halved,
    Layer,
    Nudgeable,
    Observant,
    PerImage,
    Staged,
    Weighted,
    beside,
    is_channelwise,
    is_composite,
    is_halved,
    is_nudgeable,
    moved,
    only,
    spread,
)
from handmade.engine.layers.leaky_relu import LeakyReLU
from handmade.engine.layers.linear import Linear
from handmade.engine.layers.max_pool2d import MaxPool2d
from handmade.engine.layers.relu import ReLU
from handmade.engine.layers.residual import Residual
from handmade.engine.layers.sigmoid import Sigmoid
from handmade.engine.layers.tanh import Tanh

__all__ = [
    "EVERY",
    "GELU",
    "AvgPool2d",
    "BatchNorm2d",
    "Channel",
    "Channelwise",
    "Composite",
    "Conv2d",
    "Coupling",
    "Dropout",
    "Explained",
    "Flatten",
    "GlobalAvgPool2d",
    "Halved",
    "Layer",
    "LeakyReLU",
    "Linear",
    "MaxPool2d",
    "Nudgeable",
    "Observant",
    "PerImage",
    "ReLU",
    "Residual",
    "Sigmoid",
    "Staged",
    "Tanh",
    "Weighted",
    "beside",
    "is_channelwise",
    "is_composite",
    "is_halved",
    "is_nudgeable",
    "moved",
    "only",
    "spread",
]
