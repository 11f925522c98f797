"""Bugs in layers that multiply by a matrix or a vector of weights."""

from typing import Any

import numpy as np

from handmade.engine.arrays import Array
from planted.exhibit import ROWS, bug, draw, right

FOUR = draw(4, 5)
SQUARE = draw(5, 5)


@right(FOUR)
@right(ROWS)
class Dense:
    """y = x W + b."""

    outputs = 4

    def __init__(self) -> None:
        self.W, self.b = draw(5, self.outputs), draw(self.outputs)

    def forward(self, x: Array) -> Any:
        return x @ self.W + self.b

    def backward(self, x: Array, gy: Array) -> Any:
        return self.gx(x, gy), {"W": self.gW(x, gy), "b": self.gb(gy)}

    def gx(self, x: Array, gy: Array) -> Any:
        return gy @ self.W.T

    def gW(self, x: Array, gy: Array) -> Any:
        return x.T @ gy

    def gb(self, gy: Array) -> Any:
        return gy.sum(axis=0)


@right(SQUARE)
@right(ROWS)
class Square(Dense):
    outputs = 5


# --- the batch ----------------------------------------------------------------------------------------------------------------


@bug(ROWS, "overwritten", "batch size")
class LastImageCounts(Dense):
    def gW(self, x: Array, gy: Array) -> Any:
        for n in range(len(x)):
            g = np.outer(x[n], gy[n])
        return g


@bug(ROWS, "overwritten", "batch size")
class FirstImageCounts(Dense):
    def gb(self, gy: Array) -> Any:
        return gy[0].copy()


@bug(FOUR, "ratio", "batch size")
class EverythingAveraged(Dense):
    """The loss has taken the mean over the batch before."""

    def backward(self, x: Array, gy: Array) -> Any:
        return super().backward(x, gy / len(x))


@bug(FOUR, "ratio", "batch size")
class WeightsAveraged(Dense):
    def gW(self, x: Array, gy: Array) -> Any:
        return np.mean(x[:, :, None] * gy[:, None, :], axis=0)


@bug(FOUR, "ratio", "batch size")
class BatchCountedTwice(Dense):
    def gb(self, gy: Array) -> Any:
        return len(gy) * gy.sum(axis=0)


@bug(FOUR, "ratio", "batch size")
class BatchLessOne(Dense):
    """The divisor of an unbiased variance, out of place."""

    def gb(self, gy: Array) -> Any:
        return gy.sum(axis=0) / max(len(gy) - 1, 1)


@bug(FOUR, "ratio", "batch size")
class HalfInABatch(Dense):
    def gW(self, x: Array, gy: Array) -> Any:
        return super().gW(x, gy) * (0.5 if len(x) > 1 else 1)


@bug(ROWS, "batch size", "edge", "one image", "loop bounds")
class LoopEndsTooEarly(Dense):
    def gx(self, x: Array, gy: Array) -> Any:
        g = np.zeros_like(x)
        for n in range(max(len(x) - 1, 1)):
            g[n] = gy[n] @ self.W.T
        return g


@bug(FOUR, "batch size")
class LastTwoImagesNeverAdded(Dense):
    def gW(self, x: Array, gy: Array) -> Any:
        return super().gW(x[:2], gy[:2])


@bug(FOUR, "batch size", "neighbour")
class FirstInputForAll(Dense):
    def gW(self, x: Array, gy: Array) -> Any:
        return np.outer(x[0], gy.sum(axis=0))


@bug(FOUR, "batch size", "ignores gy", "summed too far")
class MeanOfTheBatchForEach(Dense):
    def gx(self, x: Array, gy: Array) -> Any:
        return np.broadcast_to(gy.mean(axis=0) @ self.W.T, x.shape).copy()


@bug(FOUR, "batch size", "permuted", "misread gy")
class ImagesInAnotherOrder(Dense):
    def gx(self, x: Array, gy: Array) -> Any:
        return np.roll(super().gx(x, gy), 1, axis=0)


@bug(FOUR, "batch size", "permuted", "misread gy", "flipped")
class ImagesInReverse(Dense):
    def gx(self, x: Array, gy: Array) -> Any:
        return super().gx(x, gy)[::-1]


@bug(FOUR, "batch size", "misread gy", "neighbour")
class InputsAndGyOfDifferentImages(Dense):
    def gW(self, x: Array, gy: Array) -> Any:
        return x.T @ np.roll(gy, 1, axis=0)


@bug(FOUR, "batch size", "transposed")
class BatchReshapedNotTransposed(Dense):
    def gW(self, x: Array, gy: Array) -> Any:
        return x.reshape(x.shape[::-1]) @ gy


