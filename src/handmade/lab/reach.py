"""Reach: the numbers that a number is made of, and those that it affects, as boxes.

The rules "sources" and "targets" of a type give the boxes (engine/layers/connections.py). A layer without them reads all numbers,
as Linear does.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

from handmade.engine.arrays import Shape
from handmade.engine.graph import INPUT, Node
from handmade.engine.layers import (
    GELU,
    AvgPool2d,
    BatchNorm2d,
    Conv2d,
    Dropout,
    GlobalAvgPool2d,
    LeakyReLU,
    MaxPool2d,
    ReLU,
    Sigmoid,
    Tanh,
    add_rules,
    rule,
)
from handmade.engine.layers.connections import Box, all_places, one_place, same_sources, same_targets
from handmade.engine.layers.pool import Pool
from handmade.engine.layers.windows import effective_kernel
from handmade.engine.receipts import places
from handmade.engine.receipts.places import GRADIENT, LOSS, PROBABILITY
from handmade.engine.receipts.work import Work
from handmade.engine.terms import Place

Pair: TypeAlias = tuple[int, int]
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
        return {"sources": [_plain(logits, all_places(network.shape_of[logits]))], "targets": []}
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
    return [_plain(name, box) for name, box in zip(node.reads, boxes, strict=True) if box is not None]


def _targets(work: Work, name: str, at: Shape) -> list[dict[str, Any]]:
    found = []
    for node in work.network.readers[name]:
        shapes = [work.network.shape_of[read] for read in node.reads]
        of_type = rule(node.layer, "targets")
        for k, read in enumerate(node.reads):
            if read == name:
                box = of_type(node.layer, shapes, k, at) if of_type else all_places(work.network.shape_of[node.name])
                found += [] if box is None else [_plain(node.name, box)]
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
        "sources": [_plain(name, box) for name, box in zip(node.reads, boxes, strict=False)],
        "targets": [_plain(node.name, fed)],
    }


def _winner(work: Work, node: Node, at: Place) -> list[int] | None:
    """Return the place of the number that a pool takes."""
    if not rule(node.layer, "takes_one"):
        return None
    tree = work.receipt(at, 1).total
    taken = [part.place for part in tree.parts if part.place and part.value == tree.value] if tree else []
    return list(taken[0].index) if taken else None


def _plain(name: str, box: Box) -> dict[str, Any]:
    if len(box) == len(AXES):
        return {"node": name} | {axis: list(span) for axis, span in zip(AXES, box, strict=True)}
    return {"node": name, "numbers": list(box[0])}


# --- windows ------------------------------------------------------------------------------------------------------------------


def _window(at: Shape, size: Pair, stride: Pair, padding: Pair) -> Box:
    """Return rows and columns that the window of an output reads."""
    firsts = [at[axis] * stride[axis] - padding[axis] for axis in (0, 1)]
    return tuple((first, first + size[axis]) for axis, first in enumerate(firsts))


def _windows(at: Shape, size: Pair, stride: Pair, padding: Pair, outputs: Shape) -> Box | None:
    """Return rows and columns of the outputs whose windows span a pixel."""
    spans = []
    for axis in (0, 1):
        pixel = at[axis] + padding[axis]
        first, last = max(0, -(-(pixel - size[axis] + 1) // stride[axis])), min(pixel // stride[axis], outputs[axis] - 1)
        spans.append((first, last + 1))
    return None if any(first >= end for first, end in spans) else tuple(spans)


def _conv_sources(layer: Conv2d, _: Sequence[Shape], at: Shape) -> list[Box]:
    group, seen = at[2] // (layer.filters // layer.groups), layer.channels // layer.groups
    size = effective_kernel(layer.kernel, layer.dilation)
    return [(*_window(at, size, layer.stride, layer.padding), (group * seen, (group + 1) * seen))]


def _conv_targets(layer: Conv2d, shapes: Sequence[Shape], _: int, at: Shape) -> Box | None:
    group, filters = at[2] // (layer.channels // layer.groups), layer.filters // layer.groups
    size = effective_kernel(layer.kernel, layer.dilation)
    found = _windows(at, size, layer.stride, layer.padding, layer.output_shape(shapes[0]))
    return None if found is None else (*found, (group * filters, (group + 1) * filters))


def _pool_sources(layer: Pool, _: Sequence[Shape], at: Shape) -> list[Box]:
    return [(*_window(at, layer.window, layer.stride, layer.padding), (at[2], at[2] + 1))]


def _pool_targets(layer: Pool, shapes: Sequence[Shape], _: int, at: Shape) -> Box | None:
    found = _windows(at, layer.window, layer.stride, layer.padding, layer.output_shape(shapes[0]))
    return None if found is None else (*found, (at[2], at[2] + 1))


# --- the other layers ---------------------------------------------------------------------------------------------------------


def _average_sources(_: GlobalAvgPool2d, shapes: Sequence[Shape], at: Shape) -> list[Box]:
    return [(*all_places(shapes[0])[:2], (at[0], at[0] + 1))]


def _average_targets(_: GlobalAvgPool2d, _shapes: Sequence[Shape], _k: int, at: Shape) -> Box:
    return one_place(at[2:])


add_rules(Conv2d, sources=_conv_sources, targets=_conv_targets)
add_rules(MaxPool2d, takes_one=True)
for pool in (MaxPool2d, AvgPool2d):
    add_rules(pool, sources=_pool_sources, targets=_pool_targets)
add_rules(GlobalAvgPool2d, sources=_average_sources, targets=_average_targets)
for each in (ReLU, LeakyReLU, Sigmoid, Tanh, GELU, Dropout, BatchNorm2d):
    add_rules(each, sources=same_sources, targets=same_targets)
