"""The layers that have compiled rules, by their exact types."""

from handmade.engine.layers import (
    Add,
    AvgPool2d,
    BatchNorm2d,
    Concat,
    Conv2d,
    Dropout,
    Flatten,
    GlobalAvgPool2d,
    Linear,
    MaxPool2d,
    ReLU,
    add_rules,
)

add_rules(Conv2d, compiled="convolution")
add_rules(ReLU, compiled="relu")
add_rules(MaxPool2d, compiled="pool")
add_rules(Linear, compiled="product")
for kind in (Conv2d, Linear, Flatten, AvgPool2d, GlobalAvgPool2d, Dropout, BatchNorm2d, Add, Concat):
    add_rules(kind, linear=True)  # a difference of the output is a linear map of the input's, whatever the input is
