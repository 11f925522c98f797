"""Bugs that no single number shows: arrays written to, memories, buffers, layouts, lost precision, chance."""

from typing import Any

import numpy as np

from handmade.engine.arrays import Array
from planted.exhibit import ROWS, bug, draw, right


@right(ROWS)
class Dense:
    """y = x W + b, by the last input."""

    def __init__(self) -> None:
        self.W, self.b = draw(5, 4), draw(4)

    def forward(self, x: Array) -> Any:
        self.x = x
        return x @ self.W + self.b

    def backward(self, gy: Array) -> Any:
        return gy @ self.W.T, {"W": self.x.T @ gy, "b": gy.sum(axis=0)}


@right(ROWS)
class Relu:
    mask: Any = None

    def forward(self, x: Array) -> Any:
        self.mask = x > 0
        return x * self.mask

    def backward(self, gy: Array) -> Any:
        return gy * self.mask


@right(ROWS)
class Pure:
    """y = x W, and nothing is remembered."""

    def __init__(self) -> None:
        self.W = draw(5, 4)

    def forward(self, x: Array) -> Any:
        return x @ self.W

    def backward(self, x: Array, gy: Array) -> Any:
        return gy @ self.W.T, {"W": x.T @ gy}


# --- x and gy are written to --------------------------------------------------------------------------------------------------


@bug(ROWS, "input mutated")
class XSetToZero(Relu):
    def forward(self, x: Array) -> Any:
        self.mask = x > 0
        x[~self.mask] = 0
        return x


@bug(ROWS, "input mutated", "mean held constant")
class XCentred(Dense):
    def forward(self, x: Array) -> Any:
        x -= x.mean(axis=0)
        return super().forward(x)


@right(ROWS)
class Slice:
    def forward(self, x: Array) -> Any:
        return x[:, 1:4] + 1

    def backward(self, x: Array, gy: Array) -> Any:
        gx = np.zeros_like(x)
        gx[:, 1:4] = gy
        return gx


@bug(ROWS, "input mutated")
class SliceOfXAddedTo(Slice):
    """A slice is a view."""

    def forward(self, x: Array) -> Any:
        y = x[:, 1:4]
        y += 1
        return y


@bug(ROWS, "input mutated")
class GyTimesMask(Relu):
    def backward(self, gy: Array) -> Any:
        gy *= self.mask
        return gy


@bug(ROWS, "input mutated")
class GyScaledForTheBatch(Pure):
    """The mean is put right, in the caller's array."""

    def backward(self, x: Array, gy: Array) -> Any:
        gy /= 2
        gx, g = super().backward(x, 2 * gy)
        return gx, g


@right(ROWS)
class Residual:
    def __init__(self) -> None:
        self.W = draw(5, 5)

    def forward(self, x: Array) -> Any:
        return x + x @ self.W

    def backward(self, x: Array, gy: Array) -> Any:
        return gy + gy @ self.W.T, {"W": x.T @ gy}


@bug(ROWS, "input mutated")
class ResidualAddsToGy(Residual):
    def backward(self, x: Array, gy: Array) -> Any:
        gW = x.T @ gy
        gx = gy
        gx += gy @ self.W.T
        return gx, {"W": gW}


@bug(ROWS, "input mutated")
class CachedXWrittenTo(Relu):
    """An array of the caller, kept by forward."""

    def forward(self, x: Array) -> Any:
        self.x = x
        return np.maximum(x, 0)

    def backward(self, gy: Array) -> Any:
        self.x[self.x > 0] = 1
        self.x[self.x < 0] = 0
        return gy * self.x


@bug(ROWS, "input mutated")
class XSorted(Pure):
    """Backward looks for a maximum and leaves x sorted."""

    def backward(self, x: Array, gy: Array) -> Any:
        result = super().backward(x, gy)
        x.sort(axis=1)
        return result


@bug(ROWS, "input mutated")
class OneNumberOfXWrittenTo(Pure):
    def forward(self, x: Array) -> Any:
        y = super().forward(x)
        x[-1, -1] += 1e-3
        return y


