"""Units: groups of fused nodes that a difference crosses in one step, and the nodes after each of them.

A unit is a convolution or a linear layer with the following ReLU and pool, a choice without these, or any other linear node. A
unit is *supported* if the nudges of its weights can be computed with lanes: if all nodes after it are linear or choices.
"""

from dataclasses import dataclass
from typing import Any

from handmade.compiled import rules  # noqa: F401  makes the rules known
from handmade.compiled.fusion import fused_nodes, role_of
from handmade.engine.graph import Node, downstream
from handmade.engine.layers import rule
from handmade.engine.network import Network


@dataclass(frozen=True, eq=False)
class Unit:
    """Fused nodes.

    Attributes
    ----------
    node : Node
        First node.
        last : str
        Name of the last node.
        role : {"convolution", "linear", "choice", "other"}
        Kind of the unit.
        relu : bool
        True if there is a ReLU.
        pool : Layer or None
        The pool.
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
        """Name of the input of the ReLU or the pool."""
        return self.node.reads[0] if self.role == "choice" else self.node.name


@dataclass(frozen=True, eq=False)
class Units:
    """Units of a network on the path to the logits.

    Attributes
    ----------
    all : tuple of Unit
        Units in their order.
        supported : dict of tuple of Unit
        Far choices of each supported unit, by its node's name: the choices after it, except its own and that of the next one.
    next : dict of Unit
        Convolution with a choice that reads the output of a supported convolution, by the name of the latter.
    far : frozenset of str
        Names of the units whose choices are far from a supported unit.
    needed : frozenset of str
        Activations that depend on supported weights: lanes are computed for them.
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
    role = role_of(network, node)
    if role in {"convolution", "product"}:
        names, relu, pool = fused_nodes(network, node, relu=False, pool=None)
        return Unit(node, names[-1], "convolution" if role == "convolution" else "linear", relu, pool), names
    if role in {"relu", "pool"}:
        names, relu, pool = fused_nodes(network, node, relu=role == "relu", pool=node.layer if role == "pool" else None)
        return Unit(node, names[-1], "choice", relu, pool), names
    return Unit(node, node.name, "other"), [node.name]


def _passes(node: Node) -> bool:
    """Return True if a node is linear or a choice."""
    return rule(node.layer, "compiled") is not None or rule(node.layer, "bound") is not None


def _reads_alone(unit: Unit, later: Unit) -> bool:
    """Return True if `later` is a convolution with a choice that reads only the output of a convolution."""
    layer: Any = later.node.layer
    alone = unit.role == later.role == "convolution" and later.chooses and later.node.reads == (unit.last,)
    return alone and layer.groups == 1
