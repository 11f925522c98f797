"""Layers of the engine with a student's functions in the place of their equations.

Each class stands beside one of the engine's. It takes forward, delta and backward from the student, as far as her functions cover
the settings of the layer, and the rest from its parent. The equations are the same, so facts about them are shared; fast rules of
the parent are not: they would compute the result without the student's code.

    convolution and linear layer   delta = her forward of dx without the bias, because they are linear
    ReLU and max-pool              delta = her delta_relu and delta_max
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.layers import EVERY, Channel, Conv2d, Flatten, Layer, Linear, MaxPool2d, ReLU, select_channel
from handmade.engine.layers.channel import all_channels, one_channel, same_channel
from handmade.engine.layers.registry import add_rules, share_rules
from handmade.engine.losses import CrossEntropy
from handmade.learn.own_function import OwnFunction

FACTS = ("source", "sources", "targets", "derivatives", "rectifies", "reorders", "takes_one", "kinks", "slope", "switched")
Parts = dict[str, OwnFunction]  # functions by what they compute: forward, delta, db, dW, dX, backward


class Own(Layer):
    """Base class of layers with a student's functions."""

    STANDARD: ClassVar[type[Layer]]
    own: Parts

    @classmethod
    def of(cls, layer: Layer, own: Parts) -> Self:
        """Return a layer with the arrays and settings of one of the engine."""
        made = object.__new__(cls)
        made.__dict__.update(layer.__dict__, own=own)
        return made

    @property
    def kind(self) -> str:
        """Name of the engine's class."""
        return self.STANDARD.__name__

    def standard(self) -> Layer:
        """Return the engine's layer with these arrays and settings."""
        made = object.__new__(self.STANDARD)
        made.__dict__.update({name: value for name, value in self.__dict__.items() if name != "own"})
        return made


class OwnConv2d(Own, Conv2d):
    """Convolution by a student's functions; one group, no dilation, the same padding on opposite sides."""

    STANDARD = Conv2d

    def forward(self, x: Array) -> Array:
        return self._convolved(x, self.W, self.b) if "forward" in self.own else super().forward(x)

    def _convolved(self, x: Array, W: Array, b: Array) -> Array:
        """Return her convolution of x with other filters, by the arguments that her step has."""
        shape = (len(x), *self.geometry.output_size(x.shape[1:], "Conv2d"), W.shape[3])
        function = self.own["forward"]
        if function.step == "conv_one_channel":
            y = np.empty(shape, x.dtype)
            for n, o in np.ndindex(len(x), W.shape[3]):
                y[n, :, :, o] = function(x[n, :, :, 0], W[:, :, 0, o], shapes=[shape[1:3]], dtype=x.dtype) + b[o]
            return y
        settings = {"conv_channels": (), "conv_stride_padding": (self.stride, self.padding), "im2col": (self.stride,)}
        convolved: Array = function(x, W, b, *settings[function.step], shapes=[shape], dtype=x.dtype)
        return convolved

    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        if "forward" not in self.own:
            return super().delta(x, dx, channel)
        W, b = self.W[:, :, channel], np.zeros_like(self.b)
        return unfolded(self._convolved(folded(dx, x.ndim), W, b), dx, x.ndim)

    def nudges(self, x: Array, h: Any) -> Iterator[tuple[Channel, Array]]:
        """Yield differences for nudges: by her convolution with a filter that is 1 at one place and 0 elsewhere, times h."""
        if "forward" not in self.own:
            yield from super().nudges(x, h)
            return
        dy: Array | None = None
        places, none = self.W.shape[:3], np.zeros(1, x.dtype)
        for k, at in enumerate(np.ndindex(places)):
            W = np.zeros((*places, 1), x.dtype)
            W[at] = 1
            seen = self._convolved(x, W, none)
            if dy is None:
                dy = np.empty((*seen.shape, math.prod(places) + 1), x.dtype)
            np.multiply(seen, h, out=dy[..., k])
        assert dy is not None
        dy[..., -1] = h
        for o in range(self.filters):
            yield one_channel(o), dy

    def input_gradient(self, x: Array, gy: Array) -> Array:
        if "dX" not in self.own:
            return super().input_gradient(x, gy)
        gx: Array = self.own["dX"](gy, self.W, x.shape, self.stride, self.padding, shapes=[x.shape], dtype=x.dtype)
        return gx

    def weight_gradients(self, x: Array, gy: Array) -> dict[str, Array]:
        found = {} if {"dW", "db"} <= self.own.keys() else super().weight_gradients(x, gy)
        if "dW" in self.own:
            given = (gy, x, self.kernel, self.stride, self.padding)
            found["W"] = self.own["dW"](*given, shapes=[self.W.shape], dtype=x.dtype)
        if "db" in self.own:
            found["b"] = self.own["db"](gy, shapes=[self.b.shape], dtype=x.dtype)
        return found


class OwnReLU(Own, ReLU):
    """ReLU by a student's functions."""

    STANDARD = ReLU

    def forward(self, x: Array) -> Array:
        return self.own["forward"](x, shapes=[x.shape], dtype=x.dtype) if "forward" in self.own else super().forward(x)

    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        if "delta" not in self.own:
            return super().delta(x, dx, channel)
        before = np.broadcast_to(select_channel(x, dx, channel), dx.shape)
        dy: Array = self.own["delta"](before, dx, shapes=[dx.shape], dtype=dx.dtype)
        return dy

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        if "backward" not in self.own:
            return super().backward(x, gy)
        return self.own["backward"](gy, x, shapes=[x.shape], dtype=x.dtype), {}


