"""Units prepared for a block of images: values that are the same for all images are computed once."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from handmade.compiled.differences.records import Record
from handmade.compiled.differences.units import Unit, Units
from handmade.compiled.fused import Convolution
from handmade.compiled.patches import Patches, Readers, readers_of
from handmade.compiled.tiles import Tile
from handmade.compiled.vectors import registers, widest
from handmade.engine.arrays import Array, Shape
from handmade.engine.network import Network

LITTLE = 2**12  # numbers of a patch times windows, up to which a convolution is small


@dataclass(frozen=True, eq=False)
class Group:
    """Group of a convolution.

    Attributes
    ----------
    low, high : int
        Range of its filters.
    tile : Tile
        Tile of numbers of a patch times lanes.
    across, goes_across : Tile, bool
        Tile of outputs times numbers of a patch, and True if it is used.
    origin, runs, length : Array, Array, int
        Patches of the group (patches.py).
    windows : tuple of int
        Number of windows of an image, and of a row of it.
    w : Array, (O * patch,)
        Weights of its filters, one filter after the other.
    """

    low: int
    high: int
    tile: Tile
    across: Tile
    goes_across: bool
    origin: Array
    runs: Array
    length: int
    windows: tuple[int, int]
    w: Array

    @property
    def size(self) -> int:
        """Number of values in a patch."""
        return len(self.runs) * self.length

    @property
    def nudges(self) -> int:
        """Number of weights of a filter, its bias included."""
        return self.size + 1


@dataclass(frozen=True, eq=False)
class Next:
    """Convolution after a convolution whose nudges include its contested windows.

    Attributes
    ----------
    name : str
        Name of its node.
    origin : Array, (windows,)
        First pixel of each window in the padded image.
    taps : Array, (K_h K_w,)
        Offsets of the pixels of a window from its first pixel.
    pixel_of : Array
        Index of the pixel in the image for each pixel of the padded image; -1 outside.
    w : Array, (channels, O, K_h K_w)
        Its weights.
    """

    name: str
    origin: Array
    taps: Array
    pixel_of: Array
    w: Array


@dataclass(frozen=True, eq=False)
class Prepared:
    """Unit with a convolution, a linear layer or a choice, for a block of images.

    Attributes
    ----------
    unit : Unit
    made : Record
    channels : int
        Number of channels of its output.
    limit, limit_before : Array, (channels,)
        Lead up to which a window is contested, for all nudges, and for those of earlier layers.
    row, square : Tile
        Tile of one vector of lanes or nudges; tile of one vector of lanes for each nudge of a vector.
    groups : tuple of Group
        Groups of a convolution.
    readers : tuple of Readers
        Windows of a convolution that read each row and each column of its image.
    next : Next or None
        Next convolution.
    W : Array or None
        Weights of a linear layer, flat.
    tile : Tile or None
        Tile of inputs of a linear layer times lanes.
    """

    unit: Unit
    made: Record
    channels: int
    limit: Array
    limit_before: Array
    row: Tile
    square: Tile
    groups: tuple[Group, ...] = ()
    readers: tuple[Readers, ...] = ()
    next: Next | None = None
    W: Array | None = None
    tile: Tile | None = None

    @property
    def layer(self) -> Any:
        """Layer of its node."""
        return self.unit.node.layer

    @property
    def no_filters(self) -> Array:
        """Weights in the place of a missing next convolution: an empty array."""
        return np.zeros((0, 0, 0), self.made.y.dtype)


def prepared(network: Network, units: Units, unit: Unit, made: Record, limits: tuple[Array, Array]) -> Prepared:
    """Return a prepared unit."""
    layer: Any = unit.node.layer
    channels, dtype = made.y.shape[1] // len(made.pixels), made.y.dtype
    wide = widest(dtype)
    tiles = Tile(1, 1, wide, dtype), Tile(wide, 1, wide, dtype)
    if unit.role == "convolution":
        shape = network.shape_of[unit.node.reads[0]]
        plan = Convolution(unit.node).plan(shape, dtype)
        K = network.shape_of[network.logits_name][0]
        groups = tuple(_group(layer, g, patches, K, dtype) for g, patches in enumerate(plan.groups))
        later = units.next.get(unit.node.name)
        following = None if later is None else _next(later, network.shape_of[unit.last], dtype)
        return Prepared(unit, made, channels, *limits, *tiles, groups, readers_of(shape, layer.geometry), following)
    if unit.role == "linear":
        rows = 1 if layer.W.size <= LITTLE else 24 if registers() == 32 else 12
        tile = Tile(rows, 1, widest(dtype), dtype)
        return Prepared(unit, made, channels, *limits, *tiles, W=np.ascontiguousarray(layer.W).reshape(-1), tile=tile)
    return Prepared(unit, made, channels, *limits, *tiles)


def _group(conv: Any, g: int, patches: Patches, K: int, dtype: Any) -> Group:
    each = len(conv.b) // conv.groups
    low, high = g * each, (g + 1) * each
    w = np.ascontiguousarray(conv.W[..., low:high].reshape(patches.size, each).T).reshape(-1)
    across = across_tile(patches, K, dtype)
    return Group(
        *(low, high, _tile(patches, dtype), across or _smallest(dtype), across is not None),
        *(patches.origin.reshape(-1), patches.runs, patches.length, (patches.windows, patches.origin.shape[1]), w),
    )


def across_tile(patches: Patches, K: int, dtype: Any) -> Tile | None:
    """Return the tile of outputs times numbers of a patch; None if tiles of lanes waste less, or the convolution is small.

    It is not wider than a run, and has no more rows than there are outputs. Two vectors need fewer loads for each product. With
    16 registers, they are used even if the last tile of a run computes up to an eighth of the run again.
    """
    width, outputs = widest(dtype), next((n for n in (10, 5) if n <= K), 1)
    lanes, used = -(-K // width) * width, -(-K // outputs) * outputs
    if patches.size * patches.windows <= LITTLE or patches.length < width or outputs == 1 or used >= lanes:
        return None
    one, two = (-(-patches.length // n) * n for n in (width, 2 * width))
    rows, most = (outputs, one) if registers() == 32 else (5, one * 9 // 8)
    if patches.length >= 2 * width and two <= most:  # a tile that is wider than a run would begin before it
        return Tile(rows, 2, width, dtype)
    return Tile(outputs, 1, width, dtype)


def before_tile(group: Group, seen: int, M: int, dtype: Any) -> Tile:
    """Return the tile of channels times lanes, for M lanes before a convolution that reads `seen` channels."""
    lanes = M // widest(dtype)
    if group.size * group.windows[0] <= LITTLE:
        return _smallest(dtype)
    vectors = 2 - lanes % 2
    most = min(seen, registers() // vectors - 2)
    rows = min((n for n in (24, 16, 12, 8, 6, 5, 4, 1) if n <= most), key=lambda n: -(-seen // n) * (n + 1))
    return Tile(rows, vectors, widest(dtype), dtype)


def _smallest(dtype: Any) -> Tile:
    return Tile(1, 1, widest(dtype), dtype)


def _tile(patches: Patches, dtype: Any) -> Tile:
    """Return the tile of numbers of a patch times lanes."""
    length = patches.length
    if patches.size * patches.windows <= LITTLE:
        return _smallest(dtype)
    rows = next(n for n in (24, 16, 12, 8, 5, 4, 3, 1) if n <= min(registers() - 4, length) and (length % n == 0 or n == 1))
    return Tile(rows, 1, widest(dtype), dtype)


def _next(later: Unit, shape: Shape, dtype: Any) -> Next:
    conv: Any = later.node.layer
    ((top, bottom), (left, right)), (H, W, C) = conv.geometry.sides, shape
    across = left + W + right
    taps = np.add.outer(np.arange(conv.kernel[0]) * conv.dilation[0] * across, np.arange(conv.kernel[1]) * conv.dilation[1])
    pixel_of = np.full((top + H + bottom, across), -1, np.int64)
    pixel_of[top : top + H, left : left + W] = np.arange(H * W).reshape(H, W)
    w = np.ascontiguousarray(conv.W.reshape(-1, C, len(conv.b)).transpose(1, 2, 0))
    origin = Convolution(later.node).plan(shape, dtype).groups[0].origin.reshape(-1) // C
    return Next(later.node.name, origin, taps.reshape(-1), pixel_of.reshape(-1), w)
