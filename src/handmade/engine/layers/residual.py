"""Residual: what a few layers make is added to what went in, so that they learn only the rest.

    y = block(x) + shortcut(x)        both are layers one after the other; an empty shortcut hands x on as it is

    delta     dy = d block + d shortcut        each by the finite chain rule
    backward  gx = gx of the block + gx of the shortcut

The names of its arrays say where they are: "block.0.W" is W of the first layer in the block.

He, Zhang, Ren & Sun (2016), "Deep Residual Learning for Image Recognition", CVPR, section 3.2.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from handmade.engine.arrays import Array, Shape
from handmade.engine.errors import HandmadeError
from handmade.engine.layers import chain
from handmade.engine.layers.layer import EVERY, Channel, Layer, spread


@dataclass(frozen=True, eq=False)
class Residual:
    """A block of layers with a way around it.

    Parameters
    ----------
    block : sequence of layers
        At least one.
    shortcut : sequence of layers
        The way around, such as a 1 x 1 convolution where the block changes the shape; the identity if left out.

    Raises
    ------
    HandmadeError
        If the block is empty; from `output_shape`, if a layer does not fit or the two branches make different shapes.
    """

    SETTINGS: ClassVar[tuple[str, ...]] = ("block", "shortcut")

    block: tuple[Layer, ...]
    shortcut: tuple[Layer, ...]

    def __init__(self, block: Sequence[Layer], shortcut: Sequence[Layer] = ()) -> None:
        if not block:
            raise HandmadeError("Residual wants a block of at least one layer; got none")
        object.__setattr__(self, "block", tuple(block))
        object.__setattr__(self, "shortcut", tuple(shortcut))

    @property
    def branches(self) -> dict[str, tuple[Layer, ...]]:
        return {"block": self.block, "shortcut": self.shortcut}

    def settings(self) -> dict[str, Any]:
        return {branch: chain.described(layers) for branch, layers in self.branches.items()}

    def output_shape(self, shape: Shape) -> Shape:
        ends = []
        for branch, layers in self.branches.items():
            try:
                ends.append(chain.shapes(layers, shape)[-1])
            except HandmadeError as error:
                raise HandmadeError(f"{branch}: {error}") from None
        if ends[0] != ends[1]:
            raise HandmadeError(
                f"Residual wants block and shortcut to make one shape; got {ends[0]} and {ends[1]}. "
                "A padding in the block, or a Conv2d as the shortcut, may mend it"
            )
        return ends[0]

    def forward(self, x: Array) -> Array:
        y: Array = chain.tape(self.block, x)[-1] + chain.tape(self.shortcut, x)[-1]
        return y

    def delta(self, x: Array, dx: Array, channel: Channel = EVERY) -> Array:
        tapes = {branch: chain.tape(layers, x) for branch, layers in self.branches.items()}
        moved = [chain.delta(layers, tapes[branch], dx, channel) for branch, layers in self.branches.items()]
        return added(tapes["block"][-1], *moved)[0]

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        gx: Array = np.zeros_like(x)
        gradients: dict[str, Array] = {}
        for branch, layers in self.branches.items():
            own, inner = chain.backward(layers, chain.tape(layers, x), gy)
            gx = gx + own
            gradients |= {f"{branch}.{name}": g for name, g in inner.items()}
        return gx, gradients

    def output_channel(self, channel: Channel, shape: Shape) -> Channel:
        block, shortcut = (chain.output_channel(layers, channel, shape) for layers in self.branches.values())
        return block if block == shortcut else EVERY

    def parameters(self) -> dict[str, Array]:
        return _named({branch: chain.parameters(layers) for branch, layers in self.branches.items()})

    def statistics(self) -> dict[str, Array]:
        return _named({branch: chain.statistics(layers) for branch, layers in self.branches.items()})

    def replace(self, parameters: dict[str, Array]) -> Self:
        return self._with({branch: chain.replaced(inner, _of(parameters, branch)) for branch, inner in self.branches.items()})

    def in_training(self, images: int, shape: Shape, rng: "np.random.Generator") -> Self:
        return self._with({branch: chain.in_training(inner, images, shape, rng) for branch, inner in self.branches.items()})

    def of(self, images: slice) -> Self:
        return self._with({branch: chain.of(inner, images) for branch, inner in self.branches.items()})

    @property
    def images(self) -> int | None:
        return chain.made_for((*self.block, *self.shortcut))

    @property
    def couples(self) -> bool:
        return chain.couples((*self.block, *self.shortcut))

    def observe(self, x: Array) -> tuple[Array, dict[str, Array]]:
        passed = {branch: chain.observe(layers, x) for branch, layers in self.branches.items()}
        y: Array = passed["block"][0] + passed["shortcut"][0]
        return y, _named({branch: seen for branch, (_, seen) in passed.items()})

    def _with(self, branches: dict[str, chain.Layers]) -> Self:
        """The same with other branches; itself where they are the same."""
        same = all(branches[name] is inner for name, inner in self.branches.items())
        return self if same else type(self)(**branches)


def added(y: Array, one: tuple[Array, Channel], other: tuple[Array, Channel]) -> tuple[Array, Channel]:
    """The sum of two differences of an output y, each in its channel, and the channel of the sum."""
    (dy, channel), (dy_other, channel_other) = one, other
    if channel == channel_other:
        return dy + dy_other, channel
    return spread(y, dy, channel) + spread(y, dy_other, channel_other), EVERY


def _named(branches: dict[str, dict[str, Array]]) -> dict[str, Array]:
    return {f"{branch}.{name}": array for branch, arrays in branches.items() for name, array in arrays.items()}


def _of(arrays: dict[str, Array], branch: str) -> dict[str, Array]:
    return {name.removeprefix(f"{branch}."): array for name, array in arrays.items() if name.startswith(f"{branch}.")}
