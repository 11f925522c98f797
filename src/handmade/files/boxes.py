"""Boxes with texts, drawn on a copy of a picture."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from handmade.engine.arrays import Array

ANSWER, REFUSED = (0, 114, 178), (213, 94, 0)  # blue and vermilion of Okabe and Ito: distinct for the colour-blind
TEXT = 0.35  # of a box's height


def with_boxes(picture: NDArray[np.uint8], corners: Sequence[Array], texts: Sequence[str]) -> NDArray[np.uint8]:
    """Return a copy of a picture with an outline and a text for each box.

    Parameters
    ----------
    picture
        (H, W, 3) uint8, or (H, W, 1).
    corners
        One (4, 2) array of x and y for each box, in pixels of the picture, clockwise from the upper left.
    texts
        One for each box; it is written above the upper left corner. A "?" has the colour of rejected digits.

    Returns
    -------
    Array
        (H, W, 3) uint8.
    """
    from PIL import Image, ImageDraw, ImageFont  # noqa: PLC0415  an optional library

    image = Image.fromarray(np.repeat(picture, 3, axis=2) if picture.shape[2] == 1 else picture)
    draw = ImageDraw.Draw(image)
    thick = max(1, round(max(picture.shape) / 500))
    for outline, text in zip(corners, texts, strict=True):
        colour = REFUSED if text == "?" else ANSWER
        points = [tuple(point) for point in outline.tolist()]
        draw.line([*points, points[0]], fill=colour, width=thick, joint="curve")
        height = max(12.0, TEXT * float(np.ptp(outline[:, 1])))
        font = ImageFont.load_default(height)
        left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
        x = min(max(points[0][0], 0), max(0, image.width - (right - left) - 4))
        y = max(0.0, min(points[0][1], points[1][1]) - (bottom - top) - 6)
        draw.rectangle((x, y, x + right - left + 4, y + bottom - top + 4), fill=colour)
        draw.text((x + 2 - left, y + 2 - top), text, fill=(255, 255, 255), font=font)
    return np.asarray(image)
