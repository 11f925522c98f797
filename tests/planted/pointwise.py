"""Bugs in layers that work number by number."""

import math
from typing import Any

import numpy as np

from handmade.engine.arrays import Array
from planted.exhibit import ROUND, ROWS, bug, draw, right

WIDE = 6 * draw(3, 6, seed=4)  # reaches beyond the bends of relu6 and hard sigmoid
HUGE = 900 * draw(4, 5, seed=1)  # exp overflows beyond 709


class Pointwise:
    """y = f(x) and gx = gy f'(x)."""

    def forward(self, x: Array) -> Any:
        raise NotImplementedError

    def slope(self, x: Array) -> Any:
        raise NotImplementedError

    def backward(self, x: Array, gy: Array) -> Any:
        return gy * self.slope(x)


# --- rectifiers ---------------------------------------------------------------------------------------------------------------


@right(ROUND)
@right(ROWS)
class Relu(Pointwise):
    def forward(self, x: Array) -> Any:
        return np.maximum(x, 0)

    def slope(self, x: Array) -> Any:
        return x > 0


@bug(ROWS, "wrong side", "condition on x")
class ReluThresholdMinusOne(Relu):
    def slope(self, x: Array) -> Any:
        return x > -1


@bug(ROWS, "wrong side", "condition on x")
class ReluThresholdOne(Relu):
    def slope(self, x: Array) -> Any:
        return x > 1


@bug(draw(6, 7), "wrong side", "condition on x")
class ReluThresholdSlightlyOff(Relu):
    def slope(self, x: Array) -> Any:
        return x > 0.2


@bug(ROWS, "wrong side", "neighbour")
class ReluMaskOfTheNeighbour(Relu):
    def slope(self, x: Array) -> Any:
        return np.roll(x, 1, axis=1) > 0


@bug(draw(4, 5), "wrong side", "neighbour", "batch size")
class ReluMaskOfTheNextImage(Relu):
    def slope(self, x: Array) -> Any:
        return np.roll(x, 1, axis=0) > 0


@bug(ROWS, "wrong side", "neighbour", "batch size")
class ReluMaskOfTheFirstImage(Relu):
    def slope(self, x: Array) -> Any:
        return x[:1] > 0


@bug(ROWS, "wrong side", "neighbour")
class ReluMaskOfTheMean(Relu):
    """One mask for a row."""

    def slope(self, x: Array) -> Any:
        return x.mean(axis=1, keepdims=True) > 0


@bug(ROWS, "wrong side")
class ReluMaskInverted(Relu):
    def slope(self, x: Array) -> Any:
        return x < 0


@bug(ROWS, "wrong side", "condition on x")
class ReluMaskOfTheMagnitude(Relu):
    def slope(self, x: Array) -> Any:
        return abs(x) > 0.5


@bug(ROWS, "not linear")
class ReluGuided(Relu):
    def backward(self, x: Array, gy: Array) -> Any:
        return np.maximum(gy, 0) * (x > 0)


@bug(ROWS, "not linear")
class ReluNegativeGyDoubled(Relu):
    def backward(self, x: Array, gy: Array) -> Any:
        return np.where(gy < 0, 2, 1) * gy * (x > 0)


@bug(ROWS, "derivative forgotten", "derivative elsewhere", "condition on x", "wrong side")
class ReluMaskAfterTheChange:
    def forward(self, x: Array) -> Any:
        y = x.copy()
        y[y < 0] = 0
        self.mask = y >= 0
        return y

    def backward(self, gy: Array) -> Any:
        return gy * self.mask


@bug(ROUND, "kink", "ties", "condition on x")
class ReluTwoAtZero(Relu):
    def slope(self, x: Array) -> Any:
        return (x >= 0) * 1.0 + (x == 0)


@bug(ROUND, "kink", "ties", "condition on x")
class ReluMinusOneAtZero(Relu):
    def slope(self, x: Array) -> Any:
        return (x > 0) * 1.0 - (x == 0)


