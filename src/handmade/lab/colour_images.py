"""Pictures for networks that read colours: cut to the proportions of the network's images, and scaled to their size.

picture -> box -> fitted -> image

Red, green and blue are treated alike, so a network's own preparation gets the colours of the picture.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from handmade.data.picture import Stages
from handmade.data.resize import area_average, shrunk
from handmade.engine.arrays import Array

COLOURS = 3
LARGEST_STAGE = 256  # pixels on a side of a stage that is shown


def colour_image(
    picture: Array, shape: tuple[int, int], stages: Stages
) -> tuple[NDArray[np.uint8], Mapping[str, NDArray[np.float32]]]:
    """Return the raw image of a picture, and the stages that made it.

    Parameters
    ----------
    picture
        (H, W, 3), 0 to 1.
    shape
        Height and width of the image.
    stages
        crop: cut out the largest part with the proportions of the image; without it, all of the picture is laid on black.
        scale: scale it to the size of the image; without it, the pixels stay as they are, and those outside are lost.
        centre: take the middle of the picture; without it, the upper left corner.

    Returns
    -------
    image : (height, width, 3) uint8
    stages : mapping of Array
        "picture", "box" and "fitted", at most 256 pixels on a side.
    """
    box = _cut(picture, shape, centre=stages.centre) if stages.crop else picture
    fitted = _fitted(box, shape) if stages.scale else box
    image = np.rint(255 * _laid(fitted, shape, centre=stages.centre)).astype(np.uint8)
    shown = {"picture": picture, "box": box, "fitted": fitted}
    return image, {name: _by_colour(lambda grey: shrunk(grey, LARGEST_STAGE), each) for name, each in shown.items()}


def _cut(picture: Array, shape: tuple[int, int], *, centre: bool) -> Array:
    """Return the largest part of a picture with the proportions of `shape`."""
    height, width = picture.shape[:2]
    factor = min(height / shape[0], width / shape[1])
    size = max(1, round(factor * shape[0])), max(1, round(factor * shape[1]))
    return _laid(picture, size, centre=centre)


def _fitted(box: Array, shape: tuple[int, int]) -> Array:
    """Scale a picture so that it just fits into `shape`."""
    height, width = box.shape[:2]
    factor = min(shape[0] / height, shape[1] / width)
    size = max(1, round(factor * height)), max(1, round(factor * width))
    return _by_colour(lambda grey: area_average(grey, size), box)


def _laid(picture: Array, shape: tuple[int, int], *, centre: bool) -> Array:
    """Lay a picture on black: middle on middle, or corner on corner; what is outside is lost."""
    laid = np.zeros((*shape, picture.shape[2]))
    here, there = [], []
    for old, new in zip(picture.shape[:2], shape, strict=True):
        size = min(old, new)
        first, to = ((old - size) // 2, (new - size) // 2) if centre else (0, 0)
        here.append(slice(first, first + size))
        there.append(slice(to, to + size))
    laid[tuple(there)] = picture[tuple(here)]
    return laid


def _by_colour(resize: Callable[[Array], Array], picture: Array) -> Array:
    return np.stack([resize(picture[..., k]) for k in range(picture.shape[2])], axis=2)