# --- weights are written to ---------------------------------------------------------------------------------------------------


@bug(ROWS, "weights mutated", "state", "not linear")
class GradientWithUpdatedWeights(Pure):
    """The step comes first: gx is that of the new weights."""

    def backward(self, x: Array, gy: Array) -> Any:
        gW = x.T @ gy
        self.W -= 0.1 * gW
        return gy @ self.W.T, {"W": gW}


@bug(ROWS, "weights mutated", "state")
class TrainedOnTheWay(Pure):
    def backward(self, x: Array, gy: Array) -> Any:
        gx, g = super().backward(x, gy)
        self.W -= 1e-3 * g["W"]
        return gx, g


@bug(ROWS, "weights mutated", "state")
class TrainedByReplacement(Pure):
    def backward(self, x: Array, gy: Array) -> Any:
        gx, g = super().backward(x, gy)
        self.W = self.W - 1e-3 * g["W"]
        return gx, g


@bug(ROWS, "weights mutated", "state")
class WeightsShrinkInForward(Pure):
    def forward(self, x: Array) -> Any:
        y = super().forward(x)
        self.W *= 0.999
        return y


@bug(ROWS, "weights mutated", "state")
class BiasDrifts(Dense):
    def forward(self, x: Array) -> Any:
        self.b += 1e-6
        return super().forward(x)


@bug(ROWS, "weights mutated", "state")
class WeightsTurnedInPlace(Pure):
    """Turned for backward, and never turned back."""

    def backward(self, x: Array, gy: Array) -> Any:
        result = super().backward(x, gy)
        self.W[...] = self.W[::-1].copy()
        return result


# --- memories -----------------------------------------------------------------------------------------------------------------


@bug(ROWS, "state")
class MaskOfTheFirstCall(Relu):
    def forward(self, x: Array) -> Any:
        if self.mask is None:
            self.mask = x > 0
        return np.maximum(x, 0)


@bug(ROWS, "state")
class InputOfTheFirstCall(Dense):
    def forward(self, x: Array) -> Any:
        y = super().forward(x)
        self.first = getattr(self, "first", x)
        self.x = self.first
        return y


@bug(ROWS, "state")
class CacheNeverEmptied(Dense):
    def __init__(self) -> None:
        super().__init__()
        self.cache: list[Array] = []

    def forward(self, x: Array) -> Any:
        self.cache.append(x)
        return super().forward(x)

    def backward(self, gy: Array) -> Any:
        self.x = self.cache[0]
        return super().backward(gy)


@bug(ROWS, "state", "ratio")
class SecondCallWrong(Pure):
    calls = 0

    def backward(self, x: Array, gy: Array) -> Any:
        self.calls += 1
        gx, g = super().backward(x, gy)
        return (gx if self.calls == 1 else 2 * gx), g


@bug(ROWS, "state")
class SecondForwardWrong(Pure):
    seen = False

    def forward(self, x: Array) -> Any:
        y = super().forward(x)
        if self.seen:
            y = y + 0.01
        self.seen = True
        return y


@bug(ROWS, "state", "buffer")
class GradientAddsUp(Pure):
    def __init__(self) -> None:
        super().__init__()
        self.total = np.zeros((5, 4))

    def backward(self, x: Array, gy: Array) -> Any:
        gx, g = super().backward(x, gy)
        self.total += g["W"]
        return gx, {"W": self.total}


@bug(ROWS, "state")
class GradientWithMomentum(Pure):
    def __init__(self) -> None:
        super().__init__()
        self.velocity = np.zeros((5, 4))

    def backward(self, x: Array, gy: Array) -> Any:
        gx, g = super().backward(x, gy)
        self.velocity = 0.9 * self.velocity + g["W"]
        return gx, {"W": self.velocity.copy()}


@bug(ROWS, "state")
class MeanOfEarlierBatches(Pure):
    """Running means belong to inference."""

    def __init__(self) -> None:
        super().__init__()
        self.mean = np.zeros(4)

    def forward(self, x: Array) -> Any:
        y = super().forward(x)
        result = y - self.mean
        self.mean = 0.9 * self.mean + 0.1 * y.mean(axis=0)
        return result


