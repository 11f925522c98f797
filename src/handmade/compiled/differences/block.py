"""Differences of a block of images: the sums of dL / h over the images, for every supported weight.

Convolutions are processed for some images at a time (group.py), linear layers for all images at once (linear_layers.py). Images
for which lanes cannot be used are left out, and processed by the plain backend.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from handmade.compiled.differences.bounds import bounds
from handmade.compiled.differences.far import far_contested, groups_of, in_order, order_of
from handmade.compiled.differences.group import GroupDifferences
from handmade.compiled.differences.layer_bounds import Bound
from handmade.compiled.differences.linear_layers import LinearSums, linear_sums
from handmade.compiled.differences.loss_data import loss_data
from handmade.compiled.differences.prepared import prepared
from handmade.compiled.differences.records import Record, largest, record
from handmade.compiled.differences.units import Unit, Units
from handmade.engine.arrays import Array
from handmade.engine.graph import Node
from handmade.engine.memory import keep_freed_memory
from handmade.engine.parallel import Batch
from handmade.engine.plain.operation import Operation

DIRECTIONS = 2**20  # numbers of directions of linear layers that are collected and then processed together


@dataclass(frozen=True, eq=False)
class Block:
    """Sums of a block.

    Attributes
    ----------
    loss : float
        Sum of the losses.
    filters : dict of Array, (O, patch + 1)
        Sums of dL / h of each convolution, by the name of its node, biases last.
        linear : dict of list of LinearSums
        Sums of each linear layer, for some images at a time.
    left_out : dict of list of int
        Images of the block that need the plain backend, by the name of the node.
    """

    loss: float
    filters: dict[str, Array]
    linear: dict[str, list[LinearSums]]
    left_out: dict[str, list[int]]


class LinearCollector:
    """Collector of directions of linear layers: it makes sums for some images at a time, so that directions need little memory.

    Parameters
    ----------
    make : callable
        Function (unit, directions by image) -> sums; None if a nudge is too large.
    """

    def __init__(self, make: Callable[[Unit, dict[int, Array]], LinearSums | None]) -> None:
        self.made: dict[str, list[LinearSums]] = {}
        self._make = make
        self._waiting: dict[str, tuple[Unit, dict[int, Array]]] = {}

    def add(self, unit: Unit, n: int, directions: Array) -> list[int]:
        """Add the directions of an image, and return the images that must be left out."""
        _, waiting = self._waiting.setdefault(unit.node.name, (unit, {}))
        waiting[n] = directions
        return self.finish(unit.node.name) if len(waiting) * directions.size >= DIRECTIONS else []

    def finish(self, name: str) -> list[int]:
        """Make the sums of the collected images; return these images if they must be left out."""
        if name not in self._waiting:
            return []
        unit, waiting = self._waiting.pop(name)
        sums = self._make(unit, waiting)
        if sums is None:
            return list(waiting)
        self.made.setdefault(name, []).append(sums)
        return []


def block(units: Units, unfused: Callable[[Node], Operation], h: Any, scheme: str, batch: Batch) -> Block:
    """Return the sums of a block of images for the supported nodes; `unfused` returns the operation of one node."""
    keep_freed_memory()
    network, x, y, loss = batch
    steps = (h, -h) if scheme == "central" else (h,)
    with np.errstate(all="ignore"):  # an overflow shows in the result, where training looks for it
        records, z = record(network, units, unfused, x)
        reach = bounds(network, units, {name: largest(records[name]) for name in units.supported}, abs(float(h)))
        ready = {
            unit.node.name: prepared(network, units, unit, records[unit.node.name], limits(unit, reach, records[unit.node.name]))
            for unit in units.all
            if unit.node.name in records
        }
        data = loss_data(loss, z, y)
        sums: dict[str, Array] = {}
        left_out: dict[str, list[int]] = {name: [] for name in units.supported}
        linear = LinearCollector(
            lambda unit, directions: linear_sums(unit, records[unit.node.name], z, y, directions, h, scheme, loss)
        )
        far = far_contested(network, units, ready, len(x))
        sorted_images = order_of(network, far)
        order = np.arange(len(x)) if sorted_images is None else sorted_images
        if sorted_images is not None:
            ready, far, data = in_order(ready, order), far.part(order), data.part(order)
        for images in groups_of(network, units, far):
            numbers = order[images]  # in the block
            group = GroupDifferences(network, units, ready, images, numbers, far.part(images))
            for each, lanes in group.backwards():
                name, out, M = each.unit.node.name, each.channels, group.M
                if each.unit.role == "linear":
                    out_of_line = group.far_of[name]
                    directions = lanes[:, : out * M].reshape(-1, out, M)[..., : group.K]
                    for n in np.flatnonzero(~out_of_line):
                        left_out[name] += linear.add(each.unit, int(numbers[n]), directions[n].copy())
                else:
                    out_of_line = group.far_of[name] & ~group.follows
                    if name not in sums:
                        sums[name] = np.zeros((len(steps), out * each.groups[0].nudges), x.dtype)
                    for step, dL in zip(steps, sums[name], strict=True):
                        group.add_nudges(each, step, out_of_line, data, dL)
                left_out[name] += [int(n) for n in numbers[out_of_line]]
        filters = {
            name: sum(dL / (step * len(steps)) for step, dL in zip(steps, found, strict=True)).reshape(ready[name].channels, -1)
            for name, found in sums.items()
        }
        left_out = {name: sorted([*images, *linear.finish(name)]) for name, images in left_out.items()}
        return Block(float(loss.forward(z, y).sum()), filters, linear.made, left_out)


def limits(unit: Unit, reach: dict[str, Bound], made: Record) -> tuple[Array, Array]:
    """Return for each channel the lead below which a window is contested: for all nudges, and for those of earlier layers."""
    C, bound = made.y.shape[1] // len(made.pixels), reach.get(unit.before_choice)
    if bound is None or not unit.chooses:
        return (np.full(C, -np.inf, made.y.dtype),) * 2  # no nudge reaches it, or it has no choice
    before = bound.both if unit.role == "choice" else bound.many  # after weights, only their own nudges change one channel
    all_nudges, earlier = (np.resize(2 * each, C).astype(made.y.dtype) for each in (bound.both, before))
    return all_nudges, earlier
