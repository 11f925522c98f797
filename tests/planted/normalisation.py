"""Bugs in softmax, normalisations, and losses written as layers."""

from typing import Any

import numpy as np

from handmade.engine.arrays import Array
from planted.exhibit import ROWS, bug, draw, right

FOUR = draw(4, 4)
BATCH = 2 * draw(6, 3) + 1
IMAGES = draw(3, 4, 2, 4)
FLAT = 0.02 * draw(6, 3)  # epsilon counts


@right(FOUR)
@right(ROWS)
class Softmax:
    def forward(self, x: Array) -> Any:
        e = np.exp(x - x.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)

    def backward(self, x: Array, gy: Array) -> Any:
        y = self.forward(x)
        return y * (gy - self.mean(y, gy))

    def mean(self, y: Array, gy: Array) -> Any:
        """The mean of gy, with the weights y."""
        return (gy * y).sum(axis=-1, keepdims=True)


@bug(ROWS, "softmax diagonal")
class SoftmaxDiagonal(Softmax):
    def backward(self, x: Array, gy: Array) -> Any:
        y = self.forward(x)
        return gy * y * (1 - y)


@bug(draw(2, 3, 4), "softmax diagonal")
class SoftmaxDiagonalOfSequences(Softmax):
    def backward(self, x: Array, gy: Array) -> Any:
        y = self.forward(x)
        return gy * (y - y**2)


@bug(ROWS, "softmax diagonal")
class SoftmaxFirstTermAlone(Softmax):
    """Of diag(y) - y y', the diagonal matrix."""

    def backward(self, x: Array, gy: Array) -> Any:
        return gy * self.forward(x)


@bug(ROWS, "softmax axis", "axis")
class SoftmaxSummedOverTheBatch(Softmax):
    def mean(self, y: Array, gy: Array) -> Any:
        return (gy * y).sum(axis=0, keepdims=True)


@bug(ROWS, "softmax axis", "axis")
class SoftmaxOfColumnsBackwards(Softmax):
    """Forward normalises rows, backward columns."""

    def backward(self, x: Array, gy: Array) -> Any:
        return super().backward(x.T, gy.T).T


@bug(draw(2, 3, 4), "softmax axis", "axis")
class SoftmaxOfTheMiddleAxis(Softmax):
    def mean(self, y: Array, gy: Array) -> Any:
        return (gy * y).sum(axis=1, keepdims=True)


@bug(ROWS, "summed too far", "batch size", "axis", "softmax axis")
class SoftmaxSummedOverEverything(Softmax):
    def mean(self, y: Array, gy: Array) -> Any:
        return (gy * y).sum()


@bug(ROWS)
class SoftmaxPlainSum(Softmax):
    """Without the weights y."""

    def mean(self, y: Array, gy: Array) -> Any:
        return gy.sum(axis=-1, keepdims=True)


@bug(ROWS)
class SoftmaxPlainMean(Softmax):
    def mean(self, y: Array, gy: Array) -> Any:
        return gy.mean(axis=-1, keepdims=True)


@bug(ROWS, "derivative elsewhere")
class SoftmaxAtTheOutput(Softmax):
    def backward(self, x: Array, gy: Array) -> Any:
        return super().backward(self.forward(x), gy)


@bug(ROWS, "derivative forgotten")
class SoftmaxHandsOn(Softmax):
    """As if the loss had differentiated it."""

    def backward(self, x: Array, gy: Array) -> Any:
        return gy.copy()


@bug(ROWS)
class SoftmaxPlusForMinus(Softmax):
    """One of two terms has the wrong sign."""

    def backward(self, x: Array, gy: Array) -> Any:
        y = self.forward(x)
        return y * (gy + self.mean(y, gy))


@bug(10 * draw(4, 5, seed=2), "condition on x")
class SoftmaxClampedBackwards(Softmax):
    """Probabilities kept away from zero, in backward alone."""

    def backward(self, x: Array, gy: Array) -> Any:
        y = self.forward(x)
        return np.maximum(y, 1e-3) * (gy - self.mean(y, gy))


@right(ROWS)
class LogSoftmax:
    def forward(self, x: Array) -> Any:
        z = x - x.max(axis=-1, keepdims=True)
        return z - np.log(np.exp(z).sum(axis=-1, keepdims=True))

    def backward(self, x: Array, gy: Array) -> Any:
        return gy - np.exp(self.forward(x)) * self.total(gy)

    def total(self, gy: Array) -> Any:
        return gy.sum(axis=-1, keepdims=True)


@bug(ROWS, "log-softmax sum")
class LogSoftmaxWithoutSum(LogSoftmax):
    def total(self, gy: Array) -> Any:
        return gy


