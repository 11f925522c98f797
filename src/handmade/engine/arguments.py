"""Arguments of public functions: converted once, at the border, and trusted inside.

What NumPy takes is taken: lists, tensors of other libraries, an integer as the seed of a generator. The rest is refused in one
line, "argument: expected X, got Y. Try Z", where Z is code that works.
"""

import math
import os
from collections.abc import Iterable, Sequence
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from handmade.engine.arrays import Array, Padding, Shape
from handmade.engine.errors import HandmadeError

MOST = 2**31 - 1  # of anything: a number beyond it is a slip, or hostile
LONGEST = 80  # letters of a value in a message
IMAGES_AT_ONCE = 1000  # checked together, so that a large set needs no second one of truth values


def refused(name: str, expected: str, got: str, advice: str = "") -> HandmadeError:
    """Return the error for an argument, in one line; `advice` is code that works."""
    return HandmadeError(f"{name}: expected {expected}, got {got}" + (f". Try {advice}" if advice else ""))


def described(value: object) -> str:
    """Return a value in a few words for a message."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if isinstance(value, np.ndarray):
        return f"an array {value.shape} of {value.dtype}"
    if value is None or isinstance(value, str | bytes | Real | complex | list | tuple | dict | os.PathLike):
        return " ".join(f"{value!r:.{LONGEST}}".split())
    kind = type(value).__name__
    return f"{'an' if kind[0] in 'AEIOUaeiou' else 'a'} {kind}"


# --- arrays -------------------------------------------------------------------------------------------------------------------


def as_array(value: Any, name: str) -> Array:
    """Return what NumPy makes of a value; an array comes back as it is.

    Raises
    ------
    HandmadeError
        If NumPy makes no array of numbers of it, as of lists of different lengths, or a tensor that needs a gradient.
    """
    if type(value) is np.ndarray and value.dtype.kind in "fiub":
        return value
    try:
        array = np.asarray(value)
    except Exception as error:  # noqa: BLE001  other libraries may raise anything
        raise refused(name, "an array", *_without_array(value, name, str(error))) from None
    if array.dtype.kind == "O" and array.size and all(isinstance(each, Real) for each in array.flat):
        array = array.astype(np.float64)
    if array.dtype.kind not in "fiub":
        got = described(value) if array.ndim == 0 else f"an array {array.shape} of {array.dtype}"
        raise refused(name, "an array of real numbers", got, _of_numbers(array, value, name))
    return array


def as_weights(value: Any, name: str) -> Array:
    """Return an array of weights as floats; integers become float64."""
    array = as_array(value, name)
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def as_weight_arrays(layer: str, given: dict[str, Any], advice: str) -> list[Array]:
    """Return the weights of a layer as arrays of floats; raise HandmadeError, with advice, if one is no array."""
    for value in given.values():
        if not isinstance(value, np.ndarray | list | tuple) and not callable(getattr(value, "__array__", None)):
            got = " and ".join(map(described, given.values()))
            raise refused(layer, f"the arrays {' and '.join(given)}", got, advice)
    return [as_weights(value, f"{layer}: {name}") for name, value in given.items()]


def code_of(value: object, name: str) -> str:
    """Return code for an argument as an array, to continue with in advice."""
    return name if isinstance(value, np.ndarray) else f"np.asarray({name})"


def check_finite(images: Array, name: str = "images") -> None:
    """Raise HandmadeError if one of the images holds NaN or infinity; integers cannot."""
    if images.dtype.kind != "f":
        return
    for first in range(0, len(images), IMAGES_AT_ONCE):
        finite = np.isfinite(images[first : first + IMAGES_AT_ONCE]).reshape(-1, math.prod(images.shape[1:])).all(axis=1)
        if not finite.all():
            worst = first + int(finite.argmin())
            raise refused(name, "finite numbers", f"NaN or infinity in {name}[{worst}]")


def as_dtype(value: Any, name: str = "dtype") -> np.dtype[Any]:
    """Return a dtype of floats; raise HandmadeError if it is none."""
    try:
        dtype = np.dtype(value) if value is not None and not isinstance(value, np.ndarray) else np.dtype(bool)
    except Exception:  # noqa: BLE001  NumPy raises many kinds
        dtype = np.dtype(bool)
    if dtype.kind != "f":
        raise refused(name, "a dtype of floats", described(value), "np.float32")
    return dtype


# --- numbers ------------------------------------------------------------------------------------------------------------------


def integer(value: Any, name: str, minimum: int) -> int:
    """Return an integer of at least `minimum` as a plain one.

    Raises
    ------
    HandmadeError
        If it is none, or below `minimum` or beyond any use.
    """
    if not _is_integer(value, minimum):
        raise refused(name, f"an integer {_range(minimum)}", described(value))
    return int(value)


def pair(value: Any, name: str, minimum: int) -> tuple[int, int]:
    """Return a setting as (height, width); one integer stands for both.

    Raises
    ------
    HandmadeError
        If it is neither one integer nor two, or one is below `minimum` or beyond any use.
    """
    sides = value.tolist() if isinstance(value, np.ndarray) else value
    sides = (sides, sides) if isinstance(sides, int | np.integer) else sides
    if not isinstance(sides, Sequence) or len(sides) != 2 or not all(_is_integer(side, minimum) for side in sides):
        raise refused(name, f"one or two integers {_range(minimum)}", described(value))
    return int(sides[0]), int(sides[1])


def true_or_false(value: Any, name: str) -> bool:
    """Return a setting that is True or False; raise HandmadeError if it is neither."""
    if not isinstance(value, bool | np.bool_):
        raise refused(name, "True or False", described(value))
    return bool(value)


def padding_of(value: Any, name: str = "padding") -> Padding:
    """Return a padding as (rows, columns) if opposite sides are equal, else as ((top, bottom), (left, right)).

    Parameters
    ----------
    value : int, (int, int) or ((int, int), (int, int))
        Number of rows and columns on all sides; above and below, left and right; or of each side.
    name : str
        Name of the setting.

    Raises
    ------
    HandmadeError
        If it is none of these, or a number is below 0 or beyond any use.
    """
    given = value.tolist() if isinstance(value, np.ndarray) else value
    along = given if isinstance(given, list | tuple) else (given, given)
    each = [tuple(axis) if isinstance(axis, list | tuple) else (axis, axis) for axis in along]
    if [len(axis) for axis in each] != [2, 2] or not all(_is_integer(side, 0) for axis in each for side in axis):
        form = "an integer, (rows, columns) or ((top, bottom), (left, right)); integers"
        raise refused(name, f"{form} {_range(0)}", described(value))
    (top, bottom), (left, right) = ((int(before), int(after)) for before, after in each)
    return (top, left) if (top, left) == (bottom, right) else ((top, bottom), (left, right))


def number(value: Any, name: str, low: float, high: float) -> float:
    """Return a number from `low` to `high` as a plain float; raise HandmadeError if it is none."""
    if not is_number(value) or not low <= float(value) <= high:
        raise refused(name, f"a number from {low:g} to {high:g}", described(value))
    return float(value)


def as_shape(value: Any, name: str, example: str) -> Shape:
    """Return a shape as a tuple of plain integers above 0; raise HandmadeError if it is none."""
    sizes = tuple(value) if isinstance(value, list | tuple | np.ndarray) else ()
    if not sizes or not all(_is_integer(size, 1) for size in sizes):
        raise refused(name, "sizes above 0", described(value), example)
    return tuple(map(int, sizes))


def is_number(value: object) -> bool:
    """Return True for a real number that a float can hold: of Python or of NumPy, but no bool."""
    if not isinstance(value, Real) or isinstance(value, bool | np.bool_):
        return False
    try:
        float(value)
    except OverflowError:
        return False
    return True


def check_choice(value: object, name: str, choices: Iterable[str]) -> None:
    """Raise HandmadeError unless the value is one of some words."""
    known = list(choices)
    if not isinstance(value, str) or value not in known:
        raise refused(name, f"one of {', '.join(known)}", described(value), repr(known[0]))


# --- objects ------------------------------------------------------------------------------------------------------------------


def as_generator(value: Any, name: str = "rng") -> "np.random.Generator":
    """Return a generator as it is, and make one from a seed: an integer, or several."""
    if isinstance(value, np.random.Generator):
        return value
    seeds = value if isinstance(value, list | tuple) and value else [value]
    if isinstance(value, np.random.BitGenerator | np.random.SeedSequence) or all(
        isinstance(seed, int | np.integer) and not isinstance(seed, bool) and seed >= 0 for seed in seeds
    ):
        return np.random.default_rng(value)
    raise refused(name, "a generator, or an integer seed of at least 0", described(value), "np.random.default_rng(0)")


def as_seed(value: object, name: str = "seed") -> int:
    """Return a seed of at least 0 as a plain integer; raise HandmadeError if it is none."""
    if isinstance(value, int | np.integer) and not isinstance(value, bool) and value >= 0:
        return int(value)
    advice = f"int({name}.integers(2**31))" if isinstance(value, np.random.Generator) else "0"
    raise refused(name, "an integer of at least 0", described(value), advice)


def as_path(value: Any, name: str) -> Path:
    """Return the path of a file or folder; raise HandmadeError if the value is none."""
    text = os.fspath(value) if isinstance(value, str | os.PathLike) else None
    if not isinstance(text, str) or not text or "\0" in text:
        raise refused(name, "the path of a file or folder", described(value))
    return Path(value)


def check_callable(value: object, name: str, expected: str, advice: str) -> None:
    """Raise HandmadeError unless the value is a function, or an object that can be called; a class is neither."""
    if not callable(value) or isinstance(value, type):
        raise refused(name, expected, described(value), advice)


def check_methods(value: object, name: str, expected: str, methods: Iterable[str], advice: str) -> None:
    """Raise HandmadeError unless the value is an object with these methods; a class is none."""
    if isinstance(value, type) or not all(callable(getattr(value, method, None)) for method in methods):
        raise refused(name, expected, described(value), advice)


def check_executor(value: Any, name: str = "executor") -> None:
    """Raise HandmadeError unless the value is an executor or None."""
    if value is not None:
        count = value if isinstance(value, int | np.integer) and not isinstance(value, bool) and 0 < value < 1000 else 2
        advice = f"concurrent.futures.ThreadPoolExecutor({count})"
        check_methods(value, name, "an executor of concurrent.futures", ("submit", "map"), advice)


def _is_integer(value: object, minimum: int) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and minimum <= int(value) <= MOST


def _range(minimum: int) -> str:
    return f"of at least {minimum}, below 2^31"


def _without_array(value: object, name: str, error: str) -> tuple[str, str]:
    """Return a description of a value that NumPy refuses, and advice."""
    if "grad" in error:
        return "a tensor that requires grad", f"{name}.detach()"
    if "cuda" in error or "device" in error:
        return "a tensor on another device", f"{name}.cpu()"
    if isinstance(value, list | tuple):
        return "lists of different lengths", ""
    return described(value), ""


def _of_numbers(array: Array, value: object, name: str) -> str:
    """Return code that makes numbers of an array that has none, or nothing."""
    if array.ndim == 0:
        return f"list({name})" if isinstance(value, Iterable) and not isinstance(value, str | bytes) else ""
    if array.dtype.kind == "c":
        return f"{code_of(value, name)}.real"
    try:
        array.astype(np.int64)
    except Exception:  # noqa: BLE001  NumPy raises many kinds
        return ""
    return f"{code_of(value, name)}.astype(int)"