@bug(ROUND, "not finite", "condition on x")
class ReluNotANumberAtZero(Relu):
    def slope(self, x: Array) -> Any:
        with np.errstate(invalid="ignore"):
            return np.maximum(x, 0) / x


@bug(draw(3, 4, 2, 3), "one channel", "condition on x", "wrong side")
class ReluOneChannelWithoutMask(Relu):
    def slope(self, x: Array) -> Any:
        mask = x > 0
        mask[..., 1] = True
        return mask


@bug(ROWS, "ratio", "batch size")
class ReluHalvedInABatch(Relu):
    def backward(self, x: Array, gy: Array) -> Any:
        return gy * (x > 0) / (2 if len(x) > 1 else 1)


@bug(ROWS, "zero")
class ReluOfAnInteger(Relu):
    """The slope is lost in a division of integers."""

    def slope(self, x: Array) -> Any:
        return (x > 0).astype(int) // 2


@right(WIDE)
class Relu6(Pointwise):
    def forward(self, x: Array) -> Any:
        return np.clip(x, 0, 6)

    def slope(self, x: Array) -> Any:
        return (x > 0) & (x < 6)


@bug(WIDE, "wrong side", "condition on x")
class Relu6UpperBendForgotten(Relu6):
    def slope(self, x: Array) -> Any:
        return x > 0


@bug(WIDE, "wrong side", "condition on x")
class Relu6LowerBendForgotten(Relu6):
    def slope(self, x: Array) -> Any:
        return x < 6


@bug(WIDE, "wrong side", "condition on x")
class Relu6BendAtFour(Relu6):
    def slope(self, x: Array) -> Any:
        return (x > 0) & (x < 4)


@right(ROUND)
@right(ROWS)
class Absolute(Pointwise):
    def forward(self, x: Array) -> Any:
        return abs(x)

    def slope(self, x: Array) -> Any:
        return np.sign(x)


@bug(ROWS, "derivative forgotten", "derivative elsewhere", "condition on x")
class AbsoluteForgotten(Absolute):
    def slope(self, x: Array) -> Any:
        return np.ones_like(x)


@bug(ROWS)
class AbsoluteTimesX(Absolute):
    def slope(self, x: Array) -> Any:
        return x


@bug(ROUND, "not finite", "condition on x")
class AbsoluteNotANumberAtZero(Absolute):
    def slope(self, x: Array) -> Any:
        with np.errstate(invalid="ignore"):
            return x / abs(x)


@bug(ROWS, "sign lost", "not linear")
class AbsoluteGradient(Absolute):
    def backward(self, x: Array, gy: Array) -> Any:
        return abs(gy * np.sign(x))


@bug(ROUND, "kink", "ties", "condition on x")
class AbsoluteThreeAtZero(Absolute):
    def slope(self, x: Array) -> Any:
        return np.sign(x) + 3 * (x == 0)


@right(ROUND)
@right(ROWS)
class Leaky(Pointwise):
    def forward(self, x: Array) -> Any:
        return np.where(x > 0, x, 0.1 * x)

    def slope(self, x: Array) -> Any:
        return np.where(x > 0, 1, 0.1)


@bug(ROWS, "condition on x")
class LeakySlopeForgotten(Leaky):
    def slope(self, x: Array) -> Any:
        return x > 0


@bug(ROWS, "condition on x")
class LeakyOtherSlope(Leaky):
    def slope(self, x: Array) -> Any:
        return np.where(x > 0, 1, 0.01)


@bug(ROWS, "condition on x", "wrong side")
class LeakySlopeOnBothSides(Leaky):
    def slope(self, x: Array) -> Any:
        return np.full_like(x, 0.1)


@bug(ROWS, "wrong side")
class LeakySidesExchanged(Leaky):
    def slope(self, x: Array) -> Any:
        return np.where(x > 0, 0.1, 1)


@bug(ROWS, "condition on x")
class LeakySlopeOfTheWrongSign(Leaky):
    def slope(self, x: Array) -> Any:
        return np.where(x > 0, 1, -0.1)


