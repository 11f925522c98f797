"""The backend `plain`: each layer's equations, as directly as possible. It works for every layer.

    logits       z = f_n( ... f_1(x))
    backprop     gz = loss.backward(z, y),   then   gx, gW = layer.backward(x, gy)   from the last node to the first
    differences  dy = layer.delta(x, dx)   from the nudged node to the logits,   dL = loss.delta(z, dz, y),   g = dL / h

It keeps two rules, without which the differences would take hundreds of times as long: many nudges go together on one axis, and a
difference stays in its channel as long as it can (layers/channel.py). Batches are cut into blocks of images; the blocks, and the
order in which they are added up, do not depend on the number of workers, and so neither do the bits of a result.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from functools import partial, reduce
from itertools import islice
from typing import Any, ClassVar, TypeAlias

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.backends.block_sizes import images_at_once, nudges_at_once
from handmade.engine.backends.link import Link
from handmade.engine.errors import HandmadeError
from handmade.engine.graph import INPUT, Node
from handmade.engine.layers import Difference
from handmade.engine.layers.propagate import Nudges, Propagate, nudges, propagate
from handmade.engine.losses import Loss
from handmade.engine.memory import keep_freed_memory
from handmade.engine.network import Network
from handmade.engine.sharing import Batch, blocks, mapped

IMAGES_AT_ONCE = 32  # in a pass that keeps no tape: enough for the BLAS, few enough for the cache
FEWEST, MOST = 16, 64  # images of a task of backpropagation: enough to outweigh the calls, few enough for the cache
TASKS = 4  # of a batch, if that gives neither too few nor too many
IMAGES_A_TASK = 16  # of differences: enough to outweigh the way to a worker and back
COLUMNS_A_TASK = 4  # where images depend on one another

Part: TypeAlias = tuple[float, Array | None, dict[str, Any]]  # the losses' sum, gx, and the gradients of each node
Sums: TypeAlias = tuple[float, dict[str, Array]]  # the losses' sum, and the quotients of each node's weights


class Path:
    """Differences on their way through a network, at one tape.

    Parameters
    ----------
    network : Network
    x : Array
        Images, for which the tape is made.
    rules : dict of Propagate
        The way over each node, by its name.
    """

    def __init__(self, network: Network, x: Array, rules: dict[str, Propagate]) -> None:
        self.network, self.rules = network, rules
        self.tape = tape(network, x)
        self.z = self.tape[network.logits_name]

    def losses(self, start: Node, moved: Iterable[Difference], y: Array, loss: Loss) -> list[Array]:
        """Return dL, summed over the images, for each block of nudges of a node's weights."""
        return [self.loss_of(self.after(start.name, each), y, loss) for each in moved]

    def after(self, start: str, difference: Difference) -> Difference:
        """Return the difference of the logits."""
        moved = {start: difference}
        for node in self.network.nodes:
            if node.name != start and node.name in self.network.below_logits and not moved.keys().isdisjoint(node.reads):
                x, dx = node.of(self.tape), tuple(map(moved.get, node.reads)) if node.layer.joins else moved[node.reads[0]]
                moved[node.name] = self.rules[node.name](x, dx)
        return moved[self.network.logits_name]

    def loss_of(self, dz: Difference, y: Array, loss: Loss) -> Array:
        """Return dL for each nudge, summed over the images."""
        dL: Array = loss.delta(self.z, dz.dx, y, dz.channel).sum(axis=0)
        return dL


