"""Dropout: in training, forget some numbers, and enlarge the others, so that their mean stays what it was.

    inference  y = x
    training   y = s m x        m: 1 with probability 1 - rate, else 0, drawn once for a batch;   s = 1 / (1 - rate)        (1)
    delta      dy = s m dx
    backward   gx = s m gy

A layer as it is, is for inference; `in_training` draws the mask m for one batch. With the mask, (1) is linear in x. The mask
holds no floats: a network in float32 and the same one in float64 forget the same numbers.

Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov (2014), "Dropout: A Simple Way to Prevent Neural Networks from
Overfitting", Journal of Machine Learning Research 15; enlarged in training and not shrunk in inference, as in its section 10.
"""

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from handmade.engine.arguments import number
from handmade.engine.arrays import Array, Shape
from handmade.engine.errors import HandmadeError
from handmade.engine.layers.channel import EVERY, Channel, select_channel
from handmade.engine.layers.layer import Layer
from handmade.engine.terms import Term, made, stored

HIGHEST = 0.999  # rate: beyond it next to nothing is left to learn from


@dataclass(frozen=True, eq=False)
class Dropout(Layer):
    """Forget numbers at random; inputs of any shape.

    Parameters
    ----------
    rate : float
        The share of the numbers that is forgotten, from 0 to 0.999.
    mask : Array of bool, (N, ...), optional
        For training: which numbers of one batch are kept. `in_training` draws it.

    Raises
    ------
    HandmadeError
        If the rate is no such number; from `forward`, if x is not a batch like that of the mask.
    """

    SETTINGS: ClassVar[tuple[str, ...]] = ("rate",)
    REQUIRED: ClassVar[tuple[str, ...]] = ("rate",)

    rate: float
    mask: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", number(self.rate, "rate", 0, HIGHEST))

    @property
    def images(self) -> int | None:
        return None if self.mask is None else len(self.mask)

    def in_training(self, images: int, shape: Shape, rng: "np.random.Generator") -> Self:
        return replace(self, mask=rng.random((images, *shape)) >= self.rate)

    def for_images(self, images: slice) -> Self:
        return self if self.mask is None else replace(self, mask=self.mask[images])

    def forward(self, x: Array) -> Array:
        if self.mask is not None and self.mask.shape != x.shape:
            raise HandmadeError(
                f"Dropout in training: expected the batch {self.mask.shape} that its mask was drawn for; got {x.shape}. "
                "Try in_training for every batch"
            )
        return self._kept(x, EVERY)

    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        """Return the kept part of dx; x itself plays no part, for (1) is linear."""
        return self._kept(dx, channel)

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        return self._kept(gy, EVERY), {}

    def receipt(self, x: Array, at: Shape) -> Term:
        before = stored(x[at], "input", *at)
        if self.mask is None:
            return made("same", before, label="x", note="not in training: passes unchanged")
        kept = bool(self.mask[(0, *at)])
        return (Term(kept / (1 - self.rate), label="s m") * before).named("s m x", "kept, and enlarged" if kept else "forgotten")

    def _kept(self, x: Array, channel: Channel) -> Array:
        if self.mask is None:
            return x
        y: Array = x * select_channel(self.mask, x, channel)
        y *= 1 / (1 - self.rate)
        return y
