"""Connected components of a mask, found row by row: runs of pixels that touch a run of the previous row are joined.

Source: A. Rosenfeld, J. L. Pfaltz, "Sequential operations in digital picture processing", J. ACM 13 (1966).
"""

import numpy as np
from numpy.typing import NDArray

from handmade.engine.arrays import Array


def connected_components(mask: Array, *, corners: bool) -> NDArray[np.int64]:
    """Label the connected components of a mask.

    Parameters
    ----------
    mask
        (H, W) bool.
    corners
        True if pixels that share only a corner are connected.

    Returns
    -------
    Array
        (H, W) int64: 0 outside the mask, 1, 2, ... in the components, in the order of their first pixels.
    """
    height, width = mask.shape
    padded = np.zeros((height, width + 2), np.int8)
    padded[:, 1:-1] = mask
    steps = np.diff(padded, axis=1)
    rows, starts = np.nonzero(steps == 1)  # runs, from row to row
    ends = np.nonzero(steps == -1)[1]  # index after the last pixel
    first = np.searchsorted(rows, np.arange(height + 1)).tolist()  # first run of each row
    parents = list(range(len(rows)))
    reach = int(corners)
    for row in range(1, height):
        above, run = first[row - 1], first[row]
        while above < first[row] and run < first[row + 1]:
            if starts[above] < ends[run] + reach and starts[run] < ends[above] + reach:
                _join(parents, above, run)
            if ends[above] < ends[run]:
                above += 1
            else:
                run += 1
    roots = np.array([_root(parents, run) for run in range(len(parents))], np.int64)
    numbers = np.unique(roots, return_inverse=True)[1] + 1
    labels = np.zeros((height, width), np.int64)
    labels[mask] = np.repeat(numbers, ends - starts)
    return labels


def count_holes(mask: Array, least: float) -> int:
    """Return the number of holes with at least `least` pixels: components of the background that do not reach the edge."""
    outside = connected_components(np.pad(~mask, 1, constant_values=True), corners=False)
    sizes = np.bincount(outside.ravel())[2:]  # 0 is the mask, 1 is the background that reaches the edge
    return int((sizes >= least).sum())


def _root(parents: list[int], run: int) -> int:
    while parents[run] != run:
        parents[run] = run = parents[parents[run]]
    return run


def _join(parents: list[int], one: int, other: int) -> None:
    one, other = _root(parents, one), _root(parents, other)
    parents[max(one, other)] = min(one, other)
