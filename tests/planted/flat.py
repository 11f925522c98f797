"""Bugs that the given input does not show: all slopes are zero there, or all but a few.

A checker has to try other inputs, or to say that nothing was tested. `at` is an input on which the bug shows.
"""

from typing import Any

import numpy as np

from handmade.engine.arrays import Array
from planted.exhibit import ROWS, UNSURE, bug, draw, right

INK = np.random.default_rng(5).integers(2, size=(3, 6))
PIXELS = np.where(INK, 2.0, -1.0)  # outside [0, 1]
BYTES = 255.0 * INK  # on the lower bend, and far above the upper one
BLANK = np.zeros((3, 5))


@right(ROWS - 10, verdicts=frozenset({"correct", "not tested"}))
class Relu:
    def forward(self, x: Array) -> Any:
        return np.maximum(x, 0)

    def backward(self, x: Array, gy: Array) -> Any:
        return gy * (x > 0)


@bug(ROWS - 10, "wrong sign", "ratio", verdicts=UNSURE, at=ROWS)
class DeadReluDownhill(Relu):
    def backward(self, x: Array, gy: Array) -> Any:
        return -gy * (x > 0)


@bug(ROWS - 10, "ratio", verdicts=UNSURE, at=ROWS)
class DeadReluDoubled(Relu):
    def backward(self, x: Array, gy: Array) -> Any:
        return 2 * gy * (x > 0)


@right(ROWS, verdicts=frozenset({"correct", "not tested"}))
class DeadLayer:
    """y = relu(x W + b), b = -10."""

    def __init__(self) -> None:
        self.W, self.b = draw(5, 4), np.full(4, -10.0)

    def forward(self, x: Array) -> Any:
        return np.maximum(x @ self.W + self.b, 0)

    def backward(self, x: Array, gy: Array) -> Any:
        gz = self.gz(x @ self.W + self.b, gy)
        return gz @ self.W.T, {"W": x.T @ gz, "b": gz.sum(axis=0)}

    def gz(self, z: Array, gy: Array) -> Any:
        return gy * (z > 0)


@bug(ROWS, "wrong sign", "ratio", verdicts=UNSURE, at=20 * ROWS)
class DeadLayerDownhill(DeadLayer):
    def gz(self, z: Array, gy: Array) -> Any:
        return -gy * (z > 0)


@bug(ROWS, "transposed", "shape", verdicts=UNSURE, at=20 * ROWS)
class DeadLayerTransposed(DeadLayer):
    def backward(self, x: Array, gy: Array) -> Any:
        gx, g = super().backward(x, gy)
        return gx, g | {"W": g["W"].T}


@bug(ROWS, "zero", verdicts=UNSURE, at=20 * ROWS)
class DeadLayerZero(DeadLayer):
    def gz(self, z: Array, gy: Array) -> Any:
        return 0 * gy


@right(ROWS, verdicts=frozenset({"correct", "not tested"}))
class Saturated:
    """tanh(z) with |z| so large that its slopes are lost in rounding."""

    bias = 60.0

    def __init__(self) -> None:
        self.b = np.full(5, self.bias)

    def forward(self, x: Array) -> Any:
        return np.tanh(x + self.b)

    def backward(self, x: Array, gy: Array) -> Any:
        gz = gy * self.slope(x + self.b)
        return gz, {"b": gz.sum(axis=0)}

    def slope(self, z: Array) -> Any:
        return 1 - np.tanh(z) ** 2


@bug(ROWS, "wrong sign", "ratio", verdicts=UNSURE, at=ROWS - 60)
class SaturatedDownhill(Saturated):
    def slope(self, z: Array) -> Any:
        return np.tanh(z) ** 2 - 1


@bug(ROWS, "ratio", verdicts=UNSURE, at=ROWS - 60)
class SaturatedTripled(Saturated):
    def slope(self, z: Array) -> Any:
        return 3 * super().slope(z)


@right(80 + ROWS, verdicts=frozenset({"correct", "not tested"}))
class SaturatedSigmoid:
    def forward(self, x: Array) -> Any:
        return 0.5 + 0.5 * np.tanh(x / 2)

    def backward(self, x: Array, gy: Array) -> Any:
        y = self.forward(x)
        return gy * y * (1 - y)


@bug(80 + ROWS, "derivative elsewhere")
class SaturatedSigmoidTakenTwice(SaturatedSigmoid):
    """At y = 1, its slope is 0.2: so it is wrong on the given input as well."""

    def backward(self, x: Array, gy: Array) -> Any:
        return super().backward(self.forward(x), gy)


