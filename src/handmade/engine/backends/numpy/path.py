"""Differences on their way to the logits, with shortcuts.

From a nudged node, the way is a list of hops. A hop is a layer's `delta` at its input; or the fixed choices of a ReLU and a pool
(fixed_choices.py), perhaps to the end of the linear layer behind them (tail.py); or, where several nodes read an activation, all
that lies between it and the node where the ways meet again.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, TypeAlias

import numpy as np

from handmade.engine.arrays import Array, Shape
from handmade.engine.backends.differences import Path
from handmade.engine.backends.numpy.constant_regions import Blank, of_images
from handmade.engine.backends.numpy.fixed_choices import Choices
from handmade.engine.backends.numpy.links import sole_reader
from handmade.engine.backends.numpy.tail import Tail
from handmade.engine.graph import INPUT, Node, downstream
from handmade.engine.layers import EVERY, Conv2d, Difference, Flatten, Linear, MaxPool2d, ReLU, add_rules, rule
from handmade.engine.layers.propagate import Propagate
from handmade.engine.losses import Loss
from handmade.engine.network import Network

CACHE = 2**20  # bytes; a common L2 cache
ROWS = 3  # axes of a difference of rows: images, numbers, nudges
ROUNDING = 1.001  # room for the rounding of a bound

Hop: TypeAlias = Callable[[Difference], Difference]
Reach: TypeAlias = tuple[Hop, str]  # a hop, and the activation that it leads to

add_rules(ReLU, chooses="relu")
add_rules(MaxPool2d, chooses="pool")
add_rules(Flatten, tail="flatten")
add_rules(Linear, tail="linear")
add_rules(Conv2d, gain=Conv2d.gain)


class FastPath(Path):
    """A Path with the shortcuts that are not in `without`."""

    def __init__(self, network: Network, x: Array, rules: dict[str, Propagate], without: frozenset[str]) -> None:
        super().__init__(network, x, rules)
        self._without = without
        self._reach: dict[str, Reach] = {}
        self._blank: dict[str, Blank | None] = {INPUT: of_images(x) if self._is_on("constant_regions") else None}
        for node in network.nodes:
            after, blank = rule(node.layer, "constant_regions"), self._blank[node.reads[0]]
            self._blank[node.name] = after(node.layer, blank) if after and blank is not None else None

    def losses(self, start: Node, moved: Iterable[Difference], y: Array, loss: Loss) -> list[Array]:
        """Return dL, summed over the images, for each block of nudges of a node's weights."""
        over = self._hops(start.name)
        along = rule(loss, "delta_along") if self._is_on("series") else None
        dL: list[Array] = []
        waiting: list[Array] = []  # rows of numbers that all move: what is left goes together, as many as the cache holds
        late: Sequence[Hop] = ()
        for first in moved:
            each, late = self._early(first, over, stop_short=along is not None)
            if each.channel == EVERY and self._is_on("batched_rows"):
                waiting.append(each.dx)
                if sum(part.nbytes for part in waiting) >= CACHE:
                    dL += self._together(waiting, late, y, loss)
                    waiting.clear()
            elif each.channel != EVERY and late and along:
                dL.append(along(loss, self.z, *_line(each, late[0]), y).sum(axis=0))
            else:
                dL.append(self.loss_of(reduce(_hopped, late, each), y, loss))
        return dL + self._together(waiting, late, y, loss)

    def _is_on(self, shortcut: str) -> bool:
        return shortcut not in self._without

    @staticmethod
    def _early(start: Difference, over: Sequence[Hop], *, stop_short: bool) -> tuple[Difference, Sequence[Hop]]:
        """Go over what each column goes over by itself, to rows of numbers that all move or to the logits.

        Return the difference there, and the hops that are left. With `stop_short`, the hop is left that would spread a single
        number along a line of logits.
        """
        each = start
        for k, hop in enumerate(over):
            if stop_short and k == len(over) - 1 and isinstance(hop, Straight) and hop.is_line(each):
                return each, over[k:]
            each = hop(each)
            if each.channel == EVERY and each.dx.ndim == ROWS:
                return each, over[k + 1 :]
        return each, ()

    def _together(self, blocks: Sequence[Array], late: Sequence[Hop], y: Array, loss: Loss) -> list[Array]:
        """Return dL of several blocks of nudges, over what hops are left."""
        if not blocks:
            return []
        dz = reduce(_hopped, late, Difference(np.concatenate(blocks, axis=-1)))
        return np.split(self.loss_of(dz, y, loss), np.cumsum([block.shape[-1] for block in blocks])[:-1])

    # --- the way --------------------------------------------------------------------------------------------------------------

    def _hops(self, start: str) -> list[Hop]:
        """Return all hops from an activation to the logits."""
        hops: list[Hop] = []
        while start != self.network.logits_name:
            reader = sole_reader(self.network, start)
            if reader is None:
                end = self._meeting(start)
                hops.append(self._region(start, end))
                start = end
            elif reader.layer.joins:
                hops.append(self._alone_into(reader, start))
                start = reader.name
            else:
                hop, start = self._over(reader)
                hops.append(hop)
        return hops

    def _meeting(self, start: str) -> str:
        """Return the first node that every way from an activation to the logits goes through."""
        below = [node for node in downstream(self.network.nodes, start) if node.name in self.network.below_logits]
        open_to = {reader.name for reader in self.network.readers[start]} & self.network.below_logits
        for node in below:
            open_to.discard(node.name)
            if not open_to:
                return node.name
            open_to |= {reader.name for reader in self.network.readers[node.name]} & self.network.below_logits
        return self.network.logits_name

    def _region(self, start: str, end: str) -> Hop:
        """Return the hop over all that lies between an activation and the node where the ways from it meet."""
        nodes = self.network.nodes

        def hop(difference: Difference) -> Difference:
            moved, done = {start: difference}, {start}
            for node in nodes:
                if node.name in done or node.name not in self.network.below_logits or moved.keys().isdisjoint(node.reads):
                    continue
                if node.layer.joins:
                    x, dx = node.of(self.tape), tuple(map(moved.get, node.reads))
                    moved[node.name] = self.rules[node.name](x, dx)
                else:
                    over, last = self._over(node)
                    moved[last] = over(moved[node.reads[0]])
                    done |= self._between(node.name, last)
                if node.name == end:
                    break
            return moved[end]

        return hop

    def _between(self, first: str, last: str) -> set[str]:
        """Return the names of the nodes from one to another in a row."""
        names = {first}
        while first != last:
            reader = sole_reader(self.network, first)
            assert reader is not None  # a hop goes over nodes in a row
            first = reader.name
            names.add(first)
        return names

    def _alone_into(self, join: Node, name: str) -> Hop:
        """Return the hop into a join of which nothing moves but one activation."""
        over, x = self.rules[join.name], join.of(self.tape)
        return lambda start: over(x, tuple(start if read == name else None for read in join.reads))

    def _over(self, node: Node) -> Reach:
        """Return the hop over a node, or over several in a row, and where it leads."""
        if node.name not in self._reach:
            role = rule(node.layer, "chooses")
            if role and self._is_on("fixed_choices"):
                self._reach[node.name] = self._over_choices(node, role)
            elif rule(node.layer, "tail") == "linear" and self._is_on("series"):
                self._reach[node.name] = Straight(node.layer), node.name
            else:
                self._reach[node.name] = self._over_one(node), node.name
        return self._reach[node.name]

    def _over_one(self, node: Node) -> Hop:
        """Return the hop over one node. A convolution makes so much that a bound by its gain is cheaper than to look at it."""
        over, x, gain = self.rules[node.name], self.tape[node.reads[0]], rule(node.layer, "gain")
        if gain is None:
            return lambda start: over(x, start)
        layer = node.layer
        return lambda start: replace(over(x, start), bound=ROUNDING * gain(layer, start.channel) * start.largest)

    def _over_choices(self, node: Node, role: str) -> Reach:
        """Return the hop over a ReLU, a pool or both; with Flatten and Linear after them, to the end of those."""
        chosen = [node]
        following = sole_reader(self.network, node.name)
        if following is not None and rule(following.layer, "chooses") not in {None, role}:
            chosen.append(following)
        by_role: dict[str, Any] = {rule(each.layer, "chooses"): each.layer for each in chosen}
        x, blank = self.tape[node.reads[0]], self._blank[node.reads[0]]
        choices = Choices(x, by_role.get("pool"), relu="relu" in by_role, blank=blank)
        last = chosen[-1].name
        flatten = sole_reader(self.network, last)
        linear = sole_reader(self.network, flatten.name) if flatten is not None else None
        tail = flatten and linear and (rule(flatten.layer, "tail"), rule(linear.layer, "tail")) == ("flatten", "linear")
        if linear is not None and tail and self._is_on("tail"):
            return _to_the_tail(choices, self.network.shape_of[last], linear.layer), linear.name
        return _chosen(choices), last


def _chosen(choices: Choices) -> Hop:
    """Return the hop over a choice, which makes no difference larger."""
    return lambda start: Difference(choices.delta(start.dx, start.channel, start.largest), start.channel, start.largest)


def _to_the_tail(choices: Choices, shape: Shape, linear: Any) -> Hop:
    tail = Tail(choices, shape, linear)
    return lambda start: Difference(tail.delta(start.dx, start.channel, start.largest))


@dataclass(frozen=True, eq=False)
class Straight:
    """The hop over a linear layer. A difference of a single input moves all outputs along one line."""

    layer: Any

    def __call__(self, start: Difference) -> Difference:
        return Difference(self.layer.delta(start.dx[..., 0], start.dx, start.channel))

    @staticmethod
    def is_line(start: Difference) -> bool:
        """Return True if a single input moves."""
        return start.channel != EVERY and start.dx.shape[1] == 1


def _line(start: Difference, last: Hop) -> tuple[Array, Array]:
    """Return the direction v, (out,), and the distance along it, d (N, nudges), of a single input that moves."""
    assert isinstance(last, Straight)
    return last.layer.W[start.channel][0], start.dx[:, 0]


def _hopped(start: Difference, hop: Hop) -> Difference:
    return hop(start)
