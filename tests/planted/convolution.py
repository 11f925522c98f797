"""Bugs in convolutions: images (N, H, W, C) and (N, C, H, W), sequences, and transposed convolutions."""

from typing import Any

import numpy as np

from handmade.engine.arrays import Array
from planted.exhibit import IMAGES, bug, draw, right

Pair = tuple[int, int]
WIDE = draw(2, 7, 8, 3)
LARGE = draw(2, 7, 6, 4)


@right(WIDE)
@right(IMAGES)
class Conv:
    """y_hw = b + sum over i, j of x_(h s + i a)(w t + j b) W_ij, in loops over the kernel; C channels in G groups."""

    kernel: Pair = (3, 2)
    stride: Pair = (1, 1)
    pad: Pair = (0, 0)
    dilation: Pair = (1, 1)
    groups, channels, filters = 1, 3, 4

    def __init__(self) -> None:
        self.W = draw(*self.kernel, self.channels // self.groups, self.filters)
        self.b = draw(self.filters)

    def padded(self, x: Array) -> Any:
        p, q = self.pad
        return np.pad(x, ((0, 0), (p, p), (q, q), (0, 0)))

    def cropped(self, g: Array) -> Any:
        p, q = self.pad
        return g[:, p : g.shape[1] - p, q : g.shape[2] - q]

    def size(self, shape: tuple[int, ...]) -> Pair:
        """Of the output, for a padded input."""
        down, right_ = (
            (n - (k - 1) * d - 1) // s + 1 for n, k, d, s in zip(shape[1:3], self.kernel, self.dilation, self.stride, strict=True)
        )
        return down, right_

    def offsets(self, size: Pair, stride: Pair | None = None, dilation: Pair | None = None) -> Any:
        """Each place of the kernel, and what of the padded input it meets."""
        (s, t), (a, b) = stride or self.stride, dilation or self.dilation
        for i in range(self.kernel[0]):
            for j in range(self.kernel[1]):
                rows = slice(i * a, i * a + s * (size[0] - 1) + 1, s)
                yield i, j, rows, slice(j * b, j * b + t * (size[1] - 1) + 1, t)

    def grouped(self) -> Any:
        """The channels and the filters of each group."""
        c, f = self.channels // self.groups, self.filters // self.groups
        return [(slice(g * c, (g + 1) * c), slice(g * f, (g + 1) * f)) for g in range(self.groups)]

    def forward(self, x: Array) -> Any:
        x = self.padded(x)
        size = self.size(x.shape)
        y = np.zeros((len(x), *size, self.filters)) + self.b
        for i, j, rows, columns in self.offsets(size):
            for c, f in self.grouped():
                y[..., f] += x[:, rows, columns, c] @ self.W[i, j, :, f]
        return y

    def backward(self, x: Array, gy: Array) -> Any:
        return self.gx(x, gy), {"W": self.gW(x, gy), "b": self.gb(gy)}

    def gx(self, x: Array, gy: Array) -> Any:
        return self.spread(x, gy)

    def spread(self, x: Array, gy: Array, W: Array | None = None, groups: Any = None, **steps: Pair) -> Any:
        """The gradient of x, or with other weights or steps that of another convolution."""
        g, W = np.zeros_like(self.padded(x)), self.W if W is None else W
        for i, j, rows, columns in self.offsets(gy.shape[1:3], **steps):
            for c, f in groups or self.grouped():
                g[:, rows, columns, c] += gy[..., f] @ W[i, j, :, self.grouped()[0][1] if groups else f].T
        return self.cropped(g)

    def gW(self, x: Array, gy: Array) -> Any:
        return self.correlate(x, gy)

    def correlate(self, x: Array, gy: Array, **steps: Pair) -> Any:
        """The gradient of W, or with other steps that of another convolution."""
        x, g = self.padded(x), np.zeros_like(self.W)
        for i, j, rows, columns in self.offsets(gy.shape[1:3], **steps):
            for c, f in self.grouped():
                g[i, j, :, f] = np.tensordot(x[:, rows, columns, c], gy[..., f], ((0, 1, 2), (0, 1, 2)))
        return g

    def gb(self, gy: Array) -> Any:
        return gy.sum(axis=(0, 1, 2))


@right(WIDE)
class Strided(Conv):
    stride = (2, 3)


@right(IMAGES)
class Padded(Conv):
    kernel, pad = (3, 3), (1, 2)


@right(WIDE)
class Dilated(Conv):
    dilation = (2, 3)


@right(LARGE)
class Grouped(Conv):
    groups, channels, filters = 2, 4, 6


@right(LARGE)
class Depthwise(Conv):
    groups, channels, filters = 4, 4, 4


# --- stride -------------------------------------------------------------------------------------------------------------------


@bug(WIDE, "stride")
class StrideForgottenForX(Strided):
    def gx(self, x: Array, gy: Array) -> Any:
        return self.spread(x, gy, stride=(1, 1))


@bug(WIDE, "stride")
class StrideForgottenForW(Strided):
    def gW(self, x: Array, gy: Array) -> Any:
        return self.correlate(x, gy, stride=(1, 1))


@bug(WIDE, "stride")
class StrideOfHeightForBothInX(Strided):
    def gx(self, x: Array, gy: Array) -> Any:
        return self.spread(x, gy, stride=(2, 2))


@bug(WIDE, "stride")
class StrideOfHeightForBothInW(Strided):
    def gW(self, x: Array, gy: Array) -> Any:
        return self.correlate(x, gy, stride=(2, 2))


@bug(draw(2, 8, 7, 3), "edge")
class LastWindowForgottenWhenARowIsLeft(Strided):
    """Right for an odd height, where the windows end with the image."""

    stride = (2, 2)

    def gx(self, x: Array, gy: Array) -> Any:
        gy = gy.copy()
        if (x.shape[1] - self.kernel[0]) % 2:
            gy[:, -1] = 0
        return self.spread(x, gy)


@bug(draw(2, 7, 7, 3), "stride", "dilation")
class StrideAndDilationExchanged(Conv):
    stride = (2, 2)

    def gW(self, x: Array, gy: Array) -> Any:
        return self.correlate(x, gy, stride=(1, 1), dilation=(2, 2))


# --- dilation -----------------------------------------------------------------------------------------------------------------


@bug(WIDE, "dilation")
class DilationIgnoredForX(Dilated):
    def gx(self, x: Array, gy: Array) -> Any:
        return self.spread(x, gy, dilation=(1, 1))


@bug(WIDE, "dilation")
class DilationIgnoredForW(Dilated):
    def gW(self, x: Array, gy: Array) -> Any:
        return self.correlate(x, gy, dilation=(1, 1))


@bug(WIDE, "dilation", "edge")
class DilationOfHeightForBoth(Dilated):
    def gW(self, x: Array, gy: Array) -> Any:
        return self.correlate(x, gy, dilation=(2, 2))


@bug(draw(2, 7, 6, 3), "dilation")
class DilationAxesExchanged(Dilated):
    kernel, dilation = (2, 2), (2, 1)

    def gx(self, x: Array, gy: Array) -> Any:
        g = np.zeros((len(x), x.shape[1] + 2, x.shape[2] + 2, 3))
        for i, j, rows, columns in self.offsets(gy.shape[1:3], dilation=(1, 2)):
            g[:, rows, columns] += gy @ self.W[i, j].T
        return g[:, : x.shape[1], : x.shape[2]]


# --- groups and channels ------------------------------------------------------------------------------------------------------


@bug(LARGE, "groups", "permuted")
class GroupsInterleavedInX(Grouped):
    def gx(self, x: Array, gy: Array) -> Any:
        return super().gx(x, gy)[..., [0, 2, 1, 3]]


@bug(LARGE, "groups", "permuted", "misread gy")
class GroupsInterleavedInGy(Grouped):
    def backward(self, x: Array, gy: Array) -> Any:
        return super().backward(x, gy[..., [0, 2, 4, 1, 3, 5]])


@bug(LARGE, "groups", "permuted")
class GroupsInterleavedInW(Grouped):
    def gW(self, x: Array, gy: Array) -> Any:
        return super().gW(x[..., [0, 2, 1, 3]], gy)


@bug(LARGE, "groups", "permuted")
class GroupsExchangedInX(Grouped):
    def gx(self, x: Array, gy: Array) -> Any:
        return super().gx(x, gy)[..., [2, 3, 0, 1]]


@bug(LARGE, "groups", "permuted")
class GroupsExchangedInW(Grouped):
    def gW(self, x: Array, gy: Array) -> Any:
        return super().gW(x[..., [2, 3, 0, 1]], gy)


@bug(LARGE, "groups", "edge")
class SecondGroupNeverWritten(Grouped):
    def gW(self, x: Array, gy: Array) -> Any:
        g = super().gW(x, gy)
        g[..., 3:] = 0
        return g


@bug(LARGE, "groups", "edge")
class FirstWeightsForEveryGroup(Grouped):
    def gx(self, x: Array, gy: Array) -> Any:
        return self.spread(x, gy, groups=self.grouped())


@bug(LARGE, "groups")
class GroupsForgottenDepthwise(Depthwise):
    """Every filter is spread over every channel."""

    def gx(self, x: Array, gy: Array) -> Any:
        return np.repeat(super().gx(x, gy).sum(axis=3, keepdims=True), 4, axis=3)


@bug(LARGE, "permuted", "groups")
class DepthwiseOfTheNextChannel(Depthwise):
    def gW(self, x: Array, gy: Array) -> Any:
        return super().gW(np.roll(x, 1, axis=3), gy)


@bug(IMAGES, "permuted")
class ChannelsInAnotherOrder(Conv):
    def gW(self, x: Array, gy: Array) -> Any:
        return np.roll(super().gW(x, gy), 1, axis=2)


@bug(IMAGES, "permuted", "flipped")
class BlueAndRedExchanged(Conv):
    def gx(self, x: Array, gy: Array) -> Any:
        return super().gx(x, gy)[..., ::-1]


@bug(IMAGES, "one channel")
class OneInputChannelForgotten(Conv):
    def gx(self, x: Array, gy: Array) -> Any:
        return super().gx(x, gy) * np.array([1, 0, 1])


@bug(IMAGES, "one channel")
class OneFilterTooLarge(Conv):
    def gW(self, x: Array, gy: Array) -> Any:
        return super().gW(x, gy) * np.array([1, 1, 1.002, 1])


@bug(IMAGES, "not summed", "overwritten")
class FirstFilterAlone(Conv):
    """The sum over filters is missing: one is taken."""

    def gx(self, x: Array, gy: Array) -> Any:
        return super().gx(x, gy * np.array([1, 0, 0, 0]))


@bug(draw(3, 5, 4, 3), "batch size", "permuted", "misread gy")
class BatchInAnotherOrder(Conv):
    def gx(self, x: Array, gy: Array) -> Any:
        return np.roll(super().gx(x, gy), 1, axis=0)


# --- borders ------------------------------------------------------------------------------------------------------------------


@bug(IMAGES, "crop")
class CroppedOnOneSide(Padded):
    def cropped(self, g: Array) -> Any:
        p, q = self.pad
        return g[:, 2 * p :, 2 * q :]


@bug(IMAGES, "crop")
class CroppedAtTheEnd(Padded):
    def cropped(self, g: Array) -> Any:
        p, q = self.pad
        return g[:, : g.shape[1] - 2 * p, : g.shape[2] - 2 * q]


@bug(IMAGES, "crop", "shape")
class NotCropped(Padded):
    def cropped(self, g: Array) -> Any:
        return g


@bug(IMAGES, "crop")
class PaddedOnOneSideForW(Padded):
    def gW(self, x: Array, gy: Array) -> Any:
        p, q = self.pad
        shifted = np.pad(x, ((0, 0), (0, 2 * p), (0, 2 * q), (0, 0)))[:, p:, q:]
        return super().gW(shifted[:, : x.shape[1], : x.shape[2]], gy)


@bug(IMAGES, "crop")
class PadsExchanged(Padded):
    kernel, pad = (3, 4), (2, 1)

    def cropped(self, g: Array) -> Any:
        full = np.pad(g, ((0, 0), (0, 0), (1, 1), (0, 0)))
        return full[:, 1 : g.shape[1] - 3, 2 : g.shape[2]]


@bug(IMAGES, "one place", "edge")
class OneCornerForgotten(Conv):
    def gx(self, x: Array, gy: Array) -> Any:
        g = super().gx(x, gy)
        g[:, 0, 0] = 0
        return g


@bug(IMAGES, "one place", "edge")
class LastCornerDoubled(Padded):
    def gx(self, x: Array, gy: Array) -> Any:
        g = super().gx(x, gy)
        g[:, -1, -1] *= 2
        return g


@bug(IMAGES, "edge")
class LastColumnForgottenUnlessSquare(Conv):
    def gx(self, x: Array, gy: Array) -> Any:
        g = super().gx(x, gy)
        if x.shape[1] != x.shape[2]:
            g[:, :, -1] = 0
        return g


@bug(IMAGES, "edge")
class HeightForWidth(Conv):
    """A loop over the columns that counts the rows: the image is not square."""

    kernel = (1, 1)

    def gx(self, x: Array, gy: Array) -> Any:
        g = np.zeros_like(x)
        for h in range(x.shape[2]):  # x is higher than wide
            g[:, h] = gy[:, h] @ self.W[0, 0].T
        return g


@bug(IMAGES, "edge")
class BorderTooLarge(Padded):
    def gx(self, x: Array, gy: Array) -> Any:
        g = super().gx(x, gy)
        g[:, :1] *= 1.001
        return g


@bug(IMAGES)
class FirstRowOfGyForgotten(Conv):
    """Every window of the first row is missing in a sum."""

    def gW(self, x: Array, gy: Array) -> Any:
        gy = gy.copy()
        gy[:, 0] = 0
        return super().gW(x, gy)


# --- kernels ------------------------------------------------------------------------------------------------------------------


@bug(IMAGES, "flipped")
class KernelFlippedInX(Conv):
    def gx(self, x: Array, gy: Array) -> Any:
        return self.spread(x, gy, self.W[::-1, ::-1])


@bug(IMAGES, "flipped")
class KernelUpsideDownInX(Conv):
    def gx(self, x: Array, gy: Array) -> Any:
        return self.spread(x, gy, self.W[::-1])


@bug(IMAGES, "flipped")
class GradientOfWFlipped(Conv):
    def gW(self, x: Array, gy: Array) -> Any:
        return super().gW(x, gy)[:, ::-1]


@bug(IMAGES, "transposed")
class KernelTransposedInX(Conv):
    kernel = (2, 2)

    def gx(self, x: Array, gy: Array) -> Any:
        return self.spread(x, gy, self.W.swapaxes(0, 1))


@bug(IMAGES, "transposed")
class ChannelsAndFiltersTransposed(Conv):
    filters = 3

    def gx(self, x: Array, gy: Array) -> Any:
        return self.spread(x, gy, self.W.swapaxes(2, 3))


@bug(IMAGES, "one place")
class CentreOfTheKernelForgotten(Padded):
    def gW(self, x: Array, gy: Array) -> Any:
        g = super().gW(x, gy)
        g[1, 1] = 0
        return g


@bug(IMAGES, "edge")
class LastColumnOfTheKernelForgotten(Conv):
    """A loop over the kernel's width that ends one too early: its terms are missing in every sum."""

    kernel = (3, 3)

    def gx(self, x: Array, gy: Array) -> Any:
        W = self.W.copy()
        W[:, -1] = 0
        return self.spread(x, gy, W)


@bug(IMAGES, "permuted")
class KernelRolled(Conv):
    kernel = (3, 3)

    def gW(self, x: Array, gy: Array) -> Any:
        return np.roll(super().gW(x, gy), 1, axis=0)


# --- sums and factors ---------------------------------------------------------------------------------------------------------


@bug(IMAGES, "overwritten", "batch size")
class LastImageAlone(Conv):
    def gW(self, x: Array, gy: Array) -> Any:
        for n in range(len(x)):
            g = super().gW(x[n : n + 1], gy[n : n + 1])
        return g


@bug(IMAGES, "overwritten")
class LastPlaceOfTheKernelCounts(Conv):
    def gx(self, x: Array, gy: Array) -> Any:
        g = np.zeros_like(x)
        for i, j, rows, columns in self.offsets(gy.shape[1:3]):
            g[:, rows, columns] = gy @ self.W[i, j].T
        return g


@bug(IMAGES, "ratio")
class AveragedOverPositions(Conv):
    def gb(self, gy: Array) -> Any:
        return gy.mean(axis=(1, 2)).sum(axis=0)


@bug(IMAGES, "ratio", "batch size")
class AveragedOverImages(Conv):
    def gW(self, x: Array, gy: Array) -> Any:
        return super().gW(x, gy) / len(x)


@bug(IMAGES, "ratio")
class DividedByTheKernel(Conv):
    def gx(self, x: Array, gy: Array) -> Any:
        return super().gx(x, gy) / 6


@bug(IMAGES, "ratio")
class BiasTenthOfAPerMilleOff(Conv):
    def gb(self, gy: Array) -> Any:
        return 0.9999 * super().gb(gy)


@bug(IMAGES, "weight decay", "not linear")
class DecayInBackward(Conv):
    def gW(self, x: Array, gy: Array) -> Any:
        return super().gW(x, gy) + 5e-4 * self.W


@bug(IMAGES, "not summed", "shape")
class BiasNotSummedOverImages(Conv):
    def gb(self, gy: Array) -> Any:
        return gy.sum(axis=(1, 2))


@bug(IMAGES, "ignores gy", "ratio")
class BiasCountsPositions(Conv):
    """The mean of gy, as often as there are positions of the input and not of the output."""

    def backward(self, x: Array, gy: Array) -> Any:
        gx, g = super().backward(x, gy)
        return gx, g | {"b": gy.mean(axis=(0, 1, 2)) * x[..., 0].size}


@bug(IMAGES, "misread gy")
class GyTurnedAround(Conv):
    def gW(self, x: Array, gy: Array) -> Any:
        return super().gW(x, gy[:, ::-1, ::-1])


@bug(draw(2, 7, 6, 3), "misread gy")
class GyTransposedWhenSquare(Conv):
    def gW(self, x: Array, gy: Array) -> Any:
        return super().gW(x, gy.swapaxes(1, 2) if gy.shape[1] == gy.shape[2] else gy)


@bug(IMAGES, "not linear")
class NegativeGyHalved(Conv):
    def backward(self, x: Array, gy: Array) -> Any:
        return super().backward(x, np.where(gy < 0, gy / 2, gy))


# --- channels first, by im2col ------------------------------------------------------------------------------------------------


@right(draw(3, 2, 6, 5))
class Im2col:
    """Images (N, C, H, W), windows in columns: y = W cols + b."""

    def __init__(self) -> None:
        self.W, self.b = draw(4, 2, 3, 3), draw(4)

    def places(self, x: Array) -> Any:
        down, across = x.shape[2] - 2, x.shape[3] - 2
        return down, across, [(i, j) for i in range(3) for j in range(3)]

    def columns(self, x: Array) -> Any:
        """(C 3 3, N down across)."""
        down, across, places = self.places(x)
        cols = np.stack([x[:, :, i : i + down, j : j + across] for i, j in places])  # (9, N, C, down, across)
        return cols.transpose(2, 0, 1, 3, 4).reshape(x.shape[1] * 9, -1)

    def images(self, columns: Array, x: Array) -> Any:
        down, across, places = self.places(x)
        cols = columns.reshape(x.shape[1], 9, len(x), down, across)
        g = np.zeros_like(x)
        for n, (i, j) in enumerate(places):
            g[:, :, i : i + down, j : j + across] += cols[:, n].swapaxes(0, 1)
        return g

    def forward(self, x: Array) -> Any:
        down, across, _ = self.places(x)
        y = self.W.reshape(4, -1) @ self.columns(x) + self.b[:, None]
        return y.reshape(4, len(x), down, across).swapaxes(0, 1)

    def flat(self, gy: Array) -> Any:
        return gy.swapaxes(0, 1).reshape(4, -1)

    def backward(self, x: Array, gy: Array) -> Any:
        flat = self.flat(gy)
        return self.gx(x, flat), {"W": self.gW(x, flat), "b": flat.sum(axis=1)}

    def gx(self, x: Array, flat: Array) -> Any:
        return self.images(self.W.reshape(4, -1).T @ flat, x)

    def gW(self, x: Array, flat: Array) -> Any:
        return (flat @ self.columns(x).T).reshape(self.W.shape)


@bug(draw(3, 2, 6, 5), "misread gy", "transposed", "batch size", "permuted")
class GyReshapedNotTransposed(Im2col):
    """Right for one image."""

    def flat(self, gy: Array) -> Any:
        return gy.reshape(4, -1)


@bug(draw(3, 2, 6, 5), "misread gy", "transposed", "permuted", "batch size")
class GyTransposedToChannelsLast(Im2col):
    def flat(self, gy: Array) -> Any:
        return gy.transpose(1, 2, 3, 0).reshape(4, -1)


@bug(draw(3, 2, 6, 5), "transposed", "permuted")
class ColumnsOfWInAnotherOrder(Im2col):
    def gW(self, x: Array, flat: Array) -> Any:
        return (flat @ self.columns(x).T).reshape(4, 3, 3, 2).transpose(0, 3, 1, 2)


@bug(draw(3, 2, 6, 5), "overwritten")
class Col2imOverwrites(Im2col):
    def images(self, columns: Array, x: Array) -> Any:
        down, across, places = self.places(x)
        cols, g = columns.reshape(x.shape[1], 9, len(x), down, across), np.zeros_like(x)
        for n, (i, j) in enumerate(places):
            g[:, :, i : i + down, j : j + across] = cols[:, n].swapaxes(0, 1)
        return g


@bug(draw(3, 2, 6, 5), "batch size", "transposed", "permuted")
class ImagesAndChannelsReshaped(Im2col):
    def gx(self, x: Array, flat: Array) -> Any:
        return super().gx(x, flat).swapaxes(0, 1).reshape(x.shape)


# --- sequences ----------------------------------------------------------------------------------------------------------------


@right(draw(2, 9, 3))
class Conv1d:
    """Sequences (N, T, C); causal: padded on the left alone."""

    def __init__(self) -> None:
        self.W = draw(3, 3, 2)

    def pad(self, x: Array) -> Any:
        return np.pad(x, ((0, 0), (2, 0), (0, 0)))

    def forward(self, x: Array) -> Any:
        full = self.pad(x)
        return sum(full[:, k : k + x.shape[1]] @ self.W[k] for k in range(3))

    def backward(self, x: Array, gy: Array) -> Any:
        full, g = self.pad(x), np.zeros((len(x), x.shape[1] + 2, 3))
        gW = np.stack([np.tensordot(full[:, k : k + x.shape[1]], gy, ((0, 1), (0, 1))) for k in range(3)])
        for k in range(3):
            g[:, k : k + x.shape[1]] += gy @ self.W[k].T
        return self.crop(g), {"W": gW}

    def crop(self, g: Array) -> Any:
        return g[:, 2:]


@bug(draw(2, 9, 3), "crop")
class CausalCroppedInTheMiddle(Conv1d):
    def crop(self, g: Array) -> Any:
        return g[:, 1:-1]


@bug(draw(2, 9, 3), "crop")
class CausalCroppedAtTheEnd(Conv1d):
    def crop(self, g: Array) -> Any:
        return g[:, :-2]


@bug(draw(2, 9, 3), "flipped")
class KernelReversedInTime(Conv1d):
    def backward(self, x: Array, gy: Array) -> Any:
        gx, g = super().backward(x, gy)
        return gx, {"W": g["W"][::-1]}


@bug(draw(2, 9, 3), "edge")
class FirstStepsForgotten(Conv1d):
    def crop(self, g: Array) -> Any:
        g = g[:, 2:].copy()
        g[:, :2] = 0
        return g


# --- transposed convolutions --------------------------------------------------------------------------------------------------


@right(draw(2, 3, 4, 2))
class ConvTransposed:
    """y_(2h + i)(2w + j) += x_hw W_ij, kernel 3 x 3, stride 2."""

    def __init__(self) -> None:
        self.W, self.b = draw(3, 3, 2, 3), draw(3)

    def windows(self, x: Array) -> Any:
        down, across = x.shape[1:3]
        return [(i, j, slice(i, i + 2 * down - 1, 2), slice(j, j + 2 * across - 1, 2)) for i in range(3) for j in range(3)]

    def forward(self, x: Array) -> Any:
        y = np.zeros((len(x), 2 * x.shape[1] + 1, 2 * x.shape[2] + 1, 3)) + self.b
        for i, j, rows, columns in self.windows(x):
            y[:, rows, columns] += x @ self.W[i, j]
        return y

    def backward(self, x: Array, gy: Array) -> Any:
        gx, gW = np.zeros_like(x), np.zeros_like(self.W)
        for i, j, rows, columns in self.windows(x):
            gx = self.add(gx, gy[:, rows, columns] @ self.W[i, j].T)
            gW[i, j] = np.tensordot(x, gy[:, rows, columns], ((0, 1, 2), (0, 1, 2)))
        return gx, {"W": gW, "b": gy.sum(axis=(0, 1, 2))}

    def add(self, gx: Array, term: Array) -> Any:
        return gx + term


@bug(draw(2, 3, 4, 2), "overwritten")
class TransposedOverwrites(ConvTransposed):
    def add(self, gx: Array, term: Array) -> Any:
        return term


@bug(draw(2, 3, 4, 2), "stride")
class TransposedStrideForgotten(ConvTransposed):
    def backward(self, x: Array, gy: Array) -> Any:
        _, g = super().backward(x, gy)
        H, W = x.shape[1:3]
        return sum(gy[:, i : i + H, j : j + W] @ self.W[i, j].T for i in range(3) for j in range(3)), g


@bug(draw(2, 3, 4, 2), "flipped")
class TransposedKernelFlipped(ConvTransposed):
    def backward(self, x: Array, gy: Array) -> Any:
        gx, g = super().backward(x, gy)
        return gx, g | {"W": g["W"][::-1, ::-1]}