@right(ROWS)
class Elu(Pointwise):
    alpha = 0.5

    def forward(self, x: Array) -> Any:
        return np.where(x > 0, x, self.alpha * np.expm1(np.minimum(x, 0)))

    def slope(self, x: Array) -> Any:
        return np.where(x > 0, 1, self.alpha * np.exp(np.minimum(x, 0)))


@bug(ROWS, "condition on x")
class EluAlphaForgotten(Elu):
    def slope(self, x: Array) -> Any:
        return np.where(x > 0, 1, np.exp(np.minimum(x, 0)))


@bug(ROWS, "condition on x")
class EluOutputAsSlope(Elu):
    def slope(self, x: Array) -> Any:
        return np.where(x > 0, 1, self.forward(x))


@bug(ROWS, "condition on x", "derivative elsewhere")
class EluAtTheOutput(Elu):
    def slope(self, x: Array) -> Any:
        return super().slope(self.forward(x))


@bug(ROWS, "condition on x", "derivative forgotten")
class EluForgotten(Elu):
    def backward(self, x: Array, gy: Array) -> Any:
        return gy


# --- smooth functions ---------------------------------------------------------------------------------------------------------


@right(ROUND)
@right(ROWS)
class Sigmoid(Pointwise):
    def forward(self, x: Array) -> Any:
        return 0.5 + 0.5 * np.tanh(x / 2)

    def slope(self, x: Array) -> Any:
        y = self.forward(x)
        return y * (1 - y)


@bug(ROWS, "derivative elsewhere")
class SigmoidTakenTwice(Sigmoid):
    def slope(self, x: Array) -> Any:
        return super().slope(self.forward(x))


@bug(ROWS)
class SigmoidHalfOfTheFormula(Sigmoid):
    def slope(self, x: Array) -> Any:
        return 1 - self.forward(x)


@bug(ROWS)
class SigmoidPlus(Sigmoid):
    def slope(self, x: Array) -> Any:
        y = self.forward(x)
        return y * (1 + y)


@bug(ROWS, "ratio")
class SigmoidTenthOfAPerMilleOff(Sigmoid):
    def backward(self, x: Array, gy: Array) -> Any:
        return 1.0001 * super().backward(x, gy)


@bug(3 * draw(4, 5), "condition on x")
class SigmoidCutOff(Sigmoid):
    """A shortcut for saturated units, taken too early."""

    def slope(self, x: Array) -> Any:
        return np.where(abs(x) > 3, 0, super().slope(x))


