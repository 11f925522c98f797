"""Patches of a convolution: the index at which each of them begins in an image, and the offsets of its runs of numbers.

A patch of an image (H, W, C), as a row of numbers, consists of K_h runs of K_w C contiguous numbers. If the columns of the
kernel are dilated, or it reads a part of the channels, it consists of K_h K_w runs of C / groups numbers.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from handmade.compiled.tiles import Tile
from handmade.compiled.vectors import registers, widest
from handmade.engine.arrays import Array, Shape
from handmade.engine.layers.geometry import Geometry

Places: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Patches:
    """Patches of one group of a convolution.

    Attributes
    ----------
    origin : Array of int, (H', W')
        Index of the first number of the patch of each window, in the padded image.
    across : int
        Distance of one window from the next one in its row, in numbers.
    runs : Array of int, (runs,)
        Offset of the first number of each run from the origin.
    length : int
        Number of values in a run.
    even : bool
        True if the runs have equal distances.
    """

    origin: Places
    across: int
    runs: Places
    length: int
    even: bool

    @property
    def size(self) -> int:
        """Number of values in a patch."""
        return len(self.runs) * self.length

    @property
    def windows(self) -> int:
        """Number of windows of an image."""
        return self.origin.size


@lru_cache(maxsize=256)
def patches_of(shape: Shape, geometry: Geometry, groups: int) -> tuple[Patches, ...]:
    """Return the patches of each group for images of `shape`, (H, W, C)."""
    across, C = shape[1] + sum(geometry.sides[1]), shape[2]
    (down, right), kernel, dilation = geometry.count(shape), geometry.window, geometry.dilation
    rows, columns = np.arange(down) * geometry.stride[0], np.arange(right) * geometry.stride[1]
    origin = (rows[:, None] * across + columns) * C
    seen = C // groups
    below = np.arange(kernel[0]) * dilation[0] * across * C
    if dilation[1] == 1 and groups == 1:
        runs, length = below, kernel[1] * C
    else:
        runs, length = (below[:, None] + np.arange(kernel[1]) * dilation[1] * C).ravel(), seen
    even = len(set(np.diff(runs).tolist())) <= 1
    step = geometry.stride[1] * C
    return tuple(Patches(np.ascontiguousarray(origin + g * seen), step, runs, length, even) for g in range(groups))


@dataclass(frozen=True, eq=False)
class Readers:
    """Windows that read each place of an axis of an image, with padding left out.

    Attributes
    ----------
    begin : Array of int, (places + 1,)
        Index of the first reader of each place.
    window : Array of int, (readers,)
        Window along the axis.
    tap : Array of int, (readers,)
        Place of the kernel at which the window reads: a column, or the first place of a row. Their sum is the place in a patch.
    """

    begin: Places
    window: Places
    tap: Places


@lru_cache(maxsize=256)
def readers_of(shape: Shape, geometry: Geometry) -> tuple[Readers, Readers]:
    """Return the readers of each row and of each column of images of `shape`, (H, W, ...)."""
    found = []
    for axis, between in ((0, geometry.window[1]), (1, 1)):
        places = geometry.along(axis, shape[axis])
        window, tap = np.nonzero((places >= 0) & (places < shape[axis]))
        read = places[window, tap]
        order = np.argsort(read, kind="stable")
        found.append(Readers(np.searchsorted(read[order], np.arange(shape[axis] + 1)), window[order], tap[order] * between))
    return found[0], found[1]


@lru_cache(maxsize=256)
def pooling_windows(shape: Shape, geometry: Geometry) -> NDArray[np.int32]:
    """Return the indices of the pixels of each window, row by row, for images of `shape` (H, W, ...): (windows, pixels).

    Places outside the image are replaced by the nearest pixel of the same window: it changes no maximum.
    """
    rows, columns = (_inside(geometry.along(axis, shape[axis]), shape[axis]) for axis in (0, 1))
    pixels = rows[:, None, :, None] * shape[1] + columns[None, :, None, :]
    return np.ascontiguousarray(pixels.reshape(pixels.shape[0] * pixels.shape[1], -1), np.int32)


def _inside(places: Places, size: int) -> Places:
    """Return the places of windows along one axis; those outside the image are replaced by the first or last one inside it."""
    inside = (places >= 0) & (places < size)
    first = np.where(inside, places, size).min(axis=1, keepdims=True)
    last = np.where(inside, places, -1).max(axis=1, keepdims=True)
    return np.clip(places, first, last)


# --- shapes of tiles ------------------------------------------------------------------------------------------------------------
# Each shape of a tile is compiled separately. So there are few of them: all small layers use the same one, and large layers the
# best one of a short list.

LITTLE = 2**15  # products for one image, up to which a layer is small


def forward_tile(patches: Patches, filters: int, dtype: np.dtype[Any]) -> Tile:
    """Return the tile for a convolution: windows of a row times filters, whose number is a multiple of 4."""
    windows = patches.origin.shape[1]
    if patches.size * patches.windows * filters <= LITTLE:
        return Tile(4 if windows >= 4 else 1, 1, min(4, widest(dtype)), dtype)
    vectors, width = _vectors(filters, dtype)
    most = (registers() - vectors - 1) // vectors  # registers for a row of filters and a pixel
    rows = min((n for n in (14, 13, 10, 6, 4, 1) if n <= min(most, windows)), key=lambda n: -(-windows // n) * (n + 1))
    return Tile(rows, vectors, width, dtype)


def patch_tile(patches: Patches, filters: int, dtype: np.dtype[Any]) -> Tile:
    """Return the tile for a part of a patch: some runs, and numbers of each; loops over single numbers process the rest."""
    little = patches.size * patches.windows * filters <= LITTLE
    width = min(4, widest(dtype)) if little else max(_widest_divisor(patches.length, dtype), min(4, widest(dtype)))
    vectors = 1 if little else max((n for n in (1, 2, 3, 4, 6) if patches.length % (n * width) == 0), default=1)
    runs = len(patches.runs)
    rows = runs if patches.even and runs in {3, 5} and runs * vectors <= registers() * 3 // 4 and not little else 1
    return Tile(rows, vectors, width, dtype)


def filter_tile(patches: Patches, filters: int, dtype: np.dtype[Any]) -> Tile:
    """Return the tile for numbers of a short patch times filters, whose number is a multiple of 4."""
    if patches.size * patches.windows * filters <= LITTLE // 8:
        return Tile(1, 1, min(4, widest(dtype)), dtype)
    vectors, width = _vectors(filters, dtype)
    most = (registers() - vectors - 1) // vectors
    return Tile(max(n for n in (1, 3, 4, 5, 9) if patches.size % n == 0 and n <= most), vectors, width, dtype)


def channel_tile(channels: int, numbers: int, dtype: np.dtype[Any]) -> Tile:
    """Return the tile for channels of a pixel; loops over single channels process the rest. `numbers`: pixels of an image."""
    if channels * numbers <= LITTLE // 8:
        return Tile(1, 1, min(4, widest(dtype)), dtype)
    width = max(_widest_divisor(channels, dtype), min(4, widest(dtype)))
    return Tile(1, next(n for n in (4, 2, 1) if channels // width % n == 0), width, dtype)


def padded(filters: int) -> int:
    """Return the number of filters, with the zero filters that fill the last vector."""
    return -(-filters // 4) * 4


def with_zero_filters(w: Array) -> Array:
    """Return filters (on the last axis) with zero filters that fill the last vector; contiguous."""
    more = padded(w.shape[-1]) - w.shape[-1]
    return np.pad(w, [(0, 0)] * (w.ndim - 1) + [(0, more)]) if more else np.require(w, requirements=["C", "ALIGNED", "WRITEABLE"])


def _vectors(filters: int, dtype: np.dtype[Any]) -> tuple[int, int]:
    """Return the number of vectors in a row, one or two, and of numbers in a vector; such rows divide the filters evenly."""
    width = _widest_divisor(filters, dtype)
    return 2 - (filters // width) % 2, width


def _widest_divisor(numbers: int, dtype: np.dtype[Any]) -> int:
    return next(n for n in (16, 8, 4, 2, 1) if n <= widest(dtype) and numbers % n == 0)
