"""Layers with compiled rules, by their exact types."""

from handmade.engine.layers import AvgPool2d, Conv2d, GlobalAvgPool2d, Linear, MaxPool2d, ReLU, add_rules

add_rules(Conv2d, compiled="convolution")
add_rules(ReLU, compiled="relu")
add_rules(MaxPool2d, compiled="pool")
add_rules(Linear, compiled="product")
for average in (AvgPool2d, GlobalAvgPool2d):
    add_rules(average, channelwise=True)  # `backward` is right for any number of channels