@bug(FOUR, "misread gy", "axis")
class BiasSummedOverTheWrongAxis(Dense):
    """It has the right shape for as many images as outputs."""

    def gb(self, gy: Array) -> Any:
        return gy.sum(axis=1) if gy.shape[0] == gy.shape[1] else gy.sum(axis=0)


@bug(draw(4, 5, seed=5), "misread gy")
class GyTransposedWhenItFits(Dense):
    def gx(self, x: Array, gy: Array) -> Any:
        return (gy.T if gy.shape[0] == gy.shape[1] else gy) @ self.W.T


# --- numbers ------------------------------------------------------------------------------------------------------------------


@bug(ROWS, "one place", "one channel")
class OneWeightTenthOfAPerMilleOff(Dense):
    def gW(self, x: Array, gy: Array) -> Any:
        g = super().gW(x, gy)
        g[2, 1] *= 1.0001
        return g


@bug(ROWS, "one place", "one channel")
class OneWeightForgotten(Dense):
    def gW(self, x: Array, gy: Array) -> Any:
        g = super().gW(x, gy)
        g[3, 2] = 0
        return g


@bug(ROWS, "one place", "one channel")
class OneBiasOfTheWrongSign(Dense):
    def gb(self, gy: Array) -> Any:
        return gy.sum(axis=0) * np.array([1, 1, -1, 1])


@bug(ROWS, "one channel")
class OneOutputForgotten(Dense):
    def gW(self, x: Array, gy: Array) -> Any:
        g = super().gW(x, gy)
        g[:, 1] = 0
        return g


@bug(ROWS, "one channel")
class OneInputForgotten(Dense):
    def gx(self, x: Array, gy: Array) -> Any:
        g = super().gx(x, gy)
        g[:, 2] = 0
        return g


@bug(ROWS, "one channel")
class OneInputDoubled(Dense):
    def gx(self, x: Array, gy: Array) -> Any:
        return super().gx(x, gy) * np.array([1, 1, 2, 1, 1])


@bug(ROWS, "edge", "one channel", "one place", "loop bounds")
class LastOutputNeverAdded(Dense):
    """A loop over outputs that ends one too early."""

    def gb(self, gy: Array) -> Any:
        g = np.zeros(gy.shape[1])
        for k in range(gy.shape[1] - 1):
            g[k] = gy[:, k].sum()
        return g


@bug(ROWS, "loop bounds")
class LastOutputNeverRead(Dense):
    """Its part of a sum is missing, in every number."""

    def gx(self, x: Array, gy: Array) -> Any:
        return gy[:, :-1] @ self.W[:, :-1].T


@bug(ROWS, "sign lost")
class MagnitudeOfTheWeights(Dense):
    def gx(self, x: Array, gy: Array) -> Any:
        return gy @ abs(self.W.T)


@bug(ROWS, "wrong sign", "ratio")
class WeightsDownhill(Dense):
    """Ready to be added: an optimiser will subtract it."""

    def gW(self, x: Array, gy: Array) -> Any:
        return -(x.T @ gy)


@bug(ROWS, "truncated", "not linear", "dtype")
class GradientOfIntegers(Dense):
    def gW(self, x: Array, gy: Array) -> Any:
        return (x.T @ gy).astype(int)


@bug(ROWS, "truncated", "not linear")
class BufferOfIntegers(Dense):
    def gx(self, x: Array, gy: Array) -> Any:
        g = np.zeros(x.shape, dtype=int)
        g[...] = gy @ self.W.T
        return g.astype(float)


@bug(ROWS, "truncated")
class WeightsOfIntegers(Dense):
    def gx(self, x: Array, gy: Array) -> Any:
        return gy @ self.W.T.astype(int)


@bug(ROWS, "permuted")
class OutputsInAnotherOrder(Dense):
    def gW(self, x: Array, gy: Array) -> Any:
        return np.roll(super().gW(x, gy), 1, axis=1)


@bug(ROWS, "permuted")
class InputsInAnotherOrder(Dense):
    def gx(self, x: Array, gy: Array) -> Any:
        return super().gx(x, gy)[:, [0, 3, 2, 1, 4]]


@bug(ROWS, "flipped", "permuted")
class BiasInReverse(Dense):
    def gb(self, gy: Array) -> Any:
        return gy.sum(axis=0)[::-1]


@bug(ROWS, "shape")
class BiasKeepsItsAxis(Dense):
    def gb(self, gy: Array) -> Any:
        return gy.sum(axis=0, keepdims=True)


@bug(ROWS, "shape")
class WeightsLeftFlat(Dense):
    def gW(self, x: Array, gy: Array) -> Any:
        return super().gW(x, gy).ravel()


