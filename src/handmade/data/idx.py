"""IDX, the format of MNIST: a magic number, the dimensions, the items; all big-endian, plain or gzipped.

    0, 0, type, ndim | dim_1 ... dim_ndim, four bytes each | items, the last dimension fastest

Source: Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits", on file formats.
"""

import gzip
import math
import os
import struct
import sys
import zlib
from io import BufferedReader
from pathlib import Path
from typing import Any

import numpy as np

from handmade.engine.arrays import Array, Shape
from handmade.engine.errors import HandmadeError

_TYPES: dict[int, np.dtype[Any]] = {
    0x08: np.dtype(">u1"),
    0x09: np.dtype(">i1"),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}
_MOST_DIMS = 64  # NumPy's own limit
_MOST_DEFLATED = 1032  # deflate spends at least two bits on a run of at most 258 bytes
_CHUNK = 1 << 20
_GZIP = b"\x1f\x8b"
_PAGE = "this is a web page, not the file behind it: download the file itself"
_STRANGERS = {  # in lower case
    b"version https://git-lfs": "this is a Git LFS pointer, fetch the real file (git lfs pull)",
    b"<": _PAGE,
    b"\xef\xbb\xbf<": _PAGE,
    b"\x93numpy": "this is a NumPy .npy file: read it with numpy.load",
    b"pk\x03\x04": "this is a zip archive: unpack it first",
    _GZIP: "this was gzipped twice: gunzip it once",
}


def read(path: str | Path) -> Array:
    """Read one IDX file, plain or gzipped; its content decides which, not its name.

    Memory is spent on what the file really holds, whatever its header claims.

    Parameters
    ----------
    path
        The file. Several gzip members one after the other are one file, as for gzip itself.

    Returns
    -------
    Array
        The shape is the header's; uint8, int8, int16, int32, float32 or float64 in native byte order.

    Raises
    ------
    HandmadeError
        If the file cannot be read, or is anything but one whole IDX array.
    """
    name = repr(str(path))  # one line, whatever is in the path
    try:
        return _open(Path(path), name)
    except EOFError as error:
        raise HandmadeError(f"{name}: wants a whole gzip file; got one that is cut off. Fetch it again.") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise HandmadeError(f"{name}: wants sound gzip data and nothing after it; got: {error}. Fetch it again.") from error
    except OSError as error:
        raise HandmadeError(
            f"{name}: wants a readable file; got: {error.strerror}. Check the path and its permissions."
        ) from error


def _open(path: Path, name: str) -> Array:
    if not path.is_file():
        came = "a directory" if path.is_dir() else "something that is no regular file" if path.exists() else "no file at all"
        raise HandmadeError(f"{name}: wants an IDX file; got {came}. Check the path.")
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        zipped = file.read(2) == _GZIP
        file.seek(0)
        if not zipped:
            return _read(file, size, name)
        with gzip.GzipFile(fileobj=file) as stream:
            return _read(stream, _MOST_DEFLATED * size, name)


def _read(stream: BufferedReader | gzip.GzipFile, capacity: int, name: str) -> Array:
    head = stream.read(4 + 4 * _MOST_DIMS)
    dtype, shape = _header(head, name)
    start = 4 + 4 * len(shape)
    expected = math.prod(shape) * dtype.itemsize
    wants = f"{name}: wants {expected} bytes after its header for {dtype.name} {shape}"

    # NumPy refuses a zero-sized shape too when its other sides overflow.
    overflows = math.prod(side for side in shape if side) * dtype.itemsize > sys.maxsize
    if overflows or expected > capacity - start:
        swapped = struct.unpack(f"<{len(shape)}I", head[4:start])
        little = math.prod(swapped) * dtype.itemsize <= capacity - start
        advice = f"The dimensions look little-endian, {swapped}: write them big-endian." if little else "Fetch the file again."
        raise HandmadeError(f"{wants}; it can hold at most {capacity - start}. {advice}")

    # Asking for one byte too many shows a payload that is too long, and makes gzip check its checksum.
    payload = bytearray(head[start:])
    while len(payload) <= expected and (chunk := stream.read(min(_CHUNK, expected + 1 - len(payload)))):
        payload += chunk
    if len(payload) != expected:
        came = "more" if len(payload) > expected else str(len(payload))
        raise HandmadeError(f"{wants}; got {came}. Fetch the file again.")
    return np.frombuffer(payload, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)


def _header(head: bytes, name: str) -> tuple[np.dtype[Any], Shape]:
    for start, advice in _STRANGERS.items():
        if head.lstrip().lower().startswith(start):
            raise HandmadeError(f"{name}: wants an IDX file; {advice}")
    if len(head) < 4:
        raise HandmadeError(f"{name}: wants an IDX header of at least 8 bytes; got {len(head)} bytes. Fetch the file again.")
    magic, (zeros, code, dims) = head[:4].hex(" "), struct.unpack(">HBB", head[:4])
    if zeros:
        little = head[2:4] == b"\0\0" and head[1] in _TYPES
        advice = "It looks little-endian: write it big-endian." if little else "This is another kind of file."
        raise HandmadeError(f"{name}: wants an IDX magic number, 00 00 type dimensions; got {magic}. {advice}")
    if code not in _TYPES:
        known = ", ".join(f"{key:02x} {dtype.name}" for key, dtype in _TYPES.items())
        raise HandmadeError(f"{name}: wants an IDX type of {known}; got {code:02x}. Write it as one of these.")
    if not 1 <= dims <= _MOST_DIMS:
        raise HandmadeError(f"{name}: wants 1 to {_MOST_DIMS} dimensions; got {dims}. Reshape the array before writing it.")
    if len(head) < 4 + 4 * dims:
        raise HandmadeError(f"{name}: wants a header of {4 + 4 * dims} bytes; got {len(head)}, cut off. Fetch the file again.")
    return _TYPES[code], struct.unpack(f">{dims}I", head[4 : 4 + 4 * dims])
