"""Equality of two results up to the order of their sums, and the position of their largest difference."""

from typing import Any

import numpy as np

from handmade.engine.arrays import Array

EXACT = {8: 1e-11, 4: 1e-4, 2: 3e-2}  # relative: sums of some thousand terms in another order, by the bytes of a number


def equal(one: Array, other: Array, scale: float | None = None, floor: float | Array = 0.0) -> bool:
    """Return True for arrays that are equal up to the order of sums, or to `floor`."""
    if one.shape != other.shape:
        return False
    with np.errstate(invalid="ignore"):
        bad = np.isfinite(one) != np.isfinite(other)
        largest = float(np.max(np.abs(other[np.isfinite(other)]), initial=0.0)) if scale is None else scale
        relative = EXACT.get(min(one.dtype.itemsize, other.dtype.itemsize), EXACT[8])
        return not np.any(bad) and not np.any(np.abs(one - other) > relative * largest + floor)


def worst(got: Array, expected: Array) -> dict[str, Any]:
    """Return the position of the largest difference, with both values: the last fields of a Finding."""
    if got.shape != expected.shape or got.size == 0:
        return {}
    off = np.where(np.isfinite(got) & np.isfinite(expected), np.abs(got - expected), np.inf)
    index = tuple(int(i) for i in np.unravel_index(np.argmax(off), expected.shape))
    return {"index": index, "got": float(got[index]), "expected": float(expected[index])}
