"""What is handed on within the differences of one image, and what the images of a block have in common."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from handmade.compiled.differences.prepared import Prepared
from handmade.compiled.differences.units import Units
from handmade.compiled.vectors import widest
from handmade.engine.arrays import Array
from handmade.engine.network import Network

MOST_FAR = 64  # outputs beyond the logits; more of them cost more than the plain way


@dataclass(frozen=True, eq=False)
class Sorted:
    """The windows of a unit at one image.

    Attributes
    ----------
    place, row : Array of int, (O, windows + 1 + ones)
        For each filter, the pixels that win in fixed windows, and the rows of the lanes behind these windows.
    count, count_before : Array of int, (O,)
        The number of them that are fixed for all nudges, and for those of earlier layers.
    contested : Array of int, (n, 3)
        Filter, window and row of each contested window.
    earlier : int
        The number of them that are contested for nudges of earlier layers, too: they come first.
    lanes : Array
        Behind the choice, flat, with spare rows.
    """

    place: Array
    row: Array
    count: Array
    count_before: Array
    contested: Array
    earlier: int
    lanes: Array


@dataclass(frozen=True, eq=False)
class Elements:
    """Contested windows of one unit, what they read being outputs of their own.

    Attributes
    ----------
    first : Array of int, (windows + 1,)
        Where the outputs of each begin.
    slack : Array, (outputs,)
        z - m of each pixel.
    rest : Array, (windows,)
        -m with a ReLU, else -infinity.
    windows : Array of int, (windows, 2)
        Window and filter.
    """

    first: Array
    slack: Array
    rest: Array
    windows: Array


class Shared:
    """All that the images of a block have in common.

    Parameters
    ----------
    network, units : Network, Units
    ready : dict of Prepared
        The units with a choice or weights, by the names of their nodes.
    """

    def __init__(self, network: Network, units: Units, ready: dict[str, Prepared]) -> None:
        self.network, self.units, self.ready = network, units, ready
        self.dtype: Any = next(iter(ready.values())).made.y.dtype
        self.classes = network.shape_of[network.logits_name][0]
        self.width = widest(self.dtype)
        self.spare = max(each.channels for each in ready.values()) + MOST_FAR  # rows behind those of an activation
        self.lanes: dict[Any, Array] = {}  # that are the same for all images

    def ones(self, M: int) -> Array:
        """Return the lanes at the logits."""
        if ("ones", M) not in self.lanes:
            self.lanes["ones", M] = np.eye(self.classes, M, dtype=self.dtype)
        return self.lanes["ones", M]
