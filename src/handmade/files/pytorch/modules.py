"""Module: a network as the parts of a PyTorch module, with the names that these have there.

A chain of layers is an nn.Sequential, and its parts are named by their numbers. Any other graph is a class whose attributes are
named as the nodes are displayed: conv1, residual1_block_conv1.
"""

import keyword
import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.graph import INPUT
from handmade.engine.layers.registry import KINDS
from handmade.engine.network import Network
from handmade.files.orders import FIRST, TO_FIRST, TO_OURS, Order, Step, border, steps
from handmade.files.pytorch.part import Part, Weight
from handmade.files.pytorch.parts import PARTS

TAKEN = {
    "F",
    "nn",
    "torch",
    "self",
    "forward",
    "train",
    "eval",
    "training",
    "type",
    "half",
    "float",
    "double",
    "to",
    "apply",
    "add",
}


@dataclass(frozen=True, eq=False)
class Conversion:
    """Variable that holds an activation in its other order, and the code that makes it; `places` are those of a row."""

    variable: str
    code: str
    places: Array | None = None


@dataclass(frozen=True, eq=False)
class Module:
    """A network in the terms of PyTorch.

    Attributes
    ----------
    network : Network
    steps : list of Step
        Nodes, with the orders in which they read and make activations there.
    parts : list of Part
        One for each step.
    """

    network: Network
    steps: list[Step]
    parts: list[Part]

    @cached_property
    def is_sequential(self) -> bool:
        """True for a chain whose parts are all modules of torch.nn."""
        network, reads = self.network, INPUT
        order = border(network.input_shape)
        for step, part in zip(self.steps, self.parts, strict=True):
            if step.node.reads != (reads,) or not part.plain or not step.reads[0].same(order):
                return False
            reads, order = step.node.name, step.makes
        return network.output_names == (reads,) and order.same(border(network.shape_of[reads]))

    @cached_property
    def names(self) -> list[str]:
        """Names of the parts there."""
        if self.is_sequential:
            return list(map(str, range(len(self.parts))))
        found: list[str] = []
        for step in self.steps:
            name = re.sub(r"\W", "_", self.network.titles[step.node.name], flags=re.ASCII)
            if not name.isidentifier() or keyword.iskeyword(name) or name in TAKEN or name.startswith("_"):
                name = f"layer_{name}"
            while name in found or name == INPUT:
                name += "_"
            found.append(name)
        return found

    @cached_property
    def weights(self) -> dict[str, tuple[str, Weight]]:
        """Name with us, and the turn, of each array of the state dict that is an array of the network."""
        found: dict[str, tuple[str, Weight]] = {}
        for name, step, part in zip(self.names, self.steps, self.parts, strict=True):
            owned = {f"{name}.{key}": weight for key, weight in part.weights.items()}
            owned |= {f"{name}_{key}": value for key, value in part.buffers.items() if isinstance(value, Weight)}
            found |= {key: (f"{step.node.name}.{weight.name}", weight) for key, weight in owned.items()}
        return found

    @cached_property
    def constants(self) -> dict[str, Array]:
        """Arrays of the state dict that the network has no arrays for: counters of BatchNorm, and places."""
        found: dict[str, Array] = {}
        for name, part in zip(self.names, self.parts, strict=True):
            if "running_mean" in part.weights:
                found[f"{name}.num_batches_tracked"] = np.array(0, np.int64)
            own = {f"{name}_{key}": value for key, value in part.buffers.items() if not isinstance(value, Weight)}
            found |= {key: value.astype(self.network.dtype) if value.dtype.kind == "f" else value for key, value in own.items()}
        return found | {f"{each.variable}_places": each.places for each in self.conversions.values() if each.places is not None}

    @cached_property
    def conversions(self) -> "dict[str, Conversion]":
        """Conversions of the activations that are read in another order than they are made."""
        read = [(name, order) for step in self.steps for name, order in zip(step.node.reads, step.reads, strict=True)]
        read += [(name, border(self.network.shape_of[name])) for name in self.network.output_names]
        found: dict[str, Conversion] = {}
        for name, order in read:
            has, variable = self.order_of(name), self.name_of(name)
            if has.same(order):
                continue
            if has.places is not None:
                found[name] = Conversion(f"{variable}_row", f"{{0}}[:, self.{variable}_row_places]", np.argsort(has.places))
            else:
                axes, end = (TO_FIRST, "nchw") if order is FIRST else (TO_OURS, "nhwc")
                found[name] = Conversion(f"{variable}_{end}", f"{{0}}.permute(0, {', '.join(str(1 + axis) for axis in axes)})")
        return found

    def name_of(self, name: str) -> str:
        """Return the name there of an activation."""
        return INPUT if name == INPUT else self.names[[step.node.name for step in self.steps].index(name)]

    def order_of(self, name: str) -> Order:
        """Return the order in which an activation is made there."""
        return border(self.network.input_shape) if name == INPUT else next(s.makes for s in self.steps if s.node.name == name)


def module_of(network: Network) -> Module:
    """Return a network in the terms of PyTorch; raise HandmadeError with all layers that PyTorch has no part for."""
    found: list[Part] = []
    refused: list[str] = []
    listed = steps(network)
    for step in listed:
        layer, title = step.node.layer, network.titles[step.node.name]
        if layer.kind not in PARTS or KINDS.get(layer.kind) is not type(layer):
            refused.append(f"{title} ({layer.kind})")
            continue
        try:
            found.append(PARTS[layer.kind](layer, step))
        except HandmadeError as error:
            refused.append(f"{title} ({error})")
    if refused:
        raise HandmadeError(f"network: expected layers that PyTorch has; it has none for {', '.join(refused)}")
    return Module(network, listed, found)
