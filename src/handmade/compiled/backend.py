"""Backend `compiled`: compiled loops for layers with a compiled rule, and the equations for all other layers.

convolution    Conv2d, fused with a following ReLU and MaxPool2d, in tiles: conv2d.py
choice         MaxPool2d without a convolution, with or without a ReLU: choices.py
product        Linear: gx only if it is needed, a large gW for a complete shard at once: fused.py
update         Momentum and Nesterov: updates.py
differences    linear parts of the network are crossed once, backwards from the logits: differences/
"""

import math
from concurrent.futures import Executor
from functools import partial
from operator import add
from typing import Any, ClassVar, TypeAlias

import numpy as np

from handmade.compiled.differences.block import Block, block
from handmade.compiled.differences.linear_layers import ShardSums
from handmade.compiled.differences.loss_data import has_loss_data
from handmade.compiled.differences.units import Units, units_of
from handmade.compiled.fused import FLOATS, Choice, Convolution, Factors, Product
from handmade.compiled.fusion import fused_nodes, role_of
from handmade.compiled.products import rows_of_product, sum_of_shards
from handmade.compiled.updates import supports, update
from handmade.engine.arrays import Array
from handmade.engine.graph import INPUT, Node
from handmade.engine.layers import rule
from handmade.engine.losses import for_images
from handmade.engine.network import Network
from handmade.engine.optim import Optimiser, State
from handmade.engine.parallel import Batch, Sums, blocks, parallel_map, tree_sum
from handmade.engine.plain import Plain
from handmade.engine.plain.differences import SHARD, by_images, nudges_of
from handmade.engine.plain.operation import Operation

MOST_LANES = 2**24  # numbers of an activation times logits; more of them need too much memory in each thread

Part: TypeAlias = tuple[Block, dict[str, dict[str, Array]]]  # sums of a shard, and those of the plain backend by node and array


class Compiled(Plain):
    """Backend of compiled loops."""

    name = "compiled"
    SHORTCUTS: ClassVar[tuple[str, ...]] = ("convolution", "choice", "product", "update", "differences")

    def tape(self, network: Network, x: Array) -> dict[str, Array]:
        """Return every activation by the name of its node, and x as "input"; the bits equal those of other passes."""
        values = {INPUT: x}
        for node in network.nodes:
            values[node.name] = self._unfused(node).forward(node.inputs(values))
        return values

    def _unfused(self, node: Node) -> Operation:
        """Return the operation of one node, without fusion."""
        return Convolution(node) if self._convolves(node) else Operation(node)

    def operations(self, network: Network) -> tuple[Operation, ...]:
        """Return the nodes that the logits depend on, as fused operations in their order."""
        found: list[Operation] = []
        taken: set[str] = set()
        for node in network.nodes:
            if node.name not in taken and node.name in network.below_logits:
                found.append(self._operation(network, node, taken))  # noqa: PERF401  it changes `taken`
        return tuple(found)

    def _operation(self, network: Network, node: Node, taken: set[str]) -> Operation:
        """Return the operation that begins with a node; the names of its other nodes are added to `taken`."""
        role = role_of(network, node)
        if self._convolves(node):
            last, relu, pool = fused_nodes(network, node, relu=False, pool=None)
            taken.update(last[1:])
            return Convolution(node, last[-1], relu=relu, pool=pool)
        if role in {"relu", "pool"} and "choice" not in self.without and network.dtype in FLOATS:
            last, relu, pool = fused_nodes(network, node, relu=role == "relu", pool=node.layer if role == "pool" else None)
            if pool is not None:
                taken.update(last[1:])
                return Choice(node, last[-1], relu=relu, pool=pool)
        if role == "product" and role not in self.without:
            return Product(node)
        return Operation(node)

    def _convolves(self, node: Node) -> bool:
        return (
            rule(node.layer, "compiled") == "convolution"
            and "convolution" not in self.without
            and node.layer.parameters()["W"].dtype in FLOATS
        )

    def total(self, parts: list[Any], blocks_in_shard: int, executor: Executor | None) -> dict[str, Any]:
        """Return the sums of the gradients of one node over the blocks of some shards; the factors of a shard are multiplied."""
        if not isinstance(parts[0], Factors):
            return super().total(parts, blocks_in_shard, executor)
        shards = [parts[first : first + blocks_in_shard] for first in range(0, len(parts), blocks_in_shard)]
        factors = [tuple(np.concatenate(each) for each in ([p.x for p in some], [p.gy for p in some])) for some in shards]
        x, gy = factors[0]
        W = sum_of_shards(
            [rows_of_product(*each) for each in factors], (x.shape[1], gy.shape[1]), np.result_type(x, gy), executor
        )
        return {"W": W, "b": tree_sum((np.ones(len(gy), gy.dtype) @ gy for _, gy in factors), np.add)}

    def update(
        self,
        optimiser: Optimiser,
        parameters: dict[str, Array],
        gradients: dict[str, Array],
        memory: State,
        scale: float,
        executor: Executor | None,
    ) -> tuple[dict[str, Array], State]:
        """Return the new weights and the new state of an optimiser."""
        if "update" in self.without or not supports(optimiser, parameters, gradients, memory):
            return super().update(optimiser, parameters, gradients, memory, scale, executor)
        return update(optimiser, parameters, gradients, memory, scale, executor)

    # --- differences ----------------------------------------------------------------------------------------------------------

    def difference_sums(self, h: Any, scheme: str, executor: Executor | None, batch: Batch) -> Sums:
        """Return the sums of difference quotients over some shards."""
        network, x, _, loss = batch
        supported = _fits(network, x) and has_loss_data(loss) and _units(network).supported
        if "differences" in self.without or not supported:
            return super().difference_sums(h, scheme, executor, batch)
        parts = list(parallel_map(executor, partial(self._shard, h, scheme), blocks(batch, SHARD)))
        sums: dict[str, Array] = {}
        with np.errstate(over="ignore", invalid="ignore"):
            for name in filter(network.below_logits.__contains__, network.weighted):
                if name in _units(network).supported:
                    found = _total(name, network.node(name).layer, parts, executor)
                else:
                    found = self.total([plain[name] for _, plain in parts], 1, executor)
                sums |= {f"{name}.{array}": total for array, total in found.items()}
            return tree_sum((part.loss for part, _ in parts), add), sums

    def _shard(self, h: Any, scheme: str, batch: Batch) -> Part:
        """Return the result of a shard, and the sums that need the plain backend, by node and array."""
        network, x, y, loss = batch
        units = _units(network)
        found = block(units, self._unfused, h, scheme, batch)
        plain: dict[str, dict[str, Array]] = {}
        others = [name for name in network.weighted if name in network.below_logits and name not in units.supported]
        for images, names in _together({**found.left_out, **{name: list(range(len(x))) for name in others}}):
            at = np.array(images)
            some = (network.for_images(at), x[at], y[at], for_images(loss, at))  # type: ignore[arg-type]
            for name, column in by_images(h, scheme, some, names)[1].items():
                plain[name] = nudges_of(network)[name].gather(column)
        return found, plain