@bug(ROWS, "one place", "one channel", "one image")
class SigmoidOnePlaceOff(Sigmoid):
    def backward(self, x: Array, gy: Array) -> Any:
        gx = super().backward(x, gy)
        gx.flat[gx.size // 2] *= 1.01
        return gx


@bug(ROWS, "wrong sign", "ratio")
class SigmoidDownhill(Sigmoid):
    def slope(self, x: Array) -> Any:
        y = self.forward(x)
        return y * (y - 1)


@bug(ROWS, "truncated", "not linear")
class SigmoidThreeDecimals(Sigmoid):
    def backward(self, x: Array, gy: Array) -> Any:
        return np.round(super().backward(x, gy), 3)


@bug(ROWS, "not linear")
class SigmoidClipped(Sigmoid):
    """Gradient clipping inside the layer."""

    def backward(self, x: Array, gy: Array) -> Any:
        return np.clip(super().backward(x, gy), -0.1, 0.1)


@bug(ROWS, "neighbour")
class SigmoidOfTheNeighbour(Sigmoid):
    def slope(self, x: Array) -> Any:
        return np.roll(super().slope(x), 1, axis=1)


@right(ROWS)
class Tanh(Pointwise):
    def forward(self, x: Array) -> Any:
        return np.tanh(x)

    def slope(self, x: Array) -> Any:
        return 1 - np.tanh(x) ** 2


@bug(ROWS)
class TanhSquareForgotten(Tanh):
    def slope(self, x: Array) -> Any:
        return 1 - np.tanh(x)


@bug(ROWS, "derivative elsewhere")
class TanhFormulaOfTheOutput(Tanh):
    def slope(self, x: Array) -> Any:
        return 1 - x**2


@bug(ROWS, "derivative elsewhere")
class TanhTakenTwice(Tanh):
    def slope(self, x: Array) -> Any:
        return 1 - np.tanh(np.tanh(x)) ** 2


@bug(ROWS, "ratio")
class TanhDoubled(Tanh):
    def slope(self, x: Array) -> Any:
        return 2 * super().slope(x)


@bug(draw(5, 4), "ratio", "batch size")
class TanhAveraged(Tanh):
    def backward(self, x: Array, gy: Array) -> Any:
        return super().backward(x, gy) / len(x)


@right(ROUND)
@right(ROWS)
class Softplus(Pointwise):
    def forward(self, x: Array) -> Any:
        return np.logaddexp(0, x)

    def slope(self, x: Array) -> Any:
        return 0.5 + 0.5 * np.tanh(x / 2)


@bug(ROWS)
class SoftplusOfARectifier(Softplus):
    def slope(self, x: Array) -> Any:
        return x > 0


@bug(ROUND, "condition on x")
class SoftplusZeroAtZero(Softplus):
    """No kink is there that would allow it."""

    def slope(self, x: Array) -> Any:
        return np.where(x == 0, 0, super().slope(x))


@bug(HUGE, "not finite", "condition on x")
class SoftplusOverflows(Softplus):
    def slope(self, x: Array) -> Any:
        with np.errstate(over="ignore", invalid="ignore"):
            return np.exp(x) / (1 + np.exp(x))


@right(ROWS)
class Gelu(Pointwise):
    def forward(self, x: Array) -> Any:
        return x * self.share(x)

    def share(self, x: Array) -> Any:
        return np.array([0.5 + 0.5 * math.erf(v / math.sqrt(2)) for v in x.flat]).reshape(x.shape)

    def slope(self, x: Array) -> Any:
        return self.share(x) + x * np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)


@bug(ROWS, "product rule")
class GeluShareAlone(Gelu):
    def slope(self, x: Array) -> Any:
        return self.share(x)


@bug(ROWS)
class GeluApproximateBackwards(Gelu):
    """Forward is exact, backward that of the approximation by tanh: some 0.01 % to 1 % off."""

    def slope(self, x: Array) -> Any:
        c = math.sqrt(2 / math.pi)
        t = np.tanh(c * (x + 0.044715 * x**3))
        return 0.5 * (1 + t) + 0.5 * x * (1 - t**2) * c * (1 + 3 * 0.044715 * x**2)


@bug(ROWS)
class GeluDensityNotNormalised(Gelu):
    def slope(self, x: Array) -> Any:
        return self.share(x) + x * np.exp(-(x**2) / 2) / math.sqrt(2)


@right(ROWS)
class Swish(Pointwise):
    def forward(self, x: Array) -> Any:
        return x * Sigmoid().forward(x)

    def slope(self, x: Array) -> Any:
        s = Sigmoid().forward(x)
        return s + x * s * (1 - s)


@bug(ROWS, "product rule")
class SwishFirstTermForgotten(Swish):
    def slope(self, x: Array) -> Any:
        s = Sigmoid().forward(x)
        return x * s * (1 - s)


@bug(ROWS, "product rule")
class SwishSecondTermForgotten(Swish):
    def slope(self, x: Array) -> Any:
        return Sigmoid().forward(x)


@bug(ROWS)
class SwishOutputForInput(Swish):
    def slope(self, x: Array) -> Any:
        s = Sigmoid().forward(x)
        return s + self.forward(x) * s * (1 - s)


@right(2 * draw(3, 4))
class HardTanh(Pointwise):
    def forward(self, x: Array) -> Any:
        return np.clip(x, -1, 1)

    def slope(self, x: Array) -> Any:
        return abs(x) < 1


