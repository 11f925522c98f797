"""Results as JSON and raw bytes. They come from a process that runs foreign code, so every size is checked before it is used."""

import json
import math
import struct
from typing import Any, BinaryIO

import numpy as np

from handmade.learn.results import Other, Raised, Result, Value, kind_of, printable

FRAME = struct.Struct(">II")  # length of the header, length of the bytes
LARGEST_HEADER = 64 * 1024
LARGEST_VALUE = 4 * 1024 * 1024  # bytes: no exercise has a result as large as this
DTYPES = {"bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float16", "float32", "float64"}
DEEPEST, LONGEST = 3, 16  # nested tuples, and their items


class WireError(Exception):
    """Bytes that are no message."""


def pack(header: dict[str, Any], payload: bytes = b"") -> bytes:
    """Return one message."""
    text = json.dumps(header).encode()
    return FRAME.pack(len(text), len(payload)) + text + payload


def unpack(stream: BinaryIO) -> tuple[dict[str, Any], bytes] | None:
    """Read one message, or None at the end of the stream; WireError for anything else."""
    frame = stream.read(FRAME.size)
    if len(frame) < FRAME.size:
        return None
    length, size = FRAME.unpack(frame)
    if length > LARGEST_HEADER or size > LARGEST_VALUE:
        raise WireError(f"a message of {length} + {size} bytes")
    text, payload = stream.read(length), stream.read(size)
    if len(text) < length or len(payload) < size:
        return None
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise WireError(str(error)) from None
    if not isinstance(header, dict):
        raise WireError("a header that is no object")
    return header, payload


def encode(value: Any, room: int = LARGEST_VALUE, depth: int = 0) -> tuple[dict[str, Any], bytes]:
    """Return what a function returned, as a header and bytes."""
    if isinstance(value, tuple | list) and depth < DEEPEST and len(value) <= LONGEST and not _plain_list(value):
        items, parts = [], b""
        for each in value:
            header, payload = encode(each, room - len(parts), depth + 1)
            items.append(header)
            parts += payload
        return {"kind": "tuple", "items": items}, parts
    if isinstance(value, np.ndarray | np.generic | int | float):
        array = np.asarray(value)
        if array.dtype.name in DTYPES:
            shape = list(array.shape)
            if array.nbytes > room or len(shape) > LONGEST:
                return {"kind": "other", "type": "ndarray", "shape": shape[:LONGEST]}, b""
            native = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False)
            return {"kind": "array", "shape": shape, "dtype": array.dtype.name}, native.tobytes()
        return {"kind": "other", "type": f"ndarray of {array.dtype.name}"[:80], "shape": shape_of(array)}, b""
    return {"kind": "other", "type": kind_of(value)[:80], "shape": None}, b""


def shape_of(array: Any) -> list[int]:
    """Return the shape of an array, as JSON has it."""
    return list(array.shape)[:LONGEST]


def decode(header: Any, payload: bytes) -> Value:
    """Return the value of a message; WireError if header and bytes do not belong together."""
    value, rest = _decode(header, payload, 0)
    if rest:
        raise WireError("more bytes than the shapes say")
    return value


def _decode(header: Any, payload: bytes, depth: int) -> tuple[Value, bytes]:
    if not isinstance(header, dict) or depth > DEEPEST:
        raise WireError("no value")
    if header.get("kind") == "tuple":
        items, values = header.get("items"), []
        if not isinstance(items, list) or len(items) > LONGEST:
            raise WireError("no items")
        for each in items:
            value, payload = _decode(each, payload, depth + 1)
            values.append(value)
        return tuple(values), payload
    shape = header.get("shape")
    if shape is not None and not (
        isinstance(shape, list) and len(shape) <= LONGEST and all(type(size) is int and 0 <= size < 2**48 for size in shape)
    ):
        raise WireError("no shape")
    if header.get("kind") == "other":
        return Other(printable(str(header.get("type"))[:80]), None if shape is None else tuple(shape)), payload
    if header.get("kind") != "array" or shape is None or header.get("dtype") not in DTYPES:
        raise WireError("no array")
    dtype = np.dtype(header["dtype"])
    size = math.prod(shape) * dtype.itemsize
    if size > len(payload):
        raise WireError("fewer bytes than the shape says")
    array = np.frombuffer(payload[:size], dtype.newbyteorder("<")).astype(dtype).reshape(shape)
    return array, payload[size:]


def decode_result(header: dict[str, Any], payload: bytes) -> Result:
    """Return the result of a call."""
    changed = header.get("changed", [])
    if not isinstance(changed, list) or not all(type(place) is int for place in changed):
        raise WireError("no places")
    if "raised" in header:
        return Result(decode_error(header["raised"]), tuple(changed))
    return Result(decode(header.get("value"), payload), tuple(changed))


def decode_error(header: Any) -> Raised:
    """Return an exception."""
    if not isinstance(header, dict):
        raise WireError("no exception")
    line = header.get("line")
    kind, message = str(header.get("type"))[:80], str(header.get("message"))[:500]
    return Raised(printable(kind), printable(message, kept="\n\t"), line if type(line) is int else None)


def _plain_list(value: Any) -> bool:
    """Return if a list holds nothing but numbers: it is then no array, but shown as a list."""
    return isinstance(value, list) and all(isinstance(each, int | float) for each in value)
