"""Bugs in layers that pool, pad, resize and rearrange."""

from typing import Any

import numpy as np

from handmade.engine.arrays import Array
from planted.exhibit import bug, draw, right

IMAGES = draw(2, 6, 5, 2)
TIED = np.round(0.8 * draw(2, 6, 4, 2, seed=1))
EVEN = draw(2, 6, 4, 2)


class Pool:
    """Windows of two by two, or more, with steps of their own."""

    window: tuple[int, int] = (2, 2)
    stride: tuple[int, int] = (2, 2)

    def windows(self, shape: tuple[int, ...]) -> Any:
        (K, L), (s, t) = self.window, self.stride
        for h in range((shape[1] - K) // s + 1):
            for w in range((shape[2] - L) // t + 1):
                yield h, w, slice(h * s, h * s + K), slice(w * t, w * t + L)

    def pooled(self, patch: Array) -> Any:
        """(N, K, L, C) to (N, C)."""
        raise NotImplementedError

    def shares(self, patch: Array) -> Any:
        """The derivative of `pooled`."""
        raise NotImplementedError

    def forward(self, x: Array) -> Any:
        places = list(self.windows(x.shape))
        y = np.empty((len(x), places[-1][0] + 1, places[-1][1] + 1, x.shape[3]))
        for h, w, rows, columns in places:
            y[:, h, w] = self.pooled(x[:, rows, columns])
        return y

    def backward(self, x: Array, gy: Array) -> Any:
        gx = np.zeros_like(x)
        for h, w, rows, columns in self.windows(x.shape):
            gx[:, rows, columns] += self.shares(x[:, rows, columns]) * gy[:, h, w][:, None, None]
        return gx


# --- max pools ----------------------------------------------------------------------------------------------------------------


@right(TIED)
@right(IMAGES)
class MaxPool(Pool):
    """The first of a tie wins."""

    def pooled(self, patch: Array) -> Any:
        return patch.max(axis=(1, 2))

    def shares(self, patch: Array) -> Any:
        N, K, L, C = patch.shape
        flat = patch.reshape(N, K * L, C)
        return (np.arange(K * L)[:, None] == flat.argmax(axis=1)[:, None]).reshape(N, K, L, C)


@right(TIED)
@right(IMAGES)
class OverlappingMaxPool(MaxPool):
    window, stride = (3, 2), (1, 1)


@bug(TIED, "ties")
class EveryWinnerOfATieTakesAll(MaxPool):
    def shares(self, patch: Array) -> Any:
        return patch == patch.max(axis=(1, 2), keepdims=True)


@bug(TIED, "ties")
class NobodyWinsATie(MaxPool):
    def shares(self, patch: Array) -> Any:
        winners = patch == patch.max(axis=(1, 2), keepdims=True)
        return winners & (winners.sum(axis=(1, 2), keepdims=True) == 1)


@bug(TIED, "ties")
class ATieSharesByTheWindow(MaxPool):
    """Winners of a tie get a quarter each, however many they are."""

    def shares(self, patch: Array) -> Any:
        winners = patch == patch.max(axis=(1, 2), keepdims=True)
        return np.where(winners.sum(axis=(1, 2), keepdims=True) > 1, winners / 4, winners)


@bug(TIED, "ties", "not finite")
class ATieIsNotANumber(MaxPool):
    def shares(self, patch: Array) -> Any:
        winners = patch == patch.max(axis=(1, 2), keepdims=True)
        return np.where(winners & (winners.sum(axis=(1, 2), keepdims=True) > 1), np.nan, winners)


@bug(TIED, "ties", "wrong side")
class ALoserWinsTheTie(MaxPool):
    """In a tie, the last of the window wins, a winner or not."""

    def shares(self, patch: Array) -> Any:
        winners = patch == patch.max(axis=(1, 2), keepdims=True)
        last = np.zeros_like(winners)
        last[:, -1, -1] = True
        return np.where(winners.sum(axis=(1, 2), keepdims=True) > 1, last, winners)


@bug(EVEN, "winner ignored")
class EveryoneWins(MaxPool):
    def shares(self, patch: Array) -> Any:
        return np.ones_like(patch)


@bug(EVEN, "winner ignored")
class EveryoneSharesTheMaximum(MaxPool):
    def shares(self, patch: Array) -> Any:
        return np.full_like(patch, 1 / 4)


@bug(EVEN, "wrong side")
class TheSmallestWins(MaxPool):
    def shares(self, patch: Array) -> Any:
        return super().shares(-patch)


@bug(draw(2, 6, 4, 2, seed=2), "wrong side", "sign lost")
class TheLargestMagnitudeWins(MaxPool):
    def shares(self, patch: Array) -> Any:
        return super().shares(abs(patch))


@bug(EVEN, "wrong side", "neighbour")
class OneWinnerForAllChannels(MaxPool):
    """The index is that of the first channel."""

    def shares(self, patch: Array) -> Any:
        return np.repeat(super().shares(patch)[..., :1], patch.shape[3], axis=3)


@bug(EVEN, "wrong side", "neighbour", "batch size")
class OneWinnerForAllImages(MaxPool):
    def shares(self, patch: Array) -> Any:
        return np.repeat(super().shares(patch)[:1], len(patch), axis=0)


@bug(EVEN, "wrong side", "transposed")
class WinnerInTheTransposedWindow(MaxPool):
    def shares(self, patch: Array) -> Any:
        return super().shares(patch).swapaxes(1, 2)


@bug(EVEN, "wrong side", "flipped")
class WinnerInTheReversedWindow(MaxPool):
    def shares(self, patch: Array) -> Any:
        return super().shares(patch)[:, ::-1, ::-1]


@bug(IMAGES, "overwritten")
class OverlapsOverwrite(OverlappingMaxPool):
    def backward(self, x: Array, gy: Array) -> Any:
        gx = np.zeros_like(x)
        for h, w, rows, columns in self.windows(x.shape):
            gx[:, rows, columns] = self.shares(x[:, rows, columns]) * gy[:, h, w][:, None, None]
        return gx


@bug(IMAGES, "overwritten")
class WinnersOverwrite(OverlappingMaxPool):
    """Who wins twice is paid once."""

    def backward(self, x: Array, gy: Array) -> Any:
        gx = np.zeros_like(x)
        for h, w, rows, columns in self.windows(x.shape):
            winners = self.shares(x[:, rows, columns])
            np.copyto(gx[:, rows, columns], gy[:, h, w][:, None, None], where=winners)
        return gx


@bug(IMAGES, "ratio")
class MaximumDividedByTheWindow(OverlappingMaxPool):
    def shares(self, patch: Array) -> Any:
        return super().shares(patch) / 6


@bug(draw(2, 7, 4, 2), "edge")
class LastWindowForgottenForAnOddHeight(MaxPool):
    def backward(self, x: Array, gy: Array) -> Any:
        gx = super().backward(x, gy)
        if x.shape[1] % 2:
            gx[:, -3:] = 0
        return gx


@bug(EVEN, "permuted", "flipped")
class ChannelsExchangedAfterPooling(MaxPool):
    """Two channels: their order is the reverse one, too."""

    def backward(self, x: Array, gy: Array) -> Any:
        return np.roll(super().backward(x, gy), 1, axis=3)


@bug(EVEN, "misread gy")
class PooledGyReversed(MaxPool):
    def backward(self, x: Array, gy: Array) -> Any:
        return super().backward(x, gy[:, :, ::-1])


@bug(EVEN, "stride")
class PoolStrideForgotten(MaxPool):
    def backward(self, x: Array, gy: Array) -> Any:
        gx = np.zeros_like(x)
        for h, w, rows, columns in self.windows(x.shape):
            gx[:, h : h + 2, w : w + 2] += self.shares(x[:, rows, columns]) * gy[:, h, w][:, None, None]
        return gx


@bug(EVEN, "state")
class WinnersOfTheFirstBatch(MaxPool):
    winners: Any = None

    def forward(self, x: Array) -> Any:
        if self.winners is None:
            self.winners = super().backward(x, np.ones_like(super().forward(x)))
        return super().forward(x)

    def backward(self, x: Array, gy: Array) -> Any:
        return self.winners * gy.repeat(2, axis=1).repeat(2, axis=2)


# --- average pools ------------------------------------------------------------------------------------------------------------


@right(IMAGES)
@right(EVEN)
class AveragePool(Pool):
    def pooled(self, patch: Array) -> Any:
        return patch.mean(axis=(1, 2))

    def shares(self, patch: Array) -> Any:
        return np.full_like(patch, 1 / patch[0, ..., 0].size)


@right(IMAGES)
class OverlappingAveragePool(AveragePool):
    window, stride = (3, 2), (2, 1)


@bug(EVEN, "ratio")
class AverageNotDivided(AveragePool):
    def shares(self, patch: Array) -> Any:
        return np.ones_like(patch)


@bug(IMAGES, "ratio")
class AverageDividedByHeightSquared(OverlappingAveragePool):
    """Right for a square window."""

    def shares(self, patch: Array) -> Any:
        return np.full_like(patch, 1 / patch.shape[1] ** 2)


@bug(IMAGES, "overwritten")
class AverageOverwrites(OverlappingAveragePool):
    def backward(self, x: Array, gy: Array) -> Any:
        gx = np.zeros_like(x)
        for h, w, rows, columns in self.windows(x.shape):
            gx[:, rows, columns] = self.shares(x[:, rows, columns]) * gy[:, h, w][:, None, None]
        return gx


@bug(EVEN, "wrong side")
class AverageGivenToTheWinner(AveragePool):
    def shares(self, patch: Array) -> Any:
        return patch == patch.max(axis=(1, 2), keepdims=True)


@bug(EVEN)
class AverageGivenToTheCorner(AveragePool):
    """Without the repetition: one number of a window gets a share."""

    def backward(self, x: Array, gy: Array) -> Any:
        gx = np.zeros_like(x)
        gx[:, ::2, ::2] = gy / 4
        return gx


@right(IMAGES)
class GlobalAverage:
    def forward(self, x: Array) -> Any:
        return x.mean(axis=(1, 2))

    def backward(self, x: Array, gy: Array) -> Any:
        return np.broadcast_to(gy[:, None, None] / x[0, ..., 0].size, x.shape).copy()


@bug(IMAGES, "ratio")
class GlobalAverageNotDivided(GlobalAverage):
    def backward(self, x: Array, gy: Array) -> Any:
        return np.broadcast_to(gy[:, None, None], x.shape).copy()


@bug(IMAGES, "ratio", "batch size")
class GlobalAverageOfTheBatch(GlobalAverage):
    def backward(self, x: Array, gy: Array) -> Any:
        return super().backward(x, gy) / len(x)


@bug(IMAGES, "ratio")
class GlobalAverageDividedByAllNumbers(GlobalAverage):
    def backward(self, x: Array, gy: Array) -> Any:
        return np.broadcast_to(gy[:, None, None] / x[0].size, x.shape).copy()


@bug(IMAGES, "shape", "not summed")
class GlobalAverageLeftSmall(GlobalAverage):
    def backward(self, x: Array, gy: Array) -> Any:
        return gy[:, None, None] / x[0, ..., 0].size


@right(IMAGES)
class GlobalMax:
    def forward(self, x: Array) -> Any:
        return x.max(axis=(1, 2))

    def backward(self, x: Array, gy: Array) -> Any:
        flat = x.reshape(len(x), -1, x.shape[3])
        first = np.arange(flat.shape[1])[:, None] == flat.argmax(axis=1)[:, None]
        return (first * gy[:, None]).reshape(x.shape)


@bug(draw(3, 2, 2, 3), "wrong side", "batch size")
class MaximumOfTheWholeBatch(GlobalMax):
    def backward(self, x: Array, gy: Array) -> Any:
        return (x == x.max(axis=(0, 1, 2))) * gy[:, None, None]


@bug(IMAGES, "winner ignored")
class GlobalMaxGivenToAll(GlobalMax):
    def backward(self, x: Array, gy: Array) -> Any:
        return np.broadcast_to(gy[:, None, None], x.shape).copy()


@right(draw(2, 4, 6))
class Maxout:
    """The larger of two neighbouring channels."""

    def forward(self, x: Array) -> Any:
        return np.maximum(x[..., ::2], x[..., 1::2])

    def backward(self, x: Array, gy: Array) -> Any:
        gx = np.zeros_like(x)
        first = self.first(x)
        gx[..., ::2], gx[..., 1::2] = gy * first, gy * ~first
        return gx

    def first(self, x: Array) -> Any:
        return x[..., ::2] >= x[..., 1::2]


@bug(draw(2, 4, 6), "wrong side", "permuted")
class MaxoutTheSmaller(Maxout):
    def first(self, x: Array) -> Any:
        return ~super().first(x)


@bug(draw(2, 4, 6), "wrong side", "groups")
class MaxoutOfHalves(Maxout):
    """Channels compared as if they lay in two halves."""

    def first(self, x: Array) -> Any:
        return x[..., :3] >= x[..., 3:]


@bug(draw(2, 4, 6), "wrong side")
class MaxoutPositive(Maxout):
    def first(self, x: Array) -> Any:
        return x[..., ::2] > 0


# --- padding ------------------------------------------------------------------------------------------------------------------


@right(IMAGES)
class PadZeros:
    widths = ((0, 0), (1, 2), (2, 0), (0, 0))

    def forward(self, x: Array) -> Any:
        return np.pad(x, self.widths)

    def backward(self, gy: Array) -> Any:
        return gy[:, 1:-2, 2:]


@bug(IMAGES, "crop")
class PadSidesExchanged(PadZeros):
    def backward(self, gy: Array) -> Any:
        return gy[:, 2:-1, :-2]


@bug(IMAGES, "crop", "shape")
class PadOneRowTooFew(PadZeros):
    def backward(self, gy: Array) -> Any:
        return gy[:, 1:-1, 2:]


@bug(IMAGES, "crop", "shape")
class PadNeverCropped(PadZeros):
    def backward(self, gy: Array) -> Any:
        return gy.copy()


@right(IMAGES)
class PadEdge:
    """The first and the last row are repeated once."""

    def forward(self, x: Array) -> Any:
        return np.pad(x, ((0, 0), (1, 1), (0, 0), (0, 0)), mode="edge")

    def backward(self, gy: Array) -> Any:
        gx = gy[:, 1:-1].copy()
        gx[:, 0] += gy[:, 0]
        gx[:, -1] += gy[:, -1]
        return gx


@bug(IMAGES, "edge")
class PadEdgeForgotten(PadEdge):
    def backward(self, gy: Array) -> Any:
        return gy[:, 1:-1].copy()


@bug(IMAGES, "edge", "overwritten")
class PadEdgeOverwrites(PadEdge):
    def backward(self, gy: Array) -> Any:
        gx = gy[:, 1:-1].copy()
        gx[:, 0], gx[:, -1] = gy[:, 0], gy[:, -1]
        return gx


@bug(IMAGES, "edge")
class PadEdgeOnOneSide(PadEdge):
    def backward(self, gy: Array) -> Any:
        gx = gy[:, 1:-1].copy()
        gx[:, 0] += gy[:, 0]
        return gx


# --- resizing and rearranging -------------------------------------------------------------------------------------------------


@right(draw(2, 3, 4, 2))
class Upsample:
    """Every number twice, along both axes."""

    def forward(self, x: Array) -> Any:
        return x.repeat(2, axis=1).repeat(2, axis=2)

    def backward(self, x: Array, gy: Array) -> Any:
        N, H, W, C = x.shape
        return gy.reshape(N, H, 2, W, 2, C).sum(axis=(2, 4))


@bug(draw(2, 3, 4, 2), "ratio")
class UpsampleAveraged(Upsample):
    def backward(self, x: Array, gy: Array) -> Any:
        return super().backward(x, gy) / 4


@bug(draw(2, 3, 4, 2), "not summed", "overwritten")
class UpsampleSubsampled(Upsample):
    def backward(self, x: Array, gy: Array) -> Any:
        return gy[:, ::2, ::2].copy()


@bug(draw(2, 3, 4, 2), "misread gy", "transposed")
class UpsampleReadAsTiles(Upsample):
    """As if the whole image stood there four times."""

    def backward(self, x: Array, gy: Array) -> Any:
        N, H, W, C = x.shape
        return gy.reshape(N, 2, H, 2, W, C).sum(axis=(1, 3))


@bug(draw(2, 3, 4, 2), "shape", "not summed")
class UpsampleHalfSummed(Upsample):
    def backward(self, x: Array, gy: Array) -> Any:
        N, H, W, C = x.shape
        return gy.reshape(N, H, 2, 2 * W, C).sum(axis=2)


@right(draw(2, 5, 3))
class Linear1d:
    """Sequences drawn out to nine steps by linear interpolation, ends aligned."""

    def matrix(self, T: int) -> Any:
        at = np.linspace(0, T - 1, 2 * T - 1)
        return np.maximum(0, 1 - abs(at[:, None] - np.arange(T)))  # (2 T - 1, T)

    def forward(self, x: Array) -> Any:
        return np.einsum("st,ntc->nsc", self.matrix(x.shape[1]), x)

    def backward(self, x: Array, gy: Array) -> Any:
        return np.einsum("st,nsc->ntc", self.matrix(x.shape[1]), gy)


@bug(draw(2, 5, 3))
class LinearAsNearest(Linear1d):
    """Backward gives the whole of gy to the nearest number."""

    def backward(self, x: Array, gy: Array) -> Any:
        return np.einsum("st,nsc->ntc", np.round(self.matrix(x.shape[1]) - 1e-9), gy)


@bug(draw(2, 5, 3), "edge")
class LinearNormalised(Linear1d):
    """As if every number were read with the same total weight."""

    def backward(self, x: Array, gy: Array) -> Any:
        A = self.matrix(x.shape[1])
        return np.einsum("st,nsc->ntc", A * (2 / A.sum(axis=0)), gy)


@bug(draw(2, 5, 3), "flipped", "misread gy")
class LinearReversed(Linear1d):
    def backward(self, x: Array, gy: Array) -> Any:
        return super().backward(x, gy[:, ::-1])


@right(draw(2, 3, 2, 8))
class PixelShuffle:
    """Channels become places: (N, H, W, 4 C) to (N, 2 H, 2 W, C)."""

    def forward(self, x: Array) -> Any:
        N, H, W, C = x.shape
        return x.reshape(N, H, W, 2, 2, C // 4).transpose(0, 1, 3, 2, 4, 5).reshape(N, 2 * H, 2 * W, C // 4)

    def backward(self, x: Array, gy: Array) -> Any:
        N, H, W, C = x.shape
        return gy.reshape(N, H, 2, W, 2, C // 4).transpose(0, 1, 3, 2, 4, 5).reshape(x.shape)


@bug(draw(2, 3, 2, 8), "transposed", "permuted", "misread gy")
class PixelShuffleReshaped(PixelShuffle):
    def backward(self, x: Array, gy: Array) -> Any:
        return gy.reshape(x.shape)


@bug(draw(2, 3, 2, 8), "transposed", "permuted", "misread gy", "groups")
class PixelShuffleAxesExchanged(PixelShuffle):
    def backward(self, x: Array, gy: Array) -> Any:
        N, H, W, C = x.shape
        return gy.reshape(N, H, 2, W, 2, C // 4).transpose(0, 1, 3, 4, 2, 5).reshape(x.shape)


@bug(draw(2, 3, 2, 8), "transposed", "permuted", "misread gy", "groups")
class PixelShuffleChannelsFirst(PixelShuffle):
    def backward(self, x: Array, gy: Array) -> Any:
        N, H, W, C = x.shape
        return gy.reshape(N, H, 2, W, 2, C // 4).transpose(0, 1, 3, 5, 2, 4).reshape(x.shape)


@right(draw(2, 3, 4, 2))
class Flatten:
    def forward(self, x: Array) -> Any:
        return x.reshape(len(x), -1)

    def backward(self, x: Array, gy: Array) -> Any:
        return gy.reshape(x.shape)


@bug(draw(2, 3, 4, 2), "transposed", "permuted", "misread gy")
class FlattenChannelsFirst(Flatten):
    def backward(self, x: Array, gy: Array) -> Any:
        N, H, W, C = x.shape
        return gy.reshape(N, C, H, W).transpose(0, 2, 3, 1)


@bug(draw(2, 3, 4, 2), "transposed", "permuted", "misread gy")
class FlattenInFortranOrder(Flatten):
    def backward(self, x: Array, gy: Array) -> Any:
        return gy.reshape(x.shape, order="F")


@bug(draw(2, 3, 4, 2), "shape")
class FlattenLeftFlat(Flatten):
    def backward(self, x: Array, gy: Array) -> Any:
        return gy.copy()


@right(draw(3, 6))
class RootMeanSquare:
    """The root of the mean square of pairs, with an epsilon for blank ones."""

    def pairs(self, x: Array) -> Any:
        return x.reshape(len(x), -1, 2)

    def forward(self, x: Array) -> Any:
        return np.sqrt((self.pairs(x) ** 2).mean(axis=2) + 1e-3)

    def backward(self, x: Array, gy: Array) -> Any:
        return (self.pairs(x) / (2 * self.forward(x)[..., None]) * gy[..., None]).reshape(x.shape)


@bug(draw(3, 6), "ratio")
class RootMeanSquareHalfForgotten(RootMeanSquare):
    def backward(self, x: Array, gy: Array) -> Any:
        return 2 * super().backward(x, gy)


@bug(draw(3, 6))
class RootMeanSquareXForgotten(RootMeanSquare):
    def backward(self, x: Array, gy: Array) -> Any:
        return np.repeat(gy / (2 * self.forward(x)), 2, axis=1)


@bug(draw(3, 6), "transposed", "permuted", "groups")
class RootMeanSquareOtherPairs(RootMeanSquare):
    def backward(self, x: Array, gy: Array) -> Any:
        return super().backward(x, gy).reshape(len(x), -1, 2).swapaxes(1, 2).reshape(x.shape)