@bug(80 + ROWS, "ratio", verdicts=UNSURE, at=ROWS)
class SaturatedSigmoidDoubled(SaturatedSigmoid):
    def backward(self, x: Array, gy: Array) -> Any:
        return 2 * super().backward(x, gy)


@right(BYTES, verdicts=frozenset({"correct", "not tested"}))
@right(PIXELS, verdicts=frozenset({"correct", "not tested"}))
class Clip:
    """clip(x, 0, 1)."""

    def forward(self, x: Array) -> Any:
        return np.clip(x, 0, 1)

    def backward(self, x: Array, gy: Array) -> Any:
        return gy * self.inside(x)

    def inside(self, x: Array) -> Any:
        return (x > 0) & (x < 1)


@bug(PIXELS, "wrong sign", "ratio", verdicts=UNSURE, at=draw(3, 6))
class ClipDownhill(Clip):
    def inside(self, x: Array) -> Any:
        return -1.0 * super().inside(x)


@bug(BYTES, "wrong sign", "ratio", verdicts=UNSURE, at=draw(3, 6))
class ClipOfBytesDownhill(ClipDownhill):
    pass


@bug(PIXELS, "zero", verdicts=UNSURE, at=draw(3, 6))
class ClipZero(Clip):
    def inside(self, x: Array) -> Any:
        return 0 * x


@bug(PIXELS, "ratio", verdicts=UNSURE, at=draw(3, 6))
class ClipOf255(Clip):
    """Divided by 255 as if it were bytes."""

    def inside(self, x: Array) -> Any:
        return super().inside(x) / 255


@right(BLANK)
class Square:
    """y = x^2: all slopes are zero on blank images."""

    def forward(self, x: Array) -> Any:
        return x**2

    def backward(self, x: Array, gy: Array) -> Any:
        return 2 * x * gy


@bug(BLANK, "wrong sign", "ratio", verdicts=UNSURE, at=ROWS)
class SquareDownhillOnBlank(Square):
    def backward(self, x: Array, gy: Array) -> Any:
        return -2 * x * gy


@bug(BLANK, "zero", verdicts=UNSURE, at=ROWS)
class SquareZeroOnBlank(Square):
    def backward(self, x: Array, gy: Array) -> Any:
        return 0 * gy


@right(BLANK)
class Dense:
    """The gradient of W is zero on blank images, and shows nothing."""

    def __init__(self) -> None:
        self.W = draw(5, 4)

    def forward(self, x: Array) -> Any:
        return x @ self.W

    def backward(self, x: Array, gy: Array) -> Any:
        return gy @ self.W.T, {"W": x.T @ gy}


@bug(BLANK, "wrong sign", "ratio", verdicts=UNSURE, at=ROWS)
class WeightsDownhillOnBlank(Dense):
    def backward(self, x: Array, gy: Array) -> Any:
        return gy @ self.W.T, {"W": -x.T @ gy}


@bug(BLANK, "zero", verdicts=UNSURE, at=ROWS)
class WeightsZeroOnBlank(Dense):
    def backward(self, x: Array, gy: Array) -> Any:
        return gy @ self.W.T, {"W": np.zeros_like(self.W)}


@right(ROWS, verdicts=frozenset({"correct", "not tested"}))
class ZeroWeights:
    """y = tanh(x U) V with V = 0: no gradient gets through to U."""

    def __init__(self) -> None:
        self.U, self.V = draw(5, 4), np.zeros((4, 2))

    def forward(self, x: Array) -> Any:
        return np.tanh(x @ self.U) @ self.V

    def backward(self, x: Array, gy: Array) -> Any:
        h = np.tanh(x @ self.U)
        gz = gy @ self.V.T * (1 - h**2)
        return gz @ self.U.T, {"U": x.T @ gz, "V": h.T @ gy}


@right(ROWS, verdicts=frozenset({"correct", "not tested"}))
class Rounded:
    """A staircase: every slope is zero, and large nudges move it."""

    def forward(self, x: Array) -> Any:
        return np.floor(2 * x)

    def backward(self, x: Array, gy: Array) -> Any:
        return np.zeros_like(x)


@bug(ROWS, "derivative forgotten")
class StraightThrough(Rounded):
    """Of use in training, and not the gradient."""

    def backward(self, x: Array, gy: Array) -> Any:
        return gy.copy()
