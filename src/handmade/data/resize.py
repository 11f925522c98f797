"""Resizing of pictures by area averaging.

out[i, j] = sum over r, c of overlap(i, r) overlap(j, c) in[r, c], over the area of a cell

Every pixel contributes to each cell by the area of their overlap. So no pixel is lost between two cells, and edges stay smooth.
"""

import numpy as np

from handmade.engine.arrays import Array, Shape


def area_average(picture: Array, shape: Shape) -> Array:
    """Resize a picture, or each of several, to (height, width) cells.

    Parameters
    ----------
    picture
        (H, W) or (..., H, W), any real dtype.

    Returns
    -------
    Array
        Array of shape (..., *shape), float64, with the mean of `picture`.
    """
    rows, columns = (_overlaps(old, new) for old, new in zip(picture.shape[-2:], shape, strict=True))
    averaged: Array = rows @ picture @ columns.T
    return averaged


def shrunk(picture: Array, most: int) -> Array:
    """Average square blocks of pixels so that no side is longer than `most`; return a small picture unchanged.

    A large picture of any dtype is not copied. Blocks at the lower and right edges may be smaller.
    """
    block = -(-max(picture.shape) // most)
    if block == 1:
        return picture
    sums = picture
    sizes = []
    for axis, side in enumerate(picture.shape):
        starts = np.arange(0, side, block)
        sums = np.add.reduceat(sums, starts, axis=axis, dtype=np.float64)
        sizes.append(np.diff(starts, append=side))
    blocks: Array = sums / np.multiply.outer(*sizes)
    return blocks


def _overlaps(old: int, new: int) -> Array:
    """Return the overlap of each cell and each pixel, as a share of the cell: (new, old)."""
    edges = np.arange(new + 1) * (old / new)
    pixels = np.arange(old)
    inside = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)  # negative without overlap
    overlaps: Array = np.maximum(inside, 0) * (new / old)
    return overlaps
