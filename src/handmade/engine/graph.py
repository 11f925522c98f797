"""Nodes: a network as a directed acyclic graph.

A node has a name, a layer, and the names of its inputs: other nodes, or "input". Several nodes may read one activation.
The arrays of a network are named after its nodes: "0.W", "3.block.0.W", "stem.W".
"""

import heapq
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from handmade.engine.arguments import described, refused
from handmade.engine.arrays import Array, Shape
from handmade.engine.errors import HandmadeError
from handmade.engine.layers.adapter import adapt
from handmade.engine.layers.layer import Layer
from handmade.engine.printable import ShortRepr

INPUT = "input"
LAYER_METHOD = "forward"  # of every layer, also of those of other people
LONGEST = 200  # letters of a name
RESERVED = {INPUT, "logits", "probability", "loss"}  # names of other numbers in receipts
FORBIDDEN = set(" []=,")  # characters with a meaning of their own in places such as conv1.W[0,1]

Values: TypeAlias = Mapping[str, Any]  # one value for each activation, by name


@dataclass(frozen=True, eq=False)
class Node(ShortRepr):
    """A layer in a network.

    Parameters
    ----------
    name : str
        Name of the node and of its output.
    layer : Layer
        The layer, or any object with `forward` and `backward`.
    reads : str or sequence of str
        Names of its inputs: nodes, or "input". A layer that joins activations, such as Add, has several.

    Raises
    ------
    HandmadeError
        If the name cannot be used, or the layer reads another number of activations.
    """

    name: str
    layer: Layer
    reads: tuple[str, ...]

    def __init__(self, name: str, layer: Any, reads: str | Sequence[str] = INPUT) -> None:
        check_name(name)
        sources = (reads,) if isinstance(reads, str) else tuple(reads) if isinstance(reads, Iterable) else (reads,)
        if not all(isinstance(source, str) for source in sources):
            raise refused("reads", f"a name or a list of names for node {name!r:.80}", described(reads), "reads='input'")
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "layer", adapt(layer, f"layer {name}"))
        object.__setattr__(self, "reads", sources)
        if len(self.reads) < 1 + self.layer.joins or (len(self.reads) > 1 and not self.layer.joins):
            expected = "two activations or more" if self.layer.joins else "one activation"
            raise HandmadeError(
                f"node {name!r:.80}: expected {self.layer.kind} to read {expected}; got {join_names(self.reads, 5)}. "
                "Try Node(name, layer, reads=[...])"
            )

    def inputs(self, values: Values) -> Any:
        """Return the inputs of the layer: one value, or a tuple of values for a layer that joins."""
        return tuple(values[name] for name in self.reads) if self.layer.joins else values[self.reads[0]]

    def with_reads(self, names: dict[str, str]) -> "Node":
        """Return the node with other names of its inputs."""
        return Node(self.name, self.layer, [names[name] for name in self.reads])

    def with_layer(self, layer: Layer) -> "Node":
        """Return the node with another layer."""
        return self if layer is self.layer else Node(self.name, layer, self.reads)


def check_name(name: object) -> None:
    """Raise HandmadeError unless this can be the name of a node."""
    fits = isinstance(name, str) and 0 < len(name) <= LONGEST and name.isprintable() and name not in RESERVED
    if not fits or FORBIDDEN & set(str(name)):
        raise HandmadeError(
            f"a node's name: expected up to {LONGEST} printable letters without spaces and without [ ] = , and none of "
            f"{', '.join(sorted(RESERVED))}; got {described(name)}"
        )


class Block(ABC):
    """One entry of a list of layers that stands for several nodes."""

    @abstractmethod
    def nodes(self, name: str, reads: str) -> list[Node]:
        """Return the nodes; the last one has the block's name."""


def to_nodes(entries: Iterable[Any], reads: str = INPUT, prefix: str = "") -> list[Node]:
    """Return the nodes of a list of layers.

    A layer is named by its number among the entries without a name, and reads the entry before it. A Block, such as Residual, is
    replaced by its nodes. A Node stays as it is.

    Raises
    ------
    HandmadeError
        If `entries` is not a list, or an entry is not a layer.
    """
    if isinstance(entries, str | bytes | dict | np.ndarray) or not isinstance(entries, Iterable):
        advice = "[layers]" if callable(getattr(entries, LAYER_METHOD, None)) and not isinstance(entries, type) else ""
        raise refused("layers", "a list of layers", described(entries), advice or "[handmade.Flatten(), ...]")
    nodes: list[Node] = []
    number = 0
    for entry in entries:
        if isinstance(entry, Node):
            nodes.append(entry)
        else:
            name = f"{prefix}{number}"
            nodes += entry.nodes(name, reads) if isinstance(entry, Block) else [Node(name, entry, reads)]
            number += 1
        reads = nodes[-1].name
    return nodes


