"""Pad: a margin around an image, of a constant or of copies of its numbers.

    y[n, i + before_0, j + before_1, ...] = x[n, i, j, ...]
    constant  the margin is `value`
    edge      the margin repeats the nearest number
    reflect   the margin mirrors the image at its outermost numbers, which are not repeated
    wrap      the margin continues the image at its other end
    delta     dy = dx, padded in the same way; a constant does not change
    backward  gx = gy without the margin, plus the gy of all copies

`numpy.pad` of one image.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from handmade.engine.arguments import MOST, check_choice, described, number, refused
from handmade.engine.arrays import Array, Shape
from handmade.engine.errors import HandmadeError
from handmade.engine.layers.axes import is_integer
from handmade.engine.layers.rearrangement import Rearrangement

MODES = ("constant", "reflect", "edge", "wrap")
LARGEST = 3.4e38  # value: what float32 can hold


@dataclass(frozen=True, eq=False)
class Pad(Rearrangement):
    """Images with a margin.

    Parameters
    ----------
    widths : tuple of (int, int)
        Numbers before and after the image along each axis; axis 0 is the first after the batch axis.
    mode : str
        "constant", "reflect", "edge" or "wrap".
    value : float
        Value of the margin, for "constant".

    Raises
    ------
    HandmadeError
        If a setting is impossible; from `output_shape`, if an image has another number of axes, or is too small to be reflected.
    """

    SETTINGS: ClassVar[tuple[str, ...]] = ("widths", "mode", "value")
    REQUIRED: ClassVar[tuple[str, ...]] = ("widths",)

    widths: tuple[tuple[int, int], ...]
    mode: str = "constant"
    value: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", _widths(self.widths))
        check_choice(self.mode, "Pad: mode", MODES)
        object.__setattr__(self, "value", number(self.value, "Pad: value", -LARGEST, LARGEST))

    @property
    def constant(self) -> float:
        return self.value

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != len(self.widths):
            advice = ((1, 1),) * len(shape)
            raise HandmadeError(
                f"Pad: expected images with {len(self.widths)} axes, as many as pairs of widths; got {tuple(shape)}. Try {advice}"
            )
        if self.mode == "reflect":
            for axis, (size, width) in enumerate(zip(shape, self.widths, strict=True)):
                if max(width) >= size:
                    raise HandmadeError(
                        f'Pad: expected widths below the size {size} of axis {axis} for "reflect"; got {width}. Try mode="edge"'
                    )
        return tuple(before + size + after for size, (before, after) in zip(shape, self.widths, strict=True))

    def rearranged(self, places: Array) -> Array:
        if self.mode == "constant":
            return np.pad(places, self.widths, constant_values=-1)
        copies: Any = np.pad(places, self.widths, mode=self.mode)  # type: ignore[call-overload]  # mode is a checked str
        return np.asarray(copies)


def _widths(value: Any) -> tuple[tuple[int, int], ...]:
    pairs = value.tolist() if isinstance(value, np.ndarray) else value
    proper = (
        isinstance(pairs, list | tuple)
        and len(pairs) > 0
        and all(isinstance(pair, list | tuple) and len(pair) == 2 and all(is_integer(n, 0) for n in pair) for pair in pairs)
    )
    if not proper:
        raise refused(
            "Pad: widths", f"a pair of integers from 0 to {MOST} for each axis", described(value), "((1, 1), (1, 1), (0, 0))"
        )
    return tuple((int(before), int(after)) for before, after in pairs)