@bug(2 * draw(3, 4), "derivative forgotten", "derivative elsewhere", "condition on x", "wrong side")
class HardTanhForgotten(HardTanh):
    def slope(self, x: Array) -> Any:
        return np.ones_like(x)


@bug(2 * draw(3, 4), "condition on x", "wrong side")
class HardTanhBoundedAbove(HardTanh):
    def slope(self, x: Array) -> Any:
        return x < 1


@right(WIDE)
class HardSigmoid(Pointwise):
    def forward(self, x: Array) -> Any:
        return np.clip(x / 6 + 0.5, 0, 1)

    def slope(self, x: Array) -> Any:
        return (abs(x) < 3) / 6


@bug(WIDE, "ratio")
class HardSigmoidSixForgotten(HardSigmoid):
    def slope(self, x: Array) -> Any:
        return abs(x) < 3


@bug(3 * draw(5, 7), "wrong side", "condition on x")
class HardSigmoidBendAtOne(HardSigmoid):
    def slope(self, x: Array) -> Any:
        return (abs(x) < 1) / 6


@right(ROWS)
class HalfSquare(Pointwise):
    def forward(self, x: Array) -> Any:
        return x**2 / 2

    def slope(self, x: Array) -> Any:
        return x


@bug(ROWS, "ratio")
class HalfSquareDoubled(HalfSquare):
    def slope(self, x: Array) -> Any:
        return 2 * x


@bug(ROWS, "sign lost", "condition on x")
class HalfSquareMagnitude(HalfSquare):
    def slope(self, x: Array) -> Any:
        return abs(x)


@bug(3 * draw(3, 4), "truncated")
class HalfSquareTruncated(HalfSquare):
    def slope(self, x: Array) -> Any:
        return x.astype(int)


@bug(ROWS)
class HalfSquareOfTheMean(HalfSquare):
    """A centred slope."""

    def slope(self, x: Array) -> Any:
        return x - x.mean(axis=1, keepdims=True)


@right(ROWS)
class Cube(Pointwise):
    def forward(self, x: Array) -> Any:
        return x**3

    def slope(self, x: Array) -> Any:
        return 3 * x**2


@bug(ROWS, "condition on x")
class CubeOddSlope(Cube):
    """As if x were positive."""

    def slope(self, x: Array) -> Any:
        return 3 * x * abs(x)


@bug(8 * draw(3, 4), "condition on x")
class CubeCappedForLarge(Cube):
    def slope(self, x: Array) -> Any:
        return 3 * np.minimum(abs(x), 5) ** 2


@right(ROWS)
class Sine(Pointwise):
    def forward(self, x: Array) -> Any:
        return np.sin(x)

    def slope(self, x: Array) -> Any:
        return np.cos(x)


@bug(ROWS, "derivative elsewhere")
class SineAtTheOutput(Sine):
    def slope(self, x: Array) -> Any:
        return np.cos(np.sin(x))


@bug(ROWS, "derivative forgotten")
class SineForgotten(Sine):
    def backward(self, x: Array, gy: Array) -> Any:
        return gy.copy()


@bug(ROWS, "ignores gy", "not linear")
class SineGyIgnored(Sine):
    def backward(self, x: Array, gy: Array) -> Any:
        return np.cos(x)


@bug(draw(3, 4, 4), "ignores gy")
class SineGyAveraged(Sine):
    def backward(self, x: Array, gy: Array) -> Any:
        return np.cos(x) * gy.mean(axis=2, keepdims=True)


@bug(draw(3, 4, 4), "misread gy")
class SineGyTransposed(Sine):
    def backward(self, x: Array, gy: Array) -> Any:
        return np.cos(x) * gy.swapaxes(1, 2)


@bug(ROWS, "misread gy")
class SineGyReversed(Sine):
    def backward(self, x: Array, gy: Array) -> Any:
        return np.cos(x) * gy[:, ::-1]


