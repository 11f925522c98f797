"""Exact differences of all weights of a network, by the finite chain rule: from each nudged node to the logits.

    dy = layer.delta(x, dx)   from the nudged node to the logits,   dL = loss.delta(z, dz, y),   g = dL / h

The work is divided by blocks of images. If these depend on one another (BatchNorm2d in training), all of them are processed
together, for some columns of weights at a time; the memory limits the number of nudges of a column that are processed together.
"""

from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import Executor
from functools import partial, reduce
from itertools import islice
from operator import add
from typing import Any

import numpy as np

from handmade.engine import backend
from handmade.engine.arrays import Array
from handmade.engine.graph import Node
from handmade.engine.layers import Difference
from handmade.engine.layers.propagate import Nudges, Propagate, nudges, propagate
from handmade.engine.losses import Loss
from handmade.engine.memory import keep_freed_memory
from handmade.engine.network import Network
from handmade.engine.parallel import Batch, Sums, blocks, parallel_map, tree_sum
from handmade.engine.plain.block_sizes import images_at_once, nudges_at_once

SHARD = 16  # images: large against the cost of passing a task to a thread
COLUMNS_PER_TASK = 4  # if images depend on one another


class Propagation:
    """Propagation of differences through a network, for one tape.

    Parameters
    ----------
    network : Network
    x : Array
        Images of the tape.
    """

    def __init__(self, network: Network, x: Array) -> None:
        self.network = network
        self.rules: dict[str, Propagate] = network.cached(
            "propagate", lambda: {node.name: propagate(node.layer) for node in network.nodes}
        )
        self.tape = backend.current().tape(network, x)
        self.z = self.tape[network.logits_name]

    def losses(self, start: Node, moved: Iterable[Difference], y: Array, loss: Loss) -> list[Array]:
        """Return dL for each block of nudges of a node's weights, summed over the images."""
        return [self.loss_of(self.to_logits(start.name, each), y, loss) for each in moved]

    def to_logits(self, start: str, difference: Difference) -> Difference:
        """Return the difference of the logits for a difference of the output of node `start`."""
        moved = {start: difference}
        for node in self.network.nodes:
            if node.name != start and node.name in self.network.below_logits and not moved.keys().isdisjoint(node.reads):
                x, dx = node.inputs(self.tape), tuple(map(moved.get, node.reads)) if node.layer.joins else moved[node.reads[0]]
                moved[node.name] = self.rules[node.name](x, dx)
        return moved[self.network.logits_name]

    def loss_of(self, dz: Difference, y: Array, loss: Loss) -> Array:
        """Return dL for each nudge, summed over the images."""
        dL: Array = loss.delta(self.z, dz.dx, y, dz.channel).sum(axis=0)
        return dL


def by_shards(batch: Batch, h: Any, scheme: str, executor: Executor | None) -> Sums:
    """Return the sums of the quotients of each array of weights, over some shards."""
    parts = list(parallel_map(executor, partial(by_images, h, scheme), blocks(batch, SHARD)))
    columns = {name: tree_sum((part[name] for _, part in parts), np.add) for name in parts[0][1]}
    return tree_sum((loss for loss, _ in parts), add), _by_array(batch[0], columns)


def by_columns(batch: Batch, h: Any, scheme: str, executor: Executor | None) -> Sums:
    """Return the same for images that depend on one another: all images together, in tasks of some columns of weights."""
    L, columns = _by_columns(batch, h, scheme, executor)
    return L, _by_array(batch[0], columns)


def _by_array(network: Network, columns: dict[str, Array]) -> dict[str, Array]:
    """Return the sums of each array of weights, from the columns of each node."""
    gathered = {name: nudges_of(network)[name].gather(total) for name, total in columns.items()}
    return {f"{name}.{array}": sums for name, arrays in gathered.items() for array, sums in arrays.items()}