@bug(ROWS, "shape", "summed too far")
class BiasSummedToOneNumber(Dense):
    def gb(self, gy: Array) -> Any:
        return np.asarray(gy.sum())


@bug(ROWS, "summed too far")
class BiasSummedOverOutputs(Dense):
    def gb(self, gy: Array) -> Any:
        return np.full(4, gy.sum())


@bug(ROWS, "not summed", "shape")
class BiasNotSummed(Dense):
    def gb(self, gy: Array) -> Any:
        return gy


@bug(ROWS, "swapped", "shape")
class WeightsAndBiasExchanged(Dense):
    def backward(self, x: Array, gy: Array) -> Any:
        gx, g = super().backward(x, gy)
        return gx, {"W": g["b"], "b": g["W"]}


@bug(ROWS, "transposed")
class WeightsNotTransposed(Square):
    def gx(self, x: Array, gy: Array) -> Any:
        return gy @ self.W


@bug(SQUARE, "transposed")
class TransposedForFiveImages(Square):
    """A guess from the shape of x."""

    def gx(self, x: Array, gy: Array) -> Any:
        return super().gx(x, gy).T if x.shape[0] == x.shape[1] else super().gx(x, gy)


@bug(ROWS, "derivative forgotten")
class GyHandedOn(Square):
    def gx(self, x: Array, gy: Array) -> Any:
        return gy.copy()


# --- what is not linear in gy -------------------------------------------------------------------------------------------------


@bug(ROWS, "weight decay", "not linear")
class DecayOfWeights(Dense):
    def gW(self, x: Array, gy: Array) -> Any:
        return super().gW(x, gy) + 1e-4 * self.W


@bug(ROWS, "weight decay", "not linear")
class DecayOfBiases(Dense):
    def gb(self, gy: Array) -> Any:
        return gy.sum(axis=0) + 0.1 * self.b


@bug(ROWS, "weight decay", "not linear")
class DecayOfTheFirstOrder(Dense):
    """The penalty |W|."""

    def gW(self, x: Array, gy: Array) -> Any:
        return super().gW(x, gy) + 0.01 * np.sign(self.W)


@bug(ROWS, "not linear")
class ClippedByNorm(Dense):
    def gW(self, x: Array, gy: Array) -> Any:
        g = super().gW(x, gy)
        return g / max(1, np.linalg.norm(g))


@bug(ROWS, "not linear")
class NegativeGyDropped(Dense):
    def gb(self, gy: Array) -> Any:
        return np.maximum(gy, 0).sum(axis=0)


@bug(ROWS, "not linear")
class NegativeGyTenthOfAPerMilleOff(Dense):
    def gx(self, x: Array, gy: Array) -> Any:
        return np.where(gy < 0, 1.0001, 1) * gy @ self.W.T


@bug(ROWS, "not linear")
class SmallNumbersDropped(Dense):
    def gW(self, x: Array, gy: Array) -> Any:
        g = super().gW(x, gy)
        return np.where(abs(g) < 0.3, 0, g)


@bug(ROWS, "not linear")
class LargeGyCapped(Dense):
    def gx(self, x: Array, gy: Array) -> Any:
        return np.minimum(gy, 0.5) @ self.W.T


@bug(ROWS, "not linear", "sign lost")
class MagnitudeOfGy(Dense):
    def gb(self, gy: Array) -> Any:
        return abs(gy).sum(axis=0)


@bug(ROWS, "not linear", "ignores gy")
class SignOfGy(Dense):
    def gx(self, x: Array, gy: Array) -> Any:
        return np.sign(gy) @ self.W.T


@bug(ROWS, "ignores gy", "not linear")
class OnesForGy(Dense):
    def gW(self, x: Array, gy: Array) -> Any:
        return np.repeat(x.sum(axis=0)[:, None], 4, axis=1)


# --- one number a channel -----------------------------------------------------------------------------------------------------


@right(ROWS)
class Scale:
    """y = scale x + shift."""

    def __init__(self) -> None:
        self.scale, self.shift = 1 + 0.3 * draw(5), draw(5, seed=1)

    def forward(self, x: Array) -> Any:
        return self.scale * x + self.shift

    def backward(self, x: Array, gy: Array) -> Any:
        return gy * self.scale, {"scale": (gy * x).sum(axis=0), "shift": gy.sum(axis=0)}


@bug(ROWS, "swapped")
class ScaleAndShiftExchanged(Scale):
    def backward(self, x: Array, gy: Array) -> Any:
        gx, g = super().backward(x, gy)
        return gx, {"scale": g["shift"], "shift": g["scale"]}


