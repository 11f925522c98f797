"""Forward pass of a block of images, with all values that differences need: one record for each unit."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from handmade.compiled.differences.choices import choose_leads
from handmade.compiled.differences.constant_regions import of_images
from handmade.compiled.differences.equal_places import Equal, equal_pixels, labels
from handmade.compiled.differences.units import Unit, Units
from handmade.compiled.fused import ONE_PIXEL, Convolution
from handmade.compiled.patches import pooling_windows
from handmade.engine.arrays import Array
from handmade.engine.graph import INPUT, Node
from handmade.engine.layers import rule
from handmade.engine.network import Network
from handmade.engine.plain.operation import Operation


@dataclass(frozen=True, eq=False)
class Record:
    """Values of a unit for a block of images.

    Attributes
    ----------
    images : Array, (N, numbers)
        Input of the unit as rows; padded for a convolution.
    z, y : Array, (N, numbers)
        Input and output of its choice.
    winner, lead : Array, (N, numbers of y)
        Winning pixel, -1 for the 0 of a ReLU, and its lead.
    pixels : Array of int, (windows, pixels)
        Pixels of each window.
    blank : Array of bool, (N, windows)
        True for windows on constant background.
    """

    images: Array
    z: Array
    y: Array
    winner: Array
    lead: Array
    pixels: Array
    blank: Array


def record(network: Network, units: Units, unfused: Callable[[Node], Operation], x: Array) -> tuple[dict[str, Record], Array]:
    """Return the records of units with a convolution, a linear layer or a choice, by the names of their nodes, and the logits."""
    values: dict[str, Array] = {INPUT: x}
    blank = {INPUT: of_images(x)}
    equal = {INPUT: equal_pixels(x)}
    found: dict[str, Record] = {}
    for unit in units.all:
        node = unit.node
        if unit.role == "other":
            made = node.layer.forward(node.inputs(values))
            values[node.name] = made.astype(x.dtype, copy=False)  # a user's layer may return float64
            blank[node.name] = _regions("constant", node, blank)
            equal[node.name] = _regions("equal", node, equal)
            continue
        read = values[node.reads[0]]
        images = read
        z = read
        before, alike = blank[node.reads[0]], equal[node.reads[0]]
        if unit.role == "convolution":
            images, z = Convolution(node).images(read), unfused(node).forward(read)
            before, alike = _regions("constant", node, blank), _regions("equal", node, equal)
        elif unit.role == "linear":
            z = node.layer.forward(read)
            before = alike = None
        values[node.name] = z
        blank[node.name], equal[node.name] = before, alike
        found[node.name] = chosen = _chosen(unit, images.reshape(len(x), -1), z, before, alike)
        values[unit.last] = chosen.y.reshape(len(x), *network.shape_of[unit.last])
        blank[unit.last] = None if before is None else chosen.blank.reshape(len(x), *network.shape_of[unit.last][:-1])
        equal[unit.last] = alike if alike is None or unit.pool is None else rule(unit.pool, "equal")(unit.pool, alike)
    return found, values[network.logits_name]


def _chosen(unit: Unit, images: Array, z: Array, blank: Array | None, equal: Equal | None) -> Record:
    """Return the record of a unit from the input of its choice; without a choice, every number is chosen."""
    N, C = len(z), z.shape[-1]
    shape = z.shape[1:] if z.ndim == 4 else (math.prod(z.shape[1:-1]), 1, C)
    pool = unit.pool
    pixels = pooling_windows(shape, ONE_PIXEL if pool is None else pool.geometry)
    places = np.zeros((N, math.prod(shape[:2])), np.bool_) if blank is None else blank.reshape(N, -1)
    background = np.zeros((N, len(pixels)), np.bool_)
    if blank is not None:
        background = places if pool is None else rule(pool, "constant")(pool, blank).reshape(N, -1)
    rows = np.ascontiguousarray(z.reshape(N, -1))
    y = np.empty((N, len(pixels) * C), z.dtype)
    winner, lead = np.empty(y.shape, np.int32), np.empty_like(y)
    choose_leads(rows, pixels, C, unit.relu, labels(equal, places), y, winner, lead)
    return Record(images, rows, y, winner, lead, pixels, background)


def _regions(what: str, node: Node, known: dict[str, Any]) -> Any:
    """Return the blank places or the equal places of a node's output, by the rule of its layer; None if nothing is known."""
    after, before = rule(node.layer, what), known.get(node.reads[0])
    return after(node.layer, before) if after and before is not None else None


def largest(found: Record) -> float:
    """Return the largest |x| of the inputs of a unit."""
    return float(max(found.images.max(), -found.images.min()))
