"""Reach: the numbers that a number is made of, and those that it affects, as boxes.

The rules "sources" and "targets" of a type give the boxes (engine/layers/connections.py). A layer without them reads all numbers,
as Linear does.
"""

from typing import Any

import numpy as np

from handmade.engine.arrays import Shape
from handmade.engine.graph import INPUT, Node
from handmade.engine.layers import rule
from handmade.engine.layers.connections import Box, all_places
from handmade.engine.network import Network
from handmade.engine.receipts import places
from handmade.engine.receipts.places import GRADIENT, LOSS, PROBABILITY
from handmade.engine.receipts.work import Work
from handmade.engine.terms import Place

AXES = ("rows", "columns", "channels")


def reach(work: Work, at: Place) -> dict[str, Any] | None:
    """Return sources and targets of a number as plain data; None for the loss.

    Of a weight, the sources are all that it reads, and the targets the channel that it feeds. Of a gradient they are those of the
    number itself. For a place of a pool, "winner" is its largest number.
    """
    place = Place(at.name.removeprefix(GRADIENT), at.index)
    network = work.network
    logits = network.logits_name
    if place.name == LOSS:
        return None
    if place.name == PROBABILITY:
        return {"sources": [_plain(network, logits, all_places(network.shape_of[logits]))], "targets": []}
    if not work.is_activation(place.name):
        return _of_weight(work, place)
    name = work.name_of(place.name)
    found: dict[str, Any] = {"sources": [], "targets": _targets(work, name, place.index)}
    if name != INPUT:
        node = network.node(name)
        found["sources"] = _sources(work, node, place.index)
        winner = _winner(work, node, place)
        found |= {"winner": winner} if winner else {}
    return found


def _sources(work: Work, node: Node, at: Shape) -> list[dict[str, Any]]:
    shapes = [work.network.shape_of[name] for name in node.reads]
    of_type = rule(node.layer, "sources")
    boxes = of_type(node.layer, shapes, at) if of_type else [all_places(shape) for shape in shapes]
    return [_plain(work.network, name, box) for name, box in zip(node.reads, boxes, strict=True) if box is not None]


def _targets(work: Work, name: str, at: Shape) -> list[dict[str, Any]]:
    found = []
    for node in work.network.readers[name]:
        shapes = [work.network.shape_of[read] for read in node.reads]
        of_type = rule(node.layer, "targets")
        for k, read in enumerate(node.reads):
            if read == name:
                box = of_type(node.layer, shapes, k, at) if of_type else all_places(work.network.shape_of[node.name])
                found += [] if box is None else [_plain(work.network, node.name, box)]
    return [box for n, box in enumerate(found) if box not in found[:n]]


def _of_weight(work: Work, at: Place) -> dict[str, Any] | None:
    """Return all that a weight may read, and the channel that it feeds."""
    network = work.network
    owner = network.owners.get(places.key_of(network, at.name))
    if owner is None:
        return None
    node, array = network.node(owner[0]), owner[1]
    output = network.shape_of[node.name]
    by_channel = rule(node.layer, "nudges") is not None
    fed = (*all_places(output)[:-1], (at.index[-1], at.index[-1] + 1)) if by_channel else all_places(output)
    read, source = network.shape_of[node.reads[0]], rule(node.layer, "source")
    if not node.layer.parameters() or array not in node.layer.parameters() or array == "b":
        boxes = []
    elif source is None:
        boxes = [all_places(network.shape_of[name]) for name in node.reads]
    else:
        first, last = (
            source(node.layer, at.index, corner) for corner in (tuple(0 for _ in output), tuple(n - 1 for n in output))
        )
        boxes = [tuple((a, b + 1) for a, b in zip(first, last, strict=True))] if len(first) == len(read) else [all_places(read)]
    return {
        "sources": [_plain(work.network, name, box) for name, box in zip(node.reads, boxes, strict=False)],
        "targets": [_plain(work.network, node.name, fed)],
    }


def _winner(work: Work, node: Node, at: Place) -> list[int] | None:
    """Return the place of the number that a pool takes."""
    if not rule(node.layer, "takes_one"):
        return None
    tree = work.receipt(at, 1).total
    taken = [part.place for part in tree.parts if part.place and part.value == tree.value] if tree else []
    return list(taken[0].index) if taken else None


def _plain(network: Network, name: str, box: Box) -> dict[str, Any]:
    """Return a box as the page draws it: numbers of a row, or rows and columns of some maps.

    A matrix is one map. Of an array with more than three axes, the maps lie on its first two axes, and the other axes are counted
    through as channels. There, "spans" holds the box itself.
    """
    if len(box) == 1:
        return {"node": name, "numbers": list(box[0])}
    if len(box) == len(AXES):
        return {"node": name} | {axis: list(span) for axis, span in zip(AXES, box, strict=True)}
    spans = [list(span) for span in box]
    if len(box) == 2:
        return {"node": name, "rows": spans[0], "columns": spans[1], "channels": [0, 1], "spans": spans}
    sizes = network.shape_of[name][2:]
    first, last = (int(np.ravel_multi_index(corner, sizes)) for corner in zip(*((a, b - 1) for a, b in box[2:]), strict=True))
    return {"node": name, "rows": spans[0], "columns": spans[1], "channels": [first, last + 1], "spans": spans}