@bug(ROWS, "derivative forgotten")
class ScaleWithoutX(Scale):
    def backward(self, x: Array, gy: Array) -> Any:
        gx, g = super().backward(x, gy)
        return gx, g | {"scale": gy.sum(axis=0)}


@bug(ROWS, "derivative elsewhere")
class ScaleByTheOutput(Scale):
    def backward(self, x: Array, gy: Array) -> Any:
        gx, g = super().backward(x, gy)
        return gx, g | {"scale": (gy * self.forward(x)).sum(axis=0)}


@bug(ROWS, "derivative forgotten")
class ScaleForgotten(Scale):
    def backward(self, x: Array, gy: Array) -> Any:
        return gy.copy(), super().backward(x, gy)[1]


@bug(ROWS)
class DividedByScale(Scale):
    def backward(self, x: Array, gy: Array) -> Any:
        return gy / self.scale, super().backward(x, gy)[1]


@bug(ROWS, "neighbour", "permuted")
class ScaleOfTheNeighbour(Scale):
    def backward(self, x: Array, gy: Array) -> Any:
        return gy * np.roll(self.scale, 1), super().backward(x, gy)[1]


@bug(ROWS, "not summed", "shape")
class ScaleNotSummed(Scale):
    def backward(self, x: Array, gy: Array) -> Any:
        gx, g = super().backward(x, gy)
        return gx, g | {"scale": gy * x}


# --- two factors --------------------------------------------------------------------------------------------------------------


@right(ROWS)
class Gate:
    """y = x * sigmoid(x W)."""

    def __init__(self) -> None:
        self.W = draw(5, 5)

    def gate(self, x: Array) -> Any:
        return 0.5 + 0.5 * np.tanh(x @ self.W / 2)

    def forward(self, x: Array) -> Any:
        return x * self.gate(x)

    def backward(self, x: Array, gy: Array) -> Any:
        s = self.gate(x)
        gz = gy * x * s * (1 - s)
        return gy * s + gz @ self.W.T, {"W": x.T @ gz}


@bug(ROWS, "product rule")
class GateHeldConstant(Gate):
    def backward(self, x: Array, gy: Array) -> Any:
        return gy * self.gate(x), super().backward(x, gy)[1]


@bug(ROWS, "product rule")
class GatedHeldConstant(Gate):
    def backward(self, x: Array, gy: Array) -> Any:
        gx, g = super().backward(x, gy)
        return gx - gy * self.gate(x), g


@bug(ROWS, "derivative forgotten")
class GateWithoutDerivative(Gate):
    def backward(self, x: Array, gy: Array) -> Any:
        s = self.gate(x)
        return gy * s + (gy * x) @ self.W.T, {"W": x.T @ (gy * x)}


@right(ROWS)
class Tied:
    """y = tanh(x W) W': one matrix, used twice."""

    def __init__(self) -> None:
        self.W = draw(5, 4)

    def forward(self, x: Array) -> Any:
        return np.tanh(x @ self.W) @ self.W.T

    def backward(self, x: Array, gy: Array) -> Any:
        h = np.tanh(x @ self.W)
        gz = (gy @ self.W) * (1 - h**2)
        return gz @ self.W.T, {"W": self.gW(x.T @ gz, gy.T @ h)}

    def gW(self, coding: Array, decoding: Array) -> Any:
        return coding + decoding


@bug(ROWS, "product rule", "overwritten")
class TiedSecondUseOverwrites(Tied):
    def gW(self, coding: Array, decoding: Array) -> Any:
        return decoding


@bug(ROWS, "product rule", "overwritten")
class TiedFirstUseAlone(Tied):
    def gW(self, coding: Array, decoding: Array) -> Any:
        return coding


@bug(ROWS)
class TiedSubtracted(Tied):
    def gW(self, coding: Array, decoding: Array) -> Any:
        return coding - decoding


@right(ROWS)
class UnitRows:
    """y = x / |x|, with an epsilon for blank rows."""

    def norm(self, x: Array) -> Any:
        return np.sqrt((x**2).sum(axis=1, keepdims=True) + 1e-3)

    def forward(self, x: Array) -> Any:
        return x / self.norm(x)

    def backward(self, x: Array, gy: Array) -> Any:
        y, r = self.forward(x), self.norm(x)
        return (gy - y * (gy * y).sum(axis=1, keepdims=True)) / r


@bug(ROWS, "norm held constant")
class NormHeldConstant(UnitRows):
    def backward(self, x: Array, gy: Array) -> Any:
        return gy / self.norm(x)


