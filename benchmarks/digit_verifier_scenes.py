"""Images of digits and of others as the pipeline makes them of pictures: with rough edges, lines of the paper, noise and dirt.

drawing -> sheet in any light, without a table -> camera -> light, ink and figures of the pipeline -> image (28, 28, 1)

All figures of a picture are taken together, so that two digits that are near each other are no digit.
"""

import numpy as np
from numpy.typing import NDArray

from digit_plans import Plan, plan
from digit_scenes import scene
from digit_strokes import Drawing
from handmade.data.picture.figures import box_of
from handmade.data.picture.image import BOX, SIDE, centred, fit, stroke_width, thickened
from handmade.data.picture.views import view_of
from picture_files import photographed

LEAST, MOST = 110, 180  # pixels of a side of a picture: small ones are made fast
MISSED = 0.3  # of the ink that was drawn or found: less in common is no digit
SHOWN = 0.55  # more in common is the digit
GREY = np.array([0.299, 0.587, 0.114])
Generator = np.random.Generator


def _plan(rng: Generator) -> Plan:
    """Return the parameters of a small picture that a sheet fills."""
    while True:
        size = int(rng.integers(LEAST, MOST)), int(rng.integers(LEAST, MOST))
        chosen = plan(rng, held_back=False, size=size)
        if chosen.place is None and chosen.extra != "circle around it":
            return chosen


def seen(drawing: Drawing, rng: Generator) -> tuple[NDArray[np.uint8], float] | None:
    """Return the image that the pipeline makes of a drawing, and how much of its ink is that of the drawing.

    The second number is the common ink as a share of all ink, of the drawing or found. None if no ink was found.
    """
    chosen = _plan(rng)
    colours, ink = scene(drawing, chosen, rng)
    grey = photographed(colours, chosen, rng) @ GREY / 255
    if grey.shape != ink.shape:
        return None
    view = view_of(grey, np.eye(3))
    if not view.figures.figures:
        return None
    amount = np.max([figure.ink for figure in view.figures.figures], axis=0)
    found, drawn = amount > 0.5, ink > 0.5
    common = float((found & drawn).sum() / max((found | drawn).sum(), 1))
    box = amount[box_of(amount)]
    ready = thickened(box, stroke_width(box))
    return centred(fit(ready, BOX / max(ready.shape), (SIDE, SIDE)), (SIDE, SIDE), by_mass=True), common


def is_digit(common: float) -> bool | None:
    """Return True if an image shows the digit that was drawn, False if something else, None between them."""
    return True if common > SHOWN else False if common < MISSED else None
