"""The laws held to account: for each of them, layers with a planted bug that it must catch."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

import laws
from cases import CASES, INPUTS, Case, generic, kinked
from handmade.engine.arrays import Array, Shape
from handmade.engine.layers import EVERY, Channel, Conv2d, Flatten, Linear, MaxPool2d, ReLU, only
from handmade.engine.layers.windows import columns, crop, pad, patches, reached, rows
from handmade.engine.losses import CrossEntropy, log_softmax
from laws import LAWS, OFF_KINKS

Gradients = tuple[Array, dict[str, Array]]


@dataclass(frozen=True)
class Mutant:
    law: str
    kind: type

    @property
    def cases(self) -> Iterator[Case]:
        """Every row of the table whose layer this is a bad copy of."""
        for case in CASES.values():
            if type(case.layer) is self.kind.__bases__[0]:
                yield replace(case, layer=turned_into(self.kind, case.layer))


def turned_into(kind: type, layer: Any) -> Any:
    other = object.__new__(kind)
    other.__dict__.update(layer.__dict__)
    return other


MUTANTS: dict[str, Mutant] = {}


def mutant(law: str) -> Callable[[type], type]:
    assert law in LAWS

    def register(kind: type) -> type:
        MUTANTS[f"{law}: {kind.__name__}"] = Mutant(law, kind)
        return kind

    return register


# --- reference ----------------------------------------------------------------------------------------------------------------


@mutant("reference")
class FlippedKernel(Conv2d):
    def forward(self, x: Array) -> Array:
        return Conv2d.forward(replace_W(self, self.W[::-1, ::-1]), x)


@mutant("reference")
class TransposedKernel(Conv2d):
    def forward(self, x: Array) -> Array:
        K_h, K_w, C, O = self.W.shape
        return Conv2d.forward(replace_W(self, self.W.transpose(1, 0, 2, 3).reshape(K_h, K_w, C, O)), x)


@mutant("reference")
class ChannelsAndFiltersMixed(Conv2d):
    def forward(self, x: Array) -> Array:
        K_h, K_w, C, O = self.W.shape
        return Conv2d.forward(replace_W(self, self.W.reshape(K_h, K_w, O, C).swapaxes(2, 3)), x)


@mutant("reference")
class StrideIgnoredAcross(Conv2d):
    def forward(self, x: Array) -> Array:
        return Conv2d.forward(Conv2d(self.W, self.b, (self.stride[0], 1), self.padding), x)


@mutant("reference")
class PaddingOfOneAxisForBoth(Conv2d):
    def forward(self, x: Array) -> Array:
        return Conv2d.forward(Conv2d(self.W, self.b, self.stride, (self.padding[0], self.padding[0])), x)


@mutant("reference")
class NoBias(Conv2d):
    def forward(self, x: Array) -> Array:
        return Conv2d.forward(Conv2d(self.W, 0 * self.b, self.stride, self.padding), x)


@mutant("reference")
class PaddedByOnes(Conv2d):
    def forward(self, x: Array) -> Array:
        windows = patches(pad(x, self.padding, 1), self.kernel, self.stride)
        return (rows(windows) @ self.W.reshape(-1, len(self.b))).reshape(*windows.shape[:3], -1) + self.b


@mutant("reference")
class PoolPaddedByZeros(MaxPool2d):
    def pixels(self, x: Array, outside: float) -> Iterator[Array]:
        return super().pixels(x, 0)


@mutant("reference")
class PoolForgetsTheLastPixel(MaxPool2d):
    def forward(self, x: Array) -> Array:
        return np.max(np.stack([*self.pixels(x, -np.inf)][:-1] or [*self.pixels(x, -np.inf)]), axis=0)


@mutant("reference")
class ChannelsFirst(Flatten):
    def forward(self, x: Array) -> Array:
        return np.moveaxis(x, -1, 1).reshape(len(x), -1)


@mutant("reference")
class AbsoluteValue(ReLU):
    def forward(self, x: Array) -> Array:
        return np.abs(x)


# --- difference and subtraction -----------------------------------------------------------------------------------------------


@mutant("subtraction")
@mutant("difference")
class BiasInDelta(Conv2d):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        return super().forward(dx)


@mutant("subtraction")
@mutant("difference")
class BiasInDeltaOfLinear(Linear):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        return super().forward(dx)


@mutant("difference")
class SubtractedOutputs(Conv2d):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        return super().forward(x + dx) - super().forward(x)


@mutant("difference")
class SubtractedOutputsOfReLU(ReLU):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        return super().forward(x + dx) - super().forward(x)


@mutant("subtraction")
@mutant("difference")
class FirstOrder(ReLU):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        return dx * (x > 0)


@mutant("subtraction")
@mutant("difference")
class FirstOrderPool(MaxPool2d):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        m = self.forward(x)
        dy, free = np.zeros_like(m), np.ones(m.shape, bool)
        for x_k, dx_k in zip(self.pixels(x, -np.inf), self.pixels(dx, 0), strict=True):
            wins = (x_k == m) & free
            dy[wins] = dx_k[wins]
            free &= ~wins
        return dy


@mutant("subtraction")
@mutant("difference")
class FallsBelowZero(ReLU):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        return np.where(x > 0, dx, np.maximum(dx + x, 0))


@mutant("subtraction")
@mutant("difference")
class NeverEmerges(ReLU):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        return np.where(x > 0, np.maximum(dx, -x), 0)


@mutant("subtraction")
@mutant("difference")
class LosersForgotten(MaxPool2d):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        m = self.forward(x)
        pairs = zip(self.pixels(x, -np.inf), self.pixels(dx, 0), strict=True)
        return np.max([np.where(x_k == m, dx_k, -np.inf) for x_k, dx_k in pairs], axis=0)


@mutant("subtraction")
@mutant("difference")
class SlackForgotten(MaxPool2d):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        return np.max([*self.pixels(dx, -np.inf)], axis=0)


@mutant("subtraction")
@mutant("difference")
class BorderMovesWithThePool(MaxPool2d):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        m = self.forward(x)
        pairs = zip(self.pixels(x, 0), self.pixels(dx, 0), strict=True)
        return np.max([dx_k - (m - x_k) for x_k, dx_k in pairs], axis=0)


# --- nudges -------------------------------------------------------------------------------------------------------------------


@mutant("nudges")
class BiasNotNudged(Conv2d):
    def nudges(self, x: Array, h: Any) -> Iterator[tuple[Channel, Array]]:
        for channel, dy in super().nudges(x, h):
            still = dy.copy()
            still[..., -1] = 0
            yield channel, still


@mutant("nudges")
class BiasNudgedByOne(Linear):
    def nudges(self, x: Array, h: Any) -> Iterator[tuple[Channel, Array]]:
        for channel, dy in super().nudges(x, h):
            moved = dy.copy()
            moved[..., -1] = 1
            yield channel, moved


@mutant("nudges")
class BiasLeftOut(Linear):
    def nudges(self, x: Array, h: Any) -> Iterator[tuple[Channel, Array]]:
        for channel, dy in super().nudges(x, h):
            yield channel, dy[..., :-1]


@mutant("nudges")
class WeightsOutOfOrder(Conv2d):
    def nudges(self, x: Array, h: Any) -> Iterator[tuple[Channel, Array]]:
        K_h, K_w, C, _ = self.W.shape
        for channel, dy in super().nudges(x, h):
            grid = dy[..., :-1].reshape(*dy.shape[:-1], K_h, K_w, C)
            yield channel, np.concatenate([grid.swapaxes(-3, -2).reshape(*dy.shape[:-1], -1), dy[..., -1:]], axis=-1)


@mutant("nudges")
class ChannelsInReverse(Conv2d):
    def nudges(self, x: Array, h: Any) -> Iterator[tuple[Channel, Array]]:
        return reversed(list(super().nudges(x, h)))


@mutant("nudges")
class StepTwiceAsLong(Linear):
    def nudges(self, x: Array, h: Any) -> Iterator[tuple[Channel, Array]]:
        return super().nudges(x, 2 * h)


# --- channel ------------------------------------------------------------------------------------------------------------------


@mutant("channel")
class WrongSliceOfTheFilters(Conv2d):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        return super().delta(x, dx, channel if channel == EVERY else only(0))


@mutant("channel")
class OutputsForInputs(Conv2d):
    def output_channel(self, channel: Channel, shape: Shape) -> Channel:
        return only(min(channel.start, len(self.b) - 1))


@mutant("channel")
class WrongRowsOfW(Linear):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        inputs = dx.shape[1]
        return super().delta(x, dx, EVERY if channel == EVERY else slice(channel.start, channel.start + inputs))

    def parameters(self) -> dict[str, Array]:
        return super().parameters()


@mutant("channel")
class BesideTheWrongChannel(ReLU):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        return super().delta(x, dx, channel if channel == EVERY or x.ndim == 2 else only(0))


@mutant("channel")
class PoolBesideTheWrongChannel(MaxPool2d):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        return super().delta(x, dx, channel if channel == EVERY else only(0))


@mutant("channel")
class ChannelAsOneBlock(Flatten):
    def output_channel(self, channel: Channel, shape: Shape) -> Channel:
        if len(shape) == 1:
            return channel
        size = shape[0] * shape[1]
        return slice(channel.start * size, (channel.start + 1) * size)


@mutant("channel")
class NudgesMixed(Conv2d):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        dy = super().delta(x, dx, channel)
        return dy[..., ::-1] if dx.ndim > x.ndim else dy


# --- transpose ----------------------------------------------------------------------------------------------------------------


class ConvBackward(Conv2d):
    """Backward as in the engine, in pieces that a mutant can spoil one at a time."""

    def backward(self, x: Array, gy: Array) -> Gradients:
        padded = pad(x, self.padding, 0)
        windows = patches(padded, self.kernel, self.stride)
        g = gy.reshape(-1, gy.shape[-1])
        gW = (columns(windows) @ g).reshape(self.W.shape)
        g_windows = (g @ self.W.reshape(-1, gy.shape[-1]).T).reshape(windows.shape)
        gx = np.zeros_like(padded)
        for i in range(self.kernel[0]):
            for j in range(self.kernel[1]):
                self.add(gx, (slice(None), *self.at(i, j, gy.shape)), g_windows[:, :, :, i, j])
        return self.cut(gx, x.shape), {"W": gW, "b": g.sum(axis=0)}

    def add(self, gx: Array, at: tuple[slice, ...], g: Array) -> None:
        gx[at] += g

    def at(self, i: int, j: int, shape: Shape) -> tuple[slice, slice]:
        return reached(i, shape[1], self.stride[0]), reached(j, shape[2], self.stride[1])

    def cut(self, gx: Array, shape: Shape) -> Array:
        return crop(gx, self.padding)


class Overwrites(ConvBackward):
    def add(self, gx: Array, at: tuple[slice, ...], g: Array) -> None:
        gx[at] = g


class CropsByTheHeightOnly(ConvBackward):
    def cut(self, gx: Array, shape: Shape) -> Array:
        p = self.padding[0]
        return gx[:, p : p + shape[1], p : p + shape[2]]


class StridesSwapped(ConvBackward):
    def at(self, i: int, j: int, shape: Shape) -> tuple[slice, slice]:
        # a stride too long would leave the image; the shorter one of both stays inside and is wrong all the same
        step = min(self.stride)
        return reached(i, shape[1], step), reached(j, shape[2], step)
