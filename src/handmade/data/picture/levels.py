"""Grey levels with white known, from arrays of any usual type: 0 is black, 1 is white.

grey = value / white              for bool, unsigned integers and floats of 0 to 1
grey = (value + 1) / 2            for floats of -1 to 1, which other libraries make
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from handmade.engine.arguments import as_array, code_of, refused
from handmade.engine.arrays import Array

LARGEST_SIDE = 10_000  # pixels


def as_picture(value: Any) -> Array:
    """Return grey levels (H, W) as an array: bool, unsigned integers, or floats from 0 to 1.

    Raises
    ------
    HandmadeError
        If the value is no such array.
    """
    picture = as_array(value, "picture")
    code = code_of(value, "picture")
    if picture.ndim != 2:
        raise refused("picture", "grey levels (H, W)", str(picture.shape), _flattened(picture, code))
    if not 1 <= min(picture.shape) <= max(picture.shape) <= LARGEST_SIDE:
        raise refused("picture", f"grey levels (H, W), 1 to {LARGEST_SIDE:,} pixels on a side", str(picture.shape))
    low, high = picture.min(), picture.max()
    if picture.dtype.kind == "i":
        if not 0 <= low <= high <= 255:
            raise refused("picture", "integers from 0 to 255, or floats from 0 to 1", f"{low} to {high}")
        return picture.astype(np.uint8)
    if picture.dtype.kind == "f":
        if -1 <= low < 0 < high <= 1:
            return (picture + 1) / 2
        if not (low >= 0 and high <= 1):  # NaN is neither
            advice = f"({code} - {code}.min()) / np.ptp({code})" if np.isfinite(high - low) and low < high else ""
            raise refused("picture", "floats from 0 to 1", f"{low} to {high}", advice)
    return picture


def white_of(picture: Array) -> float:
    """Return the number that means white in an array of `as_picture`."""
    return float(np.iinfo(picture.dtype).max) if picture.dtype.kind == "u" else 1.0


def as_grey(picture: Array) -> NDArray[np.float64]:
    """Return the grey levels of an array of `as_picture`, 0 to 1."""
    return picture / np.float64(white_of(picture))


def _flattened(picture: Array, code: str) -> str:
    """Return code that makes grey levels (H, W) of a picture with more axes, or nothing."""
    if picture.ndim == 4 and len(picture) == 1:
        return f"{code}[0]"
    if picture.ndim != 3:
        return ""
    if picture.shape[-1] == 1 or picture.shape[0] == 1:
        return f"{code}[..., 0]" if picture.shape[-1] == 1 else f"{code}[0]"
    if picture.shape[-1] not in {3, 4}:
        return f"{code}[0]"
    return f"{code}[..., :3].mean(axis=-1)" + (" / 255" if picture.dtype.kind in "iu" else "")
