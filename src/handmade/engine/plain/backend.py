"""Backend `plain`: the equations of each layer, as directly as possible. It works for every layer.

    logits       z = f_n( ... f_1(x))
    backprop     gz = loss.backward(z, y),   then   gx, gW = layer.backward(x, gy)   from the last node to the first
    differences  dy = layer.delta(x, dx)   from the nudged node to the logits,   dL = loss.delta(z, dz, y),   g = dL / h

Two rules make the differences hundreds of times faster: many nudges are processed together on one axis, and a difference stays in
its channel as long as possible (layers/channel.py). Batches are cut into shards and blocks of images. These, and the order in
which their results are added, do not depend on the number of threads or machines. So the bits of a result do not depend on it
either.
"""

from concurrent.futures import Executor
from functools import partial
from operator import add
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.graph import INPUT, Node
from handmade.engine.losses import Loss
from handmade.engine.memory import keep_freed_memory
from handmade.engine.network import Network
from handmade.engine.parallel import Batch, Sums, batch_sums, blocks, parallel_map, tree_sum
from handmade.engine.plain.differences import SHARD, by_columns, by_shards, with_zeros
from handmade.engine.plain.operation import Operation

if TYPE_CHECKING:
    from handmade.engine.optim import Optimiser, State

IMAGES_AT_ONCE = 32  # in a pass without tape: enough for the BLAS, few enough for the cache
BACKPROP_SHARD = 64  # images: large against the cost of calls, few enough for the cache
FEWEST = 16  # images in a task of backpropagation
TASKS = 4  # of a batch, if a task then has from FEWEST images to a shard

Part: TypeAlias = tuple[float, Array | None, dict[str, Any]]  # sum of the losses, gx, and the gradients of each node


