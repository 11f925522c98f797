"""Pictures of anything as raw images of a network: grey or in colour, and resized to its height and width.

picture (H, W, 1 or 3) -> crop, pad or stretch -> image (height, width, C)
"""

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from handmade.data.dataset import numbered
from handmade.data.prepared import raw_shape
from handmade.data.sources.options import LUMINANCE, resized
from handmade.engine.errors import HandmadeError
from handmade.engine.network import Network

Fit = Literal["crop", "pad", "stretch"]
FITS: tuple[Fit, ...] = get_args(Fit)
DIGITS = 10  # classes "0" to "9"


def reads_digits(network: Network) -> bool:
    """Return True if a network reads grey images, and its classes are the ten digits."""
    shape, outputs = raw_shape(network), network.shape_of[network.logits_name]
    if shape is None or shape[2] != 1 or outputs != (DIGITS,):  # outputs of another shape may be no classes at all
        return False
    return network.class_names is None or network.class_names == numbered(DIGITS)


def image_of(picture: NDArray[np.uint8], shape: Sequence[int], fit: Fit = "crop") -> NDArray[np.uint8]:
    """Return a picture as a raw image of a network.

    Parameters
    ----------
    picture
        (H, W, 1) or (H, W, 3) uint8.
    shape
        Height, width and channels of the image. A colour picture becomes grey for 1 channel: Y = 0.299 R + 0.587 G + 0.114 B. A
        grey one is repeated in all channels.
    fit
        "crop": the largest part in the middle with the proportions of the image. "pad": all of the picture, with the median
        colour of its edge beside it. "stretch": all of the picture; the aspect ratio is not kept. A picture of the same size
        stays as it is.

    Returns
    -------
    Array
        (height, width, C) uint8.

    Raises
    ------
    HandmadeError
        If a network needs other channels than grey or red, green and blue.
    """
    height, width, channels = shape
    if channels not in {1, picture.shape[2]} and picture.shape[2] != 1:
        raise HandmadeError(f"picture: expected a network that reads 1 or 3 channels; this one reads {channels}. Try test:0")
    if channels == 1 and picture.shape[2] == 3:
        picture = np.rint(picture @ LUMINANCE)[..., None].astype(np.uint8)
    if picture.shape[:2] != (height, width):
        part = _in_proportion(picture, (height, width), fit)
        picture = np.rint(resized(part, (height, width))).astype(np.uint8)
    return picture if picture.shape[2] == channels else np.repeat(picture, channels, axis=2)


def fit_in_words(picture: Sequence[int], shape: Sequence[int], fit: Fit) -> str:
    """Return the change by `image_of` in words: "cropped to 480 x 480, then resized to 32 x 32"."""
    height, width, channels = shape
    colour = ", in grey" if channels == 1 and picture[2] == 3 else ""
    if tuple(picture[:2]) == (height, width):
        return f"the size of the network's images{colour}"
    rows, columns = _proportional(picture, shape, fit)
    change = {
        "crop": f"cropped to {columns:,} x {rows:,}, then ",
        "pad": f"padded to {columns:,} x {rows:,}, then ",
        "stretch": "",
    }
    first = "" if (rows, columns) == tuple(picture[:2]) else change[fit]
    return f"{first}resized to {width} x {height}{colour}"


def edge_is_light(image: NDArray[np.uint8]) -> bool:
    """Return True if most of the pixels at the edge of an image are in the lighter half of the range."""
    return float(np.median(_edge(image))) > 127.5


def _proportional(picture: Sequence[int], shape: Sequence[int], fit: Fit) -> tuple[int, int]:
    """Return height and width of the part, or of the padded picture, that is resized."""
    height, width = picture[:2]
    if fit == "stretch":
        return height, width
    choose = min if fit == "crop" else max
    factor = choose(height / shape[0], width / shape[1])
    return max(1, round(factor * shape[0])), max(1, round(factor * shape[1]))


def _in_proportion(picture: NDArray[np.uint8], shape: tuple[int, int], fit: Fit) -> NDArray[np.uint8]:
    rows, columns = _proportional(picture.shape, shape, fit)
    height, width, channels = picture.shape
    if fit == "pad":
        padded = np.empty((max(rows, height), max(columns, width), channels), np.uint8)
        padded[:] = np.median(_edge(picture), axis=0)
        top, left = (padded.shape[0] - height) // 2, (padded.shape[1] - width) // 2
        padded[top : top + height, left : left + width] = picture
        return padded
    top, left = max(height - rows, 0) // 2, max(width - columns, 0) // 2
    return picture[top : top + rows, left : left + columns]


def _edge(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the pixels at the edge of a picture, (N, C)."""
    return np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
