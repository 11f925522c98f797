"""Differences of some images: lanes from the logits backwards, and the nudges of each supported unit.

    lanes[place, l]   change of output l for a change by 1 at a place of an activation; the first K outputs are the logits
    dz[nudge, l] = sum over places of (number that the weight reads there) lanes, then contested choices exactly

Outputs after the logits are the inputs of far contested choices, in the order of the graph.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from handmade.compiled.differences import choices, convolution, lanes_before
from handmade.compiled.differences.far import Far
from handmade.compiled.differences.loss_data import LossData
from handmade.compiled.differences.prepared import Prepared, before_tile
from handmade.compiled.differences.units import Unit, Units
from handmade.compiled.differences.window_lists import FarWindows, SortedWindows
from handmade.compiled.vectors import widest
from handmade.engine.arrays import Array
from handmade.engine.layers import rule
from handmade.engine.network import Network


class GroupDifferences:
    """Differences of some images of a block.

    Parameters
    ----------
    network, units : Network, Units
    ready : dict of Prepared
        Prepared units with a choice or weights, by the names of their nodes.
    images : slice
        Images of the block, in the order of the prepared units.
    numbers : Array of int, (N,)
        Numbers of these images in the block.
    far : Far
        Contested windows of the units that are far from a nudged one, for these images.
    """

    def __init__(
        self, network: Network, units: Units, ready: dict[str, Prepared], images: slice, numbers: Array, far: Far
    ) -> None:
        self.network, self.units, self.ready, self.images, self.numbers = network, units, ready, images, numbers
        self.dtype: Any = next(iter(ready.values())).made.y.dtype
        self.N = images.stop - images.start
        self.K = network.shape_of[network.logits_name][0]
        self.follows = far.follows  # (N,)
        self.ones = int(far.used.max())
        self._spare = max(each.channels for each in ready.values()) + self.ones  # rows after those of an activation
        self._sorted: dict[str, SortedWindows] = {}
        self._elements: dict[str, FarWindows] = {}
        self.far_of = {name: self._are_far(later, far.outputs) for name, later in units.supported.items()}
        used = np.full(self.N, self.K)
        for unit in units.all:
            name = unit.node.name
            if name in units.far:
                self._elements[name] = self._far(ready[name], far.contested[name] & self.follows[:, None, None], used)
                used = used + np.where(self.follows, far.outputs[name], 0)
        width = widest(self.dtype)
        self.M = -(-int(used.max()) // width) * width

    def _are_far(self, later: tuple[Unit, ...], outputs: dict[str, Array]) -> Array:
        """Return True for each image with far contested choices: (N,)."""
        found = np.zeros(self.N, np.bool_)
        for unit in later:
            found |= outputs[unit.node.name] > 0
        return found

    def part(self, array: Array) -> Array:
        """Return the rows of these images of an array of the block."""
        return array[self.images]

    # --- backwards ------------------------------------------------------------------------------------------------------------

    def backwards(self) -> Iterator[tuple[Prepared, Array]]:
        """Compute lanes back to the first supported unit; yield each supported unit with the lanes after its choice."""
        logits, needed = self.network.logits_name, self.units.needed
        lanes = {logits: self._room(self.K)}
        lanes[logits][:, : self.K * self.M] = np.eye(self.K, self.M, dtype=self.dtype).reshape(-1)
        for unit in reversed(self.units.all):
            behind = lanes.pop(unit.last, None)
            if behind is None or unit.node.name not in needed:
                continue
            if unit.role == "other":
                parts = self._before_other(unit, behind)
            else:
                ready = self.ready[unit.node.name]
                if unit.chooses or unit.role == "convolution":
                    self._sort(ready, behind)
                if unit.node.name in self.units.supported:
                    yield ready, behind
                if needed.isdisjoint(unit.node.reads):
                    continue
                parts = (self._before(ready, behind),)
            for name, part in zip(unit.node.reads, parts, strict=True):
                if name in needed:
                    lanes[name] = lanes[name] + part if name in lanes else part

    def _room(self, numbers: int) -> Array:
        """Return an empty array for the lanes of an activation, with spare rows for constant background and for unit rows."""
        return np.empty((self.N, (numbers + self._spare) * self.M), self.dtype)

    def _sort(self, ready: Prepared, lanes: Array) -> None:
        """Store the windows of a unit by filter; the spare rows of the lanes receive the sums over constant background."""
        made, O = ready.made, ready.channels
        numbers, windows = made.y.shape[1], len(made.pixels) + 1 + self.ones
        place, row = np.empty((self.N, O, windows), np.int32), np.empty((self.N, O, windows), np.int64)
        count, count_before = np.empty((self.N, O), np.int64), np.empty((self.N, O), np.int64)
        contested = np.empty((self.N, 2 * numbers, 3), np.int64)
        earlier, found = np.empty(self.N, np.int64), np.empty(self.N, np.int64)
        choices.sort_all_choices(
            *(ready.row, self.part(made.winner), self.part(made.lead), ready.limit, ready.limit_before, self.part(made.blank)),
            *(lanes, self.M, place, row, count, count_before, contested, earlier, found),
        )
        self._sorted[ready.unit.node.name] = SortedWindows(place, row, count, count_before, contested, earlier, found, lanes)

    def _before(self, ready: Prepared, lanes: Array) -> Array:
        """Return the lanes at the input of a unit, from those after its choice."""
        made, M, unit = ready.made, self.M, ready.unit
        numbers = made.images.shape[1]
        if unit.role == "convolution":
            return self._before_convolution(ready, self._with_ones(ready))
        at_z = lanes
        if unit.chooses:
            found, count = self._sorted[unit.node.name], self._with_ones(ready)
            at_z = self._room(made.z.shape[1])
            at_z[:, : made.z.shape[1] * M] = 0
            lanes_before.lanes_before_choice(found.place, found.row, count, found.lanes, M, at_z)
        if unit.role == "choice":
            return at_z
        room = self._room(numbers)
        lanes_before.lanes_before_linear(ready.tile, ready.W, ready.channels, at_z, M, room)
        return room

    def _before_convolution(self, ready: Prepared, count: Array) -> Array:
        found, M, shape = self._sorted[ready.unit.node.name], self.M, self.network.shape_of[ready.unit.node.reads[0]]
        seen, room, (down, across) = shape[2] // len(ready.groups), self._room(math.prod(shape)), ready.readers
        for g, each in enumerate(ready.groups):
            lanes_before.lanes_before_convolutions(
                *(before_tile(each, seen, M, self.dtype), each.w, each.size, down.begin, down.window, down.tap),
                *(across.begin, across.window, across.tap, *each.windows, shape[2], g * seen, seen),
                *(each.low, each.high, found.place, found.row, count, found.lanes, M, room),
            )
        return room

    def _before_other(self, unit: Unit, lanes: Array) -> tuple[Array, ...]:
        """Return the lanes at the inputs of any other linear layer: by its `backward`, with the lanes as images."""
        node, M, layer = unit.node, self.M, unit.node.layer
        if rule(layer, "reorders"):
            return (lanes,)
        shape, before = self.network.shape_of[node.name], [self.network.shape_of[name] for name in node.reads]
        if rule(layer, "channelwise"):  # each lane of a channel is a channel of its own
            (H, W, C), size = before[0], math.prod(shape)
            images = np.broadcast_to(self.dtype.type(0), (self.N, H, W, C * M))
            gx, _ = layer.backward(images, lanes[:, : size * M].reshape(self.N, *shape[:-1], shape[-1] * M))
            room = self._room(H * W * C)
            room[:, : H * W * C * M] = gx.reshape(self.N, -1)
            return (room,)
        x = tuple(np.zeros((M, *each), self.dtype) for each in before)
        parts = [self._room(int(np.prod(each))) for each in before]
        for n in range(self.N):
            number = int(self.numbers[n])
            gy = np.ascontiguousarray(lanes[n, : int(np.prod(shape)) * M].reshape(-1, M).T).reshape(M, *shape)
            gx, _ = layer.for_images(slice(number, number + 1)).backward(x if layer.joins else x[0], gy)
            for part, own in zip(parts, gx if layer.joins else (gx,), strict=True):
                part[n, : own.size] = own.reshape(M, -1).T.reshape(-1)
        return tuple(parts)

    # --- nudges of a convolution ----------------------------------------------------------------------------------------------

    def add_nudges(self, ready: Prepared, step: Any, left_out: Array, loss_data: LossData, sums: Array) -> None:
        """Add dL for the nudges of a convolution by `step`, for these images except those left out: sums (nudges,)."""
        made, M, name = ready.made, self.M, ready.unit.node.name
        found, far = self._sorted[name], self._far_behind(name)
        behind = ready.next
        there, after = (ready, found) if behind is None else (self.ready[behind.name], self._sorted[behind.name])
        earlier = np.zeros_like(found.earlier) if behind is None else after.earlier
        origin, taps, pixel_of, w = (
            (found.earlier,) * 3 + (ready.no_filters,)
            if behind is None
            else (behind.origin, behind.taps, behind.pixel_of, behind.w)
        )
        for each in ready.groups:
            convolution.convolution_nudges(
                *(each.tile, each.across, each.goes_across, ready.row, ready.square),
                *(self.part(made.images), each.origin, each.runs, each.length),
                *(self.part(made.z), made.pixels, ready.channels, ready.unit.relu, self.part(made.y)),
                *(found.place, found.row, found.count, found.contested, found.found, found.lanes, M),
                *(step, each.low, each.high, left_out, origin, taps, pixel_of, w),
                *(self.part(there.made.z), there.made.pixels, there.channels, there.unit.relu, self.part(there.made.y)),
                *(after.contested, earlier, after.lanes, *far),
                *(
                    loss_data.squared,
                    self.part(loss_data.numbers),
                    self.part(loss_data.target),
                    self.part(loss_data.labels),
                    self.part(loss_data.weights),
                    sums,
                ),
            )

    # --- far contested choices ------------------------------------------------------------------------------------------------

    def _far(self, ready: Prepared, contested: Array, used: Array) -> FarWindows:
        """Return the contested windows of a unit; `used` (N,) is the number of outputs of each image that are in use already."""
        made, C, size = ready.made, ready.channels, ready.made.pixels.shape[1]
        image, window, filter_ = np.nonzero(contested)
        m = self.part(made.y).reshape(self.N, -1, C)[image, window, filter_]
        z = self.part(made.z).reshape(self.N, -1, C)[image[:, None], made.pixels[window], filter_[:, None]]
        number = np.arange(len(image)) - np.searchsorted(image, image)  # index within its image
        rest = -m if ready.unit.relu else np.full_like(m, -np.inf)
        return FarWindows(image, window, filter_, used[image] + number * size, z - m[:, None], rest)

    def _with_ones(self, ready: Prepared) -> Array:
        """Add a unit row for each output that a contested window of the unit reads; return the number of rows of each filter."""
        found, far = self._sorted[ready.unit.node.name], self._elements.get(ready.unit.node.name)
        if far is None or not len(far.rest):
            return found.count_before
        count = found.count_before.copy()
        choices.add_ones(
            *(far.image, far.window, far.filter, far.output, ready.made.pixels, self.M, ready.made.y.shape[1] + ready.channels),
            *(found.lanes, found.place, found.row, count),
        )
        return count

    def _far_behind(self, name: str) -> tuple[Array, ...]:
        """Return the far contested choices of a unit, image by image in the order of the graph, for `convolution_nudges`."""
        parts = []
        most = max((each.slack.shape[1] for each in self._elements.values()), default=1)
        for later in self.units.supported[name]:
            far, after, ready = self._elements[later.node.name], self._sorted.get(later.node.name), self.ready[later.node.name]
            if not len(far.rest) or after is None:
                continue
            numbers = ready.made.y.shape[1]
            blank = self.part(ready.made.blank)[far.image, far.window]
            rows = np.where(blank, numbers, far.window * ready.channels) + far.filter
            gains = after.lanes.reshape(self.N, -1, self.M)[far.image, rows]
            slack = np.full((len(far.rest), most), -np.inf, self.dtype)
            slack[:, : far.slack.shape[1]] = far.slack
            parts.append((far.image, far.output, np.full(len(far.rest), far.slack.shape[1]), slack, far.rest, gains))
        if not parts:
            nothing = np.zeros(0, np.int64)
            rows = np.zeros((0, self.M), self.dtype)
            return np.zeros(self.N + 1, np.int64), nothing, nothing, rows, rows.reshape(-1), rows
        image, *others = (np.concatenate(each) for each in zip(*parts, strict=True))
        order = np.argsort(image, kind="stable")
        begin = np.searchsorted(image[order], np.arange(self.N + 1))
        return begin, *(each[order] for each in others)