class Plain:
    """The equations of the layers, and nothing else."""

    name = "plain"
    SHORTCUTS: ClassVar[tuple[str, ...]] = ()

    def __init__(self, without: frozenset[str] = frozenset()) -> None:
        self.without = without

    def executor(self, given: Executor | None) -> Executor | None:
        """Return where work is shared out."""
        return given

    # --- forward --------------------------------------------------------------------------------------------------------------

    def tape(self, network: Network, x: Array) -> dict[str, Array]:
        """Return every activation."""
        return tape(network, x)

    def logits(self, network: Network, x: Array) -> Array:
        """Return the logits, a block of images after the other."""
        keep_freed_memory()
        if len(x) <= IMAGES_AT_ONCE or network.mixes_batch:
            return self._output(network, x)
        pieces = [slice(first, first + IMAGES_AT_ONCE) for first in range(0, len(x), IMAGES_AT_ONCE)]
        return np.concatenate([self._output(network.for_images(piece), x[piece]) for piece in pieces])

    def links(self, network: Network) -> tuple[Link, ...]:
        """Return the nodes that the logits are made of, as pieces of work in their order."""
        return tuple(Link(node) for node in network.nodes if node.name in network.below_logits)

    def _links(self, network: Network) -> tuple[tuple[Link, tuple[str, ...]], ...]:
        """Return the links, and what nobody reads after each of them: its memory serves the next activation."""

        def make() -> tuple[tuple[Link, tuple[str, ...]], ...]:
            return tuple((link, network.read_last_by(link.node.name)) for link in self.links(network))

        links: tuple[tuple[Link, tuple[str, ...]], ...] = network.remembered((self.name, self.without), make)
        return links

    def _output(self, network: Network, x: Array) -> Array:
        values = {INPUT: x}
        for link, done in self._links(network):
            values[link.name] = link.forward(link.of(values))
            for name in done:
                del values[name]
        return values[network.logits_name]

    # --- backpropagation ------------------------------------------------------------------------------------------------------

    def backprop(
        self, network: Network, x: Array, y: Array, loss: Loss, executor: Executor | None
    ) -> tuple[float, dict[str, Array]]:
        """Return the mean loss, and its derivative with respect to every weight."""
        parts = self._parts(network, x, y, loss, executor, to_pixels=False)
        gradients: dict[str, Array] = {}
        with np.errstate(over="ignore", invalid="ignore"):
            for node in parts[0][2]:
                total = self.total(network.node(node), [gradients_of[node] for _, _, gradients_of in parts])
                gradients |= {f"{node}.{name}": array for name, array in total.items()}
        return sum(part[0] for part in parts) / len(x), _of_all(network, gradients)

    def input_gradient(self, network: Network, x: Array, y: Array, loss: Loss, executor: Executor | None) -> tuple[float, Array]:
        """Return the mean loss, and its derivative with respect to every pixel."""
        parts = self._parts(network, x, y, loss, executor, to_pixels=True)
        gx = [part[1] for part in parts if part[1] is not None]
        return sum(part[0] for part in parts) / len(x), np.concatenate(gx) if gx else np.zeros_like(x)

    def total(self, node: Node, parts: list[Any]) -> dict[str, Array]:
        """Return what the gradients of one node add up to, over the blocks of a batch."""
        return {name: reduce(np.add, [part[name] for part in parts]) for name in parts[0]}

    def _parts(
        self, network: Network, x: Array, y: Array, loss: Loss, executor: Executor | None, *, to_pixels: bool
    ) -> list[Part]:
        size = min(max(-(-len(x) // TASKS), FEWEST), MOST)  # however many workers there are
        return list(mapped(self.executor(executor), partial(self._part, loss, len(x), to_pixels), blocks((network, x, y), size)))

    def _part(self, loss: Loss, images: int, to_pixels: bool, block: Batch) -> Part:  # noqa: FBT001  a partial fills it in
        """Go through some images and back; gx is worked out only as far as somebody reads it."""
        keep_freed_memory()
        network, x, y = block
        links, gradients = self._links(network), dict[str, Any]()
        values, kept = {INPUT: x}, dict[str, Any]()
        wanted = network.with_weights_above | ({INPUT} if to_pixels else set())
        with np.errstate(over="ignore", invalid="ignore"):  # an overflow shows in the result, where training looks for it
            for link, done in links:
                values[link.name], kept[link.name] = link.record(link.of(values))
                for name in done:
                    del values[name]
            z = values[network.logits_name]
            g: dict[str, Array] = {network.logits_name: loss.backward(z, y) / images}
            for link, _ in reversed(links):
                gy = g.pop(link.name, None)
                if gy is None:
                    continue
                needed = to_pixels or not wanted.isdisjoint(link.node.reads)
                try:
                    gx, own = link.backward(kept.pop(link.name), gy, to_input=needed)
                except HandmadeError as error:
                    raise HandmadeError(f"{network.titles[link.node.name]}: {error}") from None
                if own:
                    gradients[link.node.name] = own
                if needed:
                    for name, part in zip(link.node.reads, gx if link.node.layer.joins else (gx,), strict=True):
                        g[name] = g[name] + part if name in g else part
            return float(loss.forward(z, y).sum()), g.get(INPUT) if to_pixels else None, gradients

    # --- differences ----------------------------------------------------------------------------------------------------------

    def path(self, network: Network, x: Array) -> Path:
        """Return the way of differences through the network at some images."""
        return Path(network, x, self.rules(network))

    @staticmethod
    def rules(network: Network) -> dict[str, Propagate]:
        """Return the way of a difference over each node, by its name."""
        found: dict[str, Propagate] = network.remembered(
            "propagate", lambda: {node.name: propagate(node.layer) for node in network.nodes}
        )
        return found

    def differences(
        self, network: Network, x: Array, y: Array, h: Any, scheme: str, loss: Loss, executor: Executor | None
    ) -> tuple[float, dict[str, Array]]:
        """Return the mean loss, and its quotient for every weight."""
        if network.mixes_batch:
            L, columns = self._by_columns((network, x, y), h, scheme, loss, executor)
        else:
            task = partial(self._by_images, h, scheme, loss)
            L, columns = _added(mapped(self.executor(executor), task, blocks((network, x, y), IMAGES_A_TASK)))
        gradients: dict[str, Array] = {}
        for name, total in columns.items():
            weights = nudges_of(network)[name].gather(total / len(x))
            gradients |= {f"{name}.{array}": quotients for array, quotients in weights.items()}
        return L / len(x), _of_all(network, gradients)

    def _by_images(self, h: Any, scheme: str, loss: Loss, batch: Batch) -> Sums:
        """Return the sums of one task."""
        keep_freed_memory()
        return _added(self._sums(h, scheme, loss, *block) for block in blocks(batch, images_at_once(batch[0])))

    def _sums(self, h: Any, scheme: str, loss: Loss, network: Network, x: Array, y: Array) -> Sums:
        columns = {}
        with np.errstate(over="ignore", invalid="ignore"):  # an overflow shows in the result, where training looks for it
            path = self.path(network, x)
            for name, nudged in nudges_of(network).items():
                node = network.node(name)

                def dL(step: Any, node: Node = node, nudged: Nudges = nudged) -> Array:
                    return nudged.joined(path.losses(node, nudged.of(node.of(path.tape), step), y, loss))

                columns[name] = (dL(h) - dL(-h)) / (2 * h) if scheme == "central" else dL(h) / h
            return float(loss.forward(path.z, y).sum()), columns

    def _by_columns(self, batch: Batch, h: Any, scheme: str, loss: Loss, executor: Executor | None) -> Sums:
        """Return the sums of images that depend on one another: all together, shared out by columns of weights."""
        network, x, y = batch
        tasks = [
            (name, range(first, min(first + COLUMNS_A_TASK, nudged.blocks)))
            for name, nudged in nudges_of(network).items()
            for first in range(0, nudged.blocks, COLUMNS_A_TASK)
        ]
        found: dict[str, list[Array]] = {name: [] for name, _ in tasks}
        work = partial(self._some_columns, batch, h, scheme, loss)
        for (name, _), some in zip(tasks, mapped(self.executor(executor), work, tasks), strict=True):
            found[name] += some
        with np.errstate(over="ignore", invalid="ignore"):
            L = float(loss.forward(self.logits(network, x), y).sum())
        return L, {name: nudges_of(network)[name].joined(columns) for name, columns in found.items()}

    def _some_columns(self, batch: Batch, h: Any, scheme: str, loss: Loss, task: tuple[str, range]) -> list[Array]:
        """Return the quotients of some columns of one node, as many nudges at a time as are good for the memory."""
        keep_freed_memory()
        network, x, y = batch
        name, columns = task
        node, nudged, at_once = network.node(name), nudges_of(network)[name], nudges_at_once(network, name, len(x))
        with np.errstate(over="ignore", invalid="ignore"):
            path = self.path(network, x)

            def dL(step: Any) -> list[Array]:
                some = islice(nudged.of(node.of(path.tape), step), columns.start, columns.stop)
                return [np.concatenate(path.losses(node, _pieces(column, at_once), y, loss)) for column in some]

            if scheme == "central":
                return [(up - down) / (2 * h) for up, down in zip(dL(h), dL(-h), strict=True)]
            return [column / h for column in dL(h)]


def tape(network: Network, x: Array) -> dict[str, Array]:
    """Return every activation of one pass by the name of its node, and x as "input"."""
    values = {INPUT: x}
    for node in network.nodes:
        values[node.name] = node.layer.forward(node.of(values))
    return values


def nudges_of(network: Network) -> dict[str, Nudges]:
    """Return the nudges of all weights that the logits are made of, by the names of their nodes."""

    def make() -> dict[str, Nudges]:
        return {name: nudges(network.node(name).layer) for name in network.weighted if name in network.below_logits}

    found: dict[str, Nudges] = network.remembered("nudges", make)
    return found


def _of_all(network: Network, gradients: dict[str, Array]) -> dict[str, Array]:
    """Return one array for each of the network's: zeros for weights that the logits are not made of."""
    return {name: gradients[name] if name in gradients else np.zeros_like(array) for name, array in network.parameters().items()}


def _added(parts: Iterable[Sums]) -> Sums:
    """Return what several pieces of a batch come to, added up in their order."""
    losses, columns = zip(*parts, strict=True)
    return sum(losses), {name: reduce(np.add, [part[name] for part in columns]) for name in columns[0]}


def _pieces(column: Difference, size: int) -> Iterator[Difference]:
    """Return a block of nudges in blocks of at most `size`."""
    for first in range(0, column.dx.shape[-1], size):
        yield Difference(column.dx[..., first : first + size], column.channel, column.bound)


BACKEND = Plain