@bug(ROWS, "state")
class ReadsTheLastInput(Pure):
    """It is handed x, and looks elsewhere."""

    def forward(self, x: Array) -> Any:
        self.x = x.copy()
        return super().forward(x)

    def backward(self, x: Array, gy: Array) -> Any:
        return super().backward(self.x, gy)


@bug(ROWS, "state")
class MaskOfTheLastForward(Relu):
    def backward(self, x: Array, gy: Array) -> Any:  # type: ignore[override]
        return gy * self.mask


@bug(ROWS, "state", "ratio")
class ThirdCallWrong(Pure):
    calls = 0

    def backward(self, x: Array, gy: Array) -> Any:
        self.calls += 1
        gx, g = super().backward(x, gy)
        return (gx if self.calls < 3 else gx / 2), g


@bug(ROWS, "state")
class LargestInputSoFar(Pure):
    """Scaled by the largest number that was seen before."""

    largest = 1.0

    def forward(self, x: Array) -> Any:
        self.used, self.largest = self.largest, max(self.largest, float(abs(x).max()))
        return super().forward(x) / self.used

    def backward(self, x: Array, gy: Array) -> Any:
        return super().backward(x, gy / self.used)


# --- buffers ------------------------------------------------------------------------------------------------------------------


class Buffered(Pure):
    def buffer(self, name: str, shape: tuple[int, ...]) -> Any:
        if getattr(self, name, np.empty(0)).shape != shape:
            setattr(self, name, np.empty(shape))
        return getattr(self, name)


@bug(ROWS, "buffer")
class OutputInABuffer(Buffered):
    def forward(self, x: Array) -> Any:
        return np.matmul(x, self.W, out=self.buffer("out", (len(x), 4)))


@bug(ROWS, "buffer")
class GradientInABuffer(Buffered):
    def backward(self, x: Array, gy: Array) -> Any:
        return np.matmul(gy, self.W.T, out=self.buffer("gx", x.shape)), {"W": x.T @ gy}


@bug(ROWS, "buffer")
class GradientOfWInABuffer(Buffered):
    def backward(self, x: Array, gy: Array) -> Any:
        return gy @ self.W.T, {"W": np.matmul(x.T, gy, out=self.buffer("gW", (5, 4)))}


@bug(ROWS, "buffer")
class ViewOfABuffer(Buffered):
    """For as many images as there are, the first rows of one large array."""

    def forward(self, x: Array) -> Any:
        y = self.buffer("large", (64, 4))[: len(x)]
        y[...] = x @ self.W
        return y


@bug(ROWS, "buffer")
class OneBufferForBoth(Buffered):
    """The gradient of x lies where the one of W is put."""

    def __init__(self) -> None:
        super().__init__()
        self.W = draw(5, 5)
        self.memory = np.zeros(64)

    def backward(self, x: Array, gy: Array) -> Any:
        gx = self.memory[: x.size].reshape(x.shape)
        gx[...] = gy @ self.W.T
        gW = self.memory[:25].reshape(5, 5)
        gW[...] = x.T @ gy
        return gx, {"W": gW}


@bug(ROWS, "buffer", "state")
class BufferNotCleared(Buffered):
    """A larger batch leaves its numbers there."""

    def backward(self, x: Array, gy: Array) -> Any:
        if not hasattr(self, "gx"):
            self.gx = np.zeros((64, 5))
        self.gx[: len(x)] += gy @ self.W.T
        return self.gx[: len(x)], {"W": x.T @ gy}


# --- the layout of memory -----------------------------------------------------------------------------------------------------


@bug(ROWS, "layout")
class XReadAsItLies(Pure):
    def backward(self, x: Array, gy: Array) -> Any:
        return super().backward(x.ravel(order="K").reshape(x.shape), gy)


@bug(ROWS, "layout")
class GyReadAsItLies(Pure):
    def backward(self, x: Array, gy: Array) -> Any:
        return super().backward(x, gy.ravel(order="K").reshape(gy.shape))