class OwnMaxPool2d(Own, MaxPool2d):
    """Max pooling by a student's functions; no padding, no dilation, complete windows alone."""

    STANDARD = MaxPool2d

    def forward(self, x: Array) -> Array:
        return self._pooled(x)[0] if "forward" in self.own else super().forward(x)

    def _pooled(self, x: Array) -> tuple[Array, Array]:
        """Return her largest numbers, and the place of each in its window."""
        shape = (len(x), *self.output_shape(x.shape[1:]))
        y, winner = self.own["forward"](x, self.window, self.stride, shapes=[shape, shape], dtype=x.dtype)
        return y, winner

    def _winners(self, x: Array) -> Array:
        """Return the places of the first largest numbers, hers if she has them."""
        if "forward" in self.own:
            return self._pooled(x)[1]
        places: Array = np.stack(list(self.pixels(x, -np.inf))).argmax(axis=0)
        return places

    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        if "delta" not in self.own:
            return self.standard().delta(x, dx, channel)  # type: ignore[call-arg]  # of a MaxPool2d; it calls forward itself
        moved = np.stack(list(self.pixels(dx, 0)), axis=-1)
        seen = np.stack(list(self.pixels(select_channel(x, dx, channel), 0)), axis=-1)
        rows = moved.reshape(-1, moved.shape[-1])
        before = np.broadcast_to(seen, moved.shape).reshape(rows.shape)
        dy: Array = self.own["delta"](before, rows, shapes=[rows.shape[:1]], dtype=dx.dtype)
        return dy.reshape(moved.shape[:-1])

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        if "backward" not in self.own:
            return self.standard().backward(x, gy)
        winner = self._winners(x)
        given = (gy, winner, x.shape, self.window, self.stride)
        return self.own["backward"](*given, shapes=[x.shape], dtype=x.dtype), {}


class OwnFlatten(Own, Flatten):
    """Flattening by a student's function."""

    STANDARD = Flatten

    def forward(self, x: Array) -> Array:
        if "forward" not in self.own:
            return super().forward(x)
        y: Array = self.own["forward"](x, shapes=[(len(x), x[0].size)], dtype=x.dtype)
        return y


class OwnLinear(Own, Linear):
    """Fully connected layer by a student's functions; one row of numbers for each image."""

    STANDARD = Linear

    def forward(self, x: Array) -> Array:
        return self._of(x, self.W, self.b) if "forward" in self.own else super().forward(x)

    def _of(self, x: Array, W: Array, b: Array) -> Array:
        y: Array = self.own["forward"](x, W, b, shapes=[(len(x), W.shape[1])], dtype=x.dtype)
        return y

    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        if "forward" not in self.own:
            return super().delta(x, dx, channel)
        return unfolded(self._of(folded(dx, x.ndim), self.W[channel], np.zeros_like(self.b)), dx, x.ndim)

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        if "backward" not in self.own:
            return super().backward(x, gy)
        shapes = [x.shape, self.W.shape, self.b.shape]
        gx, gW, gb = self.own["backward"](gy, x, self.W, shapes=shapes, dtype=x.dtype)
        return gx, {"W": gW, "b": gb}


@dataclass(frozen=True)
class OwnCrossEntropy(CrossEntropy):
    """Cross-entropy by a student's functions: her loss of each image, and gz = her softmax - 1 at the class."""

    own: Parts | None = field(default=None, compare=False)

    def forward(self, z: Array, y: Array) -> Array:
        assert self.own is not None
        function = self.own["forward"]
        return np.array([function(z[n : n + 1], y[n : n + 1], shapes=[()], dtype=z.dtype) for n in range(len(z))], z.dtype)

    def backward(self, z: Array, y: Array) -> Array:
        assert self.own is not None
        gz: Array = self.own["backward"](z, shapes=[z.shape], dtype=z.dtype)
        gz[np.arange(len(y)), y] -= 1
        return gz


def folded(dx: Array, axes: int) -> Array:
    """Return differences with their last axis, that of the nudges, moved into the batch; unchanged if they have none."""
    if dx.ndim == axes:
        return dx
    moved = np.moveaxis(dx, -1, 0)  # (nudges, N, ...)
    return moved.reshape(-1, *moved.shape[2:])


def unfolded(y: Array, dx: Array, axes: int) -> Array:
    """Return the differences of the outputs, with the nudges on the last axis again."""
    if dx.ndim == axes:
        return y
    return np.moveaxis(y.reshape(dx.shape[-1], dx.shape[0], *y.shape[1:]), 0, -1)


for each in (OwnConv2d, OwnReLU, OwnMaxPool2d, OwnFlatten, OwnLinear):
    share_rules(each, each.STANDARD, FACTS)
    add_rules(each, mark="yours", standard=each.standard)
add_rules(
    OwnConv2d,
    channel=Conv2d.output_channel,
    nudges=OwnConv2d.nudges,
    input_gradient=OwnConv2d.input_gradient,
    weight_gradients=OwnConv2d.weight_gradients,
)
add_rules(OwnReLU, channel=same_channel)
add_rules(OwnMaxPool2d, channel=same_channel)
add_rules(OwnFlatten, channel=Flatten.output_channel)
add_rules(OwnLinear, channel=all_channels, nudges=Linear.nudges)
