"""Places of wrong numbers: the simplest statement that is true for every number of the array."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MEANINGS = {1: ("index",), 2: ("row", "column"), 4: ("image", "row", "column", "channel")}  # of axes, by their number


@dataclass(frozen=True)
class Pattern:
    """A statement about places: `key` of a text, and the meaning of the axis."""

    key: str
    axis: str


def pattern_of(wrong: NDArray[np.bool_]) -> Pattern | None:
    """Return where the wrong numbers are, or None if there is no simple rule.

    "Only in the last row" says that all numbers of the last row are wrong and all others right. "All but the first" says the
    opposite of "only in the first".
    """
    if wrong.all() or wrong.ndim not in MEANINGS:
        return None
    for axis, meaning in enumerate(MEANINGS[wrong.ndim]):
        if wrong.shape[axis] < 2:
            continue
        lines = np.moveaxis(wrong, axis, 0).reshape(wrong.shape[axis], -1)
        full = np.array(lines.all(axis=1))
        empty = np.array(~lines.any(axis=1))
        if not (full | empty).all():
            continue
        for key, expected in _rules(len(full)):
            if np.array_equal(full, expected):
                return Pattern(key, meaning)
    return None


def _rules(length: int) -> list[tuple[str, NDArray[Any]]]:
    first, last = np.zeros(length, bool), np.zeros(length, bool)
    first[0], last[-1] = True, True
    return [("only_last", last), ("only_first", first), ("all_but_first", ~first), ("all_but_last", ~last)]