def order(reads: Sequence[tuple[str, Sequence[str]]]) -> list[int]:
    """Return the numbers of the nodes in topological order; where the graph allows it, in the given order.

    Parameters
    ----------
    reads : sequence of (str, sequence of str)
        Name of each node, and the names of its inputs.

    Raises
    ------
    HandmadeError
        If two nodes have one name, a node reads an unknown name, or the graph has a cycle.
    """
    number = {name: n for n, (name, _) in enumerate(reads)}
    twice = next((name for n, (name, _) in enumerate(reads) if number[name] != n), None)
    if twice is not None:
        raise HandmadeError(f"expected a name of its own for each node; two are named {twice!r:.80}. Rename one of them")
    waits_for: list[set[int]] = []
    waiting: list[list[int]] = [[] for _ in reads]
    for n, (name, sources) in enumerate(reads):
        for source in sources:
            if source != INPUT and source not in number:
                raise HandmadeError(
                    f"node {name!r:.80} reads {source!r:.80}: expected input or one of {join_names(number)}. Try one of these"
                )
        waits_for.append({number[source] for source in sources if source != INPUT})
        for earlier in waits_for[n]:
            waiting[earlier].append(n)
    ready, found = [n for n, sources in enumerate(waits_for) if not sources], list[int]()
    while ready:
        found.append(heapq.heappop(ready))
        for n in waiting[found[-1]]:
            waits_for[n].discard(found[-1])
            if not waits_for[n]:
                heapq.heappush(ready, n)
    if len(found) < len(reads):
        cycle = " reads ".join(reads[n][0] for n in _cycle(waits_for))
        raise HandmadeError(f"expected nodes without a cycle; got {cycle:.200}. Try another name in the reads of one of them")
    return found


def ordered_nodes(nodes: Sequence[Node]) -> tuple[Node, ...]:
    """Return the nodes in topological order."""
    return tuple(nodes[n] for n in order([(node.name, node.reads) for node in nodes]))


def _cycle(waits_for: Sequence[set[int]]) -> list[int]:
    """Return the nodes of a cycle, each of which reads the next one; the first one also stands at the end."""
    way = [next(n for n, sources in enumerate(waits_for) if sources)]
    while way[-1] not in way[:-1]:
        way.append(min(waits_for[way[-1]]))
    return way[way.index(way[-1]) :]


def join_names(names: Iterable[Any], most: int = 20) -> str:
    """Return names for a message, separated by commas, at most `most` of them."""
    each = [(str(name) if str(name).isprintable() else repr(name))[:80] for name in names] or ["none"]
    return ", ".join(each[:most]) + (f", ... ({len(each):,} in all)" if len(each) > most else "")


def shapes(nodes: Sequence[Node], input_shape: Shape, title: Callable[[str], str]) -> dict[str, Shape]:
    """Return the shape of every activation by name, the input's first, without the batch axis.

    Raises
    ------
    HandmadeError
        If a layer does not fit its inputs; the message names the layer.
    """
    found = {INPUT: input_shape}
    for node in nodes:
        try:
            found[node.name] = node.layer.output_shape(node.inputs(found))
        except HandmadeError as error:
            raise HandmadeError(f"layer {node.name} ({title(node.name)}): {error}") from None
    return found


def check_arrays(nodes: Sequence[Node], titles: Mapping[str, str]) -> None:
    """Raise HandmadeError unless each array holds floats, and its name differs from those of all nodes and other arrays.

    Parameters
    ----------
    nodes : sequence of Node
    titles : mapping of str to str
        Display names, by the names of the nodes.
    """
    arrays = [(node.name, name, array) for node in nodes for name, array in _arrays(node.layer)]
    for node, name, array in arrays:
        if not isinstance(array, np.ndarray) or array.dtype.kind != "f" or not array.size:
            got = f"{array.dtype} of shape {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
            raise HandmadeError(f"{titles[node]}.{name}: expected a NumPy array of floats, not empty; got {got}")
    for named in ({name: name for name in titles}, titles):
        names = [*named.values(), *(f"{named[node]}.{name}" for node, name, _ in arrays)]
        twice = next((name for name, times in Counter(names).items() if times > 1), None)
        if twice is not None:
            raise HandmadeError(
                f"expected a name of its own for each node and each array; two are named {twice!r:.80}. Rename one"
            )


def _arrays(layer: Layer) -> Iterable[tuple[str, Array]]:
    return (layer.parameters() | layer.statistics()).items()


def upstream(nodes: Sequence[Node], name: str) -> set[str]:
    """Return the names of all activations that one is computed from, itself included."""
    found = {name}
    for node in reversed(nodes):
        if node.name in found:
            found.update(node.reads)
    return found


def downstream(nodes: Sequence[Node], name: str) -> list[Node]:
    """Return the nodes whose outputs depend on an activation, in order."""
    reached, found = {name}, []
    for node in nodes:
        if not reached.isdisjoint(node.reads):
            reached.add(node.name)
            found.append(node)
    return found


def readers(nodes: Sequence[Node]) -> dict[str, list[Node]]:
    """Return the nodes that read each activation, by its name."""
    found: dict[str, list[Node]] = {INPUT: [], **{node.name: [] for node in nodes}}
    for node in nodes:
        for name in dict.fromkeys(node.reads):
            found[name].append(node)
    return found


def propagate_differences(
    nodes: Sequence[Node], tape: Values, start: str, dx: Array, over: Callable[[Node, Any, Any], Array]
) -> dict[str, Array]:
    """Return the differences, as complete arrays by name, of all activations that change when one of them moves by dx.

    `over(node, x, dx)` returns the difference of the output of one node.
    """
    moved = {start: dx}
    for node in downstream(nodes, start):
        still = {name: np.zeros_like(tape[name]) for name in node.reads if name not in moved}
        moved[node.name] = over(node, node.inputs(tape), node.inputs(moved | still))
    return moved
