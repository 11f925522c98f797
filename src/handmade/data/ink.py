"""Segmentation of a grey picture into ink and paper, for any light.

paper = a quadratic surface fitted to the border of the picture, corrected by a morphological closing that removes the ink
ink   = distance of a pixel from the level of the paper, relative to the level of the strokes: 0 is paper, 1 is ink

All four sides of the picture are assumed to be paper. So the first steep step from each side shows whether the ink is darker or
lighter than the paper.
Sources: P. H. C. Eilers, "Parametric time warping", Anal. Chem. 76 (2004), for asymmetric least squares; J. Serra, "Image
Analysis and Mathematical Morphology" (1982), for the closing.
"""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from handmade.engine.arrays import Array

FRAME = 1 / 16  # of the longer side: width of the border in which the light is measured
RADIUS = 1 / 4  # of the longer side: radius of the closing; strokes are narrower, shadows are wider
OUTLIERS = 0.001  # share of pixels that may be darker than the ink
DIM = 0.1  # of white: differences between much darker pixels are ignored
STEEP = 0.5  # of the steepest step: larger steps may be edges of strokes
PAPER_SIDE = 0.97  # weight of pixels on the paper side of the surface; the other side has the rest of 1
DARKEST_PAPER = 0.2  # for darker paper, the light is not corrected by a division


@dataclass(frozen=True, eq=False)
class Ink:
    """Ink of a picture.

    Attributes
    ----------
    amount
        (H, W) float64: 0 on paper, 1 on ink, between them on edges.
    light
        True if the ink is lighter than the paper.
    contrast
        Difference of strokes and paper, 0 to 1.
    noise
        Standard deviation of the paper, 0 to 1.
    """

    amount: NDArray[np.float64]
    light: bool
    contrast: float
    noise: float


def find_ink(grey: Array) -> Ink:
    """Separate ink from paper.

    Parameters
    ----------
    grey
        (H, W) float64: 0 is black, 1 is white.
    """
    soft = _smooth(grey, max(grey.shape) // 200)
    light = _steps_up(soft)
    low = -soft if light else soft  # ink has low values
    radius = int(RADIUS * max(grey.shape))
    shade = _surface(low)
    paper = np.minimum(_closed(low, radius), shade + _closed(low - shade, radius))  # both are upper bounds of the paper
    depth = np.maximum(paper - low, 0)
    if not light:  # dark ink reflects the same share of strong and of weak light
        depth /= np.maximum(paper, DARKEST_PAPER)
    return _scaled(np.minimum(depth, 1), light=light)


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


def _scaled(depth: Array, *, light: bool) -> Ink:
    """Measure the levels of strokes and paper, and scale them to 1 and 0."""
    half = _peak(depth) / 2
    strokes = depth[depth > half]
    if not strokes.size:
        return Ink(np.zeros(depth.shape), light, 0.0, 0.0)
    contrast = float(np.median(strokes))
    blank = depth[depth < contrast / 2]
    level = float(np.median(blank)) if blank.size else 0.0
    noise = 1.4826 * float(np.median(np.abs(blank - level))) if blank.size else 0.0  # standard deviation of normal noise
    floor = min(level + 2 * noise, contrast / 2)
    amount = np.clip((depth - floor) / (contrast - floor), 0, 1)
    return Ink(amount, light, contrast, noise)


def _peak(values: Array) -> float:
    """Return the highest value without outliers."""
    rank = values.size - 1 - int(OUTLIERS * values.size)
    return float(np.partition(values.ravel(), rank)[rank])


def _surface(low: Array) -> Array:
    """Return the light on the paper: a quadratic surface fitted to the border by asymmetric least squares, robust to ink."""
    height, width = low.shape
    frame = np.zeros(low.shape, bool)
    thick = max(1, round(FRAME * max(low.shape)))
    frame[:thick], frame[-thick:], frame[:, :thick], frame[:, -thick:] = True, True, True, True
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)
    at, values = terms[frame], low[frame]
    weights = np.ones(len(values))
    for _ in range(10):
        weighted = at.T * weights
        surface = np.linalg.lstsq(weighted @ at, weighted @ values, rcond=1e-10)[0]  # rcond: a picture of one column has no x
        weights = np.where(values > at @ surface, PAPER_SIDE, 1 - PAPER_SIDE)
    fitted: Array = terms @ surface
    return fitted


def _smooth(values: Array, radius: int) -> Array:
    """Return the mean over squares of 2 radius + 1 pixels; the outermost pixels are repeated beyond the edge."""
    for axis in (0, 1):
        pads = [(radius, radius) if each == axis else (0, 0) for each in (0, 1)]
        values = sliding_window_view(np.pad(values, pads, mode="edge"), 2 * radius + 1, axis).mean(axis=-1)
    return values


def _closed(values: Array, radius: int) -> Array:
    """Return the morphological closing: fill every valley narrower than a square of 2 radius + 1 pixels."""
    return -_highest(-_highest(values, radius), radius)


def _highest(values: Array, radius: int) -> Array:
    """Return the maximum over squares of 2 radius + 1 pixels, with windows that double in size."""
    for axis in (0, 1):
        reach = min(radius, values.shape[axis] - 1)
        pads = [(reach, reach) if each == axis else (0, 0) for each in (0, 1)]
        highest = np.moveaxis(np.pad(values, pads, constant_values=-np.inf), axis, 0)
        covered = 1
        while covered < 2 * reach + 1:
            step = min(covered, 2 * reach + 1 - covered)
            highest = np.maximum(highest[:-step], highest[step:])
            covered += step
        values = np.moveaxis(highest, 0, axis)
    return values
