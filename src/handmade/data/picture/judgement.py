"""Reasons why a figure is probably no digit, by limits for a few measurements of the ink.

The limits are wide: of MNIST's 10,000 test images they reject about ten, which are in pieces.
"""

from dataclasses import dataclass

import numpy as np

from handmade.data.picture.figures import ABOVE, BESIDE, Figure
from handmade.data.picture.image import stroke_width, thickness
from handmade.data.picture.ink import Ink
from handmade.data.picture.light import Light
from handmade.engine.arrays import Array

CONTRAST = 0.05  # least contrast
FAINT, FAINT_TO_NOISE = 0.1, 8  # fainter ink has at least this ratio of contrast and noise
SIGNAL_TO_NOISE = 4  # least ratio of contrast and noise
PIECES, HOLES = 4, 6  # largest numbers
SMALLEST = 4  # pixels
THICKEST = 0.5  # of the longer side of its box
FILLED = 0.8  # of its box
FINE = 32  # pixels of the longer side: thickness is measured on larger boxes
SMALL_HOLE = 0.002  # of the box: smaller holes are those of uneven ink
WIDEST = 2.2  # times its height


@dataclass(frozen=True)
class Measures:
    """Measurements of the ink of a picture.

    Attributes
    ----------
    contrast
        Difference of strokes and paper, 0 to 1.
    noise
        Standard deviation of the paper, 0 to 1.
    light
        True if the ink is lighter than the paper.
    height, width
        Size of the bounding box of the ink, in pixels; 0 without ink.
    stroke
        Mean width of the strokes, as a share of the longer side of the box.
    thickest
        Width of the thickest place, as a share of the longer side of the box.
    share
        Share of the box that is ink, 0 to 1.
    pieces
        Number of separate pieces of ink.
    holes
        Number of holes.
    figures
        Number of figures in the picture.
    place
        Place of the second figure: "side by side", "above each other" or "of different sizes"; empty with one figure.
    """

    contrast: float
    noise: float
    light: bool
    height: int
    width: int
    stroke: float
    thickest: float
    share: float
    pieces: int
    holes: int
    figures: int
    place: str


def measured(light: Light, ink: Ink, figure: Figure | None, figures: int, place: str) -> Measures:
    """Measure a figure.

    Parameters
    ----------
    light, ink
        Stages of the view with the figure.
    figure
        None if there is no ink.
    figures
        Number of figures of the picture.
    place
        Place of the second one, or nothing.
    """
    box = figure.ink[figure.box] if figure else np.zeros((1, 1))
    strokes = box > 0.5
    return Measures(
        contrast=ink.contrast,
        noise=ink.noise,
        light=light.light,
        height=box.shape[0] if figure else 0,
        width=box.shape[1] if figure else 0,
        stroke=stroke_width(box) / max(box.shape),
        thickest=thickness(strokes) / max(box.shape),
        share=float(strokes.mean()),
        pieces=figure.pieces if figure else 0,
        holes=count_holes(strokes, least=max(2, SMALL_HOLE * strokes.size)),
        figures=figures,
        place=place,
    )


def count_holes(mask: Array, least: float) -> int:
    """Return the number of holes with at least `least` pixels: parts of the background that do not reach the edge."""
    from scipy import ndimage  # noqa: PLC0415  an optional library

    outside, _ = ndimage.label(np.pad(~mask, 1, constant_values=True))
    sizes = np.bincount(outside.ravel())[2:]  # 0 is the mask, 1 is the background that reaches the edge
    return int((sizes >= least).sum())


def percent(share: float) -> str:
    """Return a share as a percentage: 8 %, and 7.6 % below ten."""
    return f"{100 * share:.1f} %" if share < 0.0995 else f"{100 * share:.0f} %"


def rejection(m: Measures) -> str | None:
    """Return the reason why this is probably not a digit, with the measured number; None if it may be one."""
    reasons = (
        (
            m.contrast < CONTRAST,
            f"no ink was found: the contrast is {percent(m.contrast)}, expected at least {percent(CONTRAST)}",
        ),
        (
            m.contrast < max(SIGNAL_TO_NOISE * m.noise, min(FAINT, FAINT_TO_NOISE * m.noise)),
            f"it is noise: a contrast of {percent(m.contrast)} in noise of {percent(m.noise)}",
        ),
        (max(m.height, m.width) < SMALLEST, f"it is too small: {m.height} x {m.width} pixels of ink"),
        (m.place == BESIDE, f"there are {m.figures} figures side by side; crop the picture to one of them"),
        (m.place == ABOVE, f"there are {m.figures} figures above each other; crop the picture to one of them"),
        (m.figures > 1, f"there are {m.figures} figures of different sizes; crop the picture to one of them"),
        (m.pieces > PIECES, f"it is in {m.pieces} pieces; a digit has at most {PIECES}"),
        (m.holes > HOLES, f"it is a texture with {m.holes} holes; a digit has one or two"),
        (m.width > WIDEST * m.height, f"it is too wide for a digit: {m.width} x {m.height} pixels"),
        (
            m.thickest > THICKEST and max(m.height, m.width) >= FINE,
            f"it is a solid shape: its thickest place is {percent(m.thickest)} of its length",
        ),
        (m.share > FILLED and m.width > 0.5 * m.height, f"it is a solid shape: ink fills {percent(m.share)} of its box"),
    )
    return next((reason for crossed, reason in reasons if crossed), None)
