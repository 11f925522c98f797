"""A zoo of small wrong layers, as learners write them; each with the name of the mistake that `check_layer` should see.

None means that the mistake is caught and not named. Beside them, a few right layers in the same handwriting.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.layers import Layer

Gradients: TypeAlias = dict[str, Array]


@dataclass(frozen=True)
class Exhibit:
    make: Callable[[], Any]
    x: Array
    name: str | None


def draw(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


ROWS = draw(3, 5)
IMAGES = draw(2, 6, 5, 2)
ZOO: dict[str, Exhibit] = {}


def bug(name: str | None, x: Array) -> Callable[[type], type]:
    def add(layer: type) -> type:
        ZOO[layer.__name__] = Exhibit(layer, x, name)
        return layer

    return add


# --- right layers -------------------------------------------------------------------------------------------------------------


class Dense:
    def __init__(self, inputs: int = 5, outputs: int = 4) -> None:
        self.W, self.b = draw(inputs, outputs), draw(outputs)

    def forward(self, x: Array) -> Array:
        return x @ self.W + self.b

    def backward(self, x: Array, gy: Array) -> tuple[Array, Gradients]:
        return gy @ self.W.T, {"W": x.T @ gy, "b": gy.sum(axis=0)}


class Square(Dense):
    def __init__(self) -> None:
        super().__init__(5, 5)


class Conv:
    """Valid correlation with zeros around, in loops; K_h x K_w filters over C channels."""

    def __init__(self, kernel: tuple[int, int] = (3, 2), stride: tuple[int, int] = (1, 1), pad: tuple[int, int] = (0, 0)) -> None:
        self.W, self.b = draw(*kernel, 2, 3), draw(3)
        self.stride, self.pad = stride, pad

    def padded(self, x: Array) -> Array:
        (p, q), (N, H, W, C) = self.pad, x.shape
        full = np.zeros((N, H + 2 * p, W + 2 * q, C))
        full[:, p : p + H, q : q + W] = x
        return full

    def cropped(self, g: Array) -> Array:
        p, q = self.pad
        return g[:, p : g.shape[1] - p, q : g.shape[2] - q]

    def windows(self, shape: tuple[int, ...]) -> list[tuple[int, int, slice, slice]]:
        (K, L), (s, t) = self.W.shape[:2], self.stride
        down, right = (shape[1] - K) // s + 1, (shape[2] - L) // t + 1
        return [(h, w, slice(h * s, h * s + K), slice(w * t, w * t + L)) for h in range(down) for w in range(right)]

    def forward(self, x: Array) -> Array:
        x = self.padded(x)
        places = self.windows(x.shape)
        y = np.empty((len(x), places[-1][0] + 1, places[-1][1] + 1, 3))
        for h, w, rows, columns in places:
            y[:, h, w] = np.tensordot(x[:, rows, columns], self.W, 3) + self.b
        return y

    def backward(self, x: Array, gy: Array) -> tuple[Array, Gradients]:
        return self.gx(x, gy), {"W": self.gW(x, gy), "b": self.gb(gy)}

    def gx(self, x: Array, gy: Array) -> Array:
        g = np.zeros_like(self.padded(x))
        for h, w, rows, columns in self.windows(g.shape):
            g[:, rows, columns] += np.tensordot(gy[:, h, w], self.W, (1, 3))
        return self.cropped(g)

    def gW(self, x: Array, gy: Array) -> Array:
        x, g = self.padded(x), np.zeros_like(self.W)
        for h, w, rows, columns in self.windows(x.shape):
            g += np.tensordot(x[:, rows, columns], gy[:, h, w], (0, 0))
        return g

    def gb(self, gy: Array) -> Array:
        return np.asarray(gy.sum(axis=(0, 1, 2)))


class Pool:
    def __init__(self, window: tuple[int, int] = (3, 2), stride: tuple[int, int] = (1, 1)) -> None:
        self.window, self.stride = window, stride

    def windows(self, shape: tuple[int, ...]) -> list[tuple[int, int, slice, slice]]:
        (K, L), (s, t) = self.window, self.stride
        down, right = (shape[1] - K) // s + 1, (shape[2] - L) // t + 1
        return [(h, w, slice(h * s, h * s + K), slice(w * t, w * t + L)) for h in range(down) for w in range(right)]

    def forward(self, x: Array) -> Array:
        places = self.windows(x.shape)
        y = np.empty((len(x), places[-1][0] + 1, places[-1][1] + 1, x.shape[3]))
        for h, w, rows, columns in places:
            y[:, h, w] = x[:, rows, columns].max(axis=(1, 2))
        return y

    def backward(self, x: Array, gy: Array) -> tuple[Array, Gradients]:
        gx = np.zeros_like(x)
        for h, w, rows, columns in self.windows(x.shape):
            patch = x[:, rows, columns].reshape(len(x), -1, x.shape[3])
            first = np.arange(patch.shape[1])[None, :, None] == patch.argmax(axis=1)[:, None]
            gx[:, rows, columns] += (first * gy[:, h, w][:, None]).reshape(gx[:, rows, columns].shape)
        return gx, {}


class SharedPool(Pool):
    """The winners of a tie share the gradient: another convention, and a right one."""

    def backward(self, x: Array, gy: Array) -> tuple[Array, Gradients]:
        gx = np.zeros_like(x)
        for h, w, rows, columns in self.windows(x.shape):
            patch = x[:, rows, columns]
            winners = patch == patch.max(axis=(1, 2), keepdims=True)
            gx[:, rows, columns] += winners / winners.sum(axis=(1, 2), keepdims=True) * gy[:, h, w][:, None, None]
        return gx, {}


class Rectifier:
    """The usual stateful way."""

    mask: Any

    def forward(self, x: Array) -> Any:
        self.mask = x > 0
        return x * self.mask

    def backward(self, gy: Array) -> Any:
        return gy * self.mask


class RectifierFromOne(Rectifier):
    """relu'(0) = 1: another convention, and a right one."""

    def forward(self, x: Array) -> Any:
        self.mask = x >= 0
        return x * self.mask