@bug(ROWS, "log-softmax sum", "not linear")
class LogSoftmaxMinusProbability(LogSoftmax):
    """As for one label: gy sums to -1 there."""

    def total(self, gy: Array) -> Any:
        return 1


@bug(ROWS, "derivative forgotten", "log-softmax sum")
class LogSoftmaxHandsOn(LogSoftmax):
    def total(self, gy: Array) -> Any:
        return 0


@bug(ROWS, "log-softmax sum")
class LogSoftmaxMean(LogSoftmax):
    def total(self, gy: Array) -> Any:
        return gy.mean(axis=-1, keepdims=True)


@bug(ROWS, "softmax axis", "axis")
class LogSoftmaxSummedOverTheBatch(LogSoftmax):
    def total(self, gy: Array) -> Any:
        return gy.sum(axis=0, keepdims=True)


@bug(ROWS)
class LogSoftmaxLogProbability(LogSoftmax):
    """log p in the place of p."""

    def backward(self, x: Array, gy: Array) -> Any:
        return gy - self.forward(x) * self.total(gy)


# --- normalisations -----------------------------------------------------------------------------------------------------------


class Normalisation:
    """y = scale (x - mean) / sqrt(variance + epsilon) + shift, with the moments over some axes."""

    axes: Any = (0,)
    epsilon = 1e-3
    channels = 3

    def __init__(self) -> None:
        self.scale, self.shift = 1 + 0.3 * draw(self.channels), draw(self.channels, seed=1)

    def normal(self, x: Array, epsilon: float | None = None) -> Any:
        deviation = np.sqrt(x.var(axis=self.axes, keepdims=True) + (self.epsilon if epsilon is None else epsilon))
        return (x - x.mean(axis=self.axes, keepdims=True)) / deviation, deviation

    def forward(self, x: Array) -> Any:
        return self.scale * self.normal(x)[0] + self.shift

    def backward(self, x: Array, gy: Array) -> Any:
        hat, deviation = self.normal(x)
        others = tuple(range(x.ndim - 1))
        return self.gx(gy * self.scale, hat, deviation), {"scale": (gy * hat).sum(axis=others), "shift": gy.sum(axis=others)}

    def gx(self, g: Array, hat: Array, deviation: Array) -> Any:
        return (g - self.mean(g) - hat * self.mean(g * hat)) / deviation

    def mean(self, g: Array) -> Any:
        return g.mean(axis=self.axes, keepdims=True)


@right(FLAT)
@right(BATCH)
class BatchNorm(Normalisation):
    pass


@right(IMAGES)
class BatchNorm2d(Normalisation):
    axes, channels = (0, 1, 2), 4


@right(ROWS)
class LayerNorm(Normalisation):
    axes, channels = (-1,), 5


@right(IMAGES)
class InstanceNorm(Normalisation):
    axes, channels = (1, 2), 4


@bug(BATCH, "mean held constant")
class BatchNormMeanConstant(BatchNorm):
    def gx(self, g: Array, hat: Array, deviation: Array) -> Any:
        return (g - hat * self.mean(g * hat)) / deviation


@bug(BATCH, "variance held constant", "batch size")
class BatchNormVarianceConstant(BatchNorm):
    def gx(self, g: Array, hat: Array, deviation: Array) -> Any:
        return (g - self.mean(g)) / deviation


@bug(BATCH, "mean held constant", "variance held constant")
class BatchNormMomentsConstant(BatchNorm):
    """Right in inference alone."""

    def gx(self, g: Array, hat: Array, deviation: Array) -> Any:
        return g / deviation


@bug(IMAGES, "mean held constant")
class BatchNorm2dMeanConstant(BatchNorm2d):
    def gx(self, g: Array, hat: Array, deviation: Array) -> Any:
        return (g - hat * self.mean(g * hat)) / deviation


@bug(IMAGES, "variance held constant")
class BatchNorm2dVarianceConstant(BatchNorm2d):
    def gx(self, g: Array, hat: Array, deviation: Array) -> Any:
        return (g - self.mean(g)) / deviation


@bug(ROWS, "mean held constant")
class LayerNormMeanConstant(LayerNorm):
    def gx(self, g: Array, hat: Array, deviation: Array) -> Any:
        return (g - hat * self.mean(g * hat)) / deviation


@bug(ROWS, "variance held constant")
class LayerNormVarianceConstant(LayerNorm):
    def gx(self, g: Array, hat: Array, deviation: Array) -> Any:
        return (g - self.mean(g)) / deviation


@bug(IMAGES, "variance held constant")
class InstanceNormVarianceConstant(InstanceNorm):
    def gx(self, g: Array, hat: Array, deviation: Array) -> Any:
        return (g - self.mean(g)) / deviation