def by_images(h: Any, scheme: str, batch: Batch, names: Collection[str] | None = None) -> Sums:
    """Return the sums of one shard, by node, for the columns of the named nodes; of all nodes if left out."""
    keep_freed_memory()
    losses, columns = zip(*(_sums(h, scheme, names, *block) for block in blocks(batch, images_at_once(batch[0]))), strict=True)
    return sum(losses), {name: reduce(np.add, [part[name] for part in columns]) for name in columns[0]}


def _sums(h: Any, scheme: str, names: Collection[str] | None, network: Network, x: Array, y: Array, loss: Loss) -> Sums:
    columns = {}
    with np.errstate(over="ignore", invalid="ignore"):  # an overflow shows in the result, where training looks for it
        propagation = Propagation(network, x)
        for name, nudged in nudges_of(network).items():
            if names is not None and name not in names:
                continue
            node = network.node(name)

            def dL(step: Any, node: Node = node, nudged: Nudges = nudged) -> Array:
                return nudged.joined(propagation.losses(node, nudged.differences(node.inputs(propagation.tape), step), y, loss))

            columns[name] = (dL(h) - dL(-h)) / (2 * h) if scheme == "central" else dL(h) / h
        return float(loss.forward(propagation.z, y).sum()), columns


def _by_columns(batch: Batch, h: Any, scheme: str, executor: Executor | None) -> Sums:
    """Return the sums for images that depend on one another: all images together, in tasks of some columns of weights."""
    network, x, y, loss = batch
    tasks = [
        (name, range(first, min(first + COLUMNS_PER_TASK, nudged.blocks)))
        for name, nudged in nudges_of(network).items()
        for first in range(0, nudged.blocks, COLUMNS_PER_TASK)
    ]
    found: dict[str, list[Array]] = {name: [] for name, _ in tasks}
    work = partial(_some_columns, batch, h, scheme)
    for (name, _), some in zip(tasks, parallel_map(executor, work, tasks), strict=True):
        found[name] += some
    with np.errstate(over="ignore", invalid="ignore"):
        L = float(loss.forward(network.logits(x), y).sum())
    return L, {name: nudges_of(network)[name].joined(columns) for name, columns in found.items()}


def _some_columns(batch: Batch, h: Any, scheme: str, task: tuple[str, range]) -> list[Array]:
    """Return the quotients of some columns of one node; the memory limits the number of nudges at a time."""
    keep_freed_memory()
    network, x, y, loss = batch
    name, columns = task
    node, nudged, at_once = network.node(name), nudges_of(network)[name], nudges_at_once(network, name, len(x))
    with np.errstate(over="ignore", invalid="ignore"):
        propagation = Propagation(network, x)

        def dL(step: Any) -> list[Array]:
            some = islice(nudged.differences(node.inputs(propagation.tape), step), columns.start, columns.stop)
            return [np.concatenate(propagation.losses(node, _pieces(column, at_once), y, loss)) for column in some]

        if scheme == "central":
            return [(up - down) / (2 * h) for up, down in zip(dL(h), dL(-h), strict=True)]
        return [column / h for column in dL(h)]


def with_zeros(network: Network, gradients: dict[str, Array]) -> dict[str, Array]:
    """Return the gradients of all arrays of the network, with zeros for weights that the logits do not depend on."""
    return {name: gradients[name] if name in gradients else np.zeros_like(array) for name, array in network.parameters().items()}


def nudges_of(network: Network) -> dict[str, Nudges]:
    """Return the nudges of all weights that the logits depend on, by the names of their nodes."""

    def make() -> dict[str, Nudges]:
        return {name: nudges(network.node(name).layer) for name in network.weighted if name in network.below_logits}

    found: dict[str, Nudges] = network.cached("nudges", make)
    return found


def _pieces(column: Difference, size: int) -> Iterator[Difference]:
    """Yield a block of nudges in parts of at most `size`."""
    for first in range(0, column.dx.shape[-1], size):
        yield Difference(column.dx[..., first : first + size], column.channel)
