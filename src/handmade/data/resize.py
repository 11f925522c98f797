"""Pictures made smaller or larger by area averaging.

out[i, j] = sum over r, c of overlap(i, r) overlap(j, c) in[r, c], over the area of a cell

Every pixel gives each cell the share of it that lies in there: nothing between two cells is lost, so edges come out smooth.
"""

import numpy as np

from handmade.engine.arrays import Array, Shape


def area_average(picture: Array, shape: Shape) -> Array:
    """Resize a picture to (height, width) cells.

    Parameters
    ----------
    picture
        (H, W), any real dtype.

    Returns
    -------
    Array
        `shape`, float64; its mean is that of `picture`.
    """
    rows, columns = (_overlaps(old, new) for old, new in zip(picture.shape, shape, strict=True))
    averaged: Array = rows @ picture @ columns.T
    return averaged


def shrunk(picture: Array, most: int) -> Array:
    """Average whole blocks of pixels until no side is longer than `most`; a picture that is small enough comes back as it is.

    It needs no copy of a large picture, of any dtype; the blocks at the far edges may be cut.
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
    """How much of each pixel lies in each cell, as a share of the cell, (new, old)."""
    edges = np.arange(new + 1) * (old / new)
    pixels = np.arange(old)
    inside = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)  # below 0 where they are apart
    overlaps: Array = np.maximum(inside, 0) * (new / old)
    return overlaps
