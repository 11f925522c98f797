"""Lists of fixed and contested windows of a unit, for some images."""

from dataclasses import dataclass

from handmade.engine.arrays import Array


@dataclass(frozen=True, eq=False)
class SortedWindows:
    """Windows of a unit, sorted by filter, for some images.

    Attributes
    ----------
    place, row : Array of int, (N, O, windows + 1 + ones)
        Winning pixels in fixed windows for each filter, and the rows of the lanes after these windows.
    count, count_before : Array of int, (N, O)
        Number of them that are fixed for all nudges, and for those of earlier layers.
    contested : Array of int, (N, most, 3)
        Filter, window and row of each contested window.
    earlier, found : Array of int, (N,)
        Number of windows that are contested for nudges of earlier layers, which come first, and for all nudges.
    lanes : Array, (N, (numbers + spare) * M)
        Lanes after the choice, with spare rows.
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
    """Contested windows of one unit that is far from a nudged one; their inputs are additional outputs.

    Attributes
    ----------
    image, window, filter : Array of int, (elements,)
        Position of each of them, in the order of the images.
    output : Array of int, (elements,)
        First one of its outputs.
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
