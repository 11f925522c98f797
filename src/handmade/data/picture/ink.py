"""Amount of ink of each pixel: 0 on paper, 1 on strokes, between them on edges.

amount = (depth - floor) / (contrast - floor), cut to 0 ... 1

contrast is the median depth of the strokes, floor is the level of the paper with its noise.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from handmade.data.picture.light import peak_of
from handmade.engine.arrays import Array

LEAST_INNER = 0.3  # of the longest piece of a region: a digit is as long


@dataclass(frozen=True, eq=False)
class Ink:
    """Ink of a picture.

    Attributes
    ----------
    amount
        (H, W) float64: 0 on paper, 1 on ink, between them on edges.
    contrast
        Difference of strokes and paper, 0 to 1.
    noise
        Standard deviation of the paper, 0 to 1.
    """

    amount: NDArray[np.float64]
    contrast: float
    noise: float


def amount_of_ink(depth: Array) -> Ink:
    """Measure the levels of strokes and paper, and scale them to 1 and 0.

    Parameters
    ----------
    depth
        (H, W) float64: distance of each pixel from its paper, 0 to 1.
    """
    half = peak_of(depth) / 2
    strokes = depth[depth > half]
    if not strokes.size:
        return Ink(np.zeros(depth.shape), 0.0, 0.0)
    contrast = float(np.median(strokes))
    blank = depth[depth < contrast / 2]
    level = float(np.median(blank)) if blank.size else 0.0
    noise = 1.4826 * float(np.median(np.abs(blank - level))) if blank.size else 0.0  # standard deviation of normal noise
    floor = min(level + 2 * noise, contrast / 2)
    return Ink(np.clip((depth - floor) / (contrast - floor), 0, 1), contrast, noise)


def inner(amount: Array, kept: NDArray[np.bool] | None = None) -> Array:
    """Return the amount of ink without all that touches the edge of the picture, or of a region.

    Parameters
    ----------
    amount
        (H, W) float64.
    kept
        (H, W) bool: the region; None for the whole picture.
    """
    from scipy import ndimage  # noqa: PLC0415  an optional library

    labels, _ = ndimage.label(amount > 0.5, np.ones((3, 3)))
    if kept is None:
        edges = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    else:
        edges = np.unique(labels[ndimage.binary_dilation(~kept, iterations=2)])
        lengths = [max(side.stop - side.start for side in box) for box in ndimage.find_objects(labels)]
        outer_lengths = [length for number, length in enumerate(lengths, 1) if number in edges]
        longest = max((length for number, length in enumerate(lengths, 1) if number not in edges), default=0)
        if longest < LEAST_INNER * max(lengths, default=0) or any(0.5 * longest < one < 2 * longest for one in outer_lengths):
            return amount  # the digit itself, or another one, may be cut
    outer = ndimage.binary_dilation(np.isin(labels, edges[edges > 0]), np.ones((3, 3)))  # with the blurred edges of strokes
    return np.where(outer, 0, amount)