class Sigmoid:
    def forward(self, x: Array) -> Array:
        return 1 / (1 + np.exp(-x))

    def backward(self, x: Array, gy: Array) -> Any:
        y = self.forward(x)
        return gy * y * (1 - y)


class StatefulDense:
    """Weights in one dict, gradients in another."""

    def __init__(self) -> None:
        self.params = {"W": draw(5, 4).astype(np.float32), "b": np.zeros(4, np.float32)}
        self.grads: Gradients = {}

    def forward(self, x: Array) -> Any:
        self.x = x
        return x @ self.params["W"] + self.params["b"]

    def backward(self, gy: Array) -> Any:
        self.grads["W"] = self.x.T @ gy
        self.grads["b"] = gy.sum(axis=0)
        return gy @ self.params["W"].T


class DenseThenRelu(StatefulDense):
    """A kink behind weights; gradients in attributes."""

    def __init__(self) -> None:
        self.W, self.b = draw(5, 4), np.zeros(4)

    def forward(self, x: Array) -> Array:
        self.x = x
        self.z = x @ self.W + self.b
        return np.maximum(self.z, 0)

    def backward(self, gy: Array) -> Array:
        gz = gy * (self.z > 0)
        self.dW, self.db = self.x.T @ gz, gz.sum(axis=0)
        return gz @ self.W.T


class AddingUp(DenseThenRelu):
    """Gradients add up over calls until zero_grad: as in PyTorch."""

    def __init__(self) -> None:
        super().__init__()
        self.zero_grad()

    def zero_grad(self) -> None:
        self.dW, self.db = np.zeros((5, 4)), np.zeros(4)

    def backward(self, gy: Array) -> Array:
        gz = gy * (self.z > 0)
        self.dW += self.x.T @ gz
        self.db += gz.sum(axis=0)
        return gz @ self.W.T


class Normalised:
    """Batch normalisation: images influence each other."""

    def __init__(self) -> None:
        self.scale = draw(5)
        self.running = np.zeros(5)

    def forward(self, x: Array) -> Any:
        self.deviation = np.sqrt(x.var(axis=0) + 1e-3)
        self.hat = (x - x.mean(axis=0)) / self.deviation
        self.running = 0.9 * self.running + 0.1 * x.mean(axis=0)
        return self.scale * self.hat

    def backward(self, gy: Array) -> tuple[Array, Gradients]:
        g = gy * self.scale
        gx = (g - g.mean(axis=0) - self.hat * (g * self.hat).mean(axis=0)) / self.deviation
        return gx, {"scale": (gy * self.hat).sum(axis=0)}


class RandomMask(Rectifier):
    """Dropout, with a generator of the class: right for the random numbers of each call."""

    rng = np.random.default_rng(0)

    def forward(self, x: Array) -> Any:
        self.mask = self.rng.random(x.shape) > 0.5
        return x * self.mask


