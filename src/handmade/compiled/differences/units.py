"""Units: nodes that a difference crosses together, and what lies behind each of them.

A unit is a convolution or a linear layer with the ReLU and the pool behind it, a choice by itself, or any other linear node. A
unit is *served* if its weights' nudges can be followed by lanes: if all that lies behind it is linear or a choice.
"""

from dataclasses import dataclass
from typing import Any

from handmade.compiled import rules  # noqa: F401  makes the rules known
from handmade.compiled.fusion import fused_nodes
from handmade.engine.graph import Node, downstream
from handmade.engine.layers import rule
from handmade.engine.network import Network


@dataclass(frozen=True, eq=False)
class Unit:
    """Some nodes in a row.

    Attributes
    ----------
    node : Node
        The first one.
    last : str
        The name of the last one.
    role : {"convolution", "linear", "choice", "other"}
    relu : bool
    pool : Layer or None
    """

    node: Node
    last: str
    role: str
    relu: bool = False
    pool: Any = None

    @property
    def chooses(self) -> bool:
        """True if there is a ReLU or a pool."""
        return self.relu or self.pool is not None

    @property
    def before_choice(self) -> str:
        """The name of what the ReLU or the pool reads."""
        return self.node.reads[0] if self.role == "choice" else self.node.name


@dataclass(frozen=True, eq=False)
class Units:
    """The units of a network on the way to the logits.

    Attributes
    ----------
    all : tuple of Unit
        In their order.
    served : dict of tuple of Unit
        For each served unit, by its node's name: the choices that are further away than its own and the next.
    next : dict of Unit
        For a served convolution, the convolution with a choice that reads it, if its contested windows are worked out there.
    far : frozenset of str
        Names of the units whose choices are far away from a served one.
    needed : frozenset of str
        Activations that are made of served weights: lanes are followed back to them.
    """

    all: tuple[Unit, ...]
    supported: dict[str, tuple[Unit, ...]]
    next: dict[str, Unit]
    far: frozenset[str]
    needed: frozenset[str]


def units_of(network: Network) -> Units:
    """Return the units of a network."""
    found: list[Unit] = []
    taken: set[str] = set()
    for node in network.nodes:
        if node.name in network.below_logits and node.name not in taken:
            unit, names = _unit(network, node)
            found.append(unit)
            taken.update(names)
    of_node = {unit.node.name: unit for unit in found}
    supported: dict[str, tuple[Unit, ...]] = {}
    next_units: dict[str, Unit] = {}
    for unit in found:
        behind = [node for node in downstream(network.nodes, unit.node.name) if node.name in network.below_logits]
        if unit.role not in {"convolution", "linear"} or not all(_passes(node) for node in behind):
            continue
        later = [of_node[node.name] for node in behind if node.name in of_node]
        next_unit = next((each for each in later if _reads_alone(unit, each)), None)
        if next_unit is not None:
            next_units[unit.node.name] = next_unit
        supported[unit.node.name] = tuple(each for each in later if each.chooses and each is not next_unit)
    far = frozenset(unit.node.name for units in supported.values() for unit in units)
    needed = {node.name for name in supported for node in downstream(network.nodes, name)} | set(supported)
    return Units(tuple(found), supported, next_units, far, frozenset(needed))


def _unit(network: Network, node: Node) -> tuple[Unit, list[str]]:
    """Return the unit that begins with a node, and the names of its nodes."""
    role = rule(node.layer, "compiled")
    if role in {"convolution", "product"}:
        names, relu, pool = fused_nodes(network, node, relu=False, pool=None)
        return Unit(node, names[-1], "convolution" if role == "convolution" else "linear", relu, pool), names
    if role in {"relu", "pool"}:
        names, relu, pool = fused_nodes(network, node, relu=role == "relu", pool=node.layer if role == "pool" else None)
        return Unit(node, names[-1], "choice", relu, pool), names
    return Unit(node, node.name, "other"), [node.name]


def _passes(node: Node) -> bool:
    """Return True if a difference crosses a node as a linear map, or by a choice."""
    return rule(node.layer, "compiled") is not None or rule(node.layer, "bound") is not None


def _reads_alone(unit: Unit, later: Unit) -> bool:
    """Return True if a convolution with a choice reads a convolution's output and nothing else."""
    layer: Any = later.node.layer
    alone = unit.role == later.role == "convolution" and later.chooses and later.node.reads == (unit.last,)
    return alone and layer.groups == 1
