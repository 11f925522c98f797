"""A network at work on one image: what it stored, and how each number of it is made.

Each layer tells how a number of its output is made (`receipt`, beside forward and delta). Here that is given the names that
people use, set against what was stored, and followed to where it comes from.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from handmade.engine.arrays import Array, Shape
from handmade.engine.errors import HandmadeError
from handmade.engine.layers import Composite, Explained, chain
from handmade.engine.losses import CrossEntropy, ExplainedLoss, Loss
from handmade.engine.network import Network
from handmade.engine.receipts import places
from handmade.engine.receipts.bounds import bound
from handmade.engine.receipts.places import INPUT, LOGITS, LOSS, PROBABILITY
from handmade.engine.receipts.receipt import Receipt
from handmade.engine.receipts.sites import Site, sites
from handmade.engine.terms import Place, Term, stored, total


@dataclass(frozen=True, eq=False)
class Work:
    """A network at work on one image: its sites, and what is asked of them."""

    network: Network
    x: Array
    sites: dict[str, Site]
    label: int | None
    loss: Loss
    most: int
    known: dict[tuple[Place, int], Receipt] = field(default_factory=dict)

    @classmethod
    def of(cls, network: Network, image: Array, label: int | None, loss: Loss, most: int = 10) -> "Work":
        """Run the network, once everything is checked."""
        if image.shape != network.input_shape or image.dtype.kind != "f":
            wanted = f"one prepared image of floats, {network.input_shape}"
            raise HandmadeError(
                f"a receipt wants {wanted}; got {image.dtype} {image.shape}. Try handmade.data.prepare(images)[0]"
            )
        if label is not None and not (isinstance(label, int | np.integer) and 0 <= label < network.classes):
            raise HandmadeError(f"label wants a class from 0 to {network.classes - 1}; got {label!r:.80}")
        x = image[None].astype(network.dtype)
        with np.errstate(over="ignore", invalid="ignore"):  # an overflow is told of in the next lines
            made = {site.name: site for site in sites(network.layers, x)}
        for name, activation in {INPUT: x, **{name: site.y for name, site in made.items()}}.items():
            if not np.isfinite(activation).all():
                raise HandmadeError(f"a receipt wants finite numbers; {name} holds NaN or infinity")
        return cls(network, x, made, None if label is None else int(label), loss, most)

    @property
    def z(self) -> Array:
        """The logits, as a batch of one."""
        return self.sites[self.network.names[-1]].y

    @property
    def y(self) -> Array:
        """The label, as a batch of one."""
        if self.label is None:
            raise HandmadeError("the loss wants the class of the image; add label=7, or --label 7")
        return np.array([self.label])

    def receipt(self, at: Place, depth: int) -> Receipt:
        """The receipt of the number at a place, and those of its inputs as deep as asked."""
        if (at, depth) not in self.known:
            self.known[at, depth] = self._receipt(at, depth)
        return self.known[at, depth]

    def _receipt(self, at: Place, depth: int) -> Receipt:
        kind, value, tree = self._made(at)
        if tree is None:
            return Receipt(at, kind, value, dtype=str(self.network.dtype))
        inputs = tuple(self.receipt(place, depth - 1) for place in self._followed(tree)) if depth > 1 else ()
        return Receipt(at, kind, value, tree, bound(tree, self.network.dtype), str(self.network.dtype), inputs)

    def activation(self, room: str) -> Array:
        """What is stored in a room, as a batch of one."""
        return self.x if room == INPUT else self.z if room == LOGITS else self.sites[room].y

    def _made(self, at: Place) -> tuple[str, float, Term | None]:
        """What made a number, what was stored, and the tree that it is made of."""
        z = self.z[0]
        if at.room == LOSS:
            return type(self.loss).__name__, float(self.loss.forward(z[None], self.y)[0]), _of_loss(self.loss, z, int(self.y[0]))
        if at.room == PROBABILITY:
            e = np.exp(z - z.max())
            return "softmax", float((e / e.sum())[at.index]), CrossEntropy().probability(z, at.index[0])
        if at.room == INPUT:
            return "pixel", float(self.x[0][at.index]), None
        room = self.network.names[-1] if at.room == LOGITS else at.room
        if room in self.sites:
            site = self.sites[room]
            return type(site.layer).__name__, float(site.y[0][at.index]), self._tree(site, at.index)
        key = places.key_of(self.network, room)
        arrays = self.network.parameters()
        if key in arrays:
            return "weight", float(arrays[key][at.index]), None
        return "statistic", float(chain.statistics(self.network.layers)[key][at.index]), None

    def _tree(self, site: Site, index: Shape) -> Term:
        if isinstance(site.layer, Composite):
            ends = [stored(self.activation(end)[0][index], end, *index) for end in site.reads]
            return total(ends, "the branches, added up")
        if not isinstance(site.layer, Explained):
            raise HandmadeError(f"a receipt wants every layer to have a method receipt; {site.name} has none")
        return site.layer.receipt(site.x[0], index).mapped(lambda leaf: _called(leaf, site))

    def _followed(self, tree: Term) -> list[Place]:
        """The activations and pixels in a tree, those that contribute most."""
        shares: dict[Place, float] = {}
        known = {INPUT, LOGITS, *self.sites}
        for place, share in _shares(tree):
            if place.room in known:
                shares[place] = max(share, shares.get(place, 0.0))
        return sorted(shares, key=lambda place: -shares[place])[: self.most]


def _called(leaf: Term, site: Site) -> Term:
    """A leaf of a layer's own tree by the names that people use."""
    if leaf.place is None:
        return leaf
    room = site.reads[0] if leaf.place.room == INPUT else f"{site.name}.{leaf.place.room}"
    return replace(leaf, place=Place(room, leaf.place.index))


def _shares(tree: Term, share: float | None = None) -> Iterator[tuple[Place, float]]:
    """Every place in the tree, and how large the term is that brings it in: the product that it is a factor of, or itself."""
    if tree.place is not None:
        yield tree.place, abs(tree.value) if share is None else share
    for part in tree.parts:
        if tree.how == "product":
            yield from _shares(part, abs(tree.value) if share is None else share)
        elif tree.how in {"largest", "smallest"}:
            yield from _shares(part, math.inf if part.value == tree.value else 0.0)
        else:
            yield from _shares(part, share)


def _of_loss(loss: Loss, z: Array, label: int) -> Term:
    if not isinstance(loss, ExplainedLoss):
        raise HandmadeError(f"a receipt of the loss wants it to have a method receipt; {type(loss).__name__} has none")
    return loss.receipt(z, label)
