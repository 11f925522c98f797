"""Take: some entries of one axis, in any order, each any number of times.

    y[n, ..., k, ...] = x[n, ..., indices[k], ...]
    delta     dy = the same entries of dx
    backward  gx[n, ..., i, ...] = sum over k with indices[k] = i of gy[n, ..., k, ...]

`numpy.take` of one image. A single index removes the axis; a nested list of indices puts several axes in its place.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import numpy as np

from handmade.engine.arguments import MOST, described, integer, refused
from handmade.engine.arrays import Array, Shape
from handmade.engine.errors import HandmadeError
from handmade.engine.layers.axes import is_integer, normal_axis
from handmade.engine.layers.rearrangement import Rearrangement

DEEPEST = 8  # levels of nested lists

Indices: TypeAlias = Any  # an integer, or nested tuples of integers


@dataclass(frozen=True, eq=False)
class Take(Rearrangement):
    """Entries of one axis of images.

    Parameters
    ----------
    axis : int
        Axis 0 is the first after the batch axis, -1 the last.
    indices : int, list of int, or nested lists of int
        Entries of the axis; negative ones count from its end.

    Raises
    ------
    HandmadeError
        If a setting is impossible; from `output_shape`, if an image has no such axis or entry, or no axis is left.
    """

    SETTINGS: ClassVar[tuple[str, ...]] = ("axis", "indices")
    REQUIRED: ClassVar[tuple[str, ...]] = ("axis", "indices")

    axis: int
    indices: Indices

    def __post_init__(self) -> None:
        object.__setattr__(self, "axis", integer(self.axis, "Take: axis", -MOST))
        object.__setattr__(self, "indices", _indices(self.indices))

    def output_shape(self, shape: Shape) -> Shape:
        axis, entries = normal_axis("Take", self.axis, shape), np.asarray(self.indices)
        low, high = int(entries.min()), int(entries.max())
        if low < -shape[axis] or high >= shape[axis]:
            wrong = low if low < -shape[axis] else high
            raise HandmadeError(f"Take: expected indices from {-shape[axis]} to {shape[axis] - 1} for axis {axis}; got {wrong}")
        sizes = (*shape[:axis], *entries.shape, *shape[axis + 1 :])
        if not sizes:
            raise HandmadeError(f"Take: expected an axis to be left; index {low} leaves none. Try a list, indices=({low},)")
        return sizes

    def rearranged(self, places: Array) -> Array:
        return np.asarray(places.take(np.asarray(self.indices), axis=self.axis))


def _indices(value: Any) -> Indices:
    """Return indices as an integer or nested tuples of integers."""
    try:
        indices = _as_tuples(value.tolist() if isinstance(value, np.ndarray | np.integer) else value)
        np.asarray(indices)  # a ValueError for lists of different lengths
    except ValueError:
        raise refused("Take: indices", "an integer, or a list of integers", described(value), "(0,)") from None
    return indices


def _as_tuples(value: Any, depth: int = 0) -> Any:
    """Return nested lists of integers as tuples; raise ValueError for anything else."""
    if is_integer(value):
        return int(value)
    if not isinstance(value, list | tuple) or not value or depth == DEEPEST:
        raise ValueError
    return tuple(_as_tuples(each, depth + 1) for each in value)
