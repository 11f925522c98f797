"""Conv2d: slide filters over an image and take dot products.

    y[n,h,w,o] = b[o] + sum over i,j,c of W[i,j,c,o] x[n, h s + i d - p, w s + j d - p, c]        (1)

with stride s, dilation d, padding p and x = 0 outside the image. (1) is linear in x and linear in (W, b). From this follow:

    forward   y  = W * x + b
    delta     dy = W * dx
    backward  gx[n, h s + i d - p, w s + j d - p, c] += W[i,j,c,o] gy[n,h,w,o]
              gW[i,j,c,o] = sum of patch times gy,   gb = sum of gy
    nudges    dy[..., o] = h patch[..., i,j,c]  for W[i,j,c,o],   h  for b[o]

With G groups, channels and filters are divided into G equal parts, and (1) holds for each part separately. So filter o reads only
the C / G channels of group o // (O / G).

LeCun, Bottou, Bengio & Haffner (1998), "Gradient-Based Learning Applied to Document Recognition",
Proceedings of the IEEE 86(11), section II. Dilation: Yu & Koltun (2016), "Multi-Scale Context Aggregation by Dilated
Convolutions", ICLR. Groups: Krizhevsky, Sutskever & Hinton (2012), "ImageNet Classification with Deep Convolutional Neural
Networks", NIPS 25, section 3.5.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import DTypeLike

from handmade.engine.arguments import as_dtype, as_generator, as_weight_arrays, integer, padding_of, pair, refused
from handmade.engine.arrays import Array, Padding, Pair, Shape
from handmade.engine.errors import HandmadeError
from handmade.engine.initialisation import he
from handmade.engine.layers.channel import EVERY, Channel, one_channel
from handmade.engine.layers.connections import Box, Derivatives
from handmade.engine.layers.geometry import Geometry
from handmade.engine.layers.layer import Layer
from handmade.engine.layers.window_terms import pixel
from handmade.engine.layers.windows import crop, im2col, im2col_transposed, pad, patches, strided_slice
from handmade.engine.printable import counted, sides
from handmade.engine.terms import Term, stored, total


@dataclass(frozen=True, eq=False)
class Conv2d(Layer):
    """Convolution (cross-correlation, as usual in deep learning) of images (N, H, W, C).

    Parameters
    ----------
    W : Array, (K_h, K_w, C / groups, O)
        Filters.
        b : Array, (O,)
        Biases, one for each filter.
    stride : int or (int, int)
        Step between windows; for rows and columns.
    padding : int, (int, int) or ((int, int), (int, int))
        Number of zeros around the image: on all sides; above and below, left and right; or ((top, bottom), (left, right)).
    dilation : int or (int, int)
        Step between the pixels of one window; for rows and columns.
    groups : int
        Number of groups of channels and filters; the filters of a group read only the channels of this group.

    Raises
    ------
    HandmadeError
        If the arrays do not fit together or a setting is impossible.
    """

    SETTINGS: ClassVar[tuple[str, ...]] = ("filters", "kernel", "stride", "padding", "dilation", "groups")
    REQUIRED: ClassVar[tuple[str, ...]] = ("filters", "kernel")
    WEIGHTS: ClassVar[tuple[str, ...]] = ("W", "b")

    W: Array
    b: Array
    stride: Pair
    padding: Padding
    dilation: Pair
    groups: int

    def __init__(
        self,
        W: Array,
        b: Array,
        stride: int | Pair = 1,
        padding: int | Padding = 0,
        dilation: int | Pair = 1,
        groups: int = 1,
    ) -> None:
        given = ((W, 1), (b, 8), (stride, 3))  # and usual sizes, for advice to those who give sizes
        sizes = [size if isinstance(size, int) and size > 0 else usual for size, usual in given]
        advice = "handmade.Conv2d.init(rng=0, channels={}, filters={}, kernel={})".format(*sizes)
        weights, biases = as_weight_arrays("Conv2d", {"W": W, "b": b}, advice)
        if weights.ndim != 4 or biases.shape != weights.shape[-1:] or 0 in weights.shape:
            advice = "handmade.Conv2d(W, b)" if biases.ndim == 4 else advice
            raise refused("Conv2d", "W (K_h, K_w, C / groups, O) and b (O,)", f"{weights.shape} and {biases.shape}", advice)
        _divisible(weights.shape[-1], "filters", integer(groups, "groups", 1))
        object.__setattr__(self, "W", weights)
        object.__setattr__(self, "b", biases)
        object.__setattr__(self, "stride", pair(stride, "stride", 1))
        object.__setattr__(self, "padding", padding_of(padding))
        object.__setattr__(self, "dilation", pair(dilation, "dilation", 1))
        object.__setattr__(self, "groups", int(groups))

    def _summary(self) -> str:
        kernel, channels = self.W.shape[:2], self.W.shape[2] * self.groups
        parts = [counted(self.filters, "filter"), f"{kernel[0]} x {kernel[1]}", counted(channels, "channel")]
        pairs = {"stride": self.stride, "dilation": self.dilation}
        parts += [f"{name} {a} x {b}" for name, (a, b) in pairs.items() if (a, b) != (1, 1)]
        parts += [f"padding {sides(self.padding)}"] if self.padding != (0, 0) else []
        return ", ".join(parts + ([f"{self.groups} groups"] if self.groups > 1 else []))

    @classmethod
    def init(
        cls,
        rng: "np.random.Generator | int",
        channels: int,
        filters: int,
        kernel: int | Pair,
        stride: int | Pair = 1,
        padding: int | Padding = 0,
        dtype: DTypeLike = np.float32,
        dilation: int | Pair = 1,
        groups: int = 1,
    ) -> Self:
        """Return a new layer for images with `channels` channels: He initialisation of the weights, biases zero."""
        seen = _divisible(integer(channels, "channels", 1), "channels", integer(groups, "groups", 1))
        _divisible(integer(filters, "filters", 1), "filters", groups)
        W = he(as_generator(rng), (*pair(kernel, "kernel", 1), seen, filters), as_dtype(dtype))
        return cls(W, np.zeros(filters, dtype), stride, padding, dilation, groups)

    @classmethod
    def restore(cls, arrays: dict[str, Array], settings: dict[str, Any]) -> Self:
        """Return the layer from its arrays and settings; number of filters and kernel follow from the arrays."""
        kept: dict[str, Any] = arrays | {name: settings[name] for name in ("stride", "padding", "dilation", "groups")}
        return cls(**kept)

    @property
    def filters(self) -> int:
        """Number of filters, O."""
        return int(self.W.shape[-1])

    @property
    def kernel(self) -> Pair:
        """Size of the kernel, (K_h, K_w)."""
        return self.W.shape[0], self.W.shape[1]

    @property
    def channels(self) -> int:
        """Number of channels of all groups, C."""
        return int(self.W.shape[2]) * self.groups

    @property
    def geometry(self) -> Geometry:
        """Position of the windows."""
        return Geometry(self.kernel, self.stride, self.padding, self.dilation)

    def output_shape(self, shape: Shape) -> Shape:
        down, right = self.geometry.output_size(shape, "Conv2d")
        if shape[-1] != self.channels:
            raise HandmadeError(f"Conv2d: expected images (H, W, {self.channels}); got {shape}")
        return down, right, self.W.shape[-1]

    def forward(self, x: Array) -> Array:  # (N, H, W, C) -> (N, H', W', O)
        y = self.filtered(x)
        y += self.b
        return y

    def filtered(self, x: Array) -> Array:
        """Return W * x, group by group, without the biases; x may have an axis of nudges at the end."""
        return _joined([self._correlate(x[:, :, :, seen], self.W[..., filters]) for seen, filters in self._parts()])

    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        """Return W * dx, for the channels that change only; it does not depend on x, because (1) is linear."""
        if channel == EVERY:
            return self.filtered(dx)
        seen, filters = self._at(channel)
        part = self._correlate(dx, self.W[:, :, seen, filters])
        if self.output_channel(channel, x.shape[1:]) == filters:
            return part
        dy = np.zeros((*part.shape[:3], len(self.b), *part.shape[4:]), part.dtype)
        dy[:, :, :, filters] = part
        return dy

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        return self.input_gradient(x, gy), self.weight_gradients(x, gy)

    def input_gradient(self, x: Array, gy: Array) -> Array:
        """Return gx, the transpose of (1): each gy is distributed over its window, and overlapping windows are added."""
        return _joined([self._scatter(x, self.W[..., filters], gy[..., filters]) for _, filters in self._parts()])

    def weight_gradients(self, x: Array, gy: Array) -> dict[str, Array]:
        g = gy.reshape(-1, gy.shape[-1])
        gW = [im2col(self._patches(x[..., seen])).T @ g[:, filters] for seen, filters in self._parts()]
        return {"W": np.concatenate(gW, axis=1).reshape(self.W.shape), "b": np.ones(len(g), g.dtype) @ g}

    def output_channel(self, channel: Channel, _shape: Shape) -> Channel:
        """Return the channel of the output that changes: all filters of the group, one channel if each group has one filter."""
        return self._at(channel)[1] if channel != EVERY and self.groups == len(self.b) > 1 else EVERY

    def nudges(self, x: Array, h: Any) -> Iterator[tuple[Channel, Array]]:
        """Yield the differences of each filter's channel: h times the pixels that a weight reads, and h for the bias."""
        for seen, filters in self._parts():
            windows = self._patches(x[..., seen])  # (N, H', W', K_h, K_w, C / groups)
            positions, weights = windows.shape[:3], math.prod(windows.shape[3:])
            dy = np.empty((*positions, 1, weights + 1), x.dtype)
            np.multiply(windows, h, out=dy[..., 0, :-1].reshape(windows.shape))
            dy[..., -1] = h
            for o in range(filters.start, filters.stop):
                yield one_channel(o), dy

    def source(self, weight: Shape, at: Shape) -> Shape:
        """Return the place in the input, possibly outside the image, that a weight reads for the output at `at`."""
        steps = zip(at[:2], weight[:2], self.stride, self.dilation, self.geometry.sides, strict=True)
        row, column = (place * stride + k * dilation - before for place, k, stride, dilation, (before, _) in steps)
        group = weight[3] // (len(self.b) // self.groups)
        return row, column, group * self.W.shape[2] + weight[2]

    def receipt(self, x: Array, at: Shape) -> Term:
        """Return the sum channel by channel, so that the contribution of each channel is visible."""
        o = at[2]
        first = o // (len(self.b) // self.groups) * self.W.shape[2]  # channel of the filter's group
        spots = list(self.geometry.places(at))
        channels = [
            total(
                [stored(self.W[i, j, c, o], "W", i, j, c, o) * pixel(x, row, column, first + c) for i, j, row, column in spots],
                f"channel {first + c}",
            )
            for c in range(self.W.shape[2])
        ]
        return total([*channels, stored(self.b[o], "b", o).named("bias")], "b[o] + sum over i,j,c of W[i,j,c,o] x[i,j,c]")

    def derivatives(self, x: Array, _k: int, at: Shape) -> Derivatives:
        filters = self._filters_of(at[2])
        c = at[2] % self.W.shape[2]
        for row, column, i, j in self.geometry.readers(at, self.output_shape(x.shape)):
            for o in range(filters.start, filters.stop):
                yield (row, column, o), stored(self.W[i, j, c, o], "W", i, j, c, o)

    def sources(self, _shapes: Sequence[Shape], at: Shape) -> list[Box]:
        group, seen = at[2] // (self.filters // self.groups), self.W.shape[2]
        return [(*self.geometry.box(at), (group * seen, (group + 1) * seen))]

    def targets(self, shapes: Sequence[Shape], _k: int, at: Shape) -> Box | None:
        found, filters = self.geometry.boxes(at, self.output_shape(shapes[0])), self._filters_of(at[2])
        return None if found is None else (*found, (filters.start, filters.stop))

    def _parts(self) -> Iterator[tuple[slice, slice]]:
        """Yield for each group the channels that it reads, and its filters."""
        channels, filters = self.W.shape[2], len(self.b) // self.groups
        for g in range(self.groups):
            yield slice(g * channels, (g + 1) * channels), slice(g * filters, (g + 1) * filters)

    def _filters_of(self, channel: int) -> slice:
        """Return the filters that read a channel."""
        group, filters = channel // self.W.shape[2], len(self.b) // self.groups
        return slice(group * filters, (group + 1) * filters)

    def _at(self, channel: Channel) -> tuple[slice, slice]:
        """Return the place of a channel in its group, and the filters of that group."""
        if self.groups == 1 or channel == EVERY:
            return channel, EVERY
        return one_channel(channel.start % self.W.shape[2]), self._filters_of(channel.start)

    def _correlate(self, x: Array, W: Array) -> Array:
        windows = self._patches(x)  # (N, H', W', K_h, K_w, C), or with nudges (N, H', W', K_h, K_w, C, nudges)
        positions, outputs = windows.shape[:3], W.shape[-1]
        filters = W.reshape(-1, outputs)
        if windows.ndim == 6:
            return (im2col(windows) @ filters).reshape(*positions, outputs)
        y = filters.T @ im2col_transposed(windows)  # (O, N H' W' nudges): nudges stay contiguous
        return np.moveaxis(y.reshape(outputs, *positions, -1), 0, 3)

    def _scatter(self, x: Array, W: Array, gy: Array) -> Array:
        """Return gx of one group, computed for all windows at once, for one place of the window after the other."""
        gx = pad(np.zeros((*x.shape[:3], W.shape[2]), x.dtype), self.padding, 0)
        g, backwards = gy.reshape(-1, gy.shape[-1]), np.ascontiguousarray(W.swapaxes(2, 3))  # (K_h, K_w, O, C)
        for i in range(self.kernel[0]):
            for j in range(self.kernel[1]):
                rows = strided_slice(i * self.dilation[0], gy.shape[1], self.stride[0])
                columns = strided_slice(j * self.dilation[1], gy.shape[2], self.stride[1])
                gx[:, rows, columns] += (g @ backwards[i, j]).reshape(*gy.shape[:3], -1)
        return crop(gx, self.padding)

    def _patches(self, x: Array) -> Array:
        return patches(pad(x, self.padding, 0), self.kernel, self.stride, self.dilation)


def _joined(parts: Sequence[Array]) -> Array:
    """Return the outputs of the groups, concatenated along the channels."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=3)


def _divisible(number: int, name: str, groups: int) -> int:
    """Return the number of channels or filters in each group."""
    if number % groups:
        raise HandmadeError(f"{name}: expected a number divisible by groups, {groups}; got {number}")
    return number // groups
