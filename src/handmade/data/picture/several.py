"""Several digits in one view: two figures that are digits, drawn with one pen.

A view that shows only one of them, such as a part of a sheet, would hide the others.
"""

from dataclasses import dataclass

import numpy as np

from handmade.data.picture.figures import Figure
from handmade.data.picture.image import as_digit_image, thickness
from handmade.data.picture.verifier import NONE, opinions
from handmade.engine.arrays import Array

LOOKED_AT = 4  # figures
EACH, BOTH = 2.0, 8.0  # least log odds of a digit against no digit, by the verifier: of each figure, and the sum of two
THICKER, DARKER = 3.0, 2.0  # ratios of the thickness of two figures, and of the depth of their ink, that one pen may make
THIN = 3.0  # pixels: a thinner stroke that is like a 1 may be an edge or a line of the paper


@dataclass(frozen=True)
class _Likely:
    """Figure that may be a digit: log odds by the verifier, most likely digit, thickness in pixels, depth of its ink."""

    odds: float
    digit: int
    thickness: float
    depth: float


def several_digits(figures: tuple[Figure, ...], depth: Array) -> bool:
    """Return True if two of the figures are probably digits.

    Parameters
    ----------
    figures
        Figures of a view.
    depth
        (H, W) float64: distance of each pixel from its paper, 0 to 1.
    """
    if len(figures) < 2:
        return False
    likely = [each for each in (_likely(figure, depth) for figure in figures[:LOOKED_AT]) if each and each.odds > EACH]
    return any(_are_two(one, other) for n, one in enumerate(likely) for other in likely[:n])


def _likely(figure: Figure, depth: Array) -> _Likely | None:
    """Return what is known of a figure; None for one that touches the edge of its view, which may be a part of the table."""
    strokes = figure.ink > 0.5
    if figure.touches_the_edge or not strokes.any():
        return None
    opinion = opinions(as_digit_image(figure.ink[figure.box])[None])[0]
    digit = int(opinion[:NONE].argmax())
    odds = float(opinion[digit] - opinion[NONE])
    return _Likely(odds, digit, thickness(strokes[figure.box]), float(np.median(depth[strokes])))


def _are_two(one: _Likely, other: _Likely) -> bool:
    if one.odds + other.odds < BOTH:
        return False
    thin, thick = sorted((one.thickness, other.thickness))
    faint, dark = sorted((one.depth, other.depth))
    if thick > THICKER * thin + 1 or dark > DARKER * faint:
        return False
    strokes = (one.digit == 1) + (other.digit == 1)
    return strokes == 0 or (strokes == 1 and thin >= THIN)
