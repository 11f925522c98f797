"""Structure of a graph of nodes, independent of its weights: names, shapes and connections."""

from dataclasses import dataclass
from functools import cached_property

from handmade.engine import graph
from handmade.engine.arguments import described, refused
from handmade.engine.arrays import Shape
from handmade.engine.graph import Node
from handmade.engine.layers import Layer, rule
from handmade.engine.names import display_names
from handmade.engine.printable import Printable


@dataclass(frozen=True, eq=False)
class Structure(Printable):
    """Nodes in their order, shape of an image, and names of the logits and of all outputs."""

    nodes: tuple[Node, ...]
    input_shape: Shape
    logits_name: str
    output_names: tuple[str, ...]

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Layers, in the order of the nodes."""
        return tuple(node.layer for node in self.nodes)

    @cached_property
    def shape_of(self) -> dict[str, Shape]:
        """Shape of every activation by the name of its node, the input first, without the batch axis."""
        return graph.shapes(self.nodes, self.input_shape, self.display_name)

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """Shape of every activation on the tape, the input first."""
        return tuple(self.shape_of.values())

    @cached_property
    def titles(self) -> dict[str, str]:
        """Display names, by the names of the nodes."""
        return display_names(self.nodes)

    @property
    def names(self) -> tuple[str, ...]:
        """Display names in the order of the nodes: conv1, relu1, pool1, ..."""
        return tuple(self.titles.values())

    def display_name(self, name: str) -> str:
        """Return the display name of a node or an array: conv1 for "0", conv1.W for "0.W"."""
        if isinstance(name, str) and name in self.titles:
            return self.titles[name]
        if not isinstance(name, str) or name not in self.owners:
            raise refused(
                "name", f"the name of a node or an array, {graph.join_names([*self.titles, *self.owners])}", described(name)
            )
        node, array = self.owners[name]
        return f"{self.titles[node]}.{array}"

    def marked_name(self, name: str) -> str:
        """Return the display name of a node with the mark of its layer: conv1 (yours)."""
        mark = rule(self.node(name).layer, "mark")
        return f"{self.titles[name]} ({mark})" if mark else self.titles[name]

    @cached_property
    def owners(self) -> dict[str, tuple[str, str]]:
        """Node of every array, and its name within the layer, by its name in the network."""
        arrays = [(node.name, name) for node in self.nodes for name in node.layer.parameters() | node.layer.statistics()]
        return {f"{node}.{name}": (node, name) for node, name in arrays}

    @cached_property
    def _by_name(self) -> dict[str, Node]:
        return {self.titles[node.name]: node for node in self.nodes} | {node.name: node for node in self.nodes}

    def node(self, name: str) -> Node:
        """Return a node by its name or its display name."""
        if not isinstance(name, str) or name not in self._by_name:
            raise refused("name", f"the name of a node, {graph.join_names(self.titles.values())}", described(name))
        return self._by_name[name]

    @cached_property
    def readers(self) -> dict[str, list[Node]]:
        """Nodes that read each activation, by its name."""
        return graph.readers(self.nodes)

    @cached_property
    def weighted(self) -> tuple[str, ...]:
        """Names of the nodes with weights."""
        return tuple(node.name for node in self.nodes if node.layer.parameters())

    @cached_property
    def below_logits(self) -> frozenset[str]:
        """Names of all activations that the logits are computed from, themselves included."""
        return frozenset(graph.upstream(self.nodes, self.logits_name))

    @cached_property
    def with_weights_above(self) -> frozenset[str]:
        """Names of all nodes that have weights, or whose inputs depend on weights."""
        reached = {later.name for name in self.weighted for later in graph.downstream(self.nodes, name)}
        return frozenset(reached | set(self.weighted))

    @cached_property
    def read_last_by(self) -> dict[str, tuple[str, ...]]:
        """Activations that each node reads as the last node on the path to the logits, by the name of the node."""
        last = {name: each.name for each in self.nodes if each.name in self.below_logits for name in each.reads}
        found: dict[str, tuple[str, ...]] = {each.name: () for each in self.nodes}
        for name, reader in last.items():
            if name != self.logits_name:
                found[reader] = (*found[reader], name)
        return found
