"""Element types of ONNX, and their dtypes in NumPy."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Values: TypeAlias = NDArray[Any]  # an array of any element type of ONNX

DTYPES: dict[int, str] = {  # numbers of onnx.TensorProto.DataType
    1: "float32",
    2: "uint8",
    3: "int8",
    4: "uint16",
    5: "int16",
    6: "int32",
    7: "int64",
    9: "bool",
    10: "float16",
    11: "float64",
    12: "uint32",
    13: "uint64",
    16: "bfloat16",
}
FIELDS: dict[int, str] = {  # where a TensorProto without raw_data holds its numbers
    **dict.fromkeys((1,), "float_data"),
    **dict.fromkeys((2, 3, 4, 5, 6, 9, 10, 16), "int32_data"),
    7: "int64_data",
    11: "double_data",
    **dict.fromkeys((12, 13), "uint64_data"),
}


def dtype_of(code: int) -> np.dtype[Any] | None:
    """Return the dtype of an ONNX element type; None if it is not supported (strings, complex numbers, float8, int4)."""
    name = DTYPES.get(code)
    if name == "bfloat16":
        import ml_dtypes  # noqa: PLC0415  installed with onnx, needed for this type alone

        bfloat16: np.dtype[Any] = np.dtype(ml_dtypes.bfloat16)
        return bfloat16
    return None if name is None else np.dtype(name)


def is_float(dtype: np.dtype[Any]) -> bool:
    """Return True for float16, bfloat16, float32 and float64."""
    return dtype.kind == "f" or dtype.name == "bfloat16"
