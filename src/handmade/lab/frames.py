"""Frames: named arrays as bytes, with a header in JSON.

4 bytes     n, the length of the header, little-endian
n bytes     {"meta": {...}, "arrays": [{"name", "shape", "dtype", "offset"}, ...]}, padded with spaces: 4 + n is a multiple of 8
the rest    the arrays, each at its offset from the end of the header, a multiple of 8
"""

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from handmade.engine.arrays import Array

MEDIA_TYPE = "application/x-handmade-frame"
ALIGNED = 8  # bytes: a typed array of float64 can be laid on the bytes as they are
KEPT = {"float32", "float64", "uint8", "int32"}


def frame(arrays: Mapping[str, Array], meta: Mapping[str, Any]) -> bytes:
    """Return the bytes of named arrays and of plain data about them."""
    listed, parts, offset = [], [], 0
    for name, given in arrays.items():
        array = _plain(given)
        listed.append({"name": name, "shape": list(array.shape), "dtype": str(array.dtype), "offset": offset})
        gap = -array.nbytes % ALIGNED
        parts += [array.tobytes(), bytes(gap)]
        offset += array.nbytes + gap
    header = dumps({"meta": dict(meta), "arrays": listed})
    header += b" " * (-(4 + len(header)) % ALIGNED)
    return b"".join([len(header).to_bytes(4, "little"), header, *parts])


def read_frame(content: bytes) -> tuple[dict[str, Array], dict[str, Any]]:
    """Return the arrays and the plain data of a frame."""
    start = 4 + int.from_bytes(content[:4], "little")
    header = json.loads(content[4:start])
    arrays = {}
    for each in header["arrays"]:
        count, first = math.prod(each["shape"]), start + each["offset"]
        arrays[each["name"]] = np.frombuffer(content, np.dtype(each["dtype"]), count, first).reshape(each["shape"])
    return arrays, header["meta"]


def dumps(value: Any) -> bytes:
    """Return plain data as JSON; numbers that are not finite become null."""
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    except ValueError:
        text = json.dumps(finite(value), allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return text.encode()


def finite(value: Any) -> Any:
    """Return plain data with None in the place of numbers that are not finite."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: finite(each) for name, each in value.items()}
    return [finite(each) for each in value] if isinstance(value, list | tuple) else value


def _plain(array: Array) -> Array:
    """Return the array in a dtype that the page reads, little-endian and in the order of memory."""
    if str(array.dtype) not in KEPT:
        array = array.astype(np.float32 if array.dtype.kind == "f" else np.uint8 if array.dtype.kind == "b" else np.int32)
    return np.asarray(array, array.dtype.newbyteorder("<"), order="C")
