"""The backend `compiled`: the layers as compiled loops, and the layers without a rule as their equations say.

convolution    Conv2d with the ReLU and the MaxPool2d behind it, in tiles: conv2d.py
choice         MaxPool2d by itself, perhaps with a ReLU: choices.py
product        Linear: gx only where it is read, a large gW for a whole batch at once: links.py
"""

from concurrent.futures import Executor
from functools import partial
from typing import Any, ClassVar

import numpy as np

from handmade.compiled.links import FLOATS, Choice, Convolution, Factors, Product
from handmade.engine.backends.link import Link
from handmade.engine.backends.plain import Plain
from handmade.engine.graph import Node
from handmade.engine.layers import Conv2d, Linear, MaxPool2d, ReLU, add_rules, rule
from handmade.engine.network import Network

add_rules(Conv2d, compiled="convolution")
add_rules(ReLU, compiled="relu")
add_rules(MaxPool2d, compiled="pool")
add_rules(Linear, compiled="product")


class Compiled(Plain):
    """Compiled loops where a layer has a rule."""

    name = "compiled"
    SHORTCUTS: ClassVar[tuple[str, ...]] = ("convolution", "choice", "product")

    def links(self, network: Network) -> tuple[Link, ...]:
        """Return the nodes that the logits are made of, as pieces of work in their order."""
        found: list[Link] = []
        taken: set[str] = set()
        for node in network.nodes:
            if node.name not in taken and node.name in network.below_logits:
                found.append(self._link(network, node, taken))
        return tuple(found)

    def _link(self, network: Network, node: Node, taken: set[str]) -> Link:
        """Return the link that begins with a node; `taken` gets the names of the others in it."""
        role: str | None = rule(node.layer, "compiled")
        if role == "convolution" and role not in self.without and node.layer.W.dtype in FLOATS:
            last, relu, pool = following(network, node, relu=False, pool=None)
            taken.update(last[1:])
            return Convolution(node, last[-1], relu=relu, pool=pool)
        if role in {"relu", "pool"} and "choice" not in self.without and network.dtype in FLOATS:
            last, relu, pool = following(network, node, relu=role == "relu", pool=node.layer if role == "pool" else None)
            if pool is not None:
                taken.update(last[1:])
                return Choice(node, last[-1], relu=relu, pool=pool)
        if role == "product" and role not in self.without:
            return Product(node)
        return Link(node)

    def total(self, node: Node, parts: list[Any]) -> dict[str, Any]:
        """Return what the gradients of one node add up to, over the blocks of a batch; factors are multiplied first."""
        if isinstance(parts[0], Factors):
            x, gy = (np.concatenate(each) for each in ([part.x for part in parts], [part.gy for part in parts]))
            found: dict[str, Any] = rule(node.layer, "weight_gradients")(node.layer, x, gy)
            return found
        return super().total(node, parts)


def following(network: Network, node: Node, *, relu: bool, pool: Any) -> tuple[list[str], bool, Any]:
    """Return the names from a node to the last ReLU or pool that follows it in a row, at most one of each, and these."""
    names = [node.name]
    while (reader := sole_reader(network, names[-1])) is not None:
        role = rule(reader.layer, "compiled")
        if role == "relu" and not relu:
            relu = True
        elif role == "pool" and pool is None:
            pool = reader.layer
        else:
            break
        names.append(reader.name)
    return names, relu, pool


def sole_reader(network: Network, name: str) -> Node | None:
    """Return the only node on the way to the logits that reads an activation; None if there are several, or it is the logits."""
    readers = [node for node in network.readers[name] if node.name in network.below_logits]
    return readers[0] if len(readers) == 1 and name != network.logits_name else None


BACKEND = Compiled
