"""Joins and small graphs, each as a layer with one input, so that every law holds for them through the one table of cases."""

import copy
import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from handmade.engine.arrays import Array, Shape
from handmade.engine.graph import INPUT, Block, Node, ordered_nodes, propagate_differences, shapes, to_nodes
from handmade.engine.layers import Layer


@dataclass(frozen=True, eq=False)
class Halves(Layer):
    """A join that reads equal parts of the channels of x."""

    join: Layer
    parts: int = 2
    shift: float = 0.0  # of the last part: a denominator is not 0

    def split(self, x: Array) -> tuple[Array, ...]:
        *others, last = np.split(x, self.parts, axis=-1)
        return (*others, last + self.shift)

    def split_differences(self, dx: Array) -> tuple[Array, ...]:
        return tuple(np.split(dx, self.parts, axis=-1))

    def output_shape(self, shape: Shape) -> Shape:
        return self.join.output_shape(((*shape[:-1], shape[-1] // self.parts),) * self.parts)

    def forward(self, x: Array) -> Array:
        return self.join.forward(self.split(x))

    def delta(self, x: Array, dx: Array) -> Array:
        return self.join.delta(self.split(x), self.split_differences(dx))

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        gx, gradients = self.join.backward(self.split(x), gy)
        return np.concatenate(gx, axis=-1), gradients


@dataclass(frozen=True, eq=False)
class Parts(Halves):
    """A join that reads activations of several shapes, which lie one after the other in a row of numbers."""

    shapes: tuple[Shape, ...] = ()

    def split(self, x: Array) -> tuple[Array, ...]:
        flat, lead = np.split(x, np.cumsum([math.prod(shape) for shape in self.shapes])[:-1], axis=-1), x.shape[:-1]
        return tuple(part.reshape(*lead, *shape) for part, shape in zip(flat, self.shapes, strict=True))

    def split_differences(self, dx: Array) -> tuple[Array, ...]:
        return self.split(dx)

    def output_shape(self, shape: Shape) -> Shape:
        return self.join.output_shape(self.shapes)

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        gx, gradients = self.join.backward(self.split(x), gy)
        return np.concatenate([part.reshape(len(x), -1) for part in gx], axis=-1), gradients


@dataclass(frozen=True, eq=False)
class Shifted(Layer):
    """A layer that reads x + shift: one that is defined for positive numbers alone, on any drawn numbers."""

    layer: Layer
    shift: float

    def output_shape(self, shape: Shape) -> Shape:
        return self.layer.output_shape(shape)

    def forward(self, x: Array) -> Array:
        return self.layer.forward(x + self.shift)

    def delta(self, x: Array, dx: Array) -> Array:
        return self.layer.delta(x + self.shift, dx)

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        return self.layer.backward(x + self.shift, gy)


class Subnetwork(Layer):
    """The nodes that a block writes."""

    def __init__(self, block: Any) -> None:
        self.nodes = ordered_nodes(block.nodes("0", INPUT) if isinstance(block, Block) else to_nodes(block))

    def _with(self, nodes: tuple[Node, ...]) -> Self:
        other = copy.copy(self)
        other.nodes = nodes
        return other

    def _tape(self, x: Array) -> dict[str, Array]:
        tape = {INPUT: x}
        for node in self.nodes:
            tape[node.name] = node.layer.forward(node.inputs(tape))
        return tape

    def output_shape(self, shape: Shape) -> Shape:
        return shapes(self.nodes, shape, str)[self.nodes[-1].name]

    def forward(self, x: Array) -> Array:
        return self._tape(x)[self.nodes[-1].name]

    def delta(self, x: Array, dx: Array) -> Array:
        moved = propagate_differences(self.nodes, self._tape(x), INPUT, dx, lambda node, x_i, dx_i: node.layer.delta(x_i, dx_i))
        return moved[self.nodes[-1].name]

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        tape, g, gradients = self._tape(x), {self.nodes[-1].name: gy}, dict[str, Array]()
        for node in reversed(self.nodes):
            gx, own = node.layer.backward(node.inputs(tape), g.pop(node.name))
            gradients |= {self._key(node, name): array for name, array in own.items()}
            for read, part in zip(node.reads, gx if node.layer.joins else (gx,), strict=True):
                g[read] = g[read] + part if read in g else part
        return g[INPUT], {name: gradients[name] for name in self.parameters()}

    def parameters(self) -> dict[str, Array]:
        return {self._key(node, name): a for node in self.nodes for name, a in node.layer.parameters().items()}

    def replace(self, arrays: dict[str, Array]) -> Self:
        return self._with(
            tuple(
                node.with_layer(
                    node.layer.replace(
                        {name: arrays.get(self._key(node, name), a) for name, a in node.layer.parameters().items()}
                    )
                )
                for node in self.nodes
            )
        )

    @staticmethod
    def _key(node: Node, name: str) -> str:
        return f"{node.name}.{name}".removeprefix("0.")
