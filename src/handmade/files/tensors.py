"""Strict reading of safetensors files: everything that the format forbids is refused before an array is allocated.

    8 bytes      N, the length of the header, little-endian; N <= 100,000,000, and inside the file
    N bytes      one JSON object in UTF-8, which begins with {, perhaps followed by spaces
    the rest     the bytes of the arrays, one after the other: no hole, no overlap, nothing behind

    {"__metadata__": {"key": "text"}, "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...}

tensor_header.py reads the header.

Format: https://github.com/huggingface/safetensors, README.md, section "Format".
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.printable import ShortRepr
from handmade.files.tensor_header import BITS, BadTensors, Entry, check_offsets, parse, shown

LARGEST_HEADER = 100_000_000  # bytes
NUMPY = {
    **{name: f"<{name[0].lower()}{BITS[name] // 8}" for name in ("U16", "I16", "F16", "U32", "I32", "F32", "U64", "I64", "F64")},
    "U8": "u1",
    "I8": "i1",
    "BOOL": "?",
    "C64": "<c8",
    "BF16": "<u2",
}


@dataclass(frozen=True, eq=False)
class TensorFile(ShortRepr):
    """Checked header of a safetensors file, and the way to its arrays.

    Attributes
    ----------
    metadata : dict of str to str
    entries : dict of str to Entry
        Arrays by name, in the order of the header.
    """

    metadata: dict[str, str]
    entries: dict[str, Entry]
    _file: Any  # open, binary
    _start: int

    def array(self, name: str) -> Array:
        """Return one array as a copy; numbers of bfloat16 become float32.

        Raises
        ------
        BadTensors
            If NumPy has no such dtype, or the file has become shorter.
        """
        entry = self.entries[name]
        if entry.dtype not in NUMPY:
            raise BadTensors(f"expected a dtype that NumPy has for {shown(name)}; got {entry.dtype}")
        array = np.empty(entry.shape, NUMPY[entry.dtype])
        self._file.seek(self._start + entry.begin)
        if entry.end > entry.begin and self._file.readinto(array.reshape(-1).view(np.uint8)) != entry.end - entry.begin:
            raise BadTensors("the file became shorter while it was read")
        if entry.dtype == "BOOL" and array.view(np.uint8).max(initial=0) > 1:
            raise BadTensors(f"expected the bytes 0 and 1 for the booleans of {shown(name)}")
        if entry.dtype == "BF16":
            return (array.astype("<u4") << np.uint32(16)).view("<f4").astype(np.float32, copy=False)
        return array.astype(array.dtype.newbyteorder("="), copy=False)

    def arrays(self) -> dict[str, Array]:
        """Return all arrays by name."""
        return {name: self.array(name) for name in self.entries}


def read_with(path: Path, use: Callable[[TensorFile], Any]) -> Any:
    """Open a safetensors file, check its header, and return the result of `use` on it.

    Raises
    ------
    BadTensors
        If it is not a correct safetensors file.
    OSError
        If it cannot be read.
    """
    with path.open("rb", buffering=0) as file:
        return use(opened(file, os.fstat(file.fileno()).st_size))


def opened(file: Any, size: int) -> TensorFile:
    """Check the header of an open file of `size` bytes; raise BadTensors if it is not correct."""
    first = file.read(8)
    if len(first) < 8:
        raise BadTensors(f"expected 8 bytes with the length of the header; got {len(first)}")
    length = int.from_bytes(first, "little")
    if length > LARGEST_HEADER:
        raise BadTensors(f"expected a header of at most {LARGEST_HEADER:,} bytes; its length says {length:,}")
    if length > size - 8:
        raise BadTensors(f"expected a header inside the file; its length says {length:,} bytes of {max(size - 8, 0):,}")
    header = file.read(length)
    if len(header) < length:
        raise BadTensors("the file became shorter while it was read")
    try:
        text = header.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadTensors(f"expected a header in UTF-8; byte {error.start} is not") from None
    metadata, entries = parse(text)
    check_offsets(entries, size - 8 - length)
    return TensorFile(metadata, entries, file, 8 + length)


def loads(content: bytes) -> TensorFile:
    """Check a safetensors file in memory; raise BadTensors if it is not correct."""
    return opened(BytesIO(content), len(content))
