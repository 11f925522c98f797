"""The differences of one image: its logits followed backwards by lanes, and what the nudges of each served unit make of them.

    lanes[place, l]   what output l gains from one unit at a place of an activation; the first K outputs are the logits
    dz[nudge, l] = sum over places of (what the weight reads there) lanes, then contested choices exactly

Outputs beyond the logits are what contested choices far away read. They come after the logits in the order of the graph.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from handmade.compiled.differences import before as backwards
from handmade.compiled.differences import choices, nudges
from handmade.compiled.differences.prepared import Group, Prepared
from handmade.compiled.differences.shared import MOST_FAR, Elements, Shared, Sorted
from handmade.compiled.differences.units import Unit
from handmade.engine.arrays import Array
from handmade.engine.layers import rule
from handmade.engine.layers.windows import crop

NONE = np.empty(0, np.int64)
DZ_NUMBERS = 2**17  # of an array of dz: it is written once and read once, from the cache


class ImageDifferences:
    """One image of a block.

    Parameters
    ----------
    shared : Shared
    n : int
        The image.
    """

    def __init__(self, shared: Shared, n: int) -> None:
        self.network, self.units, self.ready, self.n, self.shared = shared.network, shared.units, shared.ready, n, shared
        self.dtype, self.K = shared.dtype, shared.classes
        self._elements = {name: self._far(self.ready[name]) for name in self.units.far}
        self.far_outputs = sum(len(each.slack) for each in self._elements.values())
        self.follows_far = self.far_outputs <= MOST_FAR
        self._first_output: dict[str, int] = {}
        self._sorted: dict[str, Sorted] = {}
        outputs = self.K
        if self.follows_far:
            for name in filter(self._elements.__contains__, (unit.node.name for unit in self.units.all)):
                self._first_output[name] = outputs
                outputs += len(self._elements[name].slack)
        self.M = -(-outputs // shared.width) * shared.width

    def is_far(self, name: str) -> bool:
        """Return True if contested choices far away matter for a served unit."""
        return any(len(self._elements[unit.node.name].rest) for unit in self.units.served[name])

    # --- backwards ------------------------------------------------------------------------------------------------------------

    def backwards(self) -> Iterator[tuple[Prepared, Sorted]]:
        """Go from the logits to the first served unit; at each served unit, tell it, and its windows and lanes."""
        logits, needed = self.network.logits_name, self.units.needed
        lanes = {logits: self.shared.ones(self.M)}
        same = {logits} if not self.far_outputs else set()  # activations at which they are the same for all images
        for unit in reversed(self.units.all):
            behind = lanes.pop(unit.last, None)
            if behind is None or unit.node.name not in needed:
                continue
            is_same = unit.last in same
            if unit.role == "other":
                parts = self._before_other(unit, behind)
                if is_same and rule(unit.node.layer, "reorders"):
                    same.update(unit.node.reads)
            else:
                ready = self.ready[unit.node.name]
                found = self._sort(ready, behind)
                if unit.node.name in self.units.served:
                    yield ready, found
                if needed.isdisjoint(unit.node.reads):
                    continue
                key = (unit.node.name, self.M)
                if is_same and unit.role == "linear" and not unit.chooses:
                    if key not in self.shared.lanes:
                        self.shared.lanes[key] = self._before(ready, found)
                    parts = (self.shared.lanes[key],)
                    same.update(unit.node.reads)
                else:
                    parts = (self._before(ready, found),)
            for name, part in zip(unit.node.reads, parts, strict=True):
                if name in needed:
                    if name in lanes:
                        same.discard(name)
                        lanes[name] = lanes[name] + part
                    else:
                        lanes[name] = part

    def _sort(self, ready: Prepared, lanes: Array) -> Sorted:
        """Return the windows of a unit by filter; the lanes get spare rows at their end if they have none."""
        made, n, M, O = ready.made, self.n, self.M, ready.channels
        numbers = made.y.shape[1]
        if ready.unit.role == "linear" and not ready.unit.chooses:
            return Sorted(*(NONE,) * 5, 0, lanes.reshape(-1))
        room = lanes.base
        if room is None or room.shape != ((numbers + self.shared.spare) * M,):
            room = self._room(numbers)
            room[: numbers * M] = lanes.reshape(-1)
        windows = len(made.pixels) + 1 + MOST_FAR
        place, row = np.empty((O, windows), np.int32), np.empty((O, windows), np.int64)
        count, count_before = np.empty(O, np.int64), np.empty(O, np.int64)
        contested = np.empty((2 * numbers, 3), np.int64)
        earlier, found = choices.sort_choices(
            *(ready.row, made.winner[n], made.lead[n], ready.limit, ready.limit_before, made.blank[n], room, M),
            *(place, row, count, count_before, contested),
        )
        sorted_ = Sorted(place, row, count, count_before, contested[:found], earlier, room)
        self._sorted[ready.unit.node.name] = sorted_
        return sorted_

    def _room(self, numbers: int) -> Array:
        """Return room for the lanes of an activation, with spare rows: for blank paper, and for ones."""
        return np.empty((numbers + self.shared.spare) * self.M, self.dtype)

    def _before(self, ready: Prepared, found: Sorted) -> Array:
        """Return the lanes at what a unit reads, from those behind its choice: (numbers, M)."""
        made, M, unit = ready.made, self.M, ready.unit
        count = self._with_ones(ready, found) if unit.chooses or unit.role == "convolution" else NONE
        numbers = made.images.shape[1]
        if unit.role == "convolution":
            room = self._room(numbers)
            before = room[: numbers * M]
            before[:] = 0
            for each in ready.groups:
                own = slice(each.low, each.high)
                backwards.lanes_before_convolution(
                    *(each.tile, each.w, each.origin, each.runs, each.length),
                    *(found.place[own], found.row[own], count[own], found.lanes, M, before),
                )
            conv: Any = unit.node.layer
            if conv.padding == (0, 0):
                return before.reshape(-1, M)
            (p, q), (H, W, C) = conv.padding, self.network.shape_of[unit.node.reads[0]]
            return np.ascontiguousarray(crop(before.reshape(1, H + 2 * p, W + 2 * q, C * M), (p, q))).reshape(-1, M)
        at_z, moving = found.lanes[: made.y.shape[1] * M], np.arange(ready.channels)
        if unit.chooses:
            at_z = np.zeros(made.z.shape[1] * M, self.dtype)
            backwards.lanes_before_choice(found.place, found.row, count, found.lanes, M, at_z)
            moving = np.flatnonzero(count)
        if unit.role == "choice":
            return at_z.reshape(-1, M)
        room = self._room(numbers)
        backwards.lanes_before_linear(ready.tile, ready.W, at_z, moving, M, room[: numbers * M])
        return room[: numbers * M].reshape(-1, M)

    def _before_other(self, unit: Unit, lanes: Array) -> tuple[Array, ...]:
        """Return the lanes at what another linear layer reads: by its own backward, with the lanes as images."""
        node, M = unit.node, self.M
        if rule(node.layer, "reorders"):
            return (lanes,)
        layer = node.layer.for_images(slice(self.n, self.n + 1))
        gy = np.ascontiguousarray(lanes.T).reshape(M, *self.network.shape_of[node.name])
        x = tuple(np.zeros((M, *self.network.shape_of[name]), self.dtype) for name in node.reads)
        gx, _ = layer.backward(x if node.layer.joins else x[0], gy)
        return tuple(np.ascontiguousarray(part.reshape(M, -1).T) for part in (gx if node.layer.joins else (gx,)))

    # --- nudges of a convolution ----------------------------------------------------------------------------------------------

    def nudges(self, ready: Prepared, found: Sorted, step: Any) -> Iterator[tuple[int, int, Array]]:
        """Yield dz for the nudges of a convolution by `step`, some filters at a time: the first, the one after the last, dz."""
        made, n, M, unit = ready.made, self.n, self.M, ready.unit
        choice: Any = (made.z[n], made.pixels, ready.channels, unit.relu, made.y[n])
        for each in ready.groups:
            patches: Any = (made.images[n], each.origin, each.runs, each.length)
            at_once = max(1, DZ_NUMBERS // (each.nudges * M))
            for low in range(each.low, each.high, at_once):
                high = min(low + at_once, each.high)
                dz = np.empty((high - low) * each.nudges * M, self.dtype)
                nudges.filter_nudges(
                    *(each.tile, ready.row, *patches, found.place, found.row, found.count, found.lanes, M, step, low, high, dz)
                )
                if len(found.contested):
                    nudges.contested_nudges(
                        *(
                            each.tile,
                            *patches,
                            *choice,
                            found.contested,
                            len(found.contested),
                            found.lanes,
                            M,
                            step,
                            low,
                            high,
                            dz,
                        )
                    )
                self._next(ready, each, (*patches, *choice), step, low, high, dz)
                self._finish(unit, dz)
                yield low, high, dz

    def _next(self, ready: Prepared, group: Group, here: tuple[Any, ...], step: Any, low: int, high: int, dz: Array) -> None:
        """Add what the nudges make through contested windows behind the next convolution."""
        behind = ready.next
        if behind is None or not self._sorted[behind.name].earlier:
            return
        after, there = self._sorted[behind.name], self.ready[behind.name]
        made = there.made
        nudges.next_choices(
            *(behind.row, behind.square, *here, step, low, high, behind.origin, behind.taps, behind.pixel_of, behind.w),
            *(made.z[self.n], made.pixels, there.channels, there.unit.relu, made.y[self.n]),
            *(after.contested, after.earlier, after.lanes, self.M, dz),
        )

    # --- contested choices far away -------------------------------------------------------------------------------------------

    def _far(self, ready: Prepared) -> Elements:
        """Return the contested windows of a unit, blank ones once."""
        made, n, size = ready.made, self.n, ready.made.pixels.shape[1]
        lead = made.lead[n].reshape(-1, ready.channels)
        contested = ~(lead > ready.limit_before)
        contested[np.flatnonzero(made.blank[n])[1:]] = False
        windows = np.argwhere(contested)
        at, filters = windows[:, 0], windows[:, 1]
        m = made.y[n].reshape(lead.shape)[at, filters]
        slack = made.z[n].reshape(-1, ready.channels)[made.pixels[at], filters[:, None]] - m[:, None]
        rest = -m if ready.unit.relu else np.full_like(m, -np.inf)
        return Elements(np.arange(len(windows) + 1) * size, slack.reshape(-1), rest, windows)

    def _with_ones(self, ready: Prepared, found: Sorted) -> Array:
        """Add a row of ones for each output that a contested window of the unit reads; return the rows of each filter."""
        name, made, M = ready.unit.node.name, ready.made, self.M
        if name not in self._first_output or not len(self._elements[name].slack):
            return found.count_before
        far, count, size = self._elements[name], found.count_before.copy(), made.pixels.shape[1]
        spare, rows = made.y.shape[1] + ready.channels, found.lanes.reshape(-1, M)
        for e, (q, o) in enumerate(far.windows):
            for k in range(size):
                number = e * size + k
                rows[spare + number] = 0
                rows[spare + number, self._first_output[name] + number] = 1
                found.place[o, count[o]], found.row[o, count[o]] = made.pixels[q, k], spare + number
                count[o] += 1
        return count

    def _finish(self, unit: Unit, dz: Array) -> None:
        """Add what goes through contested choices far away, in the order of the graph."""
        for later in self.units.served[unit.node.name]:
            name = later.node.name
            if not len(self._elements[name].rest) or not self.follows_far:
                continue
            far, after, ready = self._elements[name], self._sorted[name], self.ready[name]
            q, o = far.windows[:, 0], far.windows[:, 1]
            rows = np.where(ready.made.blank[self.n][q], ready.made.y.shape[1], q * ready.channels) + o
            gains = after.lanes.reshape(-1, self.M)[rows].reshape(-1)
            choices.far_choices(ready.row, dz, self.M, far.first + self._first_output[name], far.slack, far.rest, gains)
