"""Linear: fully connected layer; every output is a weighted sum of all inputs.

    y[n,o] = b[o] + sum over i of W[i,o] x[n,i]        (1)

    forward   y  = x W + b
    delta     dy = dx W
    backward  gx = gy W^T,   gW = x^T gy,   gb = sum over n of gy
    nudges    dy[n,o] = h x[n,i]  for W[i,o],   h  for b[o]

Inputs with more axes, (N, ..., in), are many rows with the same weights: (1) holds for each row; sums over n run over all rows.

Rosenblatt (1958), "The Perceptron", Psychological Review 65(6).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import DTypeLike

from handmade.engine.arguments import as_dtype, as_generator, as_weight_arrays, integer, refused
from handmade.engine.arrays import Array, Shape
from handmade.engine.errors import HandmadeError
from handmade.engine.initialisation import he
from handmade.engine.layers.channel import EVERY, Channel, one_channel
from handmade.engine.layers.connections import Box, Derivatives, one_place
from handmade.engine.layers.layer import Layer
from handmade.engine.printable import counted
from handmade.engine.terms import Term, largest_products, stored, total


@dataclass(frozen=True, eq=False)
class Linear(Layer):
    """Fully connected layer on rows of numbers: (N, in) -> (N, out), or (N, ..., in) -> (N, ..., out) with shared weights.

    Parameters
    ----------
    W : Array, (in, out)
        Weights.
        b : Array, (out,)
        Biases, one for each output.

    Raises
    ------
    HandmadeError
        If the arrays do not fit together.
    """

    SETTINGS: ClassVar[tuple[str, ...]] = ("units",)
    REQUIRED: ClassVar[tuple[str, ...]] = ("units",)
    WEIGHTS: ClassVar[tuple[str, ...]] = ("W", "b")

    W: Array
    b: Array

    def __post_init__(self) -> None:
        sizes = [size if isinstance(size, int) and size > 0 else usual for size, usual in ((self.W, 784), (self.b, 10))]
        advice = "handmade.Linear.init(rng=0, inputs={}, units={})".format(*sizes)
        W, b = as_weight_arrays("Linear", {"W": self.W, "b": self.b}, advice)
        if W.ndim != 2 or b.shape != W.shape[-1:] or 0 in W.shape:
            advice = "handmade.Linear(W, b)" if b.ndim == 2 else advice
            raise refused("Linear", "W (in, out) and b (out,)", f"{W.shape} and {b.shape}", advice)
        object.__setattr__(self, "W", W)
        object.__setattr__(self, "b", b)

    def _summary(self) -> str:
        return f"{counted(self.W.shape[0], 'input')}, {counted(self.units, 'unit')}"

    @classmethod
    def init(cls, rng: "np.random.Generator | int", inputs: int, units: int, dtype: DTypeLike = np.float32) -> Self:
        """Return a new layer for rows of `inputs` numbers: He initialisation of the weights, biases zero."""
        size = (integer(inputs, "inputs", 1), integer(units, "units", 1))
        return cls(he(as_generator(rng), size, as_dtype(dtype)), np.zeros(units, dtype))

    @classmethod
    def restore(cls, arrays: dict[str, Array], settings: dict[str, Any]) -> Self:  # noqa: ARG003  the arrays hold the units
        """Return the layer from its arrays."""
        return cls(**arrays)

    @property
    def units(self) -> int:
        """Number of outputs."""
        return int(self.W.shape[-1])

    def output_shape(self, shape: Shape) -> Shape:
        inputs = self.W.shape[0]
        if shape[-1] != inputs and len(shape) > 1:
            raise HandmadeError(f"Linear: expected rows of {inputs:,} numbers; got the shape {shape}. Try Flatten before it")
        if shape[-1] != inputs:
            raise HandmadeError(f"Linear: expected {inputs:,} numbers an image; got {shape[0]:,}")
        return (*shape[:-1], self.W.shape[-1])

    def forward(self, x: Array) -> Array:  # (N, ..., in) -> (N, ..., out)
        return x @ self.W + self.b

    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        """Return dx W, with only the rows of W that belong to the inputs that change."""
        if dx.ndim == x.ndim:
            return dx @ self.W[channel]
        return self.W[channel].T @ dx  # (out, in) (N, ..., in, nudges) -> (N, ..., out, nudges)

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        return self.input_gradient(x, gy), self.weight_gradients(x, gy)

    def input_gradient(self, x: Array, gy: Array) -> Array:
        return gy @ self.W.T

    def weight_gradients(self, x: Array, gy: Array) -> dict[str, Array]:
        rows, g = x.reshape(-1, x.shape[-1]), gy.reshape(-1, gy.shape[-1])
        return {"W": rows.T @ g, "b": g.sum(axis=0)}

    @staticmethod
    def source(_layer: Layer, weight: Shape, at: Shape) -> Shape:
        """Return the place of the input that a weight reads."""
        return (*at[:-1], weight[0])

    def receipt(self, x: Array, at: Shape) -> Term:
        *row, o = at
        W, x = self.W[:, o], x[tuple(row)]

        def product(i: int) -> Term:
            return stored(W[i], "W", i, o) * stored(x[i], "input", *row, i)

        products = largest_products(W.astype(np.float64) * x.astype(np.float64), product, "products")
        bias = stored(self.b[o], "b", o).named("bias")
        return total([*products, bias], "b[o] + sum over i of W[i,o] x[i]")

    def derivatives(self, _x: Array, _k: int, at: Shape) -> Derivatives:
        for o, W_o in enumerate(self.W[at[-1]]):
            yield (*at[:-1], o), stored(W_o, "W", at[-1], o)

    def sources(self, shapes: Sequence[Shape], at: Shape) -> list[Box]:
        return [(*one_place(at[:-1]), (0, shapes[0][-1]))]

    def targets(self, _shapes: Sequence[Shape], _k: int, at: Shape) -> Box:
        return (*one_place(at[:-1]), (0, self.units))

    def nudges(self, x: Array, h: Any) -> Iterator[tuple[Channel, Array]]:
        """Yield the differences of each output: h times the input that a weight reads, and h for the bias."""
        dy = np.empty((*x.shape[:-1], 1, x.shape[-1] + 1), x.dtype)
        np.multiply(x, h, out=dy[..., 0, :-1])
        dy[..., -1] = h
        for o in range(self.W.shape[-1]):
            yield one_channel(o), dy
