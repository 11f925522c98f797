"""Small arrays of the workbook as grids for the page: a window of two axes around one place, with marked numbers."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from handmade.engine.arrays import Array
from handmade.learn.picture import Grid, Part
from handmade.learn.verdict import Arrays

MOST = 10  # rows and columns of a grid


def of_picture(parts: Sequence[Part]) -> list[dict[str, Any]]:
    """Return the grids and signs of a picture."""
    return [
        _grid(part.title, part.values, sorted(part.marked), sorted(part.dim))
        if isinstance(part, Grid)
        else {"kind": "sign", "text": part.text}
        for part in parts
    ]


def of_arrays(arrays: Arrays, name: str) -> list[dict[str, Any]]:
    """Return the student's numbers and the expected ones around the worst of them, with the wrong ones marked.

    Parameters
    ----------
    arrays : Arrays
    name : str
        Name of the array: of filters, the grid shows rows and columns of the window.
    """
    where, window = _window(arrays.at, arrays.yours.shape, name)
    wrong = _matrix(arrays.wrong[window])
    marked = [(int(row), int(column)) for row, column in np.argwhere(wrong)]
    first = [each.start for each in window if isinstance(each, slice)]
    top, left = first if len(first) == 2 else (0, first[0] if first else 0)
    return [
        _grid(where, _matrix(values[window]), marked) | {"kind": kind, "top": top, "left": left}
        for kind, values in (("yours", arrays.yours), ("expected", arrays.expected))
    ]


def _window(at: tuple[int, ...], shape: tuple[int, ...], name: str) -> tuple[str, tuple[int | slice, ...]]:
    """Return the name of the grid, and the index of its numbers."""
    first = 1 if len(shape) == 4 and not name.removeprefix("g").startswith("W") else 0
    window: list[int | slice] = []
    names = []
    for axis, (place, size) in enumerate(zip(at, shape, strict=True)):
        if not first <= axis < first + 2:
            window.append(place)
            names.append(str(place))
            continue
        begin = max(0, min(place - MOST // 2, size - MOST))
        end = min(size, begin + MOST)
        window.append(slice(begin, end))
        names.append(":" if (begin, end) == (0, size) else f"{begin}:{end}")
    return name if set(names) <= {":"} else f"{name}[{', '.join(names)}]", tuple(window)


def _matrix(values: Array) -> Array:
    return np.asarray(values).reshape(-1, np.shape(values)[-1] if np.ndim(values) else 1)


def _grid(title: str, values: Array, marked: Iterable[tuple[int, int]], dim: Iterable[tuple[int, int]] = ()) -> dict[str, Any]:
    rows = [[_number(float(value)) for value in row] for row in np.asarray(values)]
    return {"kind": "grid", "text": title, "rows": rows, "marked": list(marked), "dim": list(dim), "top": 0, "left": 0}


def _number(value: float) -> float | str:
    """Return a number; one that is not finite as a word, because JSON has none for it."""
    return value if math.isfinite(value) else "NaN" if math.isnan(value) else "∞" if value > 0 else "\N{MINUS SIGN}∞"
