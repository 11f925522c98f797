"""Even light: the paper behind the ink, and the picture divided by it.

paper = morphological closing of the picture: every valley that is narrower than the window is filled
depth = 1 - picture / paper   for dark ink;   picture - paper   for light ink

A closing keeps steps. So the edge of a shadow, of a sheet or of a spot of light stays a step of the paper, and is no ink, as long
as both of its sides are wider than the window. The window is the smallest one that is wider than the strokes.

Source: J. Serra, "Image Analysis and Mathematical Morphology" (1982).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from handmade.engine.arrays import Array

WIDEST = 1 / 4  # of the longer side: radius of the largest window
STEPS = 6  # windows that are tried; each is 1.5 times as wide as the one before
GROWTH = 1.12  # of the area of ink: below it, a window that is twice as wide finds no more ink
SIMILAR = 0.55  # of the greatest depth: a window that finds less has missed the ink
LARGE = 64  # pixels of the longer side: smaller pictures are images of digits without a scene
NOISE, NOISE_SIDE = 0.002, 160  # median step between neighbours, and pixels: noise of larger pictures is averaged
DIM = 0.1  # of white: differences between much darker pixels are ignored
STEEP = 0.5  # of the steepest step: larger steps may be edges of strokes
DARKEST_PAPER = 0.2  # darker paper is not divided by
OUTLIERS = 0.0005  # share of pixels that may be darker than the ink


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


def even_light(grey: Array, *, light: bool | None = None, window: float | None = None) -> Light:
    """Remove light and shadow from a picture.

    Parameters
    ----------
    grey
        (H, W) float64: 0 is black, 1 is white.
    light
        True for ink that is lighter than the paper; None to find out from the picture.
    window
        Radius of the window, as a share of the longer side; None for the smallest one that is wider than the strokes.
    """
    soft = softened(grey)
    lighter = _steps_up(soft) if light is None else light
    if window is None:
        return _of_ink(soft, light=lighter)
    low = 1 - soft if lighter else soft
    paper = _closed(low, max(1, round(window * max(grey.shape))))
    return Light(_depth(low, paper, light=lighter), 1 - paper if lighter else paper, lighter)


def softened(grey: Array) -> Array:
    """Return a picture without noise: means of a few pixels, if neighbours differ."""
    from scipy import ndimage  # noqa: PLC0415  an optional library

    steps = np.abs(np.diff(grey, axis=1))
    noisy = steps.size > 0 and float(np.median(steps)) > NOISE
    return ndimage.uniform_filter(grey, 2 * (max(grey.shape) // NOISE_SIDE) + 1, mode="nearest") if noisy else grey


def _of_ink(grey: Array, *, light: bool) -> Light:
    """Return the light for ink that is lighter, or darker, than the paper."""
    low = 1 - grey if light else grey  # ink has low values
    if max(grey.shape) < LARGE:
        paper = _closed(low, max(1, int(WIDEST * max(grey.shape))), open_=False)
        return Light(_depth(low, paper, light=light), 1 - paper if light else paper, light)
    widest = max(1, int(WIDEST * max(grey.shape)))
    radii = sorted({max(1, round(widest / 1.5**step)) for step in range(STEPS)})
    papers = [_closed(low, radius) for radius in radii]
    depths = [_depth(low, paper, light=light) for paper in papers]
    number = _narrowest(depths)
    depth, paper = depths[number], papers[number]
    if _touches(low, depth):
        filled = _closed(low, radii[number], open_=False)
        full = _depth(low, filled, light=light)
        if _thickest(full) < 1.5 * _thickest(depth) + 1:  # strokes along the edge, as in a picture without a margin
            depth, paper = full, filled
    return Light(depth, 1 - paper if light else paper, light)


def _touches(low: Array, depth: Array) -> bool:
    """Return True if much of the edge of the picture is as dark as the ink, but was taken for paper."""
    strokes = depth > peak_of(depth) / 2
    if not strokes.any():
        return True
    level = float(np.median(low[strokes])) + 0.25 * peak_of(depth)
    edges = (low[0], low[-1], low[:, 0], low[:, -1])
    return any(bool((edge < level).any()) for edge in edges)


def _thickest(depth: Array) -> float:
    """Return the greatest distance of ink from paper, in pixels."""
    from scipy import ndimage  # noqa: PLC0415  an optional library

    strokes = depth > peak_of(depth) / 2
    return float(ndimage.distance_transform_edt(np.pad(strokes, 1)).max()) if strokes.any() else 0.0


def _narrowest(depths: list[Array]) -> int:
    """Return the narrowest window that finds all of the ink: a window that is 1.5² times as wide finds hardly more."""
    peak = peak_of(depths[-1])
    for number, depth in enumerate(depths):
        following = depths[min(number + 2, len(depths) - 1)]
        half = peak_of(depth) / 2
        if half >= SIMILAR * peak / 2 and (following > half).sum() <= GROWTH * (depth > half).sum():
            return min(number + 1, len(depths) - 1)
    return len(depths) - 1


def peak_of(values: Array) -> float:
    """Return the highest value without outliers."""
    outliers = int(OUTLIERS * values.size)
    highest = values[values >= values.max() / 2]
    if len(highest) <= outliers:
        highest = values.ravel()
    return float(np.partition(highest, -1 - outliers)[-1 - outliers])


def _depth(low: Array, paper: Array, *, light: bool) -> Array:
    depth: Array = np.maximum(paper - low, 0)
    if not light:  # dark ink reflects the same share of strong and of weak light
        depth /= np.maximum(paper, DARKEST_PAPER)
    np.minimum(depth, 1, out=depth)
    return depth


def _closed(values: Array, radius: int, *, open_: bool = True) -> Array:
    """Return the morphological closing by a square of 2 radius + 1 pixels.

    Beyond the edge, the outermost pixels are repeated, so what is as long as the window there is no valley. If it is not open,
    there is nothing beyond the edge, and valleys are filled there, too.
    """
    from scipy import ndimage  # noqa: PLC0415  an optional library

    size = 2 * radius + 1
    if open_:
        values = np.pad(values, radius, mode="edge")
    highest = ndimage.maximum_filter(values, size, mode="constant", cval=-np.inf)
    filled = ndimage.minimum_filter(highest, size, mode="constant", cval=np.inf)
    closed: Array = np.asarray(filled)
    return closed[radius:-radius, radius:-radius] if open_ else closed


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
