"""Ink and paper: which pixels of a grey picture were written on, whatever the light.

paper = a curved surface over the frame of the picture, less what the ink is narrower than (a closing)
ink   = how far a pixel is from its paper, as a share of what the strokes reach: 0 is paper, 1 is ink

Whoever walks in from any side comes from paper: if the first steep step goes down, the ink is dark, and light if it goes up.
Sources: P. H. C. Eilers, "Parametric time warping", Anal. Chem. 76 (2004), for asymmetric least squares; J. Serra, "Image
Analysis and Mathematical Morphology" (1982), for the closing.
"""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from handmade.engine.arrays import Array

FRAME = 1 / 16  # of the longer side, that the light is measured in
REACH = 1 / 4  # of the longer side, that paper is looked for in: strokes are narrower, shadows are wider
STRAYS = 0.001  # of all pixels: so few may be darker than any ink
DIM = 0.1  # of white: what lies far below it is told apart no more
STEEP = 0.5  # of the steepest step
PAPER_SIDE = 0.97  # the weight of what lies on the side of the paper; the other side has what is left of 1
DARKEST_PAPER = 0.2  # below it, what a lamp lacks cannot be made up for by dividing


@dataclass(frozen=True, eq=False)
class Ink:
    """Where the ink is.

    Attributes
    ----------
    amount
        (H, W) float64, 0 on paper, 1 on ink, in between on edges.
    light
        Whether the ink is lighter than the paper.
    contrast
        How far strokes are from their paper, 0 to 1.
    noise
        How far paper strays from itself, 0 to 1.
    """

    amount: NDArray[np.float64]
    light: bool
    contrast: float
    noise: float


def find_ink(grey: Array) -> Ink:
    """Tell ink from paper.

    Parameters
    ----------
    grey
        (H, W) float64, 0 is black, 1 is white.
    """
    soft = _smooth(grey, max(grey.shape) // 200)
    light = _steps_up(soft)
    low = -soft if light else soft  # where ink is low
    reach = int(REACH * max(grey.shape))
    shade = _surface(low)
    paper = np.minimum(_closed(low, reach), shade + _closed(low - shade, reach))  # both lie above it
    depth = np.maximum(paper - low, 0)
    if not light:  # what is black reflects as small a share of much light as of little
        depth /= np.maximum(paper, DARKEST_PAPER)
    return _scaled(np.minimum(depth, 1), light=light)


def _steps_up(grey: Array) -> bool:
    """Whether, on the way in from the four sides, the first steep step goes up more often than down."""
    told = np.log(grey + DIM)  # ink in a shadow is as many times darker than its paper as ink in the light
    spaced = max(1, max(grey.shape) // 64)  # pixels, over which blurred edges are steep, too
    ways = [np.diff(way[:, ::spaced], axis=1) for way in (told, told[:, ::-1], told.T, told.T[:, ::-1])]
    steepest = max(float(np.percentile(np.abs(way), 99)) if way.size else 0.0 for way in ways)
    votes = 0.0
    for way in ways:
        steep = np.abs(way) > STEEP * steepest
        if steep.any():
            first = np.sign(way[np.arange(len(way)), steep.argmax(axis=1)])
            votes += float(first[steep.any(axis=1)].sum())
    return votes > 0


def _scaled(depth: Array, *, light: bool) -> Ink:
    """Measure what strokes reach and what paper strays, and put them at 1 and 0."""
    half = _peak(depth) / 2
    strokes = depth[depth > half]
    if not strokes.size:
        return Ink(np.zeros(depth.shape), light, 0.0, 0.0)
    contrast = float(np.median(strokes))
    blank = depth[depth < contrast / 2]
    level = float(np.median(blank)) if blank.size else 0.0
    noise = 1.4826 * float(np.median(np.abs(blank - level))) if blank.size else 0.0  # of normal noise, its deviation
    floor = min(level + 2 * noise, contrast / 2)
    amount = np.clip((depth - floor) / (contrast - floor), 0, 1)
    return Ink(amount, light, contrast, noise)


def _peak(values: Array) -> float:
    """The highest value, but for a few strays."""
    rank = values.size - 1 - int(STRAYS * values.size)
    return float(np.partition(values.ravel(), rank)[rank])


def _surface(low: Array) -> Array:
    """The light on the paper: a quadratic surface over the frame, by asymmetric least squares, that ink hardly pulls at."""
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
        surface = np.linalg.lstsq(weighted @ at, weighted @ values, rcond=1e-10)[0]  # a picture one pixel wide has no x
        weights = np.where(values > at @ surface, PAPER_SIDE, 1 - PAPER_SIDE)
    fitted: Array = terms @ surface
    return fitted


def _smooth(values: Array, radius: int) -> Array:
    """The mean over a square of 2 radius + 1 pixels; the outermost pixels go on beyond the edge."""
    for axis in (0, 1):
        pads = [(radius, radius) if each == axis else (0, 0) for each in (0, 1)]
        values = sliding_window_view(np.pad(values, pads, mode="edge"), 2 * radius + 1, axis).mean(axis=-1)
    return values


def _closed(values: Array, radius: int) -> Array:
    """Fill every valley that is narrower than a square of 2 radius + 1 pixels."""
    return -_highest(-_highest(values, radius), radius)


def _highest(values: Array, radius: int) -> Array:
    """The highest value within a square of 2 radius + 1 pixels, by windows that double."""
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
