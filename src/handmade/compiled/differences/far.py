"""Contested choices far behind a nudged weight: their inputs are additional outputs, so each of them costs lanes.

Images are sorted by the number of these outputs, and those with similar numbers form a group, because the image with the most
outputs determines the number of lanes of its group.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from handmade.compiled.differences.prepared import Prepared
from handmade.compiled.differences.records import Record
from handmade.compiled.differences.units import Units
from handmade.compiled.vectors import widest
from handmade.engine.arrays import Array
from handmade.engine.network import Network

MOST_FAR = 512  # outputs of an image after the logits; with more of them the plain backend is faster
MOST_NUMBERS = 2**24  # of the lanes of an image at one activation
LANES_AT_ONCE = 2**23  # bytes of lanes of all images of a group at one activation
FEWEST_LANES = 16


@dataclass(frozen=True, eq=False)
class Far:
    """Contested windows of the units that are far from a nudged one, for some images.

    Attributes
    ----------
    contested : dict of Array of bool, (N, windows, channels)
        True for each contested window, only once for blank ones, by the names of the units.
    outputs : dict of Array of int, (N,)
        Number of their inputs.
    used : Array of int, (N,)
        Number of these inputs in all units; 0 for images with too many.
    follows : Array of bool, (N,)
        False for images with too many.
    """

    contested: dict[str, Array]
    outputs: dict[str, Array]
    used: Array
    follows: Array

    def part(self, images: slice | Array) -> "Far":
        """Return the same for some of the images."""
        contested, outputs = ({name: each[images] for name, each in found.items()} for found in (self.contested, self.outputs))
        return Far(contested, outputs, self.used[images], self.follows[images])


def far_contested(network: Network, units: Units, ready: dict[str, Prepared], images: int) -> Far:
    """Return the contested windows of the units that are far from a nudged one."""
    contested = {name: windows_contested(ready[name].made, ready[name].limit_before) for name in units.far}
    outputs = {name: where.sum(axis=(1, 2)) * ready[name].made.pixels.shape[1] for name, where in contested.items()}
    total = sum(outputs.values(), np.zeros(images, np.int64))
    follows = total <= most_outputs(network, units)
    return Far(contested, outputs, np.where(follows, total, 0), follows)


def windows_contested(made: Record, limit: Array) -> Array:
    """Return True for each window whose lead is at most the limit of its channel, only once for blank ones: (N, windows, C)."""
    contested: Array = ~(made.lead.reshape(len(made.lead), -1, len(limit)) > limit)
    if made.blank.any():
        contested[made.blank & (np.cumsum(made.blank, axis=1) > 1)] = False
    return contested


def most_outputs(network: Network, units: Units) -> int:
    """Return the number of additional outputs of an image, above which it is left out."""
    return min(MOST_FAR, MOST_NUMBERS // _largest(network, units) - network.classes)


def _largest(network: Network, units: Units) -> int:
    return max(math.prod(network.shape_of[name]) for name in units.needed)


def order_of(network: Network, far: Far) -> NDArray[np.intp] | None:
    """Return the images sorted by the vectors of their lanes; None if they have equal numbers of them."""
    width = widest(network.dtype)
    vectors = -(-(network.classes + far.used) // width)
    return None if (vectors == vectors[0]).all() else np.argsort(vectors, kind="stable")


def in_order(ready: dict[str, Prepared], order: NDArray[np.intp]) -> dict[str, Prepared]:
    """Return the prepared units with their images in another order."""
    found = {}
    for name, each in ready.items():
        moved = {field.name: getattr(each.made, field.name)[order] for field in fields(each.made) if field.name != "pixels"}
        found[name] = replace(each, made=replace(each.made, **moved))
    return found


def groups_of(network: Network, units: Units, far: Far) -> Iterator[slice]:
    """Yield the images of each group, whose lanes fit the cache together."""
    numbers, width = _largest(network, units) * network.dtype.itemsize, widest(network.dtype)
    first, N = 0, len(far.used)
    while first < N:
        last = first + 1
        while last < N:
            lanes = max(-(-(network.classes + int(far.used[first : last + 1].max())) // width) * width, FEWEST_LANES)
            if (last + 1 - first) * lanes * numbers > LANES_AT_ONCE:
                break
            last += 1
        yield slice(first, last)
        first = last