class WeightsOfTheClass(Dense):
    W, b = draw(5, 4), draw(4)

    def __init__(self) -> None:
        pass


class NamedAfterGradients(Dense):
    def __init__(self) -> None:
        super().__init__()
        self.dW, self.db = np.zeros((5, 4)), np.zeros(4)

    def backward(self, x: Array, gy: Array) -> tuple[Array, Gradients]:
        gx, gradients = super().backward(x, gy)
        return gx, {f"d{name}": array for name, array in gradients.items()}


class Block:
    """Around another layer, whose weights it hands out."""

    def __init__(self) -> None:
        self.inner = Square()

    def parameters(self) -> Gradients:
        return {"inner.W": self.inner.W, "inner.b": self.inner.b}

    def forward(self, x: Array) -> Array:
        return x + self.inner.forward(x)

    def backward(self, x: Array, gy: Array) -> tuple[Array, Gradients]:
        gx, gradients = self.inner.backward(x, gy)
        return gy + gx, {f"inner.{name}": array for name, array in gradients.items()}


class Squared(Layer):
    """A layer of ours by its equations alone: y = W x^2, number by number."""

    WEIGHTS = ("W",)

    def __init__(self, channels: int = 5) -> None:
        self.W = draw(channels)

    def forward(self, x: Array) -> Array:
        return np.asarray(self.W * x**2)

    def delta(self, x: Array, dx: Array) -> Array:
        return np.asarray(self.W * dx * (2 * x + dx))

    def backward(self, x: Array, gy: Array) -> tuple[Array, Gradients]:
        return gy * 2 * x * self.W, {"W": (gy * x**2).sum(axis=tuple(range(x.ndim - 1)))}


class OutsideIn(Layer):
    """A layer of ours that says that its images influence each other."""

    @property
    def mixes_batch(self) -> bool:
        return True

    def forward(self, x: Array) -> Array:
        return np.asarray(x - x.mean(axis=0))

    def delta(self, x: Array, dx: Array) -> Array:
        return self.forward(dx)

    def backward(self, x: Array, gy: Array) -> tuple[Array, Gradients]:
        return self.forward(gy), {}


RIGHT_ON_ROWS = [
    Squared,
    OutsideIn,
    WeightsOfTheClass,
    NamedAfterGradients,
    Block,
    Dense,
    Square,
    StatefulDense,
    DenseThenRelu,
    AddingUp,
    Normalised,
    Rectifier,
    RectifierFromOne,
    RandomMask,
    Sigmoid,
]
RIGHT_ON_IMAGES = [Conv, lambda: Conv((2, 3), (2, 1), (1, 2)), Pool, lambda: Pool((2, 2), (2, 2)), SharedPool, Rectifier, Sigmoid]


# --- factors and signs --------------------------------------------------------------------------------------------------------


@bug("ratio", ROWS)
class MeanTakenTwice(Dense):
    def backward(self, x: Array, gy: Array) -> tuple[Array, Gradients]:
        return gy @ self.W.T, {"W": x.T @ gy / len(x), "b": gy.sum(axis=0)}


@bug("ratio", ROWS)
class BiasAveraged(Dense):
    def backward(self, x: Array, gy: Array) -> tuple[Array, Gradients]:
        return gy @ self.W.T, {"W": x.T @ gy, "b": gy.mean(axis=0)}


@bug("ratio", IMAGES)
class AveragedOverPositions(Conv):
    def gb(self, gy: Array) -> Array:
        return np.asarray(gy.mean(axis=(1, 2)).sum(axis=0))


@bug("ratio", IMAGES)
class OnePerMilleTooLarge(Conv):
    def gW(self, x: Array, gy: Array) -> Array:
        return 1.001 * super().gW(x, gy)


@bug("ratio", IMAGES)
class AccumulatedTwice(Conv):
    def gx(self, x: Array, gy: Array) -> Array:
        return super().gx(x, gy) + super().gx(x, gy)


@bug("sign lost", ROWS)
class SignLost(Dense):
    def backward(self, x: Array, gy: Array) -> tuple[Array, Gradients]:
        return gy @ self.W.T, {"W": abs(x.T @ gy), "b": gy.sum(axis=0)}


@bug("wrong sign", ROWS)
class WrongSign(Sigmoid):
    def backward(self, x: Array, gy: Array) -> Any:
        y = self.forward(x)
        return gy * y * (y - 1)


