"""Slice: a part of an image, a range along each axis.

    y[n, i, j, ...] = x[n, start_0 + i step_0, start_1 + j step_1, ...]
    delta     dy = the same part of dx
    backward  gx = gy in its old places, 0 elsewhere

Starts, stops and steps have the meaning that they have in Python, as in x[start:stop:step].
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from handmade.engine.arguments import described, refused
from handmade.engine.arrays import Array, Shape
from handmade.engine.errors import HandmadeError
from handmade.engine.layers.axes import as_integers, is_integer
from handmade.engine.layers.rearrangement import Rearrangement

Ends = tuple[int | None, ...]


@dataclass(frozen=True, eq=False)
class Slice(Rearrangement):
    """Part of images: a range along each axis.

    Parameters
    ----------
    starts, stops : tuple of int or None
        First place, and the place after the last one, along each axis; axis 0 is the first after the batch axis. Negative places
        count from the end. None is the end of the axis.
    steps : tuple of int, optional
        Distance of neighbours along each axis, negative for the reverse order; 1 if left out.

    Raises
    ------
    HandmadeError
        If a setting is impossible; from `output_shape`, if an image has another number of axes, or nothing is left of it.
    """

    SETTINGS: ClassVar[tuple[str, ...]] = ("starts", "stops", "steps")
    REQUIRED: ClassVar[tuple[str, ...]] = ("starts", "stops")

    starts: Ends
    stops: Ends
    steps: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        starts, stops = _ends(self.starts, "Slice: starts"), _ends(self.stops, "Slice: stops")
        ones = (1,) * len(starts)
        steps = ones if self.steps is None else as_integers(self.steps, "Slice: steps", str(ones))
        if 0 in steps:
            raise refused("Slice: steps", "integers other than 0", str(steps), str(ones))
        if not len(starts) == len(stops) == len(steps):
            got = f"{len(starts)} starts, {len(stops)} stops and {len(steps)} steps"
            raise refused("Slice", "a start, a stop and a step for each axis", got)
        for name, value in (("starts", starts), ("stops", stops), ("steps", steps)):
            object.__setattr__(self, name, value)

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != len(self.starts):
            raise HandmadeError(f"Slice: expected images with {len(self.starts)} axes, one for each start; got {tuple(shape)}")
        sizes = tuple(len(range(*part.indices(size))) for part, size in zip(self._parts(), shape, strict=True))
        if 0 in sizes:
            axis = sizes.index(0)
            part = f"[{self.starts[axis]}:{self.stops[axis]}:{self.steps[axis]}]" if self.steps else ""
            raise HandmadeError(f"Slice: expected ranges with a number in them; got {part} for axis {axis} of size {shape[axis]}")
        return sizes

    def rearranged(self, places: Array) -> Array:
        part: Array = places[tuple(self._parts())]
        return part

    def _parts(self) -> Iterator[slice]:
        return (slice(*ends) for ends in zip(self.starts, self.stops, self.steps or (), strict=True))


def _ends(value: Any, name: str) -> Ends:
    if not isinstance(value, list | tuple) or not value or not all(each is None or is_integer(each) for each in value):
        raise refused(name, "an integer or None for each axis", described(value), "(0, 0, None)")
    return tuple(None if each is None else int(each) for each in value)
