"""BatchNorm2d: every channel is normalised, then scaled and shifted by its weights.

    y = W (x - m) r + b,   r = 1 / sqrt(v + epsilon)        channel by channel        (1)

In inference m and v are constants, the running statistics, and (1) is an affine function:

    delta     dy = W r dx
    backward  gx = W r gy,   gW = sum of gy (x - m) r,   gb = sum of gy

In training they are the mean and the variance of the batch, over all images, rows and columns, and depend on x. Let c = x - m:

    delta     dc = dx - mean(dx)
              dv = mean(dc (2 c + dc))
              dr = -dv / (s s' (s + s')),   s = sqrt(v + epsilon),   s' = sqrt(v' + epsilon),   v' = mean((c + dc)^2)
              dy = W (r' dc + c dr)        (2)
    backward  gx = W r (gy - mean(gy) - c r mean(gy c r)),   gW and gb as above
    nudges    dy = h c r  for W,   h  for b

No two outputs are subtracted, and no two roots. The two terms of (2) nearly cancel if dx only scales a channel, because
normalisation removes the scale; delta is accurate relative to these terms.

W and b are gamma and beta of the paper. The running statistics are moving averages: `update_statistics` moves them towards those
of the batch, with the weight `momentum`. It takes the unbiased variance, with N H W - 1 instead of N H W.

Ioffe & Szegedy (2015), "Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift", ICML.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import DTypeLike

from handmade.engine.arguments import as_dtype, as_weight_arrays, described, integer, number, refused
from handmade.engine.arrays import Array, Shape
from handmade.engine.errors import HandmadeError
from handmade.engine.initialisation import check_size
from handmade.engine.layers.channel import EVERY, Channel, one_channel, select_channel
from handmade.engine.layers.connections import Derivatives
from handmade.engine.layers.layer import Layer
from handmade.engine.terms import Term, stored

SMALLEST = 1e-12  # epsilon: below it, the cube of its root underflows in float32


@dataclass(frozen=True, eq=False)
class BatchNorm2d(Layer):
    """Batch normalisation of images (N, H, W, C) or rows (N, C), channel by channel.

    Parameters
    ----------
    W, b : Array, (C,)
        Standard deviation and mean of each channel of the output.
    mean, variance : Array, (C,)
        Running statistics, for inference.
    momentum : float
        Weight of a new batch in the running statistics, from 0 to 1.
    epsilon : float
        Small number that is added to the variance to avoid a division by zero for a constant channel; from 1e-12 to 1.
    training : bool
        True if the statistics are those of the batch; `in_training` sets it.

    Raises
    ------
    HandmadeError
        If the arrays do not fit together or a setting is impossible; in training, if a batch has one value for each channel.
    """

    SETTINGS: ClassVar[tuple[str, ...]] = ("momentum", "epsilon")
    WEIGHTS: ClassVar[tuple[str, ...]] = ("W", "b")
    STATISTICS: ClassVar[tuple[str, ...]] = ("mean", "variance")

    W: Array
    b: Array
    mean: Array
    variance: Array
    momentum: float = 0.1
    epsilon: float = 1e-5
    training: bool = False

    def __post_init__(self) -> None:
        names = self.WEIGHTS + self.STATISTICS
        advice = "handmade.BatchNorm2d.init(rng=0, channels=8)"
        arrays = as_weight_arrays("BatchNorm2d", {name: getattr(self, name) for name in names}, advice)
        for name, array in zip(names, arrays, strict=True):
            object.__setattr__(self, name, array)
        sizes = [array.shape for array in arrays]
        if len(self.W.shape) != 1 or len(set(sizes)) > 1 or self.W.size == 0:
            got = ", ".join(map(str, sizes))
            raise refused("BatchNorm2d", "W, b, mean and variance of one shape (C,)", got, advice)
        if np.any(self.variance < 0):
            raise refused("BatchNorm2d", "a variance of at least 0 in every channel", str(self.variance.min()))
        if not isinstance(self.training, bool):
            raise refused("training", "True or False", described(self.training))
        object.__setattr__(self, "momentum", number(self.momentum, "momentum", 0, 1))
        object.__setattr__(self, "epsilon", number(self.epsilon, "epsilon", SMALLEST, 1))

    @classmethod
    def init(
        cls,
        rng: "np.random.Generator | int",  # noqa: ARG003  as in the other layers: nothing is drawn here
        channels: int,
        dtype: DTypeLike = np.float32,
        momentum: float = 0.1,
        epsilon: float = 1e-5,
    ) -> Self:
        """Return a new layer: W = 1, b = 0, and running statistics with mean 0 and variance 1."""
        size, floats = integer(channels, "channels", 1), as_dtype(dtype)
        check_size((size,))
        zeros, ones = np.zeros(size, floats), np.ones(size, floats)
        return cls(ones, zeros, zeros, ones, momentum, epsilon)

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) not in (1, 3) or shape[-1] != len(self.W):
            raise HandmadeError(f"BatchNorm2d: expected images (H, W, {len(self.W)}) or rows ({len(self.W)},); got {shape}")
        return shape

    @property
    def mixes_batch(self) -> bool:
        return self.training

    def in_training(self, images: int, shape: Shape, rng: "np.random.Generator") -> Self:
        _enough(images * math.prod(shape[:-1]))
        return replace(self, training=True)

    def update_statistics(self, x: Array) -> dict[str, Array]:
        if not self.training:
            return {}
        m, _, v, _ = self._normal(x)
        values = _enough(math.prod(x.shape[:-1]))
        return {
            "mean": (1 - self.momentum) * self.mean + self.momentum * m.ravel(),
            "variance": (1 - self.momentum) * self.variance + self.momentum * values / (values - 1) * v.ravel(),
        }

    def forward(self, x: Array) -> Array:
        _, c, _, r = self._normal(x)
        y: Array = c * (self.W * r) + self.b
        return y

    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        W = _lined_up(self.W, x, dx, channel)
        if not self.training:
            scale: Array = W / np.sqrt(_lined_up(self.variance, x, dx, channel) + self.epsilon)
            return dx * scale
        axes = x.ndim - 1
        part = select_channel(x, dx, channel)
        c, dc = part - _mean(part, axes), dx - _mean(dx, axes)
        c_moved = c + dc
        s = np.sqrt(_mean(c * c, axes) + self.epsilon)
        s_moved = np.sqrt(_mean(c_moved * c_moved, axes) + self.epsilon)
        dv = _mean(dc * (c + c_moved), axes)
        dy: Array = dc * (W / s_moved)
        dy -= c * (W * dv / (s * s_moved * (s + s_moved)))
        return dy

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        _, c, _, r = self._normal(x)
        axes = x.ndim - 1
        normal = c * r
        gW, gb = _sum(gy * normal, axes), _sum(gy, axes)
        values = math.prod(x.shape[:-1])
        g = gy - gb / values - normal * (gW / values) if self.training else gy
        return g * (self.W * r), {"W": gW.ravel(), "b": gb.ravel()}

    def receipt(self, x: Array, at: Shape) -> Term:
        if self.training:
            raise HandmadeError("receipt: expected BatchNorm2d in inference; in training, a number depends on the complete batch")
        c = at[-1]
        W, b, m, v = (stored(getattr(self, name)[c], name, c) for name in self.WEIGHTS + self.STATISTICS)
        spread = (v + Term(self.epsilon, label="epsilon")).named("v + epsilon").sqrt().named("1 / r")
        normal = ((stored(x[at], "input", *at) - m).named("x - m") / spread).named("(x - m) r")
        return (W * normal + b.named("bias")).named("W (x - m) r + b")

    def derivatives(self, _x: Array, _k: int, at: Shape) -> Derivatives:
        channel = at[-1]
        variance = stored(self.variance[channel], "variance", channel) + Term(self.epsilon, label="epsilon")
        yield at, stored(self.W[channel], "W", channel) / variance.sqrt().named("1 / r")

    def nudges(self, x: Array, h: Any) -> Iterator[tuple[Channel, Array]]:
        """Yield the differences of each channel: h times the normalised input for W nudged by h, and h for b."""
        _, c, _, r = self._normal(x)
        normal = c * r
        for channel in range(len(self.W)):
            dy = np.full((*x.shape[:-1], 1, 2), h, x.dtype)
            dy[..., 0] *= normal[..., one_channel(channel)]
            yield one_channel(channel), dy

    def _normal(self, x: Array) -> tuple[Array, Array, Array, Array]:
        """Return m, c = x - m, v and r of (1)."""
        if not self.training:
            return self.mean, x - self.mean, self.variance, 1 / np.sqrt(self.variance + self.epsilon)
        _enough(math.prod(x.shape[:-1]))
        m = _mean(x, x.ndim - 1)
        c = x - m
        v = _mean(c * c, x.ndim - 1)
        return m, c, v, 1 / np.sqrt(v + self.epsilon)


def _sum(x: Array, axes: int) -> Array:
    """Return the sum over the first axes, one after the other: so rounding grows with N + H + W, not with their product."""
    total = x
    for _ in range(axes):
        total = total.sum(axis=0)
    return total.reshape(*(1,) * axes, *total.shape)


def _mean(x: Array, axes: int) -> Array:
    mean: Array = _sum(x, axes) / math.prod(x.shape[:axes])
    return mean


def _lined_up(array: Array, x: Array, dx: Array, channel: Channel) -> Array:
    """Return an array with one number for each channel in a shape that broadcasts with dx."""
    return select_channel(array[(None,) * (x.ndim - 1)], dx, channel)


def _enough(values: int) -> int:
    if values < 2:
        raise HandmadeError(f"BatchNorm2d in training: expected two values a channel or more; got {values}. Take a larger batch")
    return values
