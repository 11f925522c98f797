"""Inputs for a layer: random normal numbers of a shape, or an array from an .npy file."""

import math
import re
from pathlib import Path

import numpy as np

from handmade.engine.arrays import Array, Shape
from handmade.engine.errors import HandmadeError
from handmade.engine.randomness import generator

MOST_NUMBERS = 2**22
LARGEST_FILE = 2**26  # bytes
PURPOSE = 5  # stream of the random numbers; the checker uses other streams


def shape_of(text: str) -> Shape | None:
    """Return the shape in a text such as 2,8,8,3 or (2, 8, 8, 3); None if the text is not a shape."""
    inner = text.strip().removeprefix("(").removesuffix(")")
    if not re.fullmatch(r"\s*[0-9]{1,9}\s*(,\s*[0-9]{1,9}\s*)*", inner):
        return None
    return tuple(int(size) for size in inner.split(","))


def random_input(shape: Shape, seed: int) -> Array:
    """Return random normal numbers of a shape, in float64.

    Raises
    ------
    HandmadeError
        If the shape has no numbers, or too many.
    """
    if not 0 < math.prod(shape) <= MOST_NUMBERS:
        written = ",".join(map(str, shape))
        raise HandmadeError(f"--input: expected 1 to {MOST_NUMBERS:,} numbers, got the shape {written}. Try --input 2,8,8,3")
    return generator(seed, PURPOSE).standard_normal(shape)


def read_input(path: Path) -> Array:
    """Return the array in an .npy file; no code in the file is run.

    Raises
    ------
    HandmadeError
        If the file is missing, too large or damaged, or does not hold real numbers.
    """
    if not path.is_file():
        raise HandmadeError(f"--input: expected a shape such as 2,8,8,3, or an .npy file; there is no file {path}")
    if (size := path.stat().st_size) > LARGEST_FILE:
        raise HandmadeError(
            f"--input: expected a file of at most {LARGEST_FILE:,} bytes, got {path} of {size:,}. Try fewer images"
        )
    try:
        mapped = np.load(path, mmap_mode="r", allow_pickle=False)  # mapped: a wrong size in the header allocates no memory
        array = np.array(mapped) if isinstance(mapped, np.ndarray) else None
    except (ValueError, OSError, EOFError, MemoryError, OverflowError) as error:
        raise HandmadeError(
            f"--input: expected an .npy file; {path} cannot be read: {error}. Write it with numpy.save(name, x)"
        ) from None
    if array is None or array.dtype.kind not in "fiub":
        found = "an archive of arrays" if array is None else str(array.dtype)
        raise HandmadeError(
            f"--input: expected one array of real numbers in {path}, got {found}. Write it with numpy.save(name, x)"
        )
    if not 0 < array.size <= MOST_NUMBERS:
        raise HandmadeError(
            f"--input: expected 1 to {MOST_NUMBERS:,} numbers in {path}, got the shape {array.shape}. Try fewer images"
        )
    return array