@bug(ROWS, "epsilon")
class LayerNormOtherEpsilon(LayerNorm):
    def backward(self, x: Array, gy: Array) -> Any:
        hat, deviation = self.normal(x, 1e-2)
        return self.gx(gy * self.scale, hat, deviation), {"scale": (gy * hat).sum(axis=0), "shift": gy.sum(axis=0)}


@bug(FLAT, "epsilon")
class BatchNormEpsilonForgotten(BatchNorm):
    def backward(self, x: Array, gy: Array) -> Any:
        hat, deviation = self.normal(x, 0)
        return self.gx(gy * self.scale, hat, deviation), super().backward(x, gy)[1]


@bug(FLAT, "epsilon", "batch size")
class BatchNormEpsilonOutsideTheRoot(BatchNorm):
    def backward(self, x: Array, gy: Array) -> Any:
        deviation = np.sqrt(x.var(axis=0, keepdims=True)) + self.epsilon
        hat = (x - x.mean(axis=0)) / deviation
        return self.gx(gy * self.scale, hat, deviation), super().backward(x, gy)[1]


@bug(BATCH, "batch size")
class BatchNormUnbiasedBackwards(BatchNorm):
    """N - 1 in the variance, in backward alone."""

    def gx(self, g: Array, hat: Array, deviation: Array) -> Any:
        N = len(g)
        return (g - self.mean(g) - hat * (g * hat).sum(axis=0) / max(N - 1, 1)) / deviation


@bug(BATCH, "ratio", "batch size")
class BatchNormTripled(BatchNorm):
    def gx(self, g: Array, hat: Array, deviation: Array) -> Any:
        return super().gx(g, hat, deviation) * 3


@bug(BATCH, "batch size")
class BatchNormDividedTwice(BatchNorm):
    def gx(self, g: Array, hat: Array, deviation: Array) -> Any:
        return super().gx(g, hat, deviation) / deviation


@bug(BATCH, "batch size")
class BatchNormSumForMean(BatchNorm):
    def mean(self, g: Array) -> Any:
        return g.sum(axis=self.axes, keepdims=True)


@bug(IMAGES, "axis")
class BatchNorm2dMeanOverImagesAlone(BatchNorm2d):
    def mean(self, g: Array) -> Any:
        return g.mean(axis=0, keepdims=True)


@bug(draw(5, 5), "axis")
class LayerNormOverTheBatchBackwards(LayerNorm):
    def mean(self, g: Array) -> Any:
        return g.mean(axis=0, keepdims=True)


@bug(IMAGES, "axis", "batch size")
class InstanceNormAsBatchNorm(InstanceNorm):
    """Means over the batch, too."""

    def mean(self, g: Array) -> Any:
        return g.mean(axis=(0, 1, 2), keepdims=True)


@bug(BATCH, "swapped")
class ScaleAndShiftOfTheNormExchanged(BatchNorm):
    def backward(self, x: Array, gy: Array) -> Any:
        gx, g = super().backward(x, gy)
        return gx, {"scale": g["shift"], "shift": g["scale"]}


@bug(BATCH)
class ScaleOfTheNormByX(BatchNorm):
    """x in the place of the normalised x."""

    def backward(self, x: Array, gy: Array) -> Any:
        gx, g = super().backward(x, gy)
        return gx, g | {"scale": (gy * x).sum(axis=0)}


@bug(BATCH, "derivative elsewhere")
class ScaleOfTheNormByY(BatchNorm):
    def backward(self, x: Array, gy: Array) -> Any:
        gx, g = super().backward(x, gy)
        return gx, g | {"scale": (gy * self.forward(x)).sum(axis=0)}


@bug(ROWS, "derivative forgotten")
class LayerNormScaleForgotten(LayerNorm):
    def backward(self, x: Array, gy: Array) -> Any:
        hat, deviation = self.normal(x)
        return self.gx(gy, hat, deviation), super().backward(x, gy)[1]


@bug(ROWS, "ratio", "batch size")
class ShiftOfTheNormAveraged(LayerNorm):
    def backward(self, x: Array, gy: Array) -> Any:
        gx, g = super().backward(x, gy)
        return gx, g | {"shift": gy.mean(axis=0)}


@bug(IMAGES, "not summed", "shape")
class ShiftOfTheNormNotSummed(InstanceNorm):
    def backward(self, x: Array, gy: Array) -> Any:
        gx, g = super().backward(x, gy)
        return gx, g | {"shift": gy.sum(axis=(1, 2))}


@bug(BATCH, "one channel", "mean held constant", "variance held constant")
class BatchNormOneChannelConstant(BatchNorm):
    """In the middle channel the moments are held constant."""

    def gx(self, g: Array, hat: Array, deviation: Array) -> Any:
        gx = super().gx(g, hat, deviation)
        gx[:, 1] = (g / deviation)[:, 1]
        return gx


