"""Nodes that are worked out together in inference and backpropagation.

A convolution takes along the ReLU and the max-pool that follow it, if nobody else reads what lies between. Other layers with
weights work out gx only where it is read, and leave large gradients of weights for all images at once.
"""

from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.backends.link import Link
from handmade.engine.backends.numpy.convolution import Convolution
from handmade.engine.backends.numpy.tiles import Tiles, apart, serves
from handmade.engine.graph import Node
from handmade.engine.layers import Conv2d, MaxPool2d, ReLU, add_rules, rule
from handmade.engine.network import Network

MANY = 64  # images: a gW that is larger than the factors of 64 images is made for all images of a batch at once

add_rules(Conv2d, fuses="convolution")
add_rules(ReLU, fuses="relu")
add_rules(MaxPool2d, fuses="pool")


@dataclass(frozen=True, eq=False)
class Factors:
    """Factors of a gradient of weights: x and gy of a layer."""

    x: Array
    gy: Array


class Halved(Link):
    """A layer whose `backward` comes in two halves, by itself."""

    def __init__(self, node: Node, *, deferred: bool) -> None:
        super().__init__(node)
        self._input_gradient, self._weight_gradients = (
            rule(node.layer, f"{half}") for half in ("input_gradient", "weight_gradients")
        )
        self._size = sum(array.size for array in node.layer.parameters().values()) if deferred else 0

    def backward(self, kept: Array, gy: Array, *, to_input: bool) -> tuple[Any, Any]:
        layer = self.node.layer
        gx = self._input_gradient(layer, kept, gy) if to_input else None
        if self._size > MANY * (kept[0].size + gy[0].size):
            return gx, Factors(kept, gy)
        return gx, self._weight_gradients(layer, kept, gy)


def total(node: Node, parts: list[Any]) -> dict[str, Array]:
    """Return what the gradients of one node add up to, over the blocks of a batch; factors are multiplied first."""
    if isinstance(parts[0], Factors):
        x, gy = (np.concatenate(each) for each in ([part.x for part in parts], [part.gy for part in parts]))
        gradients: dict[str, Array] = rule(node.layer, "weight_gradients")(node.layer, x, gy)
        return gradients
    return {name: reduce(np.add, [part[name] for part in parts]) for name in parts[0]}


def fuse(network: Network, without: frozenset[str]) -> tuple[Link, ...]:
    """Return links for all nodes that the logits are made of, in their order."""
    links: list[Link] = []
    taken: set[str] = set()
    for node in network.nodes:
        if node.name in taken or node.name not in network.below_logits:
            continue
        if rule(node.layer, "fuses") == "convolution" and "fused_convolution" not in without:
            links.append(_convolution(network, node, taken, winograd="winograd" not in without))
        elif rule(node.layer, "weight_gradients") and "halved_backward" not in without:
            links.append(Halved(node, deferred="deferred_weights" not in without))
        else:
            links.append(Link(node))
    return tuple(links)


def sole_reader(network: Network, name: str) -> Node | None:
    """Return the only node on the way to the logits that reads an activation; None if there are several, or it is the logits."""
    readers = [node for node in network.readers[name] if node.name in network.below_logits]
    return readers[0] if len(readers) == 1 and name != network.logits_name else None


def _convolution(network: Network, node: Node, taken: set[str], *, winograd: bool) -> Link:
    """Return the link of a convolution with at most one ReLU and one pool behind it; `taken` gets their names."""
    conv: Any = node.layer
    tiled = winograd and serves(conv)
    found: dict[str, Any] = {"relu": None, "pool": None}
    last = node
    while (following := sole_reader(network, last.name)) is not None:
        role, layer = rule(following.layer, "fuses"), following.layer
        if role not in found or found[role] is not None or (role == "pool" and tiled and not apart(layer)):
            break
        found[role], last = layer, following
        taken.add(following.name)
    return (Tiles if tiled else Convolution)(node, last.name, found["relu"], found["pool"])
