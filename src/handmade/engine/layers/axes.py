"""Arguments of layers that name axes of one image: axis 0 is the first axis after the batch axis, -1 the last."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from handmade.engine.arguments import MOST, described, refused
from handmade.engine.arrays import Shape
from handmade.engine.errors import HandmadeError


def as_integers(value: Any, name: str, advice: str, low: int = -MOST) -> tuple[int, ...]:
    """Return a list of integers of at least `low` as a tuple of plain ones.

    Raises
    ------
    HandmadeError
        If it is no list of integers, or empty.
    """
    numbers = value.tolist() if isinstance(value, np.ndarray) else value
    if not isinstance(numbers, list | tuple) or not numbers or not all(is_integer(each, low) for each in numbers):
        raise refused(name, "a list of integers" + (f" of at least {low}" if low > -MOST else ""), described(value), advice)
    return tuple(int(each) for each in numbers)


def is_integer(value: object, low: int = -MOST) -> bool:
    """Return True for an integer from `low` to the largest that is used; a bool is none."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(low <= value <= MOST)


def normal_axis(layer: str, axis: int, shape: Shape) -> int:
    """Return an axis counted from 0; raise HandmadeError if the shape has no such axis."""
    if not -len(shape) <= axis < len(shape):
        raise HandmadeError(f"{layer}: expected an axis from {-len(shape)} to {len(shape) - 1} of one image {shape}; got {axis}")
    return axis % len(shape)


def normal_axes(layer: str, axes: Sequence[int], shape: Shape) -> tuple[int, ...]:
    """Return different axes, counted from 0 and in order; raise HandmadeError if two are the same."""
    found = sorted(normal_axis(layer, axis, shape) for axis in axes)
    if len(set(found)) < len(found):
        raise HandmadeError(f"{layer}: expected each axis once; got {tuple(axes)} for one image {shape}")
    return tuple(found)


def as_lists(value: Any) -> Any:
    """Return nested tuples as nested lists, as JSON holds them."""
    return [as_lists(each) for each in value] if isinstance(value, tuple) else value
