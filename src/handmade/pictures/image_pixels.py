"""Images as they are drawn: three channels in colour, one channel in grey, other counts as the mean of the channels.

An image in colour may have been prepared: x = scale * pixel + shift. If the network knows scale and shift, this is undone. Pixels
from 0 to 1 or from 0 to 255 are drawn as they are, others from their smallest to their largest value.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.preparation import Preparation
from handmade.pictures.scales import Scale, image_scale

COLOURS = 3  # channels of an image in colour: red, green, blue


@dataclass(frozen=True, eq=False)
class Pixels:
    """Images ready to be drawn.

    Attributes
    ----------
    maps : sequence of Array
        (H, W, 3) in colour with numbers from 0 to 1, else (H, W).
    scale : Scale or None
        From a number to a grey; None in colour.
    note : str
        For the caption, if not all is shown: "mean of 5 channels".
    """

    maps: Sequence[Array]
    scale: Scale | None
    note: str

    @property
    def suffix(self) -> str:
        """The note in brackets, for the end of a caption."""
        return f" ({self.note})" if self.note else ""


def image_pixels(x: Array, preparation: Preparation | None = None) -> Pixels:
    """Return images (N, *shape) as they are drawn; a row of numbers is folded into a square."""
    if x.ndim == 4 and x.shape[-1] == COLOURS:
        return Pixels(list(_from_zero_to_one(_unprepared(x.astype(np.float64), preparation))), None, "")
    maps = [as_map(image) for image in x]
    channels = math.prod(x.shape[3:])
    return Pixels(maps, image_scale(maps), f"mean of {channels} channels" if channels > 1 else "")


def as_map(x: Array) -> Array:
    """Return an array (H, W, ...) as one map (H, W), the mean of its channels; a row (F,) is folded into a square."""
    if x.ndim > 1:
        return x if x.ndim == 2 else np.asarray(x.reshape(*x.shape[:2], -1).mean(axis=-1))
    side = math.isqrt(len(x) - 1) + 1
    folded = np.full(side * side, np.nan)
    folded[: len(x)] = x
    return folded.reshape(side, side)[: -(-len(x) // side)]


def _unprepared(x: Array, preparation: Preparation | None) -> Array:
    """Return the raw pixels that were prepared."""
    if preparation is None or not np.all(preparation.scale):
        return x
    pixels: Array = (x - np.asarray(preparation.shift)) / np.asarray(preparation.scale)
    return pixels.round(6)  # a pixel of 0 is not -1e-16 afterwards


def _from_zero_to_one(x: Array) -> Array:
    """Return pixels between 0 and 1, for all images in the same way."""
    finite = x[np.isfinite(x)]
    low, high = float(finite.min(initial=0)), float(finite.max(initial=0))
    if low == 0:
        high = 1.0 if high <= 1 else max(high, 255.0)
    return np.clip((np.nan_to_num(x) - low) / (high - low), 0, 1)
