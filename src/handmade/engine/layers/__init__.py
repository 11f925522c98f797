"""Layers, one file for each, and the table of layers: an entry for each type, with the rules for exactly this type.

To add your own layer, call `register(MyLayer)`. Its equations are enough; rules make it faster (registry.py).
"""

from handmade.engine.layers.add import Add
from handmade.engine.layers.affine import Affine
from handmade.engine.layers.avg_pool2d import AvgPool2d
from handmade.engine.layers.batch_norm2d import BatchNorm2d
from handmade.engine.layers.channel import (
    EVERY,
    Channel,
    Difference,
    all_channels,
    one_channel,
    same_channel,
    select_channel,
    to_dense,
)
from handmade.engine.layers.clip import Clip
from handmade.engine.layers.concat import Concat
from handmade.engine.layers.connections import same_sources, same_targets
from handmade.engine.layers.conv2d import Conv2d
from handmade.engine.layers.divide import Divide
from handmade.engine.layers.dropout import Dropout
from handmade.engine.layers.elu import ELU
from handmade.engine.layers.exp import Exp
from handmade.engine.layers.expand import Expand
from handmade.engine.layers.flatten import Flatten
from handmade.engine.layers.gelu import GELU
from handmade.engine.layers.global_avg_pool2d import GlobalAvgPool2d
from handmade.engine.layers.global_max_pool2d import GlobalMaxPool2d
from handmade.engine.layers.hard_sigmoid import HardSigmoid
from handmade.engine.layers.layer import Layer
from handmade.engine.layers.leaky_relu import LeakyReLU
from handmade.engine.layers.linear import Linear
from handmade.engine.layers.log import Log
from handmade.engine.layers.matmul import MatMul
from handmade.engine.layers.max_pool2d import MaxPool2d
from handmade.engine.layers.mean import Mean
from handmade.engine.layers.multiply import Multiply
from handmade.engine.layers.pad import Pad
from handmade.engine.layers.rearrangement import Rearrangement
from handmade.engine.layers.reduction import Reduction
from handmade.engine.layers.registry import KINDS, add_rules, register, rule
from handmade.engine.layers.relu import ReLU
from handmade.engine.layers.reshape import Reshape
from handmade.engine.layers.sigmoid import Sigmoid
from handmade.engine.layers.slice import Slice
from handmade.engine.layers.softmax import LogSoftmax, Softmax
from handmade.engine.layers.sqrt import Sqrt
from handmade.engine.layers.subtract import Subtract
from handmade.engine.layers.sum import Sum
from handmade.engine.layers.take import Take
from handmade.engine.layers.tanh import Tanh
from handmade.engine.layers.transpose import Transpose

__all__ = [
    "ELU",
    "EVERY",
    "GELU",
    "KINDS",
    "Add",
    "Affine",
    "AvgPool2d",
    "BatchNorm2d",
    "Channel",
    "Clip",
    "Concat",
    "Conv2d",
    "Difference",
    "Divide",
    "Dropout",
    "Exp",
    "Expand",
    "Flatten",
    "GlobalAvgPool2d",
    "GlobalMaxPool2d",
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
    "Pad",
    "ReLU",
    "Reshape",
    "Sigmoid",
    "Slice",
    "Softmax",
    "Sqrt",
    "Subtract",
    "Sum",
    "Take",
    "Tanh",
    "Transpose",
    "add_rules",
    "one_channel",
    "register",
    "rule",
    "select_channel",
    "to_dense",
]

register(
    Conv2d,
    channel=Conv2d.output_channel,
    nudges=Conv2d.nudges,
    input_gradient=Conv2d.input_gradient,
    weight_gradients=Conv2d.weight_gradients,
    source=Conv2d.source,
    derivatives=Conv2d.derivatives,
    sources=Conv2d.sources,
    targets=Conv2d.targets,
)
register(ReLU, channel=same_channel, rectifies=True, derivatives=ReLU.derivatives, sources=same_sources, targets=same_targets)
register(
    MaxPool2d,
    channel=same_channel,
    takes_one=True,
    derivatives=MaxPool2d.derivatives,
    sources=MaxPool2d.sources,
    targets=MaxPool2d.targets,
)
register(
    Flatten,
    channel=Flatten.output_channel,
    reorders=True,
    derivatives=Flatten.derivatives,
    sources=Flatten.sources,
    targets=Flatten.targets,
)
register(
    Linear,
    channel=all_channels,
    nudges=Linear.nudges,
    input_gradient=Linear.input_gradient,
    weight_gradients=Linear.weight_gradients,
    source=Linear.source,
    derivatives=Linear.derivatives,
    sources=Linear.sources,
    targets=Linear.targets,
)
register(
    AvgPool2d,
    channel=same_channel,
    derivatives=AvgPool2d.derivatives,
    sources=AvgPool2d.sources,
    targets=AvgPool2d.targets,
)
register(
    GlobalAvgPool2d,
    channel=same_channel,
    derivatives=GlobalAvgPool2d.derivatives,
    sources=GlobalAvgPool2d.sources,
    targets=GlobalAvgPool2d.targets,
)
register(
    GlobalMaxPool2d,
    channel=same_channel,
    takes_one=True,
    derivatives=GlobalMaxPool2d.derivatives,
    sources=GlobalMaxPool2d.sources,
    targets=GlobalMaxPool2d.targets,
)
for each in (LeakyReLU, Sigmoid, Tanh, GELU, Dropout, ELU, Clip, HardSigmoid, Exp, Log, Sqrt, Affine):  # element by element
    register(each, channel=same_channel, derivatives=each.derivatives, sources=same_sources, targets=same_targets)
register(
    BatchNorm2d,
    channel=same_channel,
    nudges=BatchNorm2d.nudges,
    derivatives=BatchNorm2d.derivatives,
    sources=same_sources,
    targets=same_targets,
)
for along in (Softmax, LogSoftmax):
    register(along, channel=along.output_channel, derivatives=along.derivatives, sources=along.sources, targets=along.targets)
register(Add, join=Add.difference, derivatives=Add.derivatives, sources=same_sources, targets=same_targets)
register(Concat, join=Concat.difference, derivatives=Concat.derivatives, sources=Concat.sources, targets=Concat.targets)
register(Multiply, join=Multiply.difference, derivatives=Multiply.derivatives, sources=same_sources, targets=same_targets)
register(Subtract, join=Subtract.difference, derivatives=Subtract.derivatives, sources=same_sources, targets=same_targets)
register(Divide, join=Divide.difference, derivatives=Divide.derivatives, sources=same_sources, targets=same_targets)
register(
    MatMul,
    join=MatMul.difference,
    products=MatMul.products,
    derivatives=MatMul.derivatives,
    sources=MatMul.sources,
    targets=MatMul.targets,
)
for rearrangement in (Reshape, Transpose, Pad, Slice, Take, Expand):
    register(
        rearrangement,
        channel=Rearrangement.output_channel,
        derivatives=Rearrangement.derivatives,
        sources=Rearrangement.sources,
        targets=Rearrangement.targets,
    )
add_rules(Reshape, reorders=True)
for reduction in (Sum, Mean):
    register(
        reduction,
        channel=Reduction.output_channel,
        derivatives=Reduction.derivatives,
        sources=Reduction.sources,
        targets=Reduction.targets,
    )
