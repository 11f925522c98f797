"""Dropout: in training, some numbers are set to 0, and the others are scaled up, so that the expected value stays the same.

    inference  y = x
    training   y = s m x        m: 1 with probability 1 - rate, else 0, drawn once for a batch;   s = 1 / (1 - rate)        (1)
    delta      dy = s m dx
    backward   gx = s m gy

A layer is made for inference; `in_training` draws the mask m for one batch. With the mask, (1) is linear in x. The mask is an
array of bool: a network in float32 and the same network in float64 drop the same numbers.

Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov (2014), "Dropout: A Simple Way to Prevent Neural Networks from
Overfitting", Journal of Machine Learning Research 15; scaled up in training, not down in inference, as in its section 10.
"""

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from handmade.engine.arguments import number
from handmade.engine.arrays import Array, Shape
from handmade.engine.errors import HandmadeError
from handmade.engine.layers.channel import EVERY, Channel, select_channel
from handmade.engine.layers.connections import ONE, Derivatives
from handmade.engine.layers.layer import Layer
from handmade.engine.terms import Term, made, stored

HIGHEST = 0.999  # rate: beyond it almost no numbers are left


@dataclass(frozen=True, eq=False)
class Dropout(Layer):
    """Dropout of random numbers; inputs of any shape.

    Parameters
    ----------
    rate : float
        Dropout rate: probability that a number is set to 0, from 0 to 0.999.
    mask : Array of bool, (N, ...), optional
        True for the numbers of one batch that are kept, in training. `in_training` draws it.

    Raises
    ------
    HandmadeError
        If the rate is outside its range; from `forward`, if x has not the shape of the mask.
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
        """Return s m dx; it does not depend on x, because (1) is linear."""
        return self._kept(dx, channel)

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        return self._kept(gy, EVERY), {}

    def receipt(self, x: Array, at: Shape) -> Term:
        before = stored(x[at], "input", *at)
        if self.mask is None:
            return made("same", before, label="x", note="inference: passes unchanged")
        kept = bool(self.mask[(0, *at)])
        return (Term(kept / (1 - self.rate), label="s m") * before).named("s m x", "kept and scaled" if kept else "dropped")

    def derivatives(self, _x: Array, _k: int, at: Shape) -> Derivatives:
        if self.mask is None:
            yield at, ONE.named("", "not in training: passes unchanged")
        else:
            yield at, Term(bool(self.mask[(0, *at)]) / (1 - self.rate), label="s m")

    def _kept(self, x: Array, channel: Channel) -> Array:
        if self.mask is None:
            return x
        y: Array = x * select_channel(self.mask, x, channel)
        y *= 1 / (1 - self.rate)
        return y