class Plain:
    """Backend of the equations of the layers, and nothing else."""

    name = "plain"
    SHORTCUTS: ClassVar[tuple[str, ...]] = ()

    def __init__(self, without: frozenset[str] = frozenset()) -> None:
        self.without = without

    # --- forward --------------------------------------------------------------------------------------------------------------

    def tape(self, network: Network, x: Array) -> dict[str, Array]:
        """Return every activation of one forward pass by the name of its node, and x under the name "input"."""
        values = {INPUT: x}
        for node in network.nodes:
            values[node.name] = node.layer.forward(node.inputs(values))
        return values

    def logits(self, network: Network, x: Array) -> Array:
        """Return the logits, computed for one block of images after the other."""
        keep_freed_memory()
        if len(x) <= IMAGES_AT_ONCE or network.mixes_batch:
            return self._output(network, x)
        pieces = [slice(first, first + IMAGES_AT_ONCE) for first in range(0, len(x), IMAGES_AT_ONCE)]
        return np.concatenate([self._output(network.for_images(piece), x[piece]) for piece in pieces])

    def operations(self, network: Network) -> tuple[Operation, ...]:
        """Return the nodes that the logits depend on, as operations in their order."""
        return tuple(Operation(node) for node in network.nodes if node.name in network.below_logits)

    def _operations(self, network: Network) -> tuple[tuple[Operation, tuple[str, ...]], ...]:
        """Return the operations, each with the activations that are not read after it, so that their memory can be reused."""

        def make() -> tuple[tuple[Operation, tuple[str, ...]], ...]:
            return tuple((operation, network.read_last_by[operation.node.name]) for operation in self.operations(network))

        operations: tuple[tuple[Operation, tuple[str, ...]], ...] = network.cached((self.name, self.without), make)
        return operations

    def _output(self, network: Network, x: Array) -> Array:
        values = {INPUT: x}
        for operation, done in self._operations(network):
            values[operation.name] = operation.forward(operation.inputs(values))
            for name in done:
                del values[name]
        return values[network.logits_name]

    # --- backpropagation ------------------------------------------------------------------------------------------------------

    def backprop(
        self, network: Network, x: Array, y: Array, loss: Loss, executor: Executor | None
    ) -> tuple[float, dict[str, Array]]:
        """Return the mean loss, and its derivative with respect to every weight."""
        work = partial(self._backprop_sums, len(x))
        L, gradients = batch_sums(work, (network, x, y, loss), BACKPROP_SHARD, executor)
        return L / len(x), with_zeros(network, gradients)

    def _backprop_sums(self, images: int, executor: Executor | None, batch: Batch) -> Sums:
        """Return the sums of some shards of a batch of `images` images; their gradients are divided by that number already."""
        network, (parts, size) = batch[0], self._parts(batch, images, executor, to_pixels=False)
        gradients: dict[str, Array] = {}
        with np.errstate(over="ignore", invalid="ignore"):
            for node in map(network.node, filter(network.below_logits.__contains__, network.weighted)):
                found = [gradients_of.get(node.name, {}) for _, _, gradients_of in parts]
                total = self.total(found, BACKPROP_SHARD // size, executor)
                _check_gradients(network, node, total)
                gradients |= {f"{node.name}.{name}": array for name, array in total.items()}
            return tree_sum((part[0] for part in parts), add), gradients

    def input_gradient(self, network: Network, x: Array, y: Array, loss: Loss, executor: Executor | None) -> tuple[float, Array]:
        """Return the mean loss, and its derivative with respect to every pixel."""
        parts, _ = self._parts((network, x, y, loss), len(x), executor, to_pixels=True)
        gx = [part[1] for part in parts if part[1] is not None]
        return tree_sum((part[0] for part in parts), add) / len(x), np.concatenate(gx) if gx else np.zeros_like(x)

    def total(self, parts: list[Any], blocks_in_shard: int, executor: Executor | None) -> dict[str, Array]:
        """Return the sums of the gradients of one node over the blocks of some shards."""
        return {name: tree_sum((part[name] for part in parts), np.add) for name in parts[0]}

    def _parts(self, batch: Batch, images: int, executor: Executor | None, *, to_pixels: bool) -> tuple[list[Part], int]:
        """Return the results for each block of some shards of a batch of `images` images, and the number of images in a block."""
        size = FEWEST
        while size < BACKPROP_SHARD and size * TASKS < images:  # the same for any number of threads; a shard is a tree of blocks
            size *= 2
        return list(parallel_map(executor, partial(self._part, images, to_pixels), blocks(batch, size))), size

    def _part(self, images: int, to_pixels: bool, block: Batch) -> Part:  # noqa: FBT001  a partial passes it
        """Run forward and backward pass for some images; gx is computed only for nodes that need it."""
        keep_freed_memory()
        network, x, y, loss = block
        operations, gradients = self._operations(network), dict[str, Any]()
        values, kept = {INPUT: x}, dict[str, Any]()
        with_gradient = network.with_weights_above | ({INPUT} if to_pixels else set())
        with np.errstate(over="ignore", invalid="ignore"):  # an overflow shows in the result, where training looks for it
            for operation, done in operations:
                values[operation.name], kept[operation.name] = operation.record(operation.inputs(values))
                for name in done:
                    del values[name]
            z = values[network.logits_name]
            g: dict[str, Array] = {network.logits_name: loss.backward(z, y) / images}
            for operation, _ in reversed(operations):
                gy = g.pop(operation.name, None)
                if gy is None:
                    continue
                needed = to_pixels or not with_gradient.isdisjoint(operation.node.reads)
                try:
                    gx, own = operation.backward(kept.pop(operation.name), gy, to_input=needed)
                except HandmadeError as error:
                    raise HandmadeError(f"{network.titles[operation.node.name]}: {error}") from None
                if own:
                    gradients[operation.node.name] = own
                if needed:
                    for name, part in zip(operation.node.reads, gx if operation.node.layer.joins else (gx,), strict=True):
                        g[name] = g[name] + part if name in g else part
            return float(loss.forward(z, y).sum()), g.get(INPUT) if to_pixels else None, gradients

    # --- differences ----------------------------------------------------------------------------------------------------------

    def differences(
        self, network: Network, x: Array, y: Array, h: Any, scheme: str, loss: Loss, executor: Executor | None
    ) -> tuple[float, dict[str, Array]]:
        """Return the mean loss, and its difference quotient for every weight."""
        batch = (network, x, y, loss)
        if network.mixes_batch:
            L, sums = by_columns(batch, h, scheme, executor)
        else:
            L, sums = batch_sums(partial(self.difference_sums, h, scheme), batch, SHARD, executor)
        return L / len(x), with_zeros(network, {name: array / len(x) for name, array in sums.items()})

    def difference_sums(self, h: Any, scheme: str, executor: Executor | None, batch: Batch) -> Sums:
        """Return the sums of difference quotients over some shards."""
        return by_shards(batch, h, scheme, executor)

    # --- updates --------------------------------------------------------------------------------------------------------------

    def update(
        self,
        optimiser: "Optimiser",
        parameters: dict[str, Array],
        gradients: dict[str, Array],
        memory: "State",
        scale: float,
        executor: Executor | None,
    ) -> tuple[dict[str, Array], "State"]:
        """Return the new weights and the new state of an optimiser."""
        return optimiser.step(parameters, gradients, memory, scale)


def _check_gradients(network: Network, node: Node, gradients: dict[str, Array]) -> None:
    """Raise HandmadeError unless each weight array of a node has a gradient; the backward of a user's layer may omit one."""
    for name, array in node.layer.parameters().items():
        shape = getattr(gradients.get(name), "shape", None)
        if shape != array.shape:
            got = "none" if shape is None else f"the shape {shape}"
            raise HandmadeError(
                f"{network.titles[node.name]}: expected {node.layer.kind}.backward to return the gradient of {name}, "
                f"{array.shape}; got {got}"
            )
