"""A result compared with the right answer: its type, its shape, then its numbers."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handmade.learn.results import Other, Raised, Value, kind_of, numeric


@dataclass(frozen=True)
class Tolerance:
    """Largest error of a right number: relative to the largest number of the array, and absolute.

    Both are far above rounding, and far below any mistake.
    """

    relative: float = 1e-10
    floor: float = 1e-13


DOUBLE, SINGLE = Tolerance(), Tolerance(2e-5, 1e-7)


@dataclass(frozen=True, eq=False)
class Difference:
    """The first difference between a result and the right answer.

    Attributes
    ----------
    kind : str
        nothing, type, count, shape, dtype or values.
    part : int
        Place of the array in what the function returned.
    yours, expected : str
        The received and the expected one: of types, shapes and dtypes.
    mine, right : ndarray or None
        The arrays, where numbers differ; `wrong` says which of them.
    """

    kind: str
    part: int = 0
    yours: str = ""
    expected: str = ""
    mine: NDArray[Any] | None = None
    right: NDArray[Any] | None = None
    wrong: NDArray[np.bool_] | None = None


def parts_of(value: Any) -> tuple[Any, ...]:
    """Return what a function returned as a tuple of arrays."""
    return tuple(
        each if isinstance(each, Other) else np.asarray(each) for each in (value if isinstance(value, tuple) else (value,))
    )


def form_difference(value: Value, expected: Any, dtype: str = "") -> Difference | None:
    """Compare types, shapes and dtypes."""
    mine, right = parts_of(value) if not _nested(value) else (), parts_of(expected)
    if len(mine) != len(right) or isinstance(value, tuple) != isinstance(expected, tuple):
        return Difference("count", 0, _count(value), _count(expected))
    for part, (a, b) in enumerate(zip(mine, right, strict=True)):
        if isinstance(a, Other) and a.kind == "ndarray" and a.shape is not None:  # too large to be sent
            return Difference("shape", part, shown(a.shape), shown(b.shape))
        if not numeric(a):
            nothing = isinstance(a, Other) and a.kind == "None" and len(right) == 1
            return Difference(
                "nothing" if nothing else "type", part, a.kind if isinstance(a, Other) else str(a.dtype), shown(b.shape)
            )
        if a.shape != b.shape:
            return Difference("shape", part, shown(a.shape), shown(b.shape))
        if dtype and str(a.dtype) != dtype:
            return Difference("dtype", part, str(a.dtype), dtype)
    return None


def number_difference(value: Value, expected: Any, tolerance: Tolerance = DOUBLE) -> Difference | None:
    """Compare numbers of arrays that have the same shapes."""
    for part, (a, b) in enumerate(zip(parts_of(value), parts_of(expected), strict=True)):
        wrong = ~close(a, b, tolerance)
        if wrong.any():
            return Difference("values", part, mine=a, right=b, wrong=wrong)
    return None


def close(a: NDArray[Any], b: NDArray[Any], tolerance: Tolerance = DOUBLE) -> NDArray[np.bool_]:
    """Return number by number if two arrays of the same shape agree. NaN agrees with NaN, infinity with infinity."""
    a, b = a.astype(float), b.astype(float)
    largest = float(np.abs(b[np.isfinite(b)]).max(initial=0))
    with np.errstate(all="ignore"):
        near = np.abs(a - b) <= max(tolerance.relative * largest, tolerance.floor)
    return np.asarray(near | (a == b) | (np.isnan(a) & np.isnan(b)))


def agree(a: Value | Raised, b: Value | Raised, tolerance: Tolerance = DOUBLE) -> bool:
    """Return if two results are the same: the same numbers, the same other type, or the same type of error."""
    if isinstance(a, Raised) or isinstance(b, Raised):
        return isinstance(a, Raised) and isinstance(b, Raised) and a.kind == b.kind
    mine, theirs = parts_of(a), parts_of(b)
    if isinstance(a, tuple) != isinstance(b, tuple) or len(mine) != len(theirs):
        return False
    for x, y in zip(mine, theirs, strict=True):
        if isinstance(x, Other) or isinstance(y, Other):
            if not (isinstance(x, Other) and isinstance(y, Other) and x == y):
                return False
        elif not (numeric(x) and numeric(y) and x.shape == y.shape and close(x, y, tolerance).all()):
            return False
    return True


def shown(shape: tuple[int, ...]) -> str:
    """Return a shape as text: (3, 4), or () for a single number."""
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def _nested(value: Any) -> bool:
    return isinstance(value, tuple) and any(isinstance(each, tuple) for each in value)


def _count(value: Any) -> str:
    if isinstance(value, tuple):
        return f"tuple ({len(value)})"
    return value.kind if isinstance(value, Other) else kind_of(value) if not isinstance(value, np.ndarray) else "1"