@bug("zero", ROWS)
class BiasNeverWritten(Dense):
    def backward(self, x: Array, gy: Array) -> tuple[Array, Gradients]:
        return gy @ self.W.T, {"W": x.T @ gy, "b": np.zeros_like(self.b)}


# --- turned around ------------------------------------------------------------------------------------------------------------


@bug("transposed", ROWS)
class WeightsNotTransposed(Square):
    def backward(self, x: Array, gy: Array) -> tuple[Array, Gradients]:
        return gy @ self.W, {"W": x.T @ gy, "b": gy.sum(axis=0)}


@bug("transposed", ROWS)
class GradientTransposed(Square):
    def backward(self, x: Array, gy: Array) -> tuple[Array, Gradients]:
        return gy @ self.W.T, {"W": gy.T @ x, "b": gy.sum(axis=0)}


@bug("transposed", ROWS)
class GradientTransposedNotSquare(Dense):
    def backward(self, x: Array, gy: Array) -> tuple[Array, Gradients]:
        return gy @ self.W.T, {"W": gy.T @ x, "b": gy.sum(axis=0)}


@bug("transposed", IMAGES)
class KernelAxesSwapped(Conv):
    def __init__(self) -> None:
        super().__init__((3, 3))

    def gW(self, x: Array, gy: Array) -> Array:
        return super().gW(x, gy).swapaxes(0, 1)


@bug("transposed", IMAGES)
class ReshapedNotTransposed(Conv):
    def gW(self, x: Array, gy: Array) -> Array:
        return np.moveaxis(super().gW(x, gy), 3, 0).reshape(self.W.shape)


@bug("flipped", IMAGES)
class KernelNotFlipped(Conv):
    """Full correlation of gy with W where it wants W turned by 180 degrees."""

    def gx(self, x: Array, gy: Array) -> Array:
        (K, L), g = self.W.shape[:2], np.zeros_like(x)
        wide = np.pad(gy, ((0, 0), (K - 1, K - 1), (L - 1, L - 1), (0, 0)))
        for h in range(x.shape[1]):
            for w in range(x.shape[2]):
                g[:, h, w] = np.tensordot(wide[:, h : h + K, w : w + L], self.W, ((1, 2, 3), (0, 1, 3)))
        return g


@bug("flipped", IMAGES)
class GradientFlipped(Conv):
    def gW(self, x: Array, gy: Array) -> Array:
        return super().gW(x, gy)[::-1, ::-1]


@bug("misread gy", IMAGES)
class GyBackToFront(Conv):
    def gx(self, x: Array, gy: Array) -> Array:
        return super().gx(x, gy[:, ::-1])


# --- sums, loops and borders --------------------------------------------------------------------------------------------------


@bug("overwritten", IMAGES)
class WindowsOverwrite(Conv):
    def gx(self, x: Array, gy: Array) -> Array:
        g = np.zeros_like(x)
        for h, w, rows, columns in self.windows(x.shape):
            g[:, rows, columns] = np.tensordot(gy[:, h, w], self.W, (1, 3))
        return g


@bug("overwritten", IMAGES)
class OffsetsOverwrite(Conv):
    """The other way to loop: over the kernel."""

    def gx(self, x: Array, gy: Array) -> Array:
        g = np.zeros_like(x)
        for i in range(self.W.shape[0]):
            for j in range(self.W.shape[1]):
                g[:, i : i + gy.shape[1], j : j + gy.shape[2]] = gy @ self.W[i, j].T
        return g


@bug("overwritten", IMAGES)
class LastPositionAlone(Conv):
    def gW(self, x: Array, gy: Array) -> Array:
        for h, w, rows, columns in self.windows(x.shape):
            g = np.tensordot(x[:, rows, columns], gy[:, h, w], (0, 0))
        return g


@bug("overwritten", IMAGES)
class LastImageAlone(Conv):
    def gW(self, x: Array, gy: Array) -> Array:
        for n in range(len(x)):
            g = super().gW(x[n : n + 1], gy[n : n + 1])
        return g


@bug("overwritten", IMAGES)
class OverlappingPoolOverwrites(Pool):
    def backward(self, x: Array, gy: Array) -> tuple[Array, Gradients]:
        gx = np.zeros_like(x)
        for h, w, rows, columns in self.windows(x.shape):
            patch = x[:, rows, columns]
            gx[:, rows, columns] = (patch == patch.max(axis=(1, 2), keepdims=True)) * gy[:, h, w][:, None, None]
        return gx, {}


