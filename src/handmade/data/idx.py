"""IDX, the file format of MNIST: a magic number, the dimensions, the items; all big-endian, uncompressed or gzip-compressed.

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
_MOST_DEFLATED = 1032  # largest compression ratio: deflate needs at least two bits for a run of at most 258 bytes
_CHUNK = 1 << 20
_GZIP = b"\x1f\x8b"
_PAGE = "got a web page: download the file itself"
_OTHER_FORMATS = {  # first bytes in lower case: advice
    b"version https://git-lfs": "got a Git LFS pointer: download the real file (git lfs pull)",
    b"<": _PAGE,
    b"\xef\xbb\xbf<": _PAGE,
    b"\x93numpy": "got a NumPy .npy file: read it with numpy.load",
    b"pk\x03\x04": "got a zip archive: unpack it first",
    _GZIP: "got a file that was compressed twice: run gunzip once",
}


def read(path: str | Path, most: int | None = None) -> Array:
    """Read one IDX file, uncompressed or gzip-compressed; the content decides which, not the name.

    The memory used depends on the real content of the file, not on the sizes in its header.

    Parameters
    ----------
    path
        Path of the file. Several gzip members in a row are one file, as for gzip itself.
    most : int, optional
        Largest number of bytes of the array.

    Returns
    -------
    Array
        Array with the shape in the header; uint8, int8, int16, int32, float32 or float64 in native byte order.

    Raises
    ------
    HandmadeError
        If the file cannot be read, or is not one complete IDX array.
    """
    name = repr(str(path))  # one line for any path
    try:
        return _open(Path(path), name, most)
    except EOFError as error:
        raise HandmadeError(f"{name}: expected a complete gzip file; got a truncated one. Download it again.") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise HandmadeError(f"{name}: expected valid gzip data and nothing after it; got: {error}. Download it again.") from error
    except OSError as error:
        raise HandmadeError(
            f"{name}: expected a readable file; got: {error.strerror}. Check the path and its permissions."
        ) from error


def _open(path: Path, name: str, most: int | None) -> Array:
    if not path.is_file():
        received = "a directory" if path.is_dir() else "something that is not a regular file" if path.exists() else "no file"
        raise HandmadeError(f"{name}: expected an IDX file; got {received}. Check the path.")
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        zipped = file.read(2) == _GZIP
        file.seek(0)
        if not zipped:
            return _read(file, size, name, most)
        with gzip.GzipFile(fileobj=file) as stream:
            return _read(stream, _MOST_DEFLATED * size, name, most)


def _read(stream: BufferedReader | gzip.GzipFile, capacity: int, name: str, most: int | None) -> Array:
    head = stream.read(4 + 4 * _MOST_DIMS)
    dtype, shape = _header(head, name)
    start = 4 + 4 * len(shape)
    expected = math.prod(shape) * dtype.itemsize
    message = f"{name}: expected {expected} bytes after its header for {dtype.name} {shape}"

    # NumPy also rejects a zero-sized shape if its other sides overflow.
    overflows = math.prod(side for side in shape if side) * dtype.itemsize > sys.maxsize
    if overflows or expected > capacity - start:
        swapped = struct.unpack(f"<{len(shape)}I", head[4:start])
        little = math.prod(swapped) * dtype.itemsize <= capacity - start
        advice = f"The dimensions look little-endian, {swapped}: write them big-endian." if little else "Download the file again."
        raise HandmadeError(f"{message}; it can hold at most {capacity - start}. {advice}")

    if most is not None and expected > most:
        raise HandmadeError(f"{name}: expected at most {most:,} bytes of numbers, got {dtype.name} {shape}. Try fewer images")

    # One extra byte is requested: this detects a payload that is too long, and makes gzip verify its checksum.
    payload = bytearray(head[start:])
    while len(payload) <= expected and (chunk := stream.read(min(_CHUNK, expected + 1 - len(payload)))):
        payload += chunk
    if len(payload) != expected:
        received = "more" if len(payload) > expected else str(len(payload))
        raise HandmadeError(f"{message}; got {received}. Download the file again.")
    return np.frombuffer(payload, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)


def _header(head: bytes, name: str) -> tuple[np.dtype[Any], Shape]:
    for start, advice in _OTHER_FORMATS.items():
        if head.lstrip().lower().startswith(start):
            raise HandmadeError(f"{name}: expected an IDX file; {advice}")
    if len(head) < 4:
        raise HandmadeError(
            f"{name}: expected an IDX header of at least 8 bytes; got {len(head)} bytes. Download the file again."
        )
    magic, (zeros, code, dims) = head[:4].hex(" "), struct.unpack(">HBB", head[:4])
    if zeros:
        little = head[2:4] == b"\0\0" and head[1] in _TYPES
        advice = "It looks little-endian: write it big-endian." if little else "This is another kind of file."
        raise HandmadeError(f"{name}: expected an IDX magic number, 00 00 type dimensions; got {magic}. {advice}")
    if code not in _TYPES:
        known = ", ".join(f"{key:02x} {dtype.name}" for key, dtype in _TYPES.items())
        raise HandmadeError(f"{name}: expected an IDX type of {known}; got {code:02x}. Write it as one of these.")
    if not 1 <= dims <= _MOST_DIMS:
        raise HandmadeError(f"{name}: expected 1 to {_MOST_DIMS} dimensions; got {dims}. Reshape the array before writing it.")
    if len(head) < 4 + 4 * dims:
        raise HandmadeError(f"{name}: expected a header of {4 + 4 * dims} bytes; got only {len(head)}. Download the file again.")
    return _TYPES[code], struct.unpack(f">{dims}I", head[4 : 4 + 4 * dims])