@bug(draw(3, 6), "one channel")
class SineOneColumnOff(Sine):
    def slope(self, x: Array) -> Any:
        slope = np.cos(x)
        slope[:, 2] *= 1.001
        return slope


@right(ROUND)
class Sinc(Pointwise):
    def forward(self, x: Array) -> Any:
        safe = np.where(x == 0, 1, x)
        return np.where(x == 0, 1, np.sin(safe) / safe)

    def slope(self, x: Array) -> Any:
        safe = np.where(x == 0, 1, x)
        return np.where(x == 0, 0, (np.cos(safe) - np.sin(safe) / safe) / safe)


@bug(ROUND, "not finite", "condition on x")
class SincNotANumberAtZero(Sinc):
    def slope(self, x: Array) -> Any:
        with np.errstate(invalid="ignore", divide="ignore"):
            return (np.cos(x) - np.sin(x) / x) / x


@bug(ROUND, "condition on x")
class SincOneAtZero(Sinc):
    def slope(self, x: Array) -> Any:
        return np.where(x == 0, 1, super().slope(x))


@right(draw(3, 5, seed=4))
class LogClamped(Pointwise):
    def forward(self, x: Array) -> Any:
        return np.log(np.maximum(x, 0.1))

    def slope(self, x: Array) -> Any:
        return np.where(x > 0.1, 1 / np.maximum(x, 0.1), 0)


@bug(draw(3, 5, seed=4), "condition on x", "wrong side")
class LogClampForgotten(LogClamped):
    def slope(self, x: Array) -> Any:
        return 1 / np.where(x == 0, 1, x)


@bug(draw(3, 5, seed=4), "condition on x", "wrong side")
class LogClampedInTheDenominatorAlone(LogClamped):
    def slope(self, x: Array) -> Any:
        return 1 / np.maximum(x, 0.1)


# --- with a weight ------------------------------------------------------------------------------------------------------------


@right(IMAGES := draw(2, 3, 4, 3))
class Prelu:
    """A leaky rectifier whose slopes are learnt, one a channel."""

    def __init__(self) -> None:
        self.slope = np.array([0.1, 0.25, 0.4])

    def forward(self, x: Array) -> Any:
        return np.where(x > 0, x, self.slope * x)

    def backward(self, x: Array, gy: Array) -> Any:
        return gy * np.where(x > 0, 1, self.slope), {"slope": self.per_channel(np.where(x > 0, 0, gy * x))}

    def per_channel(self, terms: Array) -> Any:
        return terms.sum(axis=(0, 1, 2))


@bug(IMAGES, "wrong side")
class PreluMaskForgotten(Prelu):
    def backward(self, x: Array, gy: Array) -> Any:
        return super().backward(x, gy)[0], {"slope": self.per_channel(gy * x)}


@bug(IMAGES, "wrong side")
class PreluMaskInverted(Prelu):
    def backward(self, x: Array, gy: Array) -> Any:
        return super().backward(x, gy)[0], {"slope": self.per_channel(np.where(x > 0, gy * x, 0))}


@bug(IMAGES, "summed too far")
class PreluSummedOverChannels(Prelu):
    def per_channel(self, terms: Array) -> Any:
        return np.full(3, terms.sum())


@bug(IMAGES, "ratio", "batch size")
class PreluAveragedOverImages(Prelu):
    def per_channel(self, terms: Array) -> Any:
        return terms.sum(axis=(1, 2)).mean(axis=0)


@bug(IMAGES, "permuted")
class PreluSlopesInAnotherOrder(Prelu):
    def per_channel(self, terms: Array) -> Any:
        return np.roll(terms.sum(axis=(0, 1, 2)), 1)


@bug(IMAGES, "derivative forgotten")
class PreluXForgotten(Prelu):
    def backward(self, x: Array, gy: Array) -> Any:
        return super().backward(x, gy)[0], {"slope": self.per_channel(np.where(x > 0, 0, gy))}