@bug(ROWS, "layout")
class ForwardReadsAsItLies(Pure):
    def forward(self, x: Array) -> Any:
        return super().forward(x.ravel(order="K").reshape(x.shape))


@bug(ROWS, "layout")
class BytesOfX(Pure):
    """Order "A": that of Fortran if the array is in it."""

    def backward(self, x: Array, gy: Array) -> Any:
        return super().backward(np.frombuffer(x.tobytes(order="A")).reshape(x.shape), gy)


@right(draw(2, 7))
class Windows:
    """y_t = sum over k of W_k x_(t + k), by strides."""

    def __init__(self) -> None:
        self.W = draw(3)

    def windows(self, x: Array) -> Any:
        x = np.ascontiguousarray(x)
        shape = (len(x), x.shape[1] - 2, 3)
        return np.lib.stride_tricks.as_strided(x, shape, (*x.strides, x.strides[1]))

    def forward(self, x: Array) -> Any:
        return self.windows(x) @ self.W

    def backward(self, x: Array, gy: Array) -> Any:
        gx = np.zeros_like(x)
        for k in range(3):
            gx[:, k : k + gy.shape[1]] += gy * self.W[k]
        return gx, {"W": np.tensordot(self.seen(x), gy, ((0, 1), (0, 1)))}

    def seen(self, x: Array) -> Any:
        return self.windows(x)


@bug(draw(2, 7), "layout")
class StridesTakenForGranted(Windows):
    """Backward walks over the memory of x as if it were contiguous; never out of it."""

    def seen(self, x: Array) -> Any:
        flat = x.ravel(order="K")
        T = x.shape[1]
        return np.stack([[flat[n * T + t : n * T + t + 3] for t in range(T - 2)] for n in range(len(x))])


# --- precision ----------------------------------------------------------------------------------------------------------------


@bug(ROWS, "float32", "not linear")
class GradientOfWRounded(Pure):
    def backward(self, x: Array, gy: Array) -> Any:
        gx, g = super().backward(x, gy)
        return gx, {"W": g["W"].astype(np.float32).astype(float)}


@bug(ROWS, "float32", "dtype", "not linear")
class GradientOfXShort(Pure):
    def backward(self, x: Array, gy: Array) -> Any:
        gx, g = super().backward(x, gy)
        return gx.astype(np.float32), g


@bug(ROWS, "float32", "not linear")
class GyRounded(Pure):
    def backward(self, x: Array, gy: Array) -> Any:
        return super().backward(x, gy.astype(np.float32).astype(float))


@bug(ROWS, "float32", "truncated", "not linear")
class HalfPrecisionBackwards(Pure):
    def backward(self, x: Array, gy: Array) -> Any:
        gx, g = super().backward(x, gy)
        return gx.astype(np.float16).astype(float), g


# --- chance -------------------------------------------------------------------------------------------------------------------


@bug(ROWS, "random", "state", "wrong side", "neighbour")
class MaskDrawnAnewBackwards:
    def __init__(self) -> None:
        self.rng = np.random.default_rng(0)

    def forward(self, x: Array) -> Any:
        return x * (self.rng.random(x.shape) < 0.5)

    def backward(self, gy: Array) -> Any:
        return gy * (self.rng.random(gy.shape) < 0.5)


@bug(ROWS, "random", "state", "not linear")
class NoiseInTheGradient(Pure):
    def __init__(self) -> None:
        super().__init__()
        self.rng = np.random.default_rng(0)

    def backward(self, x: Array, gy: Array) -> Any:
        gx, g = super().backward(x, gy)
        return gx + 1e-3 * self.rng.standard_normal(gx.shape), g


@bug(ROWS, "random", "state", "one place", "one channel")
class OneNumberLostByChance(Pure):
    def __init__(self) -> None:
        super().__init__()
        self.rng = np.random.default_rng(0)

    def backward(self, x: Array, gy: Array) -> Any:
        gx, g = super().backward(x, gy)
        g["W"][self.rng.integers(1, 4), self.rng.integers(1, 3)] = 0
        return gx, g
