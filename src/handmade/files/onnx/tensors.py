"""TensorProto as an array. Sizes are compared before any array is made."""

import math
from typing import Any

import numpy as np

from handmade.engine.errors import HandmadeError
from handmade.files.onnx.errors import OutOfScope
from handmade.files.onnx.external import Folder
from handmade.files.onnx.types import DTYPES, FIELDS, Values, dtype_of

MOST_AXES = 16
LARGEST = 2**31 - 1  # of an axis, and of the number of elements
LISTS = ("float_data", "int32_data", "string_data", "int64_data", "double_data", "uint64_data")


def to_array(tensor: Any, folder: Folder, what: str) -> Values:
    """Return the numbers of a TensorProto.

    Parameters
    ----------
    tensor : onnx.TensorProto
    folder : Folder
        Place of external data.
    what : str
        Name of the tensor for messages.

    Raises
    ------
    HandmadeError
        If its sizes contradict its data; OutOfScope for element types that are not supported.
    """
    dtype = dtype_of(tensor.data_type)
    if dtype is None:
        raise OutOfScope(f"{what}: expected an element type among {', '.join(DTYPES.values())}; got number {tensor.data_type}")
    shape = tuple(tensor.dims)
    count = checked_size(shape, what)
    if tensor.HasField("segment"):
        raise OutOfScope(f"{what}: expected all numbers in one tensor; it is a segment")
    lists = [name for name in LISTS if len(getattr(tensor, name))]
    external = tensor.data_location == 1 or len(tensor.external_data) > 0
    given = len(lists) + tensor.HasField("raw_data") + external
    if given > 1:
        raise HandmadeError(f"{what}: expected its numbers in one field; got them in {given}")
    if external:
        data = folder.read(tensor.external_data, count * dtype.itemsize, what)
    elif tensor.HasField("raw_data"):
        data = tensor.raw_data
    else:
        return _from_list(tensor, shape, count, dtype, what)
    if len(data) != count * dtype.itemsize:
        raise HandmadeError(
            f"{what}: expected {count * dtype.itemsize:,} bytes for {dtype.name} of shape {shape}; got {len(data):,}"
        )
    if dtype.kind == "b":
        truth: Values = (np.frombuffer(data, np.uint8) != 0).reshape(shape)
        return truth
    little = dtype if dtype.name == "bfloat16" else dtype.newbyteorder("<")
    found: Values = np.frombuffer(data, little).astype(dtype, copy=False).reshape(shape)
    return found


def checked_size(shape: tuple[int, ...], what: str) -> int:
    """Return the number of elements of a shape; raise HandmadeError if no array can have it."""
    if len(shape) > MOST_AXES:
        raise HandmadeError(f"{what}: expected at most {MOST_AXES} axes; got {len(shape)}")
    if any(size < 0 for size in shape) or math.prod(size for size in shape if size) > LARGEST:
        raise HandmadeError(f"{what}: expected sizes from 0 with at most {LARGEST:,} numbers; got {shape!s:.200}")
    return math.prod(shape)


def _from_list(tensor: Any, shape: tuple[int, ...], count: int, dtype: np.dtype[Any], what: str) -> Values:
    """Return the numbers of a field such as float_data; small integers and half floats are stored as int32."""
    field = FIELDS[tensor.data_type]
    numbers = getattr(tensor, field)
    if len(numbers) != count:
        raise HandmadeError(f"{what}: expected {count:,} numbers in {field} for the shape {shape}; got {len(numbers):,}")
    if dtype.itemsize == 2 and (dtype.kind == "f" or dtype.name == "bfloat16"):
        held = np.array(numbers, np.int64)
        if held.size and not 0 <= held.min() <= held.max() < 2**16:
            raise HandmadeError(f"{what}: expected 16 bits for each number of {dtype.name}; got more")
        return held.astype(np.uint16).view(dtype).reshape(shape)
    if dtype.kind in "iu":
        held = np.array(numbers, np.uint64 if field == "uint64_data" else np.int64)
        limits = np.iinfo(dtype)
        if held.size and not (int(limits.min) <= int(held.min()) and int(held.max()) <= int(limits.max)):
            raise HandmadeError(f"{what}: expected numbers of {dtype.name}; got others")
        return held.astype(dtype).reshape(shape)
    return np.array(numbers, dtype).reshape(shape)
