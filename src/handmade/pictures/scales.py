"""Scales from numbers to colours. All maps of a group share one, and the legend shows both of its ends."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from handmade.engine.arrays import Array
from handmade.pictures.style import Theme, diverging, greys, limit, sequential

if TYPE_CHECKING:
    from matplotlib.colors import Colormap


@dataclass(frozen=True)
class Scale:
    """From numbers to colours.

    Attributes
    ----------
    colours : Colormap
    low, high : float
        The numbers of the first and the last colour.
    unit : str
        Name of the numbers, for the legend.
    """

    colours: "Colormap"
    low: float
    high: float
    unit: str = ""


def signed_scale(theme: Theme, arrays: Sequence[Array], unit: str = "") -> Scale:
    """Return a scale with blue above zero and orange below, from minus the largest absolute value to plus it."""
    largest = limit(arrays)
    return Scale(diverging(theme), -largest, largest, unit)


def rising_scale(theme: Theme, arrays: Sequence[Array], unit: str = "") -> Scale:
    """Return a scale from zero to the largest of the numbers."""
    return Scale(sequential(theme), 0, limit(arrays), unit)


def image_scale(maps: Sequence[Array]) -> Scale:
    """Return the grey scale of images: 0 is black and 1 is white, unless the pixels go further."""
    lowest = min((float(np.nanmin(each, initial=0)) for each in maps), default=0.0)
    highest = max((float(np.nanmax(each, initial=0)) for each in maps), default=0.0)
    return Scale(greys(), lowest, max(1.0, highest), "pixel value")