def _units(network: Network) -> Units:
    """Return the units of a network; they are cached per network, since Dropout makes new layers for each batch or block."""
    found: Units = network.cached("units", lambda: units_of(network))
    return found


def _fits(network: Network, x: Array) -> bool:
    """Return True if images are independent, all arrays have one dtype with vector instructions, and lanes fit the memory."""
    arrays = network.parameters() | network.statistics()
    if x.dtype not in FLOATS or network.mixes_batch or {array.dtype for array in arrays.values()} != {x.dtype}:
        return False
    return network.classes * max(math.prod(network.shape_of[name]) for name in network.below_logits) <= MOST_LANES


def _total(name: str, layer: Any, parts: list[Part], executor: Executor | None) -> dict[str, Array]:
    """Return the sums of a supported node over some shards, by array."""
    shards = []
    for part, plain in parts:
        more = None if name not in plain else np.concatenate([plain[name][each].reshape(-1, layer.b.size) for each in ("W", "b")])
        if name in part.filters:
            more = part.filters[name].T if more is None else part.filters[name].T + more
        shards.append(ShardSums(part.linear.get(name, ()), more))
    alone = [each.more for each in shards if each.more is not None and not each.linear]
    if len(alone) == len(shards):
        return _weights(layer, tree_sum(alone, np.add))
    return _weights(layer, sum_of_shards(shards, (layer.W.size // layer.b.size + 1, layer.b.size), layer.W.dtype, executor))


def _weights(layer: Any, sums: Array) -> dict[str, Array]:
    """Return arrays like the layer's weights, from an array with one row for each weight of a column."""
    found, first = {}, 0
    for name, array in layer.parameters().items():
        count = array.size // array.shape[-1]
        found[name] = np.ascontiguousarray(sums[first : first + count]).reshape(array.shape)
        first += count
    return found


def _together(images_of: dict[str, list[int]]) -> list[tuple[list[int], list[str]]]:
    """Return the lists of images, each with the names that have exactly these images."""
    groups: dict[tuple[int, ...], list[str]] = {}
    for name, images in images_of.items():
        if images:
            groups.setdefault(tuple(images), []).append(name)
    return [(list(images), names) for images, names in groups.items()]


BACKEND = Compiled
