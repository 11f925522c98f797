"""Labels from 0, with the names of their classes, from labels that are numbers or words."""

from collections.abc import Sequence

import numpy as np

from handmade.data.dataset import numbered_classes
from handmade.data.sources import class_names
from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError


def from_arrays(parts: Sequence[Array], source: str, names: tuple[str, ...] | None = None) -> tuple[list[Array], tuple[str, ...]]:
    """Return labels from 0, and the names of their classes.

    Parameters
    ----------
    parts : sequence of Array
        Labels (N,) of training and test images: integers, or words, whose classes stand in the order of the alphabet.
    source : str
        Name of the data, for messages.
    names : tuple of str, optional
        Names of the classes, for labels from 0.

    Raises
    ------
    HandmadeError
        If the labels are of another kind, negative, or larger than the names allow.
    """
    given = [np.asarray(part) for part in parts]
    if any(part.dtype.kind == "U" for part in given):
        return _of_words([part.astype(str) for part in given], source, names)
    integers = [_integers(part, source) for part in given]
    if names is None:
        return numbered_classes(integers, source)
    low, high = min(part.min() for part in integers), max(part.max() for part in integers)
    if not (low >= 0 and high < len(names)):
        raise HandmadeError(f"{source}: expected labels 0 to {len(names) - 1}, got {low} to {high}. Check the class names")
    return integers, names


def _integers(part: Array, source: str) -> Array:
    if part.dtype.kind == "f" and np.isfinite(part).all() and (part == np.rint(part)).all() and np.abs(part).max() < 2**31:
        return part.astype(np.int64)
    if part.dtype.kind == "u" and part.max() >= 2**31:
        raise HandmadeError(f"{source}: expected labels below 2,147,483,648, got {part.max()}. Try to number the classes from 0")
    if part.dtype.kind not in "biu":
        raise HandmadeError(f"{source}: expected labels that are integers or words, got {part.dtype}. Try labels.astype(int)")
    return part.astype(np.int64)


def _of_words(parts: list[Array], source: str, names: tuple[str, ...] | None) -> tuple[list[Array], tuple[str, ...]]:
    present = sorted({str(word) for part in parts for word in np.unique(part)})
    known = names or tuple(present)
    unknown = [word for word in present if word not in known]
    if unknown:
        raise HandmadeError(f"{source}: expected labels among {', '.join(known[:8])}, got {unknown[0]!r:.80}. Check class_names")
    class_names.check(known, source)
    numbers = {word: number for number, word in enumerate(known)}
    return [np.array([numbers[str(word)] for word in part], np.int64) for part in parts], known
