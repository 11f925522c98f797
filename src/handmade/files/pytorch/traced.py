"""Graph of ONNX operations that is built from a traced module: values, constants, and the shapes that PyTorch computed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from handmade.engine.arrays import Array, Shape
from handmade.files.onnx.graph import Graph, Operation, Port

OPSET = 20
INPUT = "images"


@dataclass(frozen=True)
class Tensor:
    """Value that depends on the images: its name in the graph, and its shape with the batch axis."""

    name: str
    shape: Shape


class Traced:
    """Operations and constants so far.

    Attributes
    ----------
    label, shape : str, tuple of int
        Name of the node of the module that is being converted, and the shape of its result with the batch axis.
    """

    def __init__(self, shape: Shape) -> None:
        self.operations: list[Operation] = []
        self.constants: dict[str, Array] = {}
        self.input = Tensor(INPUT, shape)
        self.label, self.shape = "", shape
        self._names = {INPUT}

    def emit(self, op: str, inputs: Sequence[Tensor | Array | None], **attributes: Any) -> Tensor:
        """Add an operation of ONNX; its result has the shape of the node, unless it is only a part of it."""
        names = [self._named(each) for each in inputs]
        output = self._new(self.label)
        plain = {name: tuple(value) if isinstance(value, list) else value for name, value in attributes.items()}
        self.operations.append(Operation(output, op, tuple(names), (output,), OPSET, plain))
        return Tensor(output, self.shape)

    def reshape(self, x: Tensor, shape: Shape) -> Tensor:
        """Add a Reshape that keeps the axis of the images."""
        return x if x.shape == shape else self.emit("Reshape", [x, np.array([0, *shape[1:]], np.int64)])

    def graph(self, outputs: Sequence[Tensor]) -> Graph:
        """Return the graph with these outputs."""
        image = Port(INPUT, np.dtype(np.float32), ("N", *self.input.shape[1:]))
        ports = tuple(Port(each.name, np.dtype(np.float32), ("N", *each.shape[1:])) for each in outputs)
        return Graph("module", tuple(self.operations), self.constants, (image,), (), ports, OPSET, {})

    def _named(self, value: Tensor | Array | None) -> str:
        if value is None:
            return ""
        if isinstance(value, Tensor):
            return value.name
        name = self._new(f"{self.label}_constant")
        self.constants[name] = value
        return name

    def _new(self, label: str) -> str:
        name, number = label, 1
        while name in self._names:
            number += 1
            name = f"{label}_{number}"
        self._names.add(name)
        return name
