"""Arrays and numbers that influence the output of forward: each one is changed in turn, and the outputs are compared."""

import contextlib
from typing import Any

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.foreign import gradients
from handmade.engine.foreign.calls import CallFailed, Foreign
from handmade.engine.foreign.objects import Path, arrays, numbers, path_text, value_at, write, write_new

FEW = 8  # numbers of a list that are changed
NUDGES = (1e-3, 1.0, 100.0)  # relative to the size of an array: the first is visible unless all units are dead


def influences(foreign: Foreign, path: Path, x: Array, y: Array) -> bool:
    """Return True if a small or large change of a value changes the output, at x or at a random input."""
    value = np.asarray(value_at(foreign.layer, path), np.float64)
    if not np.all(np.isfinite(value)):
        return False
    rng = np.random.default_rng(0)
    direction = 0.5 + rng.random(value.shape)
    if _influences_at(foreign, path, value, direction, x, y):
        return True
    if x.dtype.kind != "f":
        return False
    other = rng.standard_normal(x.shape).astype(x.dtype)
    with contextlib.suppress(CallFailed):
        return _influences_at(foreign, path, value, direction, other, np.array(foreign.fresh().forward(other.copy())))
    return False


def _influences_at(foreign: Foreign, path: Path, value: Array, direction: Array, x: Array, y: Array) -> bool:
    size = (float(np.sqrt(np.mean(value**2))) if value.size else 0.0) or 1.0
    for nudge in NUDGES:
        for sign in (1, -1):
            trial = foreign.fresh()
            try:
                write(trial.layer, path, _like(value_at(trial.layer, path), value + sign * nudge * size * direction))
                moved = np.array(trial.forward(x.copy()))
            except (CallFailed, TypeError, AttributeError):
                continue  # for example, a size or a count that cannot be changed
            if moved.shape != y.shape or not np.array_equal(moved, y, equal_nan=True):
                return True
    return False


def _like(value: Any, array: Array) -> Any:
    """Return numbers in the type of the value that they replace: a Python number for a number."""
    if isinstance(value, np.ndarray):
        return array
    return float(array) if isinstance(value, float | np.floating) else round(float(array))


def differs(layer: Any, path: Path, before: Array) -> bool:
    """Return True if a value is missing or changed."""
    try:
        return not np.array_equal(np.asarray(value_at(layer, path)), before, equal_nan=before.dtype.kind == "f")
    except (LookupError, AttributeError, TypeError):
        return True


def created_by_forward(warm: Foreign, made: list[Path], x: Array) -> list[Path]:
    """Return the arrays that the first forward creates and later ones read; a cache of the input is created in each call."""
    if not made:
        return []
    y = np.array(warm.fresh().forward(x.copy()))
    again = warm.fresh()
    with contextlib.suppress(CallFailed):
        again.forward((0.75 * x).astype(x.dtype) if x.dtype.kind == "f" else x[::-1].copy())
    before = {path: np.array(value_at(warm.layer, path)) for path in made}
    kept = [path for path in made if not differs(again.layer, path, before[path])]
    return [path for path in kept if influences(warm, path, x, y)]


def integers_to_floats(foreign: Foreign, x: Array) -> None:
    """Convert arrays of integers to floats in place if the output stays the same: np.array([1, 2]) may be a weight."""
    for path, array in list(arrays(foreign.layer)):
        if array.dtype.kind not in "iu" or not array.size or not np.array_equal(array, array.astype(foreign.dtype)):
            continue
        trial = foreign.fresh()
        try:
            y = np.array(trial.forward(x.copy()))
            trial = foreign.fresh()
            write_new(trial.layer, path, array.astype(foreign.dtype))
            made = np.array(trial.forward(x.copy()))
            if (
                made.shape == y.shape
                and np.array_equal(made, y, equal_nan=True)
                and value_at(trial.layer, path).dtype.kind == "f"
            ):
                write_new(foreign.layer, path, array.astype(foreign.dtype))
        except (HandmadeError, AttributeError, TypeError):
            continue  # for example, an index


def lists_of_numbers(foreign: Foreign, places: dict[str, Path], x: Array, y: Array) -> dict[str, str]:
    """Return lists of Python numbers that have the name of a weight and influence the output, each with a hint."""
    lists: dict[Path, list[Path]] = {}
    for path, _ in numbers(foreign.layer):
        if isinstance(path[-1].key, int) and path not in places.values():
            owner = next((path[: n + 1] for n in reversed(range(len(path))) if isinstance(path[n].key, str)), path)
            lists.setdefault(owner, []).append(path)
    moving = [
        owner
        for owner, held in lists.items()
        if has_weight_name(owner) and any(influences(foreign, path, x, y) for path in held[:FEW])
    ]
    return {path_text(owner): "it is a list of numbers. Try a NumPy array" for owner in moving}


def has_weight_name(path: Path) -> bool:
    """Return True for the path of a weight's usual name, such as b, bias or gamma."""
    return gradients.last_name(path).lower().strip("_") in gradients.WEIGHT_NAMES
