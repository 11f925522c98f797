"""Layers with compiled rules, by their exact types."""

from handmade.engine.layers import Conv2d, Linear, MaxPool2d, ReLU, add_rules

add_rules(Conv2d, compiled="convolution")
add_rules(ReLU, compiled="relu")
add_rules(MaxPool2d, compiled="pool")
add_rules(Linear, compiled="product")
