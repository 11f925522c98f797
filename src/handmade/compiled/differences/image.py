"""The differences of one image: its logits followed backwards by lanes, and what the nudges of each served unit make of them.

    lanes[place, l]   what output l gains from one unit at a place of an activation; the first K outputs are the logits
    dz[nudge, l] = sum over places of (what the weight reads there) lanes, then contested choices exactly

Outputs beyond the logits are what contested choices far away read. They come after the logits in the order of the graph.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from handmade.compiled.differences import loops
from handmade.compiled.differences.records import Record
from handmade.compiled.differences.units import Unit, Units
from handmade.compiled.links import Convolution
from handmade.compiled.patches import Patches
from handmade.compiled.tiles import Tile
from handmade.compiled.vectors import registers, widest
from handmade.engine.arrays import Array
from handmade.engine.layers.windows import crop
from handmade.engine.network import Network

MOST_FAR = 64  # outputs beyond the logits; more of them cost more than the plain way
DZ_NUMBERS = 2**17  # of an array of dz: it is written once and read once, from the cache
LITTLE = 2**12  # numbers of a patch times windows, up to which a convolution is small


@dataclass(frozen=True, eq=False)
class Sorted:
    """The windows of a unit at one image: fixed ones by filter, and contested ones; `lanes` behind its choice, with spare rows."""

    place: Array  # (O, windows + 1 + far outputs)
    row: Array
    count: Array  # (O,)
    contested: Array  # (n, 3): filter, window, row
    lanes: Array  # flat


@dataclass(frozen=True, eq=False)
class Elements:
    """Contested windows of one unit whose input is followed as outputs of their own."""

    first: Array  # (elements + 1,) where the outputs of each begin
    slack: Array  # (outputs,) z - m of each pixel
    rest: Array  # (elements,) -m with a ReLU, else -infinity
    windows: Array  # (elements, 2): filter, window


class ImageDifferences:
    """One image of a block.

    Parameters
    ----------
    network, units : Network, Units
    records : dict of Record
        Of the block.
    limits : dict of Array
        For each unit that nudges reach, twice the bound of its channels.
    n : int
        The image.
    constant : dict
        Lanes that are the same for all images of the block: kept here from one to the next.
    """

    def __init__(
        self,
        network: Network,
        units: Units,
        records: dict[str, Record],
        limits: dict[str, Array],
        n: int,
        constant: dict[Any, Array],
    ) -> None:
        self.network, self.units, self.records, self.limits, self.n = network, units, records, limits, n
        self.dtype, self.K = network.dtype, network.classes
        self._constant = constant
        self._elements = {unit.node.name: self._far(unit) for unit in units.all if unit.node.name in units.far}
        self.far_outputs = sum(len(each.slack) for each in self._elements.values())
        self.follows_far = self.far_outputs <= MOST_FAR
        self._sorted: dict[str, Sorted] = {}
        self.width = widest(self.dtype)

    def is_far(self, name: str) -> bool:
        """Return True if contested choices far away matter for a served unit."""
        return any(len(self._elements[unit.node.name].rest) for unit in self.units.served[name])

    # --- backwards ------------------------------------------------------------------------------------------------------------

    def backwards(self) -> Iterator[tuple[Unit, Sorted]]:
        """Go from the logits to the first served unit; at each served unit, tell it, and its windows and lanes."""
        outputs = self.K + (self.far_outputs if self.follows_far else 0)
        self.M = M = -(-outputs // self.width) * self.width
        lanes: dict[str, Array] = {}
        ones = np.zeros((self.K, M), self.dtype)
        ones[np.arange(self.K), np.arange(self.K)] = 1
        lanes[self.network.logits_name] = ones
        same = {self.network.logits_name} if self.far_outputs == 0 else set()  # the same for all images
        self._first_output = {}
        next_output = self.K
        for name, each in self._elements.items():
            self._first_output[name] = next_output
            next_output += len(each.slack)
        for unit in reversed(self.units.all):
            here = lanes.pop(unit.last, None)
            if here is None or unit.node.name not in self.units.needed:
                continue
            is_same = unit.last in same and unit.role == "linear" and not unit.chooses
            if unit.role == "other":
                parts = self._before_other(unit, here)
            else:
                found = self._sort(unit, here)
                if unit.node.name in self.units.served:
                    yield unit, found
                if not any(name in self.units.needed for name in unit.node.reads):
                    continue
                key = (unit.node.name, M)
                if is_same and key in self._constant:
                    parts = (self._constant[key],)
                else:
                    parts = (self._before(unit, found),)
                    if is_same:
                        self._constant[key] = parts[0]
                        same.add(unit.node.reads[0])
            for name, part in zip(unit.node.reads, parts, strict=True):
                if name in self.units.needed:
                    lanes[name] = lanes[name] + part if name in lanes else part

    def _sort(self, unit: Unit, lanes: Array) -> Sorted:
        """Return the windows of a unit by filter; the lanes get spare rows at their end if they have none."""
        made, n, M = self.records[unit.node.name], self.n, self.M
        O = made.y.shape[1] // len(made.pixels)
        numbers = made.y.shape[1]
        far = self._elements.get(unit.node.name)
        spare = O + (len(far.slack) if far is not None else 0)
        room = lanes.base if lanes.base is not None and lanes.base.size >= (numbers + spare) * M and lanes.base.ndim == 1 else None
        if room is None:
            room = np.empty((numbers + spare) * M, self.dtype)
            room[: numbers * M] = lanes.reshape(-1)
        windows = len(made.pixels) + 1 + (len(far.slack) if far is not None else 0)
        place, row, count = np.empty((O, windows), np.int64), np.empty((O, windows), np.int64), np.empty(O, np.int64)
        contested = np.empty((numbers, 3), np.int64)
        found = loops.sort_choices(
            made.winner[n], made.lead[n], self.limits[unit.node.name], made.blank[n], room, M, place, row, count, contested
        )
        self._sorted[unit.node.name] = Sorted(place, row, count, contested[:found], room)
        return self._sorted[unit.node.name]

    def _before(self, unit: Unit, found: Sorted) -> Array:
        """Return the lanes at what a unit reads, from those behind its choice: (numbers, M), with room for spare rows."""
        made, M, node = self.records[unit.node.name], self.M, unit.node
        count = self._with_ones(unit, found)
        O = len(count)
        numbers = made.images.shape[1]
        if unit.role == "convolution":
            before = np.zeros(numbers * M, self.dtype)
            conv: Any = node.layer
            link = Convolution(node)
            shape = self.network.shape_of[node.reads[0]]
            each = O // conv.groups
            for g, patches in enumerate(link.plan_of((1, *shape)).groups):
                own = slice(g * each, (g + 1) * each)
                w = np.ascontiguousarray(conv.W[..., own].reshape(patches.size, each).T).reshape(-1)
                loops.lanes_before_convolution(
                    *(self._tile(patches), w, patches.origin.ravel(), patches.runs, patches.length),
                    *(found.place[own], found.row[own], count[own], found.lanes, M, before),
                )
            (p, q), (H, W, C) = conv.padding, shape
            if (p, q) == (0, 0):
                return before.reshape(-1, M)
            return np.ascontiguousarray(crop(before.reshape(1, H + 2 * p, W + 2 * q, C * M), (p, q))).reshape(-1, M)
        at_z = found.lanes[: made.y.shape[1] * M].reshape(-1, M)
        moving = np.arange(O)
        if unit.chooses or node.name in self.units.far:
            at_z = np.zeros((made.z.shape[1], M), self.dtype)
            loops.lanes_before_choice(made.winner[self.n], found.place, found.row, count, found.lanes, M, at_z.reshape(-1))
            moving = np.flatnonzero(count)
        if unit.role == "choice":
            return at_z
        layer: Any = node.layer
        C = self._channels_before(node.reads[0])
        before = np.empty((numbers + C + 4 * self.width) * M, self.dtype)
        rows = 12 if registers() == 32 else 8
        tile = Tile(rows if layer.W.size > LITTLE else 4, 1, self.width, self.dtype)
        loops.lanes_before_linear(tile, np.ascontiguousarray(layer.W).reshape(-1), at_z.reshape(-1), moving, M, before)
        return before[: numbers * M].reshape(-1, M)

    def _before_other(self, unit: Unit, lanes: Array) -> tuple[Array, ...]:
        """Return the lanes at what another linear layer reads: by its own backward, with the lanes as images."""
        node, M = unit.node, self.M
        shapes = [self.network.shape_of[name] for name in node.reads]
        if node.layer.kind == "Flatten":
            return (lanes,)
        layer = node.layer.for_images(slice(self.n, self.n + 1))
        gy = np.ascontiguousarray(lanes.T).reshape(M, *self.network.shape_of[node.name])
        x = tuple(np.zeros((M, *shape), self.dtype) for shape in shapes)
        gx, _ = layer.backward(x if node.layer.joins else x[0], gy)
        return tuple(np.ascontiguousarray(part.reshape(M, -1).T) for part in (gx if node.layer.joins else (gx,)))

    def _channels_before(self, name: str) -> int:
        """Return spare rows for the unit whose output a row of numbers is made of."""
        return max((len(made.y[0]) // len(made.pixels) for made in self.records.values()), default=0)

    def _tile(self, patches: Patches) -> Tile:
        """Return the tile for numbers of a patch, and lanes."""
        length = patches.length
        if patches.size * patches.windows <= LITTLE:
            return Tile(4 if length >= 4 else 1, 1, self.width, self.dtype)
        most = registers() - 4
        rows = next(n for n in (24, 16, 12, 10, 8, 5, 4, 3, 1) if n <= min(most, length) and (length % n == 0 or n == 1))
        return Tile(rows, 1, self.width, self.dtype)

    # --- nudges of a convolution ----------------------------------------------------------------------------------------------

    def nudges(self, unit: Unit, found: Sorted, step: Any) -> Iterator[tuple[int, int, int, Array]]:
        """Work out dz for the nudges of a convolution by `step`: for some filters of a group at a time, group, first, last, dz."""
        made, n, M, node = self.records[unit.node.name], self.n, self.M, unit.node
        conv: Any = node.layer
        each = len(conv.b) // conv.groups
        for g, patches in enumerate(Convolution(node).plan_of((1, *self.network.shape_of[node.reads[0]])).groups):
            own = slice(g * each, (g + 1) * each)
            origin, nudges = patches.origin.ravel(), patches.size + 1
            at_once = max(1, DZ_NUMBERS // (nudges * M))
            contested = found.contested
            if conv.groups > 1:
                contested = contested[(contested[:, 0] >= own.start) & (contested[:, 0] < own.stop)]
            for low in range(own.start, own.stop, at_once):
                high = min(low + at_once, own.stop)
                dz = np.empty((high - low) * nudges * M, self.dtype)
                geometry = (made.images[n], origin, patches.runs, patches.length)
                chosen = (made.z[n], made.pixels, len(conv.b), unit.relu, made.y[n])
                loops.filter_nudges(
                    *(self._tile(patches), *geometry, found.place, found.row, found.count, found.lanes, M, step, low, high, dz)
                )
                if len(contested):
                    loops.contested_nudges(
                        *(*geometry, *chosen, contested, len(contested), found.lanes, M, step, low, high, dz)
                    )
                self._next(unit, geometry, chosen, step, low, high, dz)
                self._finish(unit, dz)
                yield g, low, high, dz

    def _next(self, unit: Unit, geometry: Any, chosen: Any, step: Any, low: int, high: int, dz: Array) -> None:
        """Add what the nudges make through contested windows behind the next convolution."""
        later = self.units.next.get(unit.node.name)
        if later is None or not len(self._sorted[later.node.name].contested):
            return
        after, conv, made = self._sorted[later.node.name], later.node.layer, self.records[later.node.name]
        shape = self.network.shape_of[unit.last]
        patches = Convolution(later.node).plan_of((1, *shape)).groups[0]
        taps, pixel_of = _taps(conv, shape)
        w = np.ascontiguousarray(conv.W.reshape(-1, shape[2], len(conv.b)).transpose(1, 0, 2))
        loops.next_choices(
            *(*geometry, *chosen, step, low, high, patches.origin.ravel() // shape[2], taps, pixel_of, w),
            *(made.z[self.n], made.pixels, len(conv.b), later.relu, made.y[self.n]),
            *(after.contested, len(after.contested), after.lanes, self.M, dz),
        )

    # --- contested choices far away -------------------------------------------------------------------------------------------

    def _far(self, unit: Unit) -> Elements:
        """Return the contested windows of a unit, blank ones once."""
        made, n = self.records[unit.node.name], self.n
        O = made.y.shape[1] // len(made.pixels)
        contested = ~(made.lead[n].reshape(-1, O) > self.limits[unit.node.name])
        blank = np.flatnonzero(made.blank[n])
        contested[blank[1:]] = False
        windows = np.argwhere(contested)  # (window, filter)
        m = made.y[n].reshape(-1, O)[windows[:, 0], windows[:, 1]]
        pixels = made.pixels[windows[:, 0]]
        slack = made.z[n].reshape(-1, O)[pixels, windows[:, 1:]] - m[:, None]
        first = np.arange(len(windows) + 1) * made.pixels.shape[1]
        rest = -m if unit.relu else np.full(len(m), -np.inf, m.dtype)
        return Elements(first, slack.reshape(-1), rest, windows[:, ::-1])

    def _with_ones(self, unit: Unit, found: Sorted) -> Array:
        """Add a row of ones for each output that a contested window of the unit reads; return how many rows each filter has now."""
        far = self._elements.get(unit.node.name)
        if far is None or not len(far.slack) or not self.follows_far:
            return found.count
        count, made = found.count.copy(), self.records[unit.node.name]
        M, O, size = self.M, len(found.count), made.pixels.shape[1]
        spare = made.y.shape[1] + O
        output = self._first_output[unit.node.name]
        for e, (o, q) in enumerate(far.windows):
            for k in range(size):
                number = e * size + k
                found.lanes[(spare + number) * M : (spare + number + 1) * M] = 0
                found.lanes[(spare + number) * M + output + number] = 1
                found.place[o, count[o]], found.row[o, count[o]] = made.pixels[q, k], spare + number
                count[o] += 1
        return count

    def _finish(self, unit: Unit, dz: Array) -> None:
        """Add what goes through contested choices far away, in the order of the graph."""
        for later in self.units.served[unit.node.name]:
            far = self._elements[later.node.name]
            if not len(far.rest):
                continue
            after, made = self._sorted[later.node.name], self.records[later.node.name]
            O, M = len(after.count), self.M
            rows = far.windows[:, 1] * O + far.windows[:, 0]
            blank = made.blank[self.n][far.windows[:, 1]]
            rows = np.where(blank, made.y.shape[1] + far.windows[:, 0], rows)
            gains = after.lanes[: (made.y.shape[1] + O) * M].reshape(-1, M)[rows]
            loops.far_choices(dz, M, far.first + self._first_output[later.node.name], far.slack, far.rest, gains)


def _taps(conv: Any, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Return the place of each tap of a kernel in the padded image, and the pixel at each place of it, -1 in the padding."""
    (p, q), (H, W) = conv.padding, shape[:2]
    across = W + 2 * q
    taps = np.add.outer(np.arange(conv.kernel[0]) * conv.dilation[0] * across, np.arange(conv.kernel[1]) * conv.dilation[1])
    pixel_of = np.full((H + 2 * p, across), -1, np.int64)
    pixel_of[p : p + H, q : q + W] = np.arange(H * W).reshape(H, W)
    return taps.ravel(), pixel_of.ravel()
