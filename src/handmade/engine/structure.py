"""Structure: everything that a graph of nodes says of itself, whatever its weights are: names, shapes, who reads what."""

from dataclasses import dataclass
from functools import cached_property

from handmade.engine import graph
from handmade.engine.arrays import Shape
from handmade.engine.graph import Node
from handmade.engine.layers import Layer
from handmade.engine.names import display_names
from handmade.engine.printable import Printable


@dataclass(frozen=True, eq=False)
class Structure(Printable):
    """Nodes in their order, the shape of an image, and the names of the logits and of all outputs."""

    nodes: tuple[Node, ...]
    input_shape: Shape
    logits_name: str
    output_names: tuple[str, ...]

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers, in the order of the nodes."""
        return tuple(node.layer for node in self.nodes)

    @cached_property
    def shape_of(self) -> dict[str, Shape]:
        """The shape of every activation by the name of its node, the input's first, without the batch axis."""
        return graph.shapes(self.nodes, self.input_shape, self.display_name)

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """The shape of every activation on the tape: the input's first."""
        return tuple(self.shape_of.values())

    @cached_property
    def titles(self) -> dict[str, str]:
        """The names that people read, by the names of the nodes."""
        return display_names(self.nodes)

    @property
    def names(self) -> tuple[str, ...]:
        """The names that people read: conv1, relu1, pool1, ..., in the order of the nodes."""
        return tuple(self.titles.values())

    def display_name(self, name: str) -> str:
        """Return the name that people read of a node or an array: conv1 for "0", conv1.W for "0.W"."""
        if name in self.titles:
            return self.titles[name]
        node, array = self.owners[name]
        return f"{self.titles[node]}.{array}"

    @cached_property
    def owners(self) -> dict[str, tuple[str, str]]:
        """The node and the layer's own name of every array, by its name in the network."""
        arrays = [(node.name, name) for node in self.nodes for name in node.layer.parameters() | node.layer.statistics()]
        return {f"{node}.{name}": (node, name) for node, name in arrays}

    @cached_property
    def _by_name(self) -> dict[str, Node]:
        return {self.titles[node.name]: node for node in self.nodes} | {node.name: node for node in self.nodes}

    def node(self, name: str) -> Node:
        """Return a node by its name, or by the name that people read."""
        return self._by_name[name]

    @cached_property
    def readers(self) -> dict[str, list[Node]]:
        """The nodes that read each activation, by its name."""
        return graph.readers(self.nodes)

    @cached_property
    def weighted(self) -> tuple[str, ...]:
        """The names of the nodes with weights."""
        return tuple(node.name for node in self.nodes if node.layer.parameters())

    @cached_property
    def below_logits(self) -> frozenset[str]:
        """The names of all activations that the logits are made of, themselves included."""
        return frozenset(graph.upstream(self.nodes, self.logits_name))

    @cached_property
    def with_weights_above(self) -> frozenset[str]:
        """The names of all nodes that have weights, or read what is made of weights."""
        reached = {later.name for name in self.weighted for later in graph.downstream(self.nodes, name)}
        return frozenset(reached | set(self.weighted))

    @cached_property
    def read_last_by(self) -> dict[str, tuple[str, ...]]:
        """For each node, the activations that it reads, and that no later node on the way to the logits reads."""
        last = {name: each.name for each in self.nodes if each.name in self.below_logits for name in each.reads}
        found: dict[str, tuple[str, ...]] = {each.name: () for each in self.nodes}
        for name, reader in last.items():
            if name != self.logits_name:
                found[reader] = (*found[reader], name)
        return found