@bug("ties", IMAGES)
class TieGivenToAll(Pool):
    def backward(self, x: Array, gy: Array) -> tuple[Array, Gradients]:
        gx = np.zeros_like(x)
        for h, w, rows, columns in self.windows(x.shape):
            patch = x[:, rows, columns]
            gx[:, rows, columns] += (patch == patch.max(axis=(1, 2), keepdims=True)) * gy[:, h, w][:, None, None]
        return gx, {}


@bug("winner ignored", IMAGES)
class EveryoneWins(Pool):
    def backward(self, x: Array, gy: Array) -> tuple[Array, Gradients]:
        gx = np.zeros_like(x)
        for h, w, rows, columns in self.windows(x.shape):
            gx[:, rows, columns] += gy[:, h, w][:, None, None]
        return gx, {}


@bug("crop", IMAGES)
class CropOfHeightForBoth(Conv):
    def __init__(self) -> None:
        super().__init__((3, 5), pad=(1, 2))

    def cropped(self, g: Array) -> Array:
        p, q = self.pad
        return g[:, p : g.shape[1] - p, p : g.shape[2] - 2 * q + p]


@bug("crop", IMAGES)
class PaddingNeverCropped(Conv):
    def __init__(self) -> None:
        super().__init__(pad=(1, 2))

    def cropped(self, g: Array) -> Array:
        return g


@bug("stride", draw(2, 7, 8, 2))
class StrideOfHeightForBoth(Conv):
    def __init__(self) -> None:
        super().__init__((3, 2), (1, 3))

    def gx(self, x: Array, gy: Array) -> Array:
        g = np.zeros_like(x)
        for h in range(gy.shape[1]):
            for w in range(gy.shape[2]):
                g[:, h : h + 3, w : w + 2] += np.tensordot(gy[:, h, w], self.W, (1, 3))
        return g


@bug("edge", IMAGES)
class LastRowForgotten(Conv):
    def gx(self, x: Array, gy: Array) -> Array:
        g = super().gx(x, gy)
        g[:, -1] = 0
        return g


@bug("not summed", IMAGES)
class BiasNotSummedOverPositions(Conv):
    def gb(self, gy: Array) -> Array:
        return np.asarray(gy.sum(axis=0))


@bug("shape", IMAGES)
class LeftFlat(Pool):
    def backward(self, x: Array, gy: Array) -> tuple[Array, Gradients]:
        gx, _ = super().backward(x, gy)
        return gx.reshape(len(x), -1), {}


@bug("unused", ROWS)
class BiasForgottenInForward(Dense):
    def forward(self, x: Array) -> Array:
        return x @ self.W


@bug("missing", ROWS)
class BiasForgottenInBackward(Dense):
    def parameters(self) -> Gradients:
        return {"W": self.W, "b": self.b}

    def backward(self, x: Array, gy: Array) -> tuple[Array, Gradients]:
        return gy @ self.W.T, {"W": x.T @ gy}


# --- the gradient from above, and the derivative ------------------------------------------------------------------------------


@bug("ignores gy", ROWS)
class UpstreamIgnored(Sigmoid):
    def backward(self, x: Array, gy: Array) -> Any:
        y = self.forward(x)
        return y * (1 - y)


@bug("ignores gy", IMAGES)
class UpstreamAveraged(Conv):
    def gW(self, x: Array, gy: Array) -> Array:
        return super().gW(x, np.broadcast_to(gy.mean(axis=(1, 2), keepdims=True), gy.shape))


@bug("derivative forgotten", ROWS)
class DerivativeForgotten(Sigmoid):
    def backward(self, x: Array, gy: Array) -> Any:
        return gy


@bug("derivative elsewhere", ROWS)
class DerivativeAtTheOutput(Sigmoid):
    def backward(self, x: Array, gy: Array) -> Any:
        return super().backward(self.forward(x), gy)


@bug("derivative elsewhere", ROWS)
class FormulaOfTheOutput(Sigmoid):
    def backward(self, x: Array, gy: Array) -> Any:
        return gy * x * (1 - x)


@bug("not linear", ROWS)
class MaskOfGy(Dense):
    """The rectifier's mask, of the wrong array."""

    def backward(self, x: Array, gy: Array) -> tuple[Array, Gradients]:
        gz = gy * (gy > 0)
        return gz @ self.W.T, {"W": x.T @ gz, "b": gz.sum(axis=0)}


@bug("weight decay", ROWS)
class DecayInside(Dense):
    def backward(self, x: Array, gy: Array) -> tuple[Array, Gradients]:
        return gy @ self.W.T, {"W": x.T @ gy + 0.01 * self.W, "b": gy.sum(axis=0)}


