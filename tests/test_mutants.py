"""The laws held to account: for each of them, layers with a planted bug that it must catch."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, product
from typing import Any, Self

import numpy as np
import pytest

import handmade
import laws
from cases import CASES, INPUTS, Case, generic
from graph_layers import Halves, Shifted, Subnetwork
from handmade.engine.arrays import Array, Shape
from handmade.engine.backend import BACKENDS, use_backend
from handmade.engine.errors import HandmadeError
from handmade.engine.graph import INPUT, Node, propagate_differences
from handmade.engine.layers import (
    ELU,
    EVERY,
    GELU,
    Add,
    Affine,
    AvgPool2d,
    BatchNorm2d,
    Channel,
    Clip,
    Concat,
    Conv2d,
    Difference,
    Divide,
    Dropout,
    Exp,
    Flatten,
    GlobalAvgPool2d,
    GlobalMaxPool2d,
    HardSigmoid,
    LeakyReLU,
    Linear,
    Log,
    LogSoftmax,
    MatMul,
    MaxPool2d,
    Mean,
    Multiply,
    Pad,
    ReLU,
    Sigmoid,
    Softmax,
    Sqrt,
    Subtract,
    Take,
    Tanh,
    Transpose,
    one_channel,
    rule,
    select_channel,
    to_dense,
)
from handmade.engine.layers.join import Pair
from handmade.engine.layers.normal import density, normal
from handmade.engine.layers.probabilities import log_softmax, softmax, sum_of_others
from handmade.engine.layers.sigmoid import sigma, sigma_step
from handmade.engine.layers.windows import crop, im2col, pad, patches, strided_slice
from handmade.engine.losses import CrossEntropy
from handmade.engine.network import Network
from handmade.engine.plain.differences import Propagation
from laws import DRAWS, LAWS

Gradients = tuple[Array, dict[str, Array]]
Several = tuple[Array, ...]  # what a join reads


@dataclass(frozen=True)
class Mutant:
    law: str
    kind: type

    @property
    def cases(self) -> Iterator[Case]:
        """Every row of the table whose layer this is a bad copy of."""
        original = next(kind for kind in self.kind.__mro__ if kind.__module__ != __name__)
        for case in CASES.values():
            if type(case.layer) is original:
                yield replace(case, layer=turned_into(self.kind, case.layer))
            elif isinstance(case.layer, Halves) and type(case.layer.join) is original:
                yield replace(case, layer=replace(case.layer, join=turned_into(self.kind, case.layer.join)))
            elif isinstance(case.layer, Shifted) and type(case.layer.layer) is original:
                yield replace(case, layer=replace(case.layer, layer=turned_into(self.kind, case.layer.layer)))


def turned_into(kind: type, layer: Any) -> Any:
    other: Any = object.__new__(kind)
    other.__dict__.update(layer.__dict__)
    return other


def altered(layer: Conv2d, **settings: Any) -> Conv2d:
    return Conv2d(**(layer.__dict__ | settings))


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
        return Conv2d.forward(altered(self, W=self.W[::-1, ::-1]), x)


@mutant("reference")
class TransposedKernel(Conv2d):
    def forward(self, x: Array) -> Array:
        K_h, K_w, C, O = self.W.shape
        return Conv2d.forward(altered(self, W=self.W.transpose(1, 0, 2, 3).reshape(K_h, K_w, C, O)), x)


@mutant("reference")
class ChannelsAndFiltersMixed(Conv2d):
    def forward(self, x: Array) -> Array:
        K_h, K_w, C, O = self.W.shape
        return Conv2d.forward(altered(self, W=self.W.reshape(K_h, K_w, O, C).swapaxes(2, 3)), x)


@mutant("reference")
class StrideIgnoredAcross(Conv2d):
    def forward(self, x: Array) -> Array:
        return Conv2d.forward(altered(self, stride=(self.stride[0], 1)), x)


@mutant("reference")
class PaddingOfOneAxisForBoth(Conv2d):
    def forward(self, x: Array) -> Array:
        return Conv2d.forward(altered(self, padding=(self.padding[0], self.padding[0])), x)


@mutant("reference")
class NoBias(Conv2d):
    def forward(self, x: Array) -> Array:
        return Conv2d.forward(altered(self, b=0 * self.b), x)


@mutant("reference")
class PaddedByOnes(Conv2d):
    def forward(self, x: Array) -> Array:
        windows = patches(pad(x, self.padding, 1), self.kernel, self.stride)
        return (im2col(windows) @ self.W.reshape(-1, len(self.b))).reshape(*windows.shape[:3], -1) + self.b


@mutant("reference")
class PoolPaddedByZeros(MaxPool2d):
    def forward(self, x: Array) -> Array:
        y: Array = np.max(np.stack([*self.pixels(x, 0)]), axis=0)
        return y


def turned(layer: Any) -> Any:
    """The same layer with the paddings of opposite sides exchanged."""
    (top, bottom), (left, right) = layer.geometry.sides
    other = turned_into(type(layer), layer)
    other.__dict__["padding"] = ((bottom, top), (right, left))
    return other


@mutant("reference")
class SidesOfTheConvolutionSwapped(Conv2d):
    def forward(self, x: Array) -> Array:
        return Conv2d.forward(turned(self), x)


@mutant("reference")
class SidesOfThePoolSwapped(MaxPool2d):
    def forward(self, x: Array) -> Array:
        return MaxPool2d.forward(turned(self), x)


@mutant("reference")
class GapsOfThePoolForgotten(MaxPool2d):
    def forward(self, x: Array) -> Array:
        other = turned_into(MaxPool2d, self)
        other.__dict__["dilation"] = (1, 1)
        y: Array = other.forward(x)
        return y


@mutant("reference")
class NoPartOfAWindow(MaxPool2d):
    def forward(self, x: Array) -> Array:
        return MaxPool2d(self.window, self.stride, self.padding, self.dilation).forward(x)


@mutant("reference")
class WindowBehindTheImage(MaxPool2d):
    def output_shape(self, shape: Shape) -> Shape:
        (top, bottom), (left, right) = self.geometry.sides
        sides = zip(shape, (top + bottom, left + right), self.geometry.span, self.stride, strict=False)
        down, across = (-(-(size + both - span) // step) + 1 for size, both, span, step in sides)
        return down, across, shape[-1]

    def forward(self, x: Array) -> Array:
        y = np.full((len(x), *self.output_shape(x.shape[1:])), -np.inf)
        found = super().forward(x)
        y[:, : found.shape[1], : found.shape[2]] = found
        return y


@mutant("transpose")
class PixelsBetweenTheGapsOverwritten(MaxPool2d):
    def backward(self, x: Array, gy: Array) -> Gradients:
        padded, m = pad(np.zeros_like(x), self.borders(x), 0), self.forward(x)
        free = np.ones(m.shape, bool)
        disjoint = self.window[0] <= self.stride[0] and self.window[1] <= self.stride[1]  # which dilation breaks
        for x_k, gx_k in zip(self.pixels(x, -np.inf), self.places(padded), strict=True):
            gx_k[...] = gy * ((x_k == m) & free) + (0 if disjoint else gx_k)
            free &= x_k != m
        return crop(padded, self.borders(x)), {}


@mutant("reference")
class PoolForgetsTheLastPixel(MaxPool2d):
    def forward(self, x: Array) -> Array:
        y: Array = np.max(np.stack([*self.pixels(x, -np.inf)][:-1] or [*self.pixels(x, -np.inf)]), axis=0)
        return y


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
        dy: Array = np.max([np.where(x_k == m, dx_k, -np.inf) for x_k, dx_k in pairs], axis=0)
        return dy


@mutant("subtraction")
@mutant("difference")
class SlackForgotten(MaxPool2d):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        dy: Array = np.max([*self.pixels(dx, -np.inf)], axis=0)
        return dy


@mutant("subtraction")
@mutant("difference")
class BorderMovesWithThePool(MaxPool2d):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        m = self.forward(x)
        pairs = zip(self.pixels(x, 0), self.pixels(dx, 0), strict=True)
        dy: Array = np.max([dx_k - (m - x_k) for x_k, dx_k in pairs], axis=0)
        return dy


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
        backwards: Iterator[tuple[Channel, Array]] = reversed(list(super().nudges(x, h)))
        return backwards


@mutant("nudges")
class StepTwiceAsLong(Linear):
    def nudges(self, x: Array, h: Any) -> Iterator[tuple[Channel, Array]]:
        return super().nudges(x, 2 * h)


# --- channel ------------------------------------------------------------------------------------------------------------------


@mutant("channel")
class WrongSliceOfTheFilters(Conv2d):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        return super().delta(x, dx, channel if channel == EVERY else one_channel(0))


@mutant("channel")
class OutputsForInputs(Conv2d):
    def output_channel(self, channel: Channel, shape: Shape) -> Channel:
        return one_channel(min(channel.start, len(self.b) - 1))


@mutant("channel")
class WrongRowsOfW(Linear):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        inputs = dx.shape[1]
        return super().delta(x, dx, EVERY if channel == EVERY else slice(channel.start, channel.start + inputs))


@mutant("channel")
class BesideTheWrongChannel(ReLU):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        return super().delta(x, dx, channel if channel == EVERY or x.ndim == 2 else one_channel(0))


@mutant("channel")
class PoolBesideTheWrongChannel(MaxPool2d):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        return super().delta(x, dx, channel if channel == EVERY else one_channel(0))


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

    def _scatter(self, x: Array, W: Array, gy: Array) -> Array:
        gx = pad(np.zeros((*x.shape[:3], W.shape[2]), x.dtype), self.padding, 0)
        g_windows = (gy.reshape(-1, gy.shape[-1]) @ W.reshape(-1, gy.shape[-1]).T).reshape(*gy.shape[:3], *W.shape[:3])
        for i in range(self.kernel[0]):
            for j in range(self.kernel[1]):
                at = self.at(i * self.dilation[0], j * self.dilation[1], gy.shape)
                self.add(gx, (slice(None), *at), g_windows[:, :, :, i, j])
        return self.cut(gx, x.shape)

    def add(self, gx: Array, at: tuple[slice, ...], g: Array) -> None:
        gx[at] += g

    def at(self, i: int, j: int, shape: Shape) -> tuple[slice, slice]:
        return strided_slice(i, shape[1], self.stride[0]), strided_slice(j, shape[2], self.stride[1])

    def cut(self, gx: Array, shape: Shape) -> Array:
        return crop(gx, self.padding)


@mutant("transpose")
class Overwrites(ConvBackward):
    def add(self, gx: Array, at: tuple[slice, ...], g: Array) -> None:
        gx[at] = g


@mutant("transpose")
class CropsByTheHeightOnly(ConvBackward):
    def cut(self, gx: Array, shape: Shape) -> Array:
        (p, _), _ = self.geometry.sides
        return gx[:, p : p + shape[1], p : p + shape[2]]


@mutant("transpose")
class StrideOfOneAxisForBoth(ConvBackward):
    def at(self, i: int, j: int, shape: Shape) -> tuple[slice, slice]:
        # a stride too long would leave the image; the shorter one of both stays inside and is wrong all the same
        step = min(self.stride)
        return strided_slice(i, shape[1], step), strided_slice(j, shape[2], step)


@mutant("transpose")
class MeanOverTheBatch(Conv2d):
    def backward(self, x: Array, gy: Array) -> Gradients:
        gx, g = super().backward(x, gy)
        return gx, {name: array / len(x) for name, array in g.items()}


@mutant("transpose")
class MeanOverTheRows(Linear):
    def backward(self, x: Array, gy: Array) -> Gradients:
        gx, g = super().backward(x, gy)
        return gx, g | {"W": g["W"] / len(x)}


@mutant("transpose")
class OneInAThousandTooLarge(Conv2d):
    def backward(self, x: Array, gy: Array) -> Gradients:
        gx, g = super().backward(x, gy)
        return gx, g | {"W": 1.001 * g["W"]}


@mutant("transpose")
class InputGradientOneInAThousandTooLarge(MaxPool2d):
    def backward(self, x: Array, gy: Array) -> Gradients:
        return 1.001 * super().backward(x, gy)[0], {}


@mutant("transpose")
class GradientOfTheFlippedKernel(Conv2d):
    def backward(self, x: Array, gy: Array) -> Gradients:
        return Conv2d.backward(altered(self, W=self.W[::-1, ::-1]), x, gy)


@mutant("transpose")
class BiasGradientOfOneImage(Conv2d):
    def backward(self, x: Array, gy: Array) -> Gradients:
        gx, g = super().backward(x, gy)
        return gx, g | {"b": gy[0].sum(axis=(0, 1))}


@mutant("transpose")
class AveragedUpstream(Linear):
    def backward(self, x: Array, gy: Array) -> Gradients:
        return super().backward(x, np.full_like(gy, gy.mean()))


@mutant("transpose")
class Leaky(ReLU):
    def backward(self, x: Array, gy: Array) -> Gradients:
        return gy * np.where(x > 0, 1, 1e-3), {}


@mutant("transpose")
class PoolOverwrites(MaxPool2d):
    def backward(self, x: Array, gy: Array) -> Gradients:
        m, padded = self.forward(x), pad(np.zeros_like(x), self.padding, 0)
        for x_k, gx_k in zip(self.pixels(x, -np.inf), self.places(padded), strict=True):
            np.copyto(gx_k, gy, where=x_k == m)
        return crop(padded, self.padding), {}


@mutant("transpose")
class EveryPixelWins(MaxPool2d):
    def backward(self, x: Array, gy: Array) -> Gradients:
        padded = pad(np.zeros_like(x), self.padding, 0)
        for gx_k in self.places(padded):
            np.add(gx_k, gy, out=gx_k)
        return crop(padded, self.padding), {}


@mutant("transpose")
class GradientOfChannelsFirst(Flatten):
    def backward(self, x: Array, gy: Array) -> Gradients:
        if x.ndim == 2:
            return super().backward(x, gy)
        return np.moveaxis(gy.reshape(len(x), x.shape[-1], *x.shape[1:-1]), 1, -1), {}


# --- manners ------------------------------------------------------------------------------------------------------------------


@mutant("manners")
class InPlace(ReLU):
    def forward(self, x: Array) -> Array:
        return np.maximum(x, 0, out=x) if x.flags.writeable else super().forward(x)


@mutant("manners")
class SpoilsTheDifference(MaxPool2d):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        dy = super().delta(x, dx, channel)
        if dx.flags.writeable:
            dx *= 2
        return dy


@mutant("manners")
class SpoilsTheUpstream(Linear):
    def backward(self, x: Array, gy: Array) -> Gradients:
        result = super().backward(x, gy.copy())
        if gy.flags.writeable:
            gy /= len(gy)
        return result


@mutant("manners")
class SpoilsTheWeights(Conv2d):
    def forward(self, x: Array) -> Array:
        y = super().forward(x)
        self.b[...] += 0.5
        return y


@mutant("manners")
class InTheOrderOfMemory(Flatten):
    def forward(self, x: Array) -> Array:
        return x.reshape(len(x), -1, order="A")


@mutant("manners")
class AlwaysDouble(Linear):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        return super().delta(x, dx, channel).astype(np.float64)


@mutant("manners")
class GradientAlwaysDouble(Conv2d):
    def backward(self, x: Array, gy: Array) -> Gradients:
        gx, g = super().backward(x, gy)
        return gx, g | {"b": g["b"].astype(np.float64)}


@mutant("manners")
class RandomBits(ReLU):
    def forward(self, x: Array) -> Array:
        y: Array = super().forward(x) * (1 + 1e-15 * np.random.default_rng().integers(0, 2, x.shape))
        return y


# --- gaps and groups ----------------------------------------------------------------------------------------------------------


@mutant("reference")
class DilationOfOneAxisForBoth(Conv2d):
    def forward(self, x: Array) -> Array:
        # one too long would leave the image; the shorter one of both stays inside and is wrong all the same
        down, right, _ = self.output_shape(x.shape[1:])
        return Conv2d.forward(altered(self, dilation=min(self.dilation)), x)[:, :down, :right]


@mutant("reference")
class GroupsTakenInTurn(Conv2d):
    def forward(self, x: Array) -> Array:
        size = self.W.shape[2]
        in_turn = [g + self.groups * c for g in range(self.groups) for c in range(size)]
        return super().forward(x[..., in_turn])


@mutant("reference")
class FiltersTakenInTurn(Conv2d):
    def forward(self, x: Array) -> Array:
        y = super().forward(x) - self.b
        return y.reshape(*y.shape[:3], self.groups, -1).swapaxes(3, 4).reshape(y.shape) + self.b


@mutant("nudges")
class FirstGroupForAll(Conv2d):
    def nudges(self, x: Array, h: Any) -> Iterator[tuple[Channel, Array]]:
        nudges = list(super().nudges(x, h))
        return ((channel, nudges[0][1]) for channel, _ in nudges)


@mutant("channel")
class NextGroupMoves(Conv2d):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        dy = super().delta(x, dx, channel)
        return dy if channel == EVERY else np.roll(dy, len(self.b) // self.groups, axis=3)


@mutant("channel")
class ChannelForItsGroup(Conv2d):
    def output_channel(self, channel: Channel, shape: Shape) -> Channel:
        return channel if self.groups == len(self.b) else EVERY


@mutant("transpose")
class GapsForgottenBackwards(ConvBackward):
    def at(self, i: int, j: int, shape: Shape) -> tuple[slice, slice]:
        return super().at(i // self.dilation[0], j // self.dilation[1], shape)


# --- averages -----------------------------------------------------------------------------------------------------------------


@mutant("reference")
class PaddingNotCounted(AvgPool2d):
    def forward(self, x: Array) -> Array:
        y: Array = super().forward(x) / super().forward(np.ones_like(x))
        return y


@mutant("reference")
class SumForMean(AvgPool2d):
    def forward(self, x: Array) -> Array:
        return super().forward(x) * self.window[0] * self.window[1]


@mutant("channel")
class AverageOfNudges(AvgPool2d):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        dy = super().delta(x, dx, channel)
        return dy if dx.ndim == x.ndim else np.broadcast_to(dy.mean(axis=-1, keepdims=True), dy.shape)


@mutant("transpose")
class ShareNotDivided(AvgPool2d):
    def backward(self, x: Array, gy: Array) -> Gradients:
        return super().backward(x, gy * self.window[0] * self.window[1])


@mutant("transpose")
class LastWindowOverwrites(AvgPool2d):
    def backward(self, x: Array, gy: Array) -> Gradients:
        padded = pad(np.zeros_like(x), self.padding, 0)
        for gx_k in self.places(padded):
            gx_k[...] = gy / (self.window[0] * self.window[1])
        return crop(padded, self.padding), {}


@mutant("reference")
class PaddingCountedAlways(AvgPool2d):
    def forward(self, x: Array) -> Array:
        layer = AvgPool2d(self.window, self.stride, self.padding, self.dilation, ceil_mode=self.ceil_mode)
        return layer.forward(x)


@mutant("reference")
class CountsBehindThePadding(AvgPool2d):
    def _counted_span(self, axis: int, size: int) -> tuple[int, int]:
        first, end = super()._counted_span(axis, size)
        return first, end + self.geometry.span[axis]


@mutant("reference")
class SidesSwapped(AvgPool2d):
    def forward(self, x: Array) -> Array:
        return AvgPool2d.forward(turned(self), x)


@mutant("transpose")
class CountsOfTheFirstWindow(AvgPool2d):
    def backward(self, x: Array, gy: Array) -> Gradients:
        counts = np.broadcast_to(self._counts(x), gy.shape[1:])
        return super().backward(x, gy * (counts / counts[0, 0]))


@mutant("reference")
class AverageOfChannelsFirst(GlobalAvgPool2d):
    def forward(self, x: Array) -> Array:
        y: Array = x.reshape(len(x), x.shape[-1], -1).mean(axis=-1)
        return y


@mutant("subtraction")
@mutant("difference")
class SumOfWhatMoved(GlobalAvgPool2d):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        dy: Array = dx.sum(axis=(1, 2))
        return dy


@mutant("channel")
class EverythingMoves(GlobalAvgPool2d):
    def output_channel(self, channel: Channel, shape: Shape) -> Channel:
        return EVERY


@mutant("transpose")
class AveragedBySquares(GlobalAvgPool2d):
    def backward(self, x: Array, gy: Array) -> Gradients:
        return super().backward(x, gy)[0] / (x.shape[1] * x.shape[2]), {}


@mutant("reference")
class LargestOfOneColumn(GlobalMaxPool2d):
    def forward(self, x: Array) -> Array:
        y: Array = x[:, :, 0].max(axis=1)
        return y


@mutant("difference")
class SlackOfAllForgotten(GlobalMaxPool2d):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        dy: Array = dx.max(axis=(1, 2))
        return dy


@mutant("transpose")
class GradientForEveryPixel(GlobalMaxPool2d):
    def backward(self, x: Array, gy: Array) -> Gradients:
        return np.broadcast_to(gy[:, None, None], x.shape).copy(), {}


@mutant("channel")
class ChannelOfTheMaximumIgnored(GlobalMaxPool2d):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        return super().delta(x, dx, EVERY if channel == EVERY else slice(0, channel.stop - channel.start))


# --- curves -------------------------------------------------------------------------------------------------------------------


@mutant("reference")
class SlopeAbove(LeakyReLU):
    def forward(self, x: Array) -> Array:
        return -super().forward(-x)


@mutant("subtraction")
@mutant("difference")
class SlopeOfTheStart(LeakyReLU):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        return dx * np.where(select_channel(x, dx, channel) > 0, 1, self.slope)


@mutant("difference")
@mutant("tails")
class SubtractedFromTheWhole(LeakyReLU):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        above = ReLU().delta(x, dx, channel)
        return above + self.slope * ((x + dx) - x - above)


@mutant("channel")
class LeakyBesideTheWrongChannel(LeakyReLU):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        return super().delta(x, dx, channel if channel == EVERY or x.ndim == 2 else one_channel(0))


@mutant("kink of leaky relu")
class OneOnTheKinkOfLeaky(LeakyReLU):
    def backward(self, x: Array, gy: Array) -> Gradients:
        return np.where(x >= 0, gy, self.slope * gy), {}


@mutant("kink of leaky relu")
class ZeroOnTheKinkOfLeaky(LeakyReLU):
    def backward(self, x: Array, gy: Array) -> Gradients:
        return gy * ((x > 0) + self.slope * (x < 0)), {}


@mutant("difference")
class SubtractedSigmas(Sigmoid):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        x = select_channel(x, dx, channel)
        return sigma(x + dx) - sigma(x)


@mutant("tails")
class OneLessSigma(Sigmoid):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        s, growth = sigma(select_channel(x, dx, channel)), np.expm1(dx)
        dy: Array = s * (1 - s) * growth / (1 + s * growth)
        return dy


@mutant("tails")
class OverflowsUpwards(Sigmoid):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        x = select_channel(x, dx, channel)
        dy: Array = np.expm1(dx) * sigma(x) * sigma(-(x + dx))
        return dy


@mutant("tails")
class ExpOfLargeNumbers(Sigmoid):
    def forward(self, x: Array) -> Array:
        y: Array = np.exp(x) / (1 + np.exp(x))
        return y


@mutant("tails")
class FlatTooSoon(Sigmoid):
    def backward(self, x: Array, gy: Array) -> Gradients:
        return sigma(x) * (1 - sigma(x)) * gy, {}


@mutant("subtraction")
@mutant("difference")
class StepNotDoubled(Tanh):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        x = select_channel(x, dx, channel)
        return 2 * sigma_step(2 * x, 2 * (x + dx), dx)


@mutant("tails")
class OneLessSquare(Tanh):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        t, step = np.tanh(select_channel(x, dx, channel)), np.tanh(dx)
        dy: Array = (1 - t**2) * step / (1 + t * step)
        return dy


@mutant("tails")
class DenominatorCancels(Tanh):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        x = select_channel(x, dx, channel)
        dy: Array = 4 * sigma(2 * x) * sigma(-2 * x) * np.tanh(dx) / (1 + np.tanh(x) * np.tanh(dx))
        return dy


@mutant("tails")
class FlatTooSoonAsWell(Tanh):
    def backward(self, x: Array, gy: Array) -> Gradients:
        return (1 - np.tanh(x) ** 2) * gy, {}


@mutant("transpose")
class SlopeOfTheSigmoid(Tanh):
    def backward(self, x: Array, gy: Array) -> Gradients:
        return Sigmoid().backward(2 * x, gy)


@mutant("reference")
class AnotherGELU(GELU):
    def forward(self, x: Array) -> Array:
        return x * sigma(1.702 * x)


def gate(x: Array) -> Array:
    return sigma(2 * np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))


@mutant("subtraction")
@mutant("difference")
class ChangeOfTheGateForgotten(GELU):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        return dx * gate(select_channel(x, dx, channel) + dx)


@mutant("difference")
class SubtractedGates(GELU):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        x = select_channel(x, dx, channel)
        dy: Array = dx * gate(x + dx) + x * (gate(x + dx) - gate(x))
        return dy


@mutant("tails")
class OnePlusTanh(GELU):
    def forward(self, x: Array) -> Array:
        y: Array = x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
        return y


@mutant("transpose")
class CubeForgotten(GELU):
    def backward(self, x: Array, gy: Array) -> Gradients:
        return (gate(x) + x * gate(x) * (1 - gate(x)) * 2 * np.sqrt(2 / np.pi)) * gy, {}


# --- further functions of one number ------------------------------------------------------------------------------------------


@mutant("reference")
class AlphaForgotten(ELU):
    def forward(self, x: Array) -> Array:
        return ELU().forward(x)


@mutant("difference")
class SubtractedPowers(ELU):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        x = select_channel(x, dx, channel)
        return super().forward(x + dx) - super().forward(x)


@mutant("transpose")
class SlopeOneBelow(ELU):
    def backward(self, x: Array, gy: Array) -> Gradients:
        return np.where(x > 0, gy, self.alpha * gy), {}


@mutant("reference")
class NeverClippedAbove(Clip):
    def forward(self, x: Array) -> Array:
        return np.maximum(x, self.bounds[0])


@mutant("subtraction")
@mutant("difference")
class StaysOutside(Clip):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        x = select_channel(x, dx, channel)
        low, high = self.bounds
        return np.where((x < low) | (x > high), 0, np.minimum(np.maximum(dx, low - x), high - x))


@mutant("difference")
class SubtractedInside(Clip):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        x = select_channel(x, dx, channel)
        return super().forward(x + dx) - super().forward(x)


@mutant("channel")
class ClippedBesideTheWrongChannel(Clip):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        return super().delta(x, dx, channel if channel == EVERY or x.ndim == 2 else one_channel(0))


@mutant("transpose")
class PassesEverywhere(Clip):
    def backward(self, x: Array, gy: Array) -> Gradients:
        return gy, {}


@mutant("reference")
class ShiftOfOneHalf(HardSigmoid):
    def forward(self, x: Array) -> Array:
        y: Array = np.clip(self.slope * x + 0.5, 0, 1)
        return y


@mutant("difference")
class SubtractedLines(HardSigmoid):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        x = select_channel(x, dx, channel)
        return super().forward(x + dx) - super().forward(x)


@mutant("tails")
class RoundedLine(HardSigmoid):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        u = self.slope * select_channel(x, dx, channel) + self.shift
        y = np.clip(u, 0, 1)
        dy: Array = np.clip(self.slope * dx + (u - y), -y, 1 - y)
        return dy


@mutant("transpose")
class SlopeOfOne(HardSigmoid):
    def backward(self, x: Array, gy: Array) -> Gradients:
        gx, g = super().backward(x, gy)
        return gx / self.slope, g


@mutant("difference")
class SubtractedExponentials(Exp):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        x = select_channel(x, dx, channel)
        dy: Array = np.exp(x + dx) - np.exp(x)
        return dy


@mutant("tails")
class GrowthOverflows(Exp):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        return np.exp(select_channel(x, dx, channel)) * np.expm1(dx)


@mutant("difference")
class SubtractedLogarithms(Log):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        x = select_channel(x, dx, channel)
        dy: Array = np.log(x + dx) - np.log(x)
        return dy


@mutant("transpose")
class LogarithmOfBaseTwo(Log):
    def backward(self, x: Array, gy: Array) -> Gradients:
        return gy / (x * np.log(2)), {}


@mutant("difference")
class SubtractedSquareRoots(Sqrt):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        x = select_channel(x, dx, channel)
        dy: Array = np.sqrt(x + dx) - np.sqrt(x)
        return dy


@mutant("subtraction")
@mutant("difference")
class FirstOrderRoot(Sqrt):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        dy: Array = dx / (2 * np.sqrt(select_channel(x, dx, channel)))
        return dy


@mutant("reference")
class OneGateForBoth(GELU):
    def forward(self, x: Array) -> Array:
        return GELU().forward(x)


@mutant("difference")
class SubtractedProbabilities(GELU):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        x = select_channel(x, dx, channel)
        dy: Array = dx * normal(x + dx) + x * (normal(x + dx) - normal(x))
        return dy


@mutant("transpose")
class DensityForgotten(GELU):
    def backward(self, x: Array, gy: Array) -> Gradients:
        return (normal(x) + density(x)) * gy, {}


@mutant("reference")
class NoShift(Affine):
    def forward(self, x: Array) -> Array:
        return self.scale * x


@mutant("subtraction")
@mutant("difference")
class ShiftMovesAsWell(Affine):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        return super().delta(x, dx, channel) + 1e-3


@mutant("channel")
class ScaleOfTheFirstChannel(Affine):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        return super().delta(x, dx, channel if channel == EVERY else one_channel(0))


@mutant("transpose")
class DividedByTheScale(Affine):
    def backward(self, x: Array, gy: Array) -> Gradients:
        return gy / self.scale, {}


# --- along an axis ------------------------------------------------------------------------------------------------------------


@mutant("reference")
class AlwaysTheLastAxis(Softmax):
    def forward(self, x: Array) -> Array:
        return softmax(x, x.ndim - 1)


@mutant("difference")
class SubtractedShares(Softmax):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        x, dx, axis = self._parts(x, dx, channel)
        return softmax(x + dx, axis) - softmax(x, axis)


@mutant("subtraction")
@mutant("difference")
class FirstOrderShares(Softmax):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        x, dx, axis = self._parts(x, dx, channel)
        p = softmax(x, axis)
        dy: Array = p * (dx - (p * dx).sum(axis=axis, keepdims=True))
        return dy


@mutant("channel")
class OthersStandStill(Softmax):
    def output_channel(self, channel: Channel, shape: Shape) -> Channel:
        return channel


@mutant("transpose")
class OwnSlopeAlone(Softmax):
    def backward(self, x: Array, gy: Array) -> Gradients:
        p = super().forward(x)
        return gy * p * (1 - p), {}


@mutant("images")
class SharesOfTheBatch(Softmax):
    def forward(self, x: Array) -> Array:
        return softmax(x, 0)


@mutant("manners")
class SubtractsTheLargestInPlace(Softmax):
    def forward(self, x: Array) -> Array:
        x -= x.max(axis=self._axis(x), keepdims=True)
        return super().forward(x)


@mutant("reference")
class LargestIsLeftOut(LogSoftmax):
    def forward(self, x: Array) -> Array:
        axis = self._axis(x)
        dy: Array = (
            x - x.max(axis=axis, keepdims=True) - np.log1p(sum_of_others(np.exp(x - x.max(axis=axis, keepdims=True)), axis))
        )
        return dy


@mutant("difference")
class SubtractedLogProbabilities(LogSoftmax):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        x, dx, axis = self._parts(x, dx, channel)
        forward = LogSoftmax(axis - 1).forward
        return forward(x + dx) - forward(x) if dx.ndim == x.ndim else super().delta(x, dx)


@mutant("transpose")
class SumOfGradientsForgotten(LogSoftmax):
    def backward(self, x: Array, gy: Array) -> Gradients:
        return gy - softmax(x, self._axis(x)) * gy, {}


# --- layers of two stages -----------------------------------------------------------------------------------------------------


@mutant("reference")
class NotEnlarged(Dropout):
    def _kept(self, x: Array, channel: Channel) -> Array:
        return super()._kept(x, channel) * (1 if self.mask is None else 1 - self.rate)


@mutant("reference")
class ForgetsTheOthers(Dropout):
    def forward(self, x: Array) -> Array:
        return x if self.mask is None else x / (1 - self.rate) - super().forward(x)


@mutant("reference")
class ForgetsInInference(Dropout):
    def forward(self, x: Array) -> Array:
        return super().forward(x) if self.mask is not None else (1 - self.rate) * x


@mutant("subtraction")
@mutant("difference")
class EverythingMovesOn(Dropout):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        return dx


@mutant("channel")
class MaskOfTheFirstChannel(Dropout):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        return super().delta(x, dx, channel if channel == EVERY or x.ndim == 2 else one_channel(0))


@mutant("transpose")
class NotEnlargedBackwards(Dropout):
    def backward(self, x: Array, gy: Array) -> Gradients:
        return super().backward(x, gy)[0] * (1 - self.rate), {}


@mutant("images")
class MaskOfTheFirstImages(Dropout):
    def for_images(self, images: slice) -> Self:
        return super().for_images(slice(0, len(self.mask[images]) if self.mask is not None else None))


@mutant("images")
class SecretlyOfTheBatch(BatchNorm2d):
    @property
    def mixes_batch(self) -> bool:
        return False


@mutant("reference")
class UnbiasedVariance(BatchNorm2d):
    def _normal(self, x: Array) -> tuple[Array, Array, Array, Array]:
        m, c, v, r = super()._normal(x)
        values = x[..., 0].size
        return m, c, v, 1 / np.sqrt(v * values / (values - 1) + self.epsilon) if self.training else r


@mutant("reference")
class MeanOfColumns(BatchNorm2d):
    def _normal(self, x: Array) -> tuple[Array, Array, Array, Array]:
        if not self.training:
            return super()._normal(x)
        m = x.mean(axis=x.ndim - 2, keepdims=True)
        v = ((x - m) ** 2).mean(axis=x.ndim - 2, keepdims=True)
        return m, x - m, v, 1 / np.sqrt(v + self.epsilon)


@mutant("reference")
class MeanOfEachImage(BatchNorm2d):
    def forward(self, x: Array) -> Array:
        return np.concatenate([super(MeanOfEachImage, self).forward(image) for image in np.array_split(x, 2) if image.size])


@mutant("reference")
class NoEpsilon(BatchNorm2d):
    def forward(self, x: Array) -> Array:
        return BatchNorm2d.forward(replace(turned_into(BatchNorm2d, self), epsilon=1e-12), x)


@mutant("reference")
class RunningStatisticsInTraining(BatchNorm2d):
    def forward(self, x: Array) -> Array:
        return BatchNorm2d.forward(replace(turned_into(BatchNorm2d, self), training=False), x)


@mutant("subtraction")
@mutant("difference")
class VarianceStandsStill(BatchNorm2d):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        _, _, _, r = self._normal(x)
        return (dx - dx.mean(axis=tuple(range(x.ndim - 1)))) * self.W * r if self.training else super().delta(x, dx, channel)


@mutant("subtraction")
@mutant("difference")
class MeanStandsStill(BatchNorm2d):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        mean = dx.mean(axis=tuple(range(x.ndim - 1)))
        return super().delta(x, dx, channel) + (mean * self.W * self._normal(x)[3] if self.training else 0)


@mutant("subtraction")
@mutant("difference")
class FirstOrderVariance(BatchNorm2d):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        h = 1e-20
        return super().delta(x, h * dx, channel) / h


@mutant("difference")
class SubtractedOutputsOfBatchNorm(BatchNorm2d):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        return self.forward(x + dx) - self.forward(x)


@mutant("difference")
class SubtractedRoots(BatchNorm2d):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        _, _, _, r = self._normal(x)
        _, c, _, r_moved = self._normal(x + dx)
        dc = dx - dx.mean(axis=tuple(range(x.ndim - 1)))
        return self.W * (dc * r_moved + (c - dc) * (r_moved - r)) if self.training else super().delta(x, dx, channel)


@mutant("channel")
class MeanOfAllNudges(BatchNorm2d):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        dy = super().delta(x, dx, channel)
        return dy if dx.ndim == x.ndim or not self.training else dy - dx.mean(axis=-1, keepdims=True)


@mutant("channel")
class WeightOfTheFirstChannel(BatchNorm2d):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        return (
            super().delta(x, dx, channel)
            / (1 if channel == EVERY else self.W[channel][0])
            * (1 if channel == EVERY else self.W[0])
        )


@mutant("transpose")
class MeanIsConstant(BatchNorm2d):
    def backward(self, x: Array, gy: Array) -> Gradients:
        gx, gradients = super().backward(x, gy)
        mean = gy.mean(axis=tuple(range(x.ndim - 1)))
        return gx + (mean * self.W * self._normal(x)[3] if self.training else 0), gradients


@mutant("transpose")
class VarianceIsConstant(BatchNorm2d):
    def backward(self, x: Array, gy: Array) -> Gradients:
        gx, gradients = super().backward(x, gy)
        mean = gy.mean(axis=tuple(range(x.ndim - 1)))
        return (gy - mean) * self.W * self._normal(x)[3] if self.training else gx, gradients


@mutant("transpose")
class WeightReadsTheRawInput(BatchNorm2d):
    def backward(self, x: Array, gy: Array) -> Gradients:
        gx, gradients = super().backward(x, gy)
        return gx, gradients | {"W": (gy * x).sum(axis=tuple(range(x.ndim - 1)))}


@mutant("nudges")
class NudgesOfTheRawInput(BatchNorm2d):
    def nudges(self, x: Array, h: Any) -> Iterator[tuple[Channel, Array]]:
        for channel, dy in super().nudges(x, h):
            yield channel, np.stack([h * x[..., channel], dy[..., 1]], axis=-1)


# --- joins --------------------------------------------------------------------------------------------------------------------


@mutant("reference")
class FirstOfTheSum(Add):
    def forward(self, x: Several) -> Array:
        return x[0]


@mutant("reference")
class MeanForSum(Add):
    def forward(self, x: Several) -> Array:
        return super().forward(x) / len(x)


@mutant("subtraction")
@mutant("difference")
class LastOneStandsStill(Add):
    def delta(self, x: Several, dx: Several) -> Array:
        return super().delta(x, dx[:-1])


@mutant("difference")
class SubtractedSums(Add):
    def delta(self, x: Several, dx: Several) -> Array:
        return self.forward(moved(x, dx)) - self.forward(x)


@mutant("transpose")
class GradientToTheFirstAlone(Add):
    def backward(self, x: Several, gy: Array) -> tuple[Several, dict[str, Array]]:
        return (gy, *(0 * gy for _ in x[1:])), {}


@mutant("transpose")
class GradientShared(Add):
    def backward(self, x: Several, gy: Array) -> tuple[Several, dict[str, Array]]:
        return (gy / len(x),) * len(x), {}


@mutant("manners")
class AddsInPlace(Add):
    def forward(self, x: Several) -> Array:
        if not x[0].flags.writeable:
            return super().forward(x)
        y = x[0]
        for x_k in x[1:]:
            y += x_k
        return y.copy()


@mutant("images")
class SumWithTheNextImage(Add):
    def forward(self, x: Several) -> Array:
        return super().forward((x[0], *(np.roll(x_k, 1, axis=0) for x_k in x[1:])))


@mutant("reference")
class LastOneFirst(Concat):
    def forward(self, x: Several) -> Array:
        return super().forward(x[::-1])


@mutant("reference")
class ChannelsInTurn(Concat):
    def forward(self, x: Several) -> Array:
        return np.stack(x, axis=-1).reshape(*x[0].shape[:-1], -1)


@mutant("subtraction")
@mutant("difference")
class DifferencesInReverse(Concat):
    def delta(self, x: Several, dx: Several) -> Array:
        return super().delta(x, dx[::-1])


@mutant("subtraction")
@mutant("difference")
class OnlyTheFirstMoves(Concat):
    def delta(self, x: Several, dx: Several) -> Array:
        return super().delta(x, (dx[0], *(0 * dx_k for dx_k in dx[1:])))


@mutant("difference")
class SubtractedRows(Concat):
    def delta(self, x: Several, dx: Several) -> Array:
        return self.forward(moved(x, dx)) - self.forward(x)


@mutant("transpose")
class SplitInReverse(Concat):
    def backward(self, x: Several, gy: Array) -> tuple[Several, dict[str, Array]]:
        return super().backward(x, gy)[0][::-1], {}


@mutant("transpose")
class SplitInTurn(Concat):
    def backward(self, x: Several, gy: Array) -> tuple[Several, dict[str, Array]]:
        return tuple(gy[..., k :: len(x)] for k in range(len(x))), {}


@mutant("manners")
class ConcatAlwaysDouble(Concat):
    def delta(self, x: Several, dx: Several) -> Array:
        return super().delta(x, dx).astype(np.float64)


@mutant("reference")
class ProductOfSizes(Multiply):
    def forward(self, x: Several) -> Array:
        return np.abs(super().forward(x))


@mutant("reference")
class LastFactorForgotten(Multiply):
    def forward(self, x: Several) -> Array:
        return super().forward(x[:-1])


@mutant("subtraction")
@mutant("difference")
class ProductOfTheMovesForgotten(Multiply):
    """Da b + a db, without da db."""

    def delta(self, x: Several, dx: Any) -> Array:
        return Add().forward(tuple(self.forward((*x[:k], dx_k, *x[k + 1 :])) for k, dx_k in enumerate(dx)))


@mutant("subtraction")
@mutant("difference")
class ProductOfTheMovesAlone(Multiply):
    def delta(self, x: Several, dx: Any) -> Array:
        return self.forward(dx)


@mutant("subtraction")
@mutant("difference")
class FirstFactorStandsStill(Multiply):
    def delta(self, x: Several, dx: Any) -> Array:
        return super().delta(x, (None, *dx[1:]))


@mutant("difference")
class SubtractedProducts(Multiply):
    def delta(self, x: Several, dx: Any) -> Array:
        return self.forward(moved(x, dx)) - self.forward(x)


@mutant("transpose")
class FactorsSwapped(Multiply):
    def backward(self, x: Several, gy: Array) -> tuple[Several, dict[str, Array]]:
        return super().backward(x[::-1], gy)


@mutant("transpose")
class GradientToOneFactor(Multiply):
    def backward(self, x: Several, gy: Array) -> tuple[Several, dict[str, Array]]:
        first, *others = super().backward(x, gy)[0]
        return (first, *(0 * other for other in others)), {}


@mutant("transpose")
class OwnFactorStaysIn(Multiply):
    def backward(self, x: Several, gy: Array) -> tuple[Several, dict[str, Array]]:
        return (gy * self.forward(x),) * len(x), {}


@mutant("manners")
class DividesByAFactorOfZero(Multiply):
    def backward(self, x: Several, gy: Array) -> tuple[Several, dict[str, Array]]:
        return tuple(gy * self.forward(x) / x_k for x_k in x), {}


def moved(x: Several, dx: Several) -> Several:
    return tuple(x_k + dx_k for x_k, dx_k in zip(x, dx, strict=True))


# --- graphs -------------------------------------------------------------------------------------------------------------------


@mutant("reference")
class SubtractedInReverse(Subtract):
    def forward(self, x: Several) -> Array:
        return x[1] - x[0]


@mutant("subtraction")
@mutant("difference")
class SumOfTheMoves(Subtract):
    def delta(self, x: Several, dx: Sequence[Any]) -> Array:
        dy: Array = dx[0] + dx[1]
        return dy


@mutant("transpose")
class SignForgotten(Subtract):
    def backward(self, x: Several, gy: Array) -> tuple[Several, dict[str, Array]]:
        return (gy, gy), {}


@mutant("reference")
class DividedInReverse(Divide):
    def forward(self, x: Several) -> Array:
        return x[1] / x[0]


@mutant("difference")
class SubtractedQuotients(Divide):
    def delta(self, x: Several, dx: Sequence[Any]) -> Array:
        dy: Array = (x[0] + dx[0]) / (x[1] + dx[1]) - x[0] / x[1]
        return dy


@mutant("subtraction")
@mutant("difference")
class DenominatorStandsStill(Divide):
    def delta(self, x: Several, dx: Sequence[Any]) -> Array:
        dy: Array = (dx[0] - x[0] / x[1] * dx[1]) / x[1]
        return dy


@mutant("transpose")
class SquareOfTheDenominatorForgotten(Divide):
    def backward(self, x: Several, gy: Array) -> tuple[Several, dict[str, Array]]:
        return (gy / x[1], -gy * x[0] / x[1]), {}


@mutant("reference")
class TheBlockTwice(Subnetwork):
    """A graph taken for a chain: what is read is the node before, whatever the join says."""

    def forward(self, x: Array) -> Array:
        tape, end = self._tape(x), self.nodes[-1]
        return end.layer.forward((tape[end.reads[0]],) * len(end.reads))


@mutant("subtraction")
@mutant("difference")
class OneWayOfADifferenceAlone(Subnetwork):
    """Follow an activation to its first reader alone."""

    def delta(self, x: Array, dx: Array) -> Array:
        tape, moving = self._tape(x), {INPUT: dx}
        for node in self.nodes:
            for name in node.reads:
                moving.setdefault(name, np.zeros_like(tape[name]))
            moving[node.name] = node.layer.delta(node.inputs(tape), node.inputs(moving))
            for name in node.reads:
                moving[name] = np.zeros_like(moving[name])
        return moving[self.nodes[-1].name]


@mutant("transpose")
class LastReaderTakesAll(Subnetwork):
    """Gradients of an activation that several nodes read are written over, not added up."""

    def backward(self, x: Array, gy: Array) -> Gradients:
        tape, g = self._tape(x), {self.nodes[-1].name: gy}
        for node in reversed(self.nodes):
            gx, _ = node.layer.backward(node.inputs(tape), g[node.name])
            g |= dict(zip(node.reads, gx if node.layer.joins else (gx,), strict=True))
        return g[INPUT], super().backward(x, gy)[1]


@mutant("transpose")
class WeightsOfTheShortcutStill(Subnetwork):
    def backward(self, x: Array, gy: Array) -> Gradients:
        gx, gradients = super().backward(x, gy)
        return gx, {name: 0 * g if name.startswith("shortcut") else g for name, g in gradients.items()}


@mutant("transpose")
class WeightsOfTheShortcutIgnored(Subnetwork):
    def backward(self, x: Array, gy: Array) -> Gradients:
        gx, gradients = super().backward(x, gy)
        return gx, {name: g for name, g in gradients.items() if not name.startswith("shortcut")}


@mutant("reference")
class NoWayAround(Subnetwork):
    def forward(self, x: Array) -> Array:
        tape = self._tape(x)
        return super().forward(x) - tape[self.nodes[-1].reads[1]]


@mutant("subtraction")
@mutant("difference")
class NoWayAroundForDifferences(Subnetwork):
    def delta(self, x: Array, dx: Array) -> Array:
        found = propagate_differences(self.nodes, self._tape(x), INPUT, dx, lambda node, x_i, dx_i: node.layer.delta(x_i, dx_i))
        return found[self.nodes[-1].reads[0]]


@mutant("transpose")
class NoWayAroundBackwards(Subnetwork):
    def backward(self, x: Array, gy: Array) -> Gradients:
        tape, gradients, g = self._tape(x), super().backward(x, gy)[1], {self.nodes[-1].reads[0]: gy}
        for node in reversed(self.nodes[:-1]):
            if node.name in g:
                g[node.reads[0]] = node.layer.backward(node.inputs(tape), g[node.name])[0]
        return g[INPUT], gradients


# --- conventions --------------------------------------------------------------------------------------------------------------


@mutant("kink of relu")
class HalfOnTheKink(ReLU):
    def backward(self, x: Array, gy: Array) -> Gradients:
        return gy * np.heaviside(x, 0.5), {}


@mutant("kink of relu")
class OneOnTheKink(ReLU):
    def backward(self, x: Array, gy: Array) -> Gradients:
        return gy * (x >= 0), {}


@mutant("ties of pool")
class TieShared(MaxPool2d):
    def backward(self, x: Array, gy: Array) -> Gradients:
        m, padded = self.forward(x), pad(np.zeros_like(x), self.padding, 0)
        winners = np.sum([x_k == m for x_k in self.pixels(x, -np.inf)], axis=0)
        for x_k, gx_k in zip(self.pixels(x, -np.inf), self.places(padded), strict=True):
            np.add(gx_k, gy * (x_k == m) / winners, out=gx_k)
        return crop(padded, self.padding), {}


@mutant("ties of pool")
class EveryWinnerTakesAll(MaxPool2d):
    def backward(self, x: Array, gy: Array) -> Gradients:
        m, padded = self.forward(x), pad(np.zeros_like(x), self.padding, 0)
        for x_k, gx_k in zip(self.pixels(x, -np.inf), self.places(padded), strict=True):
            np.add(gx_k, gy * (x_k == m), out=gx_k)
        return crop(padded, self.padding), {}


@mutant("ties of pool")
class LastWinnerTakesAll(MaxPool2d):
    def backward(self, x: Array, gy: Array) -> Gradients:
        m, padded = self.forward(x), pad(np.zeros_like(x), self.padding, 0)
        free = np.ones(m.shape, bool)
        pairs = list(zip(self.pixels(x, -np.inf), self.places(padded), strict=True))
        for x_k, gx_k in reversed(pairs):
            np.add(gx_k, gy * ((x_k == m) & free), out=gx_k)
            free &= x_k != m
        return crop(padded, self.padding), {}


def broken(law: str, case: Case) -> bool:
    """Whether the law says so, for inputs of one kind or the other."""
    for draw in DRAWS.get(law, [*INPUTS.values()]):
        rng = np.random.default_rng(7)
        try:
            with np.errstate(all="ignore"):
                LAWS[law](replace(case, layer=copied(case.layer)), draw(rng, case.shape), rng)
        except AssertionError:
            return True
    return False


def copied(layer: Any) -> Any:
    """A layer that a mutant may spoil: the table is for everybody."""
    if not isinstance(layer, Conv2d | Linear | BatchNorm2d):
        return layer
    other = turned_into(type(layer), layer)
    other.__dict__.update({name: array.copy() for name, array in layer.parameters().items()})
    return other


# --- rearrangements, sums over axes and matrix products ------------------------------------------------------------------------


@mutant("reference")
class InverseTranspose(Transpose):
    def rearranged(self, places: Array) -> Array:
        return np.asarray(places.transpose(np.argsort(self.axes)).reshape(self.output_shape(places.shape)))


@mutant("reference")
class EdgeMirroredToo(Pad):
    def rearranged(self, places: Array) -> Array:
        return np.pad(places, self.widths, mode="symmetric") if self.mode == "reflect" else super().rearranged(places)


@mutant("difference")
class ConstantInDelta(Pad):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        return super().forward(dx)


@mutant("transpose")
class LastCopyTakesAll(Take):
    def backward(self, x: Array, gy: Array) -> Gradients:
        flat = np.zeros((len(x), x[0].size))
        flat[:, self.rearranged(np.arange(x[0].size).reshape(x.shape[1:])).ravel()] = gy.reshape(len(x), -1)
        return flat.reshape(x.shape), {}


@mutant("transpose")
class MeanWithoutItsDivisor(Mean):
    def backward(self, x: Array, gy: Array) -> Gradients:
        return super().backward(x, gy)[0] * self.divisor(x.shape[1:]), {}


@mutant("channel")
class MeanOverTheChannelAlone(Mean):
    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        return self._reduced(dx, dx.shape[1 : x.ndim])


@mutant("difference")
class ProductOfDifferencesLeftOut(MatMul):
    def delta(self, x: Several, dx: Several) -> Array:
        return self.forward((dx[0], x[1])) + self.forward((x[0], dx[1]))


@mutant("transpose")
class OneRowOfWeights(Linear):
    def weight_gradients(self, x: Array, gy: Array) -> dict[str, Array]:
        return super().weight_gradients(x[:, :1], gy[:, :1]) if x.ndim > 2 else {"W": x.T @ gy, "b": 2 * gy.sum(axis=0)}


@pytest.mark.parametrize("name", MUTANTS)
def test_the_law_catches_the_mutant(name: str) -> None:
    planted = MUTANTS[name]
    assert any(broken(planted.law, case) for case in planted.cases)


@pytest.mark.parametrize("law", LAWS)
def test_every_law_has_a_mutant_to_catch(law: str) -> None:
    assert any(planted.law == law for planted in MUTANTS.values())


class SameConv2d(Conv2d): ...


class SameLinear(Linear): ...


class SameReLU(ReLU): ...


class SameMaxPool2d(MaxPool2d): ...


class SameFlatten(Flatten): ...


class SameAvgPool2d(AvgPool2d): ...


class SameGlobalAvgPool2d(GlobalAvgPool2d): ...


class SameGlobalMaxPool2d(GlobalMaxPool2d): ...


class SameLeakyReLU(LeakyReLU): ...


class SameSigmoid(Sigmoid): ...


class SameTanh(Tanh): ...


class SameGELU(GELU): ...


class SameELU(ELU): ...


class SameClip(Clip): ...


class SameHardSigmoid(HardSigmoid): ...


class SameExp(Exp): ...


class SameLog(Log): ...


class SameSqrt(Sqrt): ...


class SameAffine(Affine): ...


class SameSoftmax(Softmax): ...


class SameLogSoftmax(LogSoftmax): ...


class SameSubtract(Subtract): ...


class SameDivide(Divide): ...


class SameDropout(Dropout): ...


class SameBatchNorm2d(BatchNorm2d): ...


class SameAdd(Add): ...


class SameConcat(Concat): ...


class SameMultiply(Multiply): ...


class SameSubnetwork(Subnetwork): ...


ABOUT = {
    "nudges": (Conv2d, Linear, BatchNorm2d),
    "tails": (LeakyReLU, Sigmoid, Tanh, GELU, ELU, Clip, HardSigmoid, Exp),
    "kink of relu": (ReLU,),
    "kink of leaky relu": (LeakyReLU,),
    "ties of pool": (MaxPool2d,),
}
COPIES = [
    *(SameConv2d, ConvBackward, SameLinear, SameReLU, SameMaxPool2d, SameFlatten, SameAvgPool2d, SameGlobalAvgPool2d),
    SameGlobalMaxPool2d,
    *(SameLeakyReLU, SameSigmoid, SameTanh, SameGELU, SameDropout, SameBatchNorm2d),
    *(SameELU, SameClip, SameHardSigmoid, SameExp, SameLog, SameSqrt, SameAffine, SameSoftmax, SameLogSoftmax),
    *(SameAdd, SameConcat, SameMultiply, SameSubtract, SameDivide, SameSubnetwork),
]


PAIRS = [(law, kind) for law in LAWS for kind in COPIES if issubclass(kind, ABOUT.get(law, object))]


@pytest.mark.parametrize(
    ("law", "kind"), [pytest.param(*pair, marks=[] if n % 4 == 0 else pytest.mark.long) for n, pair in enumerate(PAIRS)]
)
def test_no_law_minds_a_copy_without_a_bug(law: str, kind: type) -> None:
    cases = list(Mutant(law, kind).cases)
    assert cases
    assert not any(broken(law, case) for case in cases)


# --- the rule of joins --------------------------------------------------------------------------------------------------------

JoinRule = Callable[[Any, Sequence[Array], Sequence[Difference | None]], Difference]
JOINS = {"add": Add(), "concat": Concat(), "multiply": Multiply(), "subtract": Subtract(), "divide": Divide()}


def check_join(layer: Any, difference: JoinRule) -> None:
    """The rule of a join gives delta of the differences written densely, whatever moves."""
    rng = np.random.default_rng(3)
    for shape in ((2, 3, 2, 4), (3, 4)):
        several = 2 if isinstance(layer, Pair) else 3
        x = tuple(rng.standard_normal(shape) for _ in range(3))[:several]
        x = (*x[:-1], x[-1] + 16 * (several == 2))  # a denominator is not 0
        in_one = ([(c, None, None), (None, c, None), (c, c, None), (c, c, c)] for c in laws.channels(shape))
        every = chain(product([None, EVERY, one_channel(1), one_channel(3)], repeat=3), *in_one)
        for ends in (each[:several] for each in map(tuple, every)):
            for nudges in ((), (3,)):
                if any(end is not None for end in ends):
                    check_difference_of_a_join(layer, difference, x, [differing(rng, shape, nudges, end) for end in ends])


def differing(rng: np.random.Generator, shape: Shape, nudges: Shape, channel: Channel | None) -> Difference | None:
    """A difference in one channel, or none."""
    if channel is None:
        return None
    return Difference(rng.standard_normal((*np.empty(shape)[..., channel].shape, *nudges)), channel)


def check_difference_of_a_join(layer: Any, difference: JoinRule, x: Several, ends: Sequence[Difference | None]) -> None:
    nudges = next(end.dx.shape[x[0].ndim :] for end in ends if end is not None)
    dense = [
        np.zeros((*x_k.shape, *nudges)) if end is None else to_dense(x_k, end.dx, end.channel)
        for x_k, end in zip(x, ends, strict=True)
    ]
    each = [tuple(dx.reshape(*x[0].shape, -1)[..., n] for dx in dense) for n in range(nudges[0] if nudges else 1)]
    wanted = np.stack([layer.delta(x, dx) for dx in each], axis=-1).reshape(*layer.forward(x).shape, *nudges)
    got = difference(layer, x, ends)
    # sums of three products of at most three numbers below 10
    laws.assert_within(laws.densely(got.dx, got.channel, layer.forward(x).shape), wanted, 1e-12)


@pytest.mark.parametrize("name", JOINS)
def test_the_rule_of_a_join_gives_the_differences_of_its_equations(name: str) -> None:
    check_join(JOINS[name], rule(JOINS[name], "join"))


def in_the_channel_of_the_first(_layer: Add, _x: Sequence[Array], ends: Sequence[Difference | None]) -> Difference:
    first = next(end for end in ends if end is not None)
    parts = [end.dx for end in ends if end is not None and end.dx.shape == first.dx.shape]
    return Difference(sum(parts[1:], parts[0]), first.channel)


def the_first_alone(_layer: Add, _x: Sequence[Array], ends: Sequence[Difference | None]) -> Difference:
    return next(end for end in ends if end is not None)


def channel_left_where_it_was(layer: Concat, x: Sequence[Array], ends: Sequence[Difference | None]) -> Difference:
    right = layer.difference(tuple(x), ends)
    one = next(end for end in ends if end is not None)
    return Difference(right.dx, one.channel if right.dx.shape == one.dx.shape else right.channel)


def behind_the_first_one(layer: Concat, x: Sequence[Array], ends: Sequence[Difference | None]) -> Difference:
    k, one = next((k, end) for k, end in enumerate(ends) if end is not None)
    right = layer.difference(tuple(x), ends)
    if right.channel == EVERY or k < 2:
        return right
    return Difference(one.dx, slice(one.channel.start + 4, right.channel.stop - 4, one.channel.step))


def to_the_end_of_the_row(layer: Concat, x: Sequence[Array], ends: Sequence[Difference | None]) -> Difference:
    right = layer.difference(tuple(x), ends)
    strided = right.channel.step is not None
    return Difference(right.dx, slice(right.channel.start, None, right.channel.step)) if strided else right


def only_what_moves_side_by_side(_layer: Concat, x: Sequence[Array], ends: Sequence[Difference | None]) -> Difference:
    parts = [to_dense(x_k, end.dx, end.channel) for x_k, end in zip(x, ends, strict=True) if end is not None]
    return Difference(np.concatenate(parts, axis=x[0].ndim - 1))


def what_stays_is_zero(layer: Multiply, x: Sequence[Array], ends: Sequence[Difference | None]) -> Difference:
    return layer.difference(tuple(x_k * (end is not None) for x_k, end in zip(x, ends, strict=True)), ends)


def what_stays_moves_as_well(layer: Multiply, x: Sequence[Array], ends: Sequence[Difference | None]) -> Difference:
    one = next(end for end in ends if end is not None)
    return layer.difference(tuple(x), [one if end is None else end for end in ends])


def factors_of_the_first_channel(layer: Multiply, x: Sequence[Array], ends: Sequence[Difference | None]) -> Difference:
    right = layer.difference(tuple(x), ends)
    if right.channel == EVERY or right.dx.shape[x[0].ndim - 1] > 1:
        return right
    first = [None if end is None else Difference(end.dx, one_channel(0)) for end in ends]
    return Difference(layer.difference(tuple(x), first).dx, right.channel)


JOIN_MUTANTS: list[tuple[Any, Any]] = [
    *((Add(), wrong) for wrong in (in_the_channel_of_the_first, the_first_alone)),
    *((Concat(), wrong) for wrong in (channel_left_where_it_was, behind_the_first_one)),
    *((Concat(), wrong) for wrong in (to_the_end_of_the_row, only_what_moves_side_by_side)),
    *((Multiply(), wrong) for wrong in (what_stays_is_zero, what_stays_moves_as_well, factors_of_the_first_channel)),
]


@pytest.mark.parametrize(("layer", "wrong"), JOIN_MUTANTS, ids=lambda value: getattr(value, "__name__", "of"))
def test_the_law_of_joins_catches_the_mutant(layer: Any, wrong: JoinRule) -> None:
    with pytest.raises(AssertionError):
        check_join(layer, wrong)


# --- networks that are graphs -------------------------------------------------------------------------------------------------


def a_graph() -> Network:
    """One activation is read by three nodes, another by two; every join is there, the last one of unequal parts."""
    rng = np.random.default_rng(4)
    return Network(
        [
            Node("stem", Conv2d(rng.standard_normal((2, 2, 1, 3)), rng.standard_normal(3))),
            Node("left", Conv2d(rng.standard_normal((1, 1, 3, 3)), rng.standard_normal(3)), "stem"),
            Node("right", Tanh(), "stem"),
            Node("gate", Multiply(), ["left", "right"]),
            Node("sum", Add(), ["gate", "stem"]),
            Node("narrow", Conv2d(rng.standard_normal((1, 1, 3, 1)), rng.standard_normal(1)), "right"),
            Node("both", Concat(), ["sum", "narrow"]),
            Flatten(),
            Linear(rng.standard_normal((2 * 3 * 4, 3)), rng.standard_normal(3)),
        ],
        (3, 4, 1),
    )


def check_graph() -> None:
    """The network is what its equations say, and its two gradients agree: with every backend."""
    x, y = np.random.default_rng(5).standard_normal((3, 3, 4, 1)), np.array([0, 2, 1])
    for name in BACKENDS:
        with use_backend(name):
            network = a_graph()
            stem, left, narrow, linear = (network.node(name).layer for name in ("stem", "left", "narrow", "1"))
            a = stem.forward(x)
            b = np.concatenate([left.forward(a) * np.tanh(a) + a, narrow.forward(np.tanh(a))], axis=-1)
            np.testing.assert_allclose(network.logits(x), linear.forward(b.reshape(3, -1)), rtol=0, atol=1e-12)
            _, gradients = handmade.gradients.backprop(network, x, y)
            _, quotients = handmade.gradients.difference(network, x, y, h=1e-30)
            for key, g in gradients.items():
                np.testing.assert_allclose(quotients[key], g, rtol=0, atol=1e-12 * np.abs(g).max(), err_msg=key)


def test_a_graph_is_what_its_equations_say() -> None:
    check_graph()


def reads_in_reverse(self: Node, values: Any) -> Any:
    return tuple(values[name] for name in self.reads[::-1]) if self.layer.joins else values[self.reads[0]]


def difference_to_the_first_reader(self: Propagation, start: str, difference: Difference) -> Difference:
    moving = {start: difference}
    for node in self.network.nodes:
        if node.name != start and not moving.keys().isdisjoint(node.reads):
            dx = tuple(map(moving.get, node.reads)) if node.layer.joins else moving[node.reads[0]]
            moving[node.name] = self.rules[node.name](node.inputs(self.tape), dx)
            for name in node.reads:
                moving.pop(name, None)
    return moving[self.network.logits_name]


def first_reader(self: Network) -> dict[str, tuple[str, ...]]:
    first = {name: readers[0].name for name, readers in self.readers.items() if readers}
    return {node.name: tuple(name for name, reader in first.items() if reader == node.name) for node in self.nodes}


GRAPH_MUTANTS: dict[str, tuple[type, str, Any]] = {
    "a join reads in reverse": (Node, "inputs", reads_in_reverse),
    "a difference goes to one reader alone": (Propagation, "to_logits", difference_to_the_first_reader),
    "an activation is given up at its first reader": (Network, "read_last_by", property(first_reader)),
    "gradients go no further than the next weights": (
        Network,
        "with_weights_above",
        property(lambda self: frozenset(self.weighted)),
    ),
}


@pytest.mark.parametrize("name", GRAPH_MUTANTS)
def test_a_bug_in_the_graph_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kind, attribute, wrong = GRAPH_MUTANTS[name]
    monkeypatch.setattr(kind, attribute, wrong)

    with pytest.raises((AssertionError, KeyError, HandmadeError)):
        check_graph()


# --- the loss -----------------------------------------------------------------------------------------------------------------

Y = np.array([0, 3, 2, 1])
Z = np.random.default_rng(1).standard_normal((4, 5))
CONFIDENT = 28 * np.eye(5)[Y] + Z


class TopNotTakenAway(CrossEntropy):
    def forward(self, z: Array, y: Array) -> Array:
        L: Array = np.log(np.exp(z).sum(axis=-1)) - z[np.arange(len(y)), y]
        return L


class MeanOverImages(CrossEntropy):
    def forward(self, z: Array, y: Array) -> Array:
        return np.full(len(y), super().forward(z, y).mean())


class SubtractedLosses(CrossEntropy):
    def delta(self, z: Array, dz: Array, y: Array, channel: Channel = EVERY) -> Array:
        return self.forward(z + dz, y) - self.forward(z, y)


class FirstOrderLoss(CrossEntropy):
    def delta(self, z: Array, dz: Array, y: Array, channel: Channel = EVERY) -> Array:
        dL: Array = np.vecdot(self.backward(z, y), dz)
        return dL


class LogOfASum(CrossEntropy):
    def delta(self, z: Array, dz: Array, y: Array, channel: Channel = EVERY) -> Array:
        dL: Array = np.log1p(np.vecdot(np.exp(log_softmax(z)), np.expm1(dz))) - dz[np.arange(len(y)), y]
        return dL


class NeverFar(CrossEntropy):
    def delta(self, z: Array, dz: Array, y: Array, channel: Channel = EVERY) -> Array:
        s = dz - dz[np.arange(len(y)), y][:, None]
        dL: Array = np.log1p(np.vecdot(np.exp(log_softmax(z)), np.expm1(s)))
        return dL


class OneLogitTooFew(CrossEntropy):
    def delta(self, z: Array, dz: Array, y: Array, channel: Channel = EVERY) -> Array:
        return super().delta(z, dz, y, channel if channel == EVERY else slice(0, None, channel.step))


class RightClassForgotten(CrossEntropy):
    def backward(self, z: Array, y: Array) -> Array:
        return np.exp(log_softmax(z))


class GradientOverTheBatch(CrossEntropy):
    def backward(self, z: Array, y: Array) -> Array:
        return super().backward(z, y) / len(y)


class ShiftsInPlace(CrossEntropy):
    def forward(self, z: Array, y: Array) -> Array:
        if z.flags.writeable:
            z -= z.max(axis=-1, keepdims=True)
        return super().forward(z, y)


def rng() -> np.random.Generator:
    return np.random.default_rng(2)


LOSS_LAWS: dict[str, Callable[[CrossEntropy], None]] = {
    "reference": lambda loss: laws.check_loss_reference(loss, Z, Y),
    "reference, huge logits": lambda loss: laws.check_loss_reference(loss, 1e4 * Z, Y),
    "difference, small": lambda loss: laws.check_loss_difference(loss, Z, 1e-30 * generic(rng(), Z.shape), Y),
    "difference, large": lambda loss: laws.check_loss_difference(loss, Z, generic(rng(), Z.shape), Y),
    "difference, far": lambda loss: laws.check_loss_difference(loss, Z, 1000 * generic(rng(), Z.shape), Y),
    "confidence": lambda loss: laws.check_loss_of_confidence(loss, CONFIDENT, Y, -1e-3),
    "channel": lambda loss: laws.check_loss_channel(loss, Z, Y, generic(rng(), (*Z.shape, 3))),
    "transpose": lambda loss: laws.check_loss_transpose(loss, Z, Y, rng()),
    "manners": lambda loss: laws.check_loss_manners(loss, Z, Y, rng()),
}


@pytest.mark.parametrize(
    ("law", "loss"),
    [
        ("reference", MeanOverImages),
        ("reference, huge logits", TopNotTakenAway),
        ("difference, small", SubtractedLosses),
        ("difference, large", FirstOrderLoss),
        ("difference, far", NeverFar),
        ("confidence", LogOfASum),
        ("channel", OneLogitTooFew),
        ("transpose", RightClassForgotten),
        ("transpose", GradientOverTheBatch),
        ("manners", ShiftsInPlace),
    ],
)
def test_the_law_of_the_loss_catches_the_mutant(law: str, loss: type[CrossEntropy]) -> None:
    with np.errstate(all="ignore"), pytest.raises(AssertionError):
        LOSS_LAWS[law](loss())


@pytest.mark.parametrize("law", LOSS_LAWS)
def test_no_law_of_the_loss_minds_the_loss_itself(law: str) -> None:
    LOSS_LAWS[law](CrossEntropy())