@right(ROWS)
class RmsNorm:
    """y = scale x / sqrt(mean of x^2 + epsilon)."""

    def __init__(self) -> None:
        self.scale = 1 + 0.3 * draw(5)

    def root(self, x: Array) -> Any:
        return np.sqrt((x**2).mean(axis=-1, keepdims=True) + 1e-3)

    def forward(self, x: Array) -> Any:
        return self.scale * x / self.root(x)

    def backward(self, x: Array, gy: Array) -> Any:
        r = self.root(x)
        g, hat = gy * self.scale, x / r
        return self.gx(g, hat, r), {"scale": (gy * hat).sum(axis=0)}

    def gx(self, g: Array, hat: Array, r: Array) -> Any:
        return (g - hat * (g * hat).mean(axis=-1, keepdims=True)) / r


@bug(ROWS, "norm held constant", "variance held constant")
class RmsHeldConstant(RmsNorm):
    def gx(self, g: Array, hat: Array, r: Array) -> Any:
        return g / r


@bug(ROWS)
class RmsWithSum(RmsNorm):
    def gx(self, g: Array, hat: Array, r: Array) -> Any:
        return (g - hat * (g * hat).sum(axis=-1, keepdims=True)) / r


# --- losses as layers ---------------------------------------------------------------------------------------------------------


LABELS = np.array([2, 0, 4, 1, 3, 2, 2, 0])
TARGET = draw(5)


@right(ROWS)
class CrossEntropy:
    """The loss of each image, (N,), for labels of its own."""

    def forward(self, x: Array) -> Any:
        return -LogSoftmax().forward(x)[np.arange(len(x)), LABELS[: len(x)]]

    def backward(self, x: Array, gy: Array) -> Any:
        return (self.probabilities(x) - self.labels(x)) * gy[:, None]

    def probabilities(self, x: Array) -> Any:
        return Softmax().forward(x)

    def labels(self, x: Array) -> Any:
        return np.eye(x.shape[1])[LABELS[: len(x)]]


@bug(ROWS, "ignores gy", "not linear")
class CrossEntropyGyIgnored(CrossEntropy):
    def backward(self, x: Array, gy: Array) -> Any:
        return self.probabilities(x) - self.labels(x)


@bug(ROWS, "ratio", "batch size")
class CrossEntropyAveraged(CrossEntropy):
    def backward(self, x: Array, gy: Array) -> Any:
        return super().backward(x, gy) / len(x)


@bug(ROWS, "wrong sign", "ratio")
class CrossEntropyLabelsMinusProbabilities(CrossEntropy):
    def backward(self, x: Array, gy: Array) -> Any:
        return -super().backward(x, gy)


@bug(ROWS, "permuted", "neighbour")
class CrossEntropyLabelsFromOne(CrossEntropy):
    def labels(self, x: Array) -> Any:
        return np.roll(super().labels(x), 1, axis=1)


@bug(ROWS, "one place")
class CrossEntropyLabelForgotten(CrossEntropy):
    def labels(self, x: Array) -> Any:
        return 0


@bug(ROWS, "softmax axis", "axis")
class CrossEntropyProbabilitiesOfColumns(CrossEntropy):
    def probabilities(self, x: Array) -> Any:
        return Softmax().forward(x.T).T


@bug(ROWS, "batch size", "neighbour")
class CrossEntropyFirstLabelForAll(CrossEntropy):
    def labels(self, x: Array) -> Any:
        return np.eye(x.shape[1])[LABELS[:1]]


@bug(ROWS)
class CrossEntropySmoothedBackwards(CrossEntropy):
    """Label smoothing in backward alone."""

    def labels(self, x: Array) -> Any:
        return 0.9 * super().labels(x) + 0.1 / x.shape[1]


@right(ROWS)
class SquaredError:
    """Half the squared distance to a target, (N,)."""

    def forward(self, x: Array) -> Any:
        return ((x - TARGET) ** 2).sum(axis=1) / 2

    def backward(self, x: Array, gy: Array) -> Any:
        return (x - TARGET) * gy[:, None]


@bug(ROWS, "ratio")
class SquaredErrorDoubled(SquaredError):
    def backward(self, x: Array, gy: Array) -> Any:
        return 2 * super().backward(x, gy)


@bug(ROWS, "ratio")
class SquaredErrorAveragedOverOutputs(SquaredError):
    def backward(self, x: Array, gy: Array) -> Any:
        return super().backward(x, gy) / x.shape[1]


@bug(ROWS)
class SquaredErrorTargetForgotten(SquaredError):
    def backward(self, x: Array, gy: Array) -> Any:
        return x * gy[:, None]


@bug(ROWS, "sign lost")
class SquaredErrorMagnitude(SquaredError):
    def backward(self, x: Array, gy: Array) -> Any:
        return abs(x - TARGET) * gy[:, None]