@bug("constant in delta", ROWS)
class BiasInDelta(Dense):
    def delta(self, x: Array, dx: Array) -> Array:
        return self.forward(dx)


@bug(None, ROWS)
class FirstOrder(Squared):
    """A delta that is right for small steps alone."""

    def delta(self, x: Array, dx: Array) -> Array:
        return np.asarray(self.W * dx * 2 * x)


@bug("ratio", ROWS)
class TwoForgotten(Squared):
    def backward(self, x: Array, gy: Array) -> tuple[Array, Gradients]:
        return gy * x * self.W, super().backward(x, gy)[1]


@bug("unused", ROWS)
class WeightsForgotten(Squared):
    """Neither forward nor delta reads them."""

    def forward(self, x: Array) -> Array:
        return np.asarray(x**2)

    def delta(self, x: Array, dx: Array) -> Array:
        return np.asarray(dx * (2 * x + dx))

    def backward(self, x: Array, gy: Array) -> tuple[Array, Gradients]:
        return gy * 2 * x, super().backward(x, gy)[1]


@bug("condition on x", ROWS)
class SlopeForgotten:
    """A leaky rectifier, and the derivative of one that is tight."""

    def forward(self, x: Array) -> Array:
        return np.where(x > 0, x, 0.1 * x)

    def backward(self, x: Array, gy: Array) -> Any:
        return gy * (x > 0)


@bug(None, ROWS)
class MaskForgotten(DenseThenRelu):
    def backward(self, gy: Array) -> Array:
        self.dW, self.db = self.x.T @ gy, gy.sum(axis=0)
        return gy @ self.W.T


@bug(None, IMAGES)
class OneGradientForEveryChannel(Conv):
    def gx(self, x: Array, gy: Array) -> Array:
        return np.broadcast_to(super().gx(x, gy)[..., :1], x.shape)


# --- manners ------------------------------------------------------------------------------------------------------------------


@bug("input mutated", ROWS)
class InPlace(Rectifier):
    def forward(self, x: Array) -> Any:
        self.mask = x > 0
        x *= self.mask
        return x


@bug("input mutated", ROWS)
class GyWrittenTo(Rectifier):
    def backward(self, gy: Array) -> Array:
        gy[~self.mask] = 0
        return gy


@bug("weights mutated", ROWS)
class TrainsInBackward(Dense):
    def backward(self, x: Array, gy: Array) -> tuple[Array, Gradients]:
        gx, gradients = super().backward(x, gy)
        self.W -= 0.1 * gradients["W"]
        return gx, gradients


@bug("state", ROWS)
class RemembersTheFirst(Rectifier):
    mask: Any = None

    def forward(self, x: Array) -> Array:
        if self.mask is None:
            self.mask = x > 0
        return x * (x > 0)


@bug("state", ROWS)
class NeverCleared(AddingUp):
    zero_grad = None  # type: ignore[assignment]

    def __init__(self) -> None:
        DenseThenRelu.__init__(self)
        self.dW, self.db = np.zeros((5, 4)), np.zeros(4)


@bug("state", ROWS)
class ReadsTheLastInput(Dense):
    """It is handed x, and looks at what the last forward left."""

    def forward(self, x: Array) -> Array:
        self.x = x
        return super().forward(x)

    def backward(self, x: Array, gy: Array) -> tuple[Array, Gradients]:
        return super().backward(self.x, gy)


@bug("float32", ROWS)
class SingleInside(Dense):
    def forward(self, x: Array) -> Array:
        return np.asarray(x.astype(np.float32) @ self.W + self.b)


@bug("float32", ROWS)
class SingleWeights(Dense):
    def forward(self, x: Array) -> Array:
        return np.asarray(x @ self.W.astype(np.float32) + self.b)


@bug("float32", ROWS)
class SingleBackwards(Sigmoid):
    def backward(self, x: Array, gy: Array) -> Any:
        return np.asarray(super().backward(x, gy), np.float32)


@bug("layout", ROWS)
class TrustsMemory(Dense):
    def forward(self, x: Array) -> Array:
        return super().forward(x.ravel(order="K").reshape(x.shape))


@bug("not finite", ROWS)
class LogOfNothing:
    def forward(self, x: Array) -> Array:
        with np.errstate(divide="ignore"):
            return np.log(np.maximum(x, 0))

    def backward(self, x: Array, gy: Array) -> Any:
        return gy / x
