"""Forward pass of a network for one image: the stored numbers, and the receipt of each of them.

Each layer has a method `receipt`, next to forward and delta, with the terms of one number of its output. Here these terms get
their display names, are compared with the stored number, and are followed to their own receipts.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from handmade.engine.arguments import refused
from handmade.engine.arrays import Array, Shape
from handmade.engine.errors import HandmadeError
from handmade.engine.graph import Node
from handmade.engine.image_arguments import as_label
from handmade.engine.layers import rule, to_dense
from handmade.engine.layers.propagate import nudges
from handmade.engine.losses import CrossEntropy, Loss
from handmade.engine.network import Network
from handmade.engine.receipts import places
from handmade.engine.receipts.bounds import bound
from handmade.engine.receipts.places import INPUT, LOGITS, LOSS, PROBABILITY
from handmade.engine.receipts.receipt import Receipt
from handmade.engine.receipts.upstream import Upstream
from handmade.engine.terms import Place, Term


@dataclass(frozen=True, eq=False)
class Work:
    """Forward pass of a network for one image: its tape by node name, and the options of the receipts."""

    network: Network
    tape: dict[str, Array]
    label: int | None
    loss: Loss
    most: int
    known: dict[tuple[Place, int], Receipt] = field(default_factory=dict)

    @classmethod
    def of(cls, network: Network, image: Array, label: int | None, loss: Loss, most: int = 10) -> "Work":
        """Check the arguments, and run the network."""
        if image.shape != network.input_shape or image.dtype.kind != "f":
            expected = f"one prepared image of floats, {network.input_shape}"
            raise refused("image", expected, f"{image.dtype} {image.shape}", "handmade.data.prepare(images)[0]")
        if label is not None:
            number = as_label(label, network.classes)
        x = image[None].astype(network.dtype)
        with np.errstate(over="ignore", invalid="ignore"):  # an overflow is reported in the next lines
            tape = network.tape(x)
        for name, activation in tape.items():
            if not np.isfinite(activation).all():
                raise HandmadeError(f"network: expected finite numbers; {network.titles.get(name, name)} holds NaN or infinity")
        return cls(network, tape, None if label is None else number, loss, most)

    @property
    def z(self) -> Array:
        """Logits, as a batch of one."""
        return self.tape[self.network.logits_name]

    @property
    def x(self) -> Array:
        """Image, as a batch of one."""
        return self.tape[INPUT]

    @property
    def y(self) -> Array:
        """Label, as a batch of one."""
        if self.label is None:
            raise HandmadeError("label: expected the class of the image for its loss; got none. Try label=0, or --label 0")
        return np.array([self.label])

    @cached_property
    def upstream(self) -> Upstream:
        """Gradients of the loss with respect to activations and weights."""
        return Upstream(self.network, self.tape, self.loss, self.y)

    def nudged(self, name: str, array: str, index: Shape, h: Any) -> Array:
        """Return the difference of a node's output, in full, for a nudge by h of one of its weights."""
        node = self.network.node(name)
        moved = nudges(node.layer).difference(node.inputs(self.tape), array, index, h)
        return to_dense(self.tape[name], moved.dx, moved.channel)

    def receipt(self, at: Place, depth: int) -> Receipt:
        """Return the receipt of the number at a place, with those of its inputs up to a depth."""
        if (at, depth) not in self.known:
            self.known[at, depth] = self._receipt(at, depth)
        return self.known[at, depth]

    def _receipt(self, at: Place, depth: int) -> Receipt:
        kind, value, tree = self._made(at)
        if tree is None:
            return Receipt(at, kind, value, dtype=str(self.network.dtype))
        inputs = tuple(self.receipt(place, depth - 1) for place in self._followed(tree)) if depth > 1 else ()
        return Receipt(at, kind, value, tree, bound(tree, self.network.dtype), str(self.network.dtype), inputs)

    def activation(self, name: str) -> Array:
        """Return the activation with a display name, as a batch of one."""
        return self.tape[self.name_of(name)]

    def name_of(self, name: str) -> str:
        """Return the name of the node whose activation has this display name."""
        if name in {INPUT, LOGITS}:
            return INPUT if name == INPUT else self.network.logits_name
        return self.network.node(name).name

    def is_activation(self, name: str) -> bool:
        """Return True for the display name of an activation."""
        return name in {INPUT, LOGITS, *self.network.names}

    def title(self, name: str) -> str:
        """Return the display name of an activation."""
        return self.network.titles.get(name, name)

    def _made(self, at: Place) -> tuple[str, float, Term | None]:
        """Return the kind of operation, the stored value, and the tree of terms of a number."""
        z = self.z[0]
        if at.name == LOSS:
            return type(self.loss).__name__, float(self.loss.forward(z[None], self.y)[0]), _of_loss(self.loss, z, int(self.y[0]))
        if at.name == PROBABILITY:
            e = np.exp(z - z.max())
            return "softmax", float((e / e.sum())[at.index]), CrossEntropy().probability(z, at.index[0])
        if at.name == INPUT:
            return "pixel", float(self.x[0][at.index]), None
        if self.is_activation(at.name):
            node = self.network.node(self.name_of(at.name))
            return node.layer.kind, float(self.tape[node.name][0][at.index]), self._tree(node, at.index)
        key = places.key_of(self.network, at.name)
        arrays = self.network.parameters()
        if key in arrays:
            return "weight", float(arrays[key][at.index]), None
        return "statistic", float(self.network.statistics()[key][at.index]), None

    def _tree(self, node: Node, index: Shape) -> Term:
        one = node.inputs({name: self.tape[name][0] for name in node.reads})
        title = self.network.titles[node.name]
        try:
            tree = node.layer.receipt(one, index)
        except HandmadeError as error:
            raise HandmadeError(f"{title}: {error}") from None
        return self.named(node, tree)

    def named(self, node: Node, tree: Term) -> Term:
        """Return a tree of a layer's own terms by the names that people read."""
        title = self.network.titles[node.name]
        names = {f"{INPUT}{k}": self.title(name) for k, name in enumerate(node.reads)} | {INPUT: self.title(node.reads[0])}

        def known(place: Place) -> Place:
            return Place(names.get(place.name) or f"{title}.{place.name}", place.index)

        return tree.placed(known)

    def _followed(self, tree: Term) -> list[Place]:
        """Return the activations and pixels in a tree that contribute most."""
        shares: dict[Place, float] = {}
        known = {INPUT, LOGITS, *self.network.names}
        for place, share in _shares(tree):
            if place.name in known:
                shares[place] = max(share, shares.get(place, 0.0))
        return sorted(shares, key=lambda place: -shares[place])[: self.most]


def _shares(tree: Term, share: float | None = None) -> Iterator[tuple[Place, float]]:
    """Yield every place in the tree with the size of its contribution: the product of which it is a factor, or its own value."""
    if tree.place is not None:
        yield tree.place, abs(tree.value) if share is None else share
    for part in tree.parts:
        if tree.how == "product":
            yield from _shares(part, abs(tree.value) if share is None else share)
        elif tree.how in {"largest", "smallest"}:
            taken = part.value == tree.value and not tree.folded
            yield from _shares(part, math.inf if taken else 0.0)
        else:
            yield from _shares(part, share)


def _of_loss(loss: Loss, z: Array, label: int) -> Term:
    receipt = rule(loss, "receipt")
    if receipt is None:
        raise HandmadeError(
            f"loss: expected one with a receipt in the registry; {type(loss).__name__} has none. Try CrossEntropy()"
        )
    tree: Term = receipt(loss, z, label)
    return tree
