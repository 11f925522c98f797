"""Values that are handed on within the differences of some images."""

from dataclasses import dataclass

from handmade.engine.arrays import Array

MOST_FAR = 64  # outputs of an image beyond the logits; more of them cost more than the plain way


@dataclass(frozen=True, eq=False)
class SortedWindows:
    """The windows of a unit at some images.

    Attributes
    ----------
    place, row : Array of int, (N, O, windows + 1 + ones)
        For each filter, the pixels that win in fixed windows, and the rows of the lanes behind these windows.
    count, count_before : Array of int, (N, O)
        The number of them that are fixed for all nudges, and for those of earlier layers.
    contested : Array of int, (N, most, 3)
        Filter, window and row of each contested window.
    earlier, found : Array of int, (N,)
        The number of windows that are contested for nudges of earlier layers, which come first, and for all nudges.
    lanes : Array, (N, (numbers + spare) * M)
        Behind the choice, with spare rows.
    """

    place: Array
    row: Array
    count: Array
    count_before: Array
    contested: Array
    earlier: Array
    found: Array
    lanes: Array


@dataclass(frozen=True, eq=False)
class FarWindows:
    """Contested windows of one unit, what they read being outputs of their own.

    Attributes
    ----------
    image, window, filter : Array of int, (elements,)
        Where each of them is; in the order of the images.
    output : Array of int, (elements,)
        The first of its outputs.
    slack : Array, (elements, pixels)
        z - m of each pixel.
    rest : Array, (elements,)
        -m with a ReLU, else -infinity.
    """

    image: Array
    window: Array
    filter: Array
    output: Array
    slack: Array
    rest: Array
