"""Even light: the paper behind the ink, and the picture divided by it.

paper = morphological closing of the picture: every valley that is narrower than the window is filled
depth = 1 - picture / paper   for dark ink;   picture - paper   for light ink

A closing keeps steps. So the edge of a shadow, of a sheet or of a spot of light stays a step of the paper, and is no ink, as long as
both of its sides are wider than the window. The window is the smallest one that is wider than the strokes.

Source: J. Serra, "Image Analysis and Mathematical Morphology" (1982).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from handmade.engine.arrays import Array

WIDEST = 1 / 4  # of the longer side: radius of the largest window
STEPS = 6  # windows that are tried; each is 1.5 times as wide as the one before
GROWTH = 1.12  # of the area of ink: below it, a window that is twice as wide finds no more ink
SIMILAR = 0.75  # of the greatest depth: a window that finds less has missed the ink
DIM = 0.1  # of white: differences between much darker pixels are ignored
STEEP = 0.5  # of the steepest step: larger steps may be edges of strokes
DARKEST_PAPER = 0.2  # darker paper is not divided by
OUTLIERS = 0.001  # share of pixels that may be darker than the ink


@dataclass(frozen=True, eq=False)
class Light:
    """Picture in even light.

    Attributes
    ----------
    depth
        (H, W) float64: distance of each pixel from its paper; 0 is paper, 1 is black ink on white paper.
    paper
        (H, W) float64: brightness of the paper, 0 to 1.
    light
        True if the ink is lighter than the paper.
    """

    depth: NDArray[np.float64]
    paper: NDArray[np.float64]
    light: bool


def even_light(grey: Array) -> Light:
    """Remove light and shadow from a picture.

    Parameters
    ----------
    grey
        (H, W) float64: 0 is black, 1 is white.
    """
    from scipy import ndimage  # noqa: PLC0415  an optional library

    soft = ndimage.uniform_filter(grey, 2 * (max(grey.shape) // 200) + 1, mode="nearest")
    light = _steps_up(soft)
    low = 1 - soft if light else soft  # ink has low values
    widest = max(1, int(WIDEST * max(grey.shape)))
    radii = sorted({max(1, round(widest / 1.5**step)) for step in range(STEPS)})
    papers = [_closed(low, radius) for radius in radii]
    depths = [_depth(low, paper, light=light) for paper in papers]
    chosen = _narrowest(depths)
    paper = papers[chosen]
    return Light(depths[chosen], 1 - paper if light else paper, light)


def _narrowest(depths: list[Array]) -> int:
    """Return the narrowest window that finds all of the ink: a window that is 1.5² times as wide finds hardly more."""
    peak = peak_of(depths[-1])
    areas = [float((depth > peak / 2).mean()) for depth in depths]
    for number, (depth, area) in enumerate(zip(depths, areas, strict=True)):
        following = areas[min(number + 2, len(areas) - 1)]
        if area and peak_of(depth) >= SIMILAR * peak and following <= GROWTH * area:
            return min(number + 1, len(depths) - 1)
    return len(depths) - 1


def peak_of(values: Array) -> float:
    """Return the highest value without outliers."""
    rank = values.size - 1 - int(OUTLIERS * values.size)
    return float(np.partition(values.ravel(), rank)[rank])


def _depth(low: Array, paper: Array, *, light: bool) -> Array:
    depth = np.maximum(paper - low, 0)
    if not light:  # dark ink reflects the same share of strong and of weak light
        depth /= np.maximum(paper, DARKEST_PAPER)
    return np.minimum(depth, 1)


def _closed(values: Array, radius: int) -> Array:
    """Return the morphological closing by a square of 2 radius + 1 pixels; beyond the edge there is nothing."""
    from scipy import ndimage  # noqa: PLC0415  an optional library

    size = [min(2 * radius + 1, 2 * side - 1) for side in values.shape]
    highest = ndimage.maximum_filter(values, size, mode="constant", cval=-np.inf)
    closed: Array = ndimage.minimum_filter(highest, size, mode="constant", cval=np.inf)
    return closed


def _steps_up(grey: Array) -> bool:
    """Return True if, from the four sides, the first steep step goes up more often than down."""
    levels = np.log(grey + DIM)  # the ratio of ink to paper is the same in shadow and in light
    spacing = max(1, max(grey.shape) // 64)  # pixels: so far apart that blurred edges are steep, too
    sides = [np.diff(side[:, ::spacing], axis=1) for side in (levels, levels[:, ::-1], levels.T, levels.T[:, ::-1])]
    steepest = max(float(np.percentile(np.abs(side), 99)) if side.size else 0.0 for side in sides)
    votes = 0.0
    for side in sides:
        steep = np.abs(side) > STEEP * steepest
        if steep.any():
            first = np.sign(side[np.arange(len(side)), steep.argmax(axis=1)])
            votes += float(first[steep.any(axis=1)].sum())
    return votes > 0
