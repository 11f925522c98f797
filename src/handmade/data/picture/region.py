"""Region of a picture alone: what is outside of it becomes paper.

paper(x) = sum over y of w(x - y) grey(y), over the sum of w(x - y), y in the region and w the Gaussian function

Source: H. Knutsson, C.-F. Westin, "Normalized and differential convolution", CVPR (1993).
"""

import numpy as np
from numpy.typing import NDArray

from handmade.engine.arrays import Array

INSET = 0.025  # of the shorter side of the sheet: rim that is cut off
SPREADS, LEAST_WEIGHT = (0.02, 0.06, 0.18), 0.02  # of the longer side: paper is continued by means of this spread


def paper_alone(grey: Array, inside: NDArray[np.bool], *, smooth: bool = False) -> tuple[Array, NDArray[np.bool], Array]:
    """Return the box of a region without its rim, a mask of the region in it, and the transform to the picture.

    Outside of the region, the paper near it goes on.

    Parameters
    ----------
    grey
        (H, W) float64.
    inside
        (H, W) bool: the region.
    smooth
        True to continue the paper by means, without streaks; False by the nearest pixels, so that lines go on.
    """
    from scipy import ndimage  # noqa: PLC0415  an optional library

    depth = ndimage.distance_transform_edt(np.pad(inside, 1, mode="edge"))[1:-1, 1:-1]
    inset = max(2.0, INSET * 2 * np.sqrt(inside.sum()))
    kept = depth > min(inset, depth.max() / 2)
    rows, columns = (np.flatnonzero(kept.any(axis=axis)) for axis in (1, 0))
    top, left = int(rows[0]), int(columns[0])
    near = slice(top, int(rows[-1]) + 1), slice(left, int(columns[-1]) + 1)
    if smooth:
        beyond = _continued(grey[near], kept[near])
    else:
        at = ndimage.distance_transform_edt(~kept[near], return_distances=False, return_indices=True)
        beyond = ndimage.uniform_filter(grey[near], 5, mode="nearest")[tuple(at)]
    picture = np.where(kept[near], grey[near], beyond)
    return picture, kept[near], np.array([[1.0, 0, left], [0, 1.0, top], [0, 0, 1.0]])


def _continued(grey: Array, kept: NDArray[np.bool]) -> Array:
    """Return a smooth picture that continues the paper of a region: means of the nearest parts of it."""
    from scipy import ndimage  # noqa: PLC0415  an optional library

    filled = np.zeros(grey.shape)
    rest = ~kept
    for spread in SPREADS:
        weights = ndimage.gaussian_filter(kept.astype(np.float64), spread * max(grey.shape), mode="nearest", truncate=3)
        sums = ndimage.gaussian_filter(np.where(kept, grey, 0), spread * max(grey.shape), mode="nearest", truncate=3)
        near = rest & (weights > LEAST_WEIGHT)
        filled[near] = sums[near] / weights[near]
        rest &= ~near
    at = ndimage.distance_transform_edt(rest, return_distances=False, return_indices=True)
    continued: Array = filled[tuple(at)] if rest.any() else filled
    return continued
