"""Arguments of cases: fresh copies for each call, and arrays in other layouts."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Strided:
    """An array whose numbers do not lie side by side in memory: every second number of each row of a larger one."""

    array: Array

    def made(self) -> Array:
        """Return a new array with the same numbers and gaps between them."""
        larger = np.full((*self.array.shape[:-1], 2 * self.array.shape[-1]), 99, self.array.dtype)
        larger[..., ::2] = self.array
        return larger[..., ::2]


def numbers(seed: int, *shape: int) -> Array:
    """Return random numbers with two decimals, so that a student can repeat the arithmetic: no two rows are alike."""
    return np.round(np.random.default_rng(seed).normal(size=shape) * 2, 2)


def fresh(value: Any) -> Any:
    """Return a copy of an argument that a function may change without harm."""
    if isinstance(value, Strided):
        return value.made()
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, dict):
        return {key: fresh(each) for key, each in value.items()}
    if isinstance(value, list):
        return [fresh(each) for each in value]
    if isinstance(value, tuple):
        return tuple(fresh(each) for each in value)
    return value


def same(a: Any, b: Any) -> bool:
    """Return if two arguments hold the same: the same numbers in arrays of the same shape and dtype."""
    if isinstance(a, Strided):
        a = a.array
    if isinstance(b, np.ndarray) and isinstance(a, np.ndarray):
        return a.shape == b.shape and a.dtype == b.dtype and bool(np.array_equal(a, b, equal_nan=a.dtype.kind in "fc"))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)
