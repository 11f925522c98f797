"""Forward pass of a block of images, with all values that differences need: one record for each unit."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from handmade.compiled.differences.choices import choose_leads
from handmade.compiled.differences.constant_regions import of_images
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
    found: dict[str, Record] = {}
    for unit in units.all:
        node = unit.node
        if unit.role == "other":
            made = node.layer.forward(node.inputs(values))
            values[node.name] = made.astype(x.dtype, copy=False)  # a user's layer may return float64
            blank[node.name] = _blank(unit, blank)
            continue
        read = values[node.reads[0]]
        images = read
        z = read
        before = blank[node.reads[0]]
        if unit.role == "convolution":
            images, z = Convolution(node).images(read), unfused(node).forward(read)
            before = blank[node.name] = _blank(unit, blank)
        elif unit.role == "linear":
            z = node.layer.forward(read)
            before = None
        values[node.name] = z
        found[node.name] = chosen = _chosen(unit, images.reshape(len(x), -1), z, before)
        values[unit.last] = chosen.y.reshape(len(x), *network.shape_of[unit.last])
        blank[unit.last] = None if before is None else chosen.blank.reshape(len(x), *network.shape_of[unit.last][:-1])
    return found, values[network.logits_name]


def _chosen(unit: Unit, images: Array, z: Array, blank: Array | None) -> Record:
    """Return the record of a unit from the input of its choice; without a choice, every number is chosen."""
    N, C = len(z), z.shape[-1]
    shape = z.shape[1:] if z.ndim == 4 else (math.prod(z.shape[1:-1]), 1, C)
    pool = unit.pool
    pixels = pooling_windows(shape, ONE_PIXEL if pool is None else pool.geometry)
    alike = np.zeros((N, len(pixels)), np.bool_)
    if blank is not None:
        alike = blank.reshape(N, -1) if pool is None else rule(pool, "constant")(pool, blank).reshape(N, -1)
    rows = np.ascontiguousarray(z.reshape(N, -1))
    y = np.empty((N, len(pixels) * C), z.dtype)
    winner, lead = np.empty(y.shape, np.int32), np.empty_like(y)
    choose_leads(rows, pixels, C, unit.relu, np.ascontiguousarray(alike), y, winner, lead)
    return Record(images, rows, y, winner, lead, pixels, alike)


def _blank(unit: Unit, blank: dict[str, Array | None]) -> Array | None:
    """Return the blank places of the output of a unit's node."""
    after, before = rule(unit.node.layer, "constant"), blank.get(unit.node.reads[0])
    found: Array | None = after(unit.node.layer, before) if after and before is not None else None
    return found


def largest(found: Record) -> float:
    """Return the largest |x| of the inputs of a unit."""
    return float(max(found.images.max(), -found.images.min()))