@bug(ROWS)
class NormOfTheWrongPower(UnitRows):
    def backward(self, x: Array, gy: Array) -> Any:
        return super().backward(x, gy) / self.norm(x)


@bug(ROWS)
class NormJacobianDiagonal(UnitRows):
    def backward(self, x: Array, gy: Array) -> Any:
        return gy * (1 - self.forward(x) ** 2) / self.norm(x)


@right(ROWS)
class WeightNormalised:
    """y = x (g v / |v|), a direction and a length for each output."""

    def __init__(self) -> None:
        self.v, self.g = draw(5, 4), 1 + 0.2 * draw(4)

    def forward(self, x: Array) -> Any:
        return x @ (self.g * self.v / np.linalg.norm(self.v, axis=0))

    def backward(self, x: Array, gy: Array) -> Any:
        r = np.linalg.norm(self.v, axis=0)
        unit, gW = self.v / r, x.T @ gy
        return gy @ (self.g * unit).T, {"v": self.gv(unit, r, gW), "g": (gW * unit).sum(axis=0)}

    def gv(self, unit: Array, r: Array, gW: Array) -> Any:
        return self.g / r * (gW - unit * (gW * unit).sum(axis=0))


@bug(ROWS, "norm held constant")
class WeightNormHeldConstant(WeightNormalised):
    def gv(self, unit: Array, r: Array, gW: Array) -> Any:
        return self.g / r * gW


@bug(ROWS)
class WeightNormLengthForgotten(WeightNormalised):
    def gv(self, unit: Array, r: Array, gW: Array) -> Any:
        return super().gv(unit, r, gW) / self.g


@right(ROWS)
class MaskedDense:
    """Output k reads the inputs before it."""

    def __init__(self) -> None:
        self.W = draw(5, 5)
        self.mask = np.triu(np.ones((5, 5), dtype=bool), 1)

    def forward(self, x: Array) -> Any:
        return x @ (self.W * self.mask)

    def backward(self, x: Array, gy: Array) -> Any:
        return gy @ (self.W * self.mask).T, {"W": (x.T @ gy) * self.mask}


@bug(ROWS, "wrong side")
class MaskForgottenForWeights(MaskedDense):
    def backward(self, x: Array, gy: Array) -> Any:
        return super().backward(x, gy)[0], {"W": x.T @ gy}


@bug(ROWS, "wrong side")
class MaskWithTheDiagonal(MaskedDense):
    def backward(self, x: Array, gy: Array) -> Any:
        return super().backward(x, gy)[0], {"W": np.triu(x.T @ gy)}


@bug(ROWS, "wrong side")
class MaskForgottenForX(MaskedDense):
    def backward(self, x: Array, gy: Array) -> Any:
        return gy @ self.W.T, super().backward(x, gy)[1]


# --- two layers ---------------------------------------------------------------------------------------------------------------


@right(ROWS)
class Perceptron:
    """y = tanh(x U + c) V."""

    def __init__(self) -> None:
        self.U, self.c, self.V = draw(5, 6), draw(6), draw(6, 3)

    def forward(self, x: Array) -> Any:
        self.x, self.z = x, x @ self.U + self.c
        self.h = np.tanh(self.z)
        return self.h @ self.V

    def backward(self, gy: Array) -> Any:
        gz = self.gz(gy @ self.V.T)
        self.dU, self.dc, self.dV = self.x.T @ gz, gz.sum(axis=0), self.hidden().T @ gy
        return gz @ self.U.T

    def gz(self, gh: Array) -> Any:
        return gh * (1 - self.h**2)

    def hidden(self) -> Any:
        return self.h


@bug(ROWS, "derivative forgotten")
class HiddenDerivativeForgotten(Perceptron):
    def gz(self, gh: Array) -> Any:
        return gh


@bug(ROWS, "derivative elsewhere")
class HiddenDerivativeOfTheInput(Perceptron):
    def gz(self, gh: Array) -> Any:
        return gh * (1 - self.z**2)


@bug(ROWS)
class HiddenBeforeItsActivation(Perceptron):
    def hidden(self) -> Any:
        return self.z


@bug(ROWS, "neighbour")
class HiddenDerivativeOfTheNeighbour(Perceptron):
    def gz(self, gh: Array) -> Any:
        return gh * np.roll(1 - self.h**2, 1, axis=1)


@bug(ROWS, "ratio")
class HiddenDerivativeHalved(Perceptron):
    def gz(self, gh: Array) -> Any:
        return gh * (1 - self.h**2) / 2


@bug(ROWS, "one channel", "edge")
class OneHiddenUnitForgotten(Perceptron):
    def hidden(self) -> Any:
        h = self.h.copy()
        h[:, 3] = 0
        return h
