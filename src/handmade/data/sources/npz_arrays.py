"""Data set in an .npz file of NumPy: arrays of images and labels. Sizes are checked in the headers before an array is made.

Nothing is unpickled: an array of objects is refused.
"""

import math
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from handmade.data.sources import class_names, zips
from handmade.data.sources.labels import from_arrays
from handmade.data.sources.options import MOST_BYTES, Parts, one_line
from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.image_arguments import as_raw_images

KEYS = (  # names that others use: those of Keras, of MedMNIST, of scikit-learn
    ("images", "labels", "test_images", "test_labels"),
    ("train_images", "train_labels", "test_images", "test_labels"),
    ("x_train", "y_train", "x_test", "y_test"),
    ("X_train", "y_train", "X_test", "y_test"),
    ("x", "y", "", ""),
    ("X", "y", "", ""),
    ("data", "target", "", ""),
)
NAMES = "class_names"
LARGEST_HEADER = 10_000  # bytes
READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}  # by version


@dataclass(frozen=True)
class _Header:
    """Header of an array: what is needed to read it."""

    member: zipfile.ZipInfo
    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]
    start: int  # bytes before the numbers


def read(path: Path, source: str) -> Parts:
    """Read images and labels.

    Raises
    ------
    HandmadeError
        If the file is damaged or would be too large in memory, an array is missing or holds objects, or they do not fit together.
    """
    with zips.opened(path, source) as archive:
        known = {member.filename.removesuffix(".npy"): member for member in archive.infolist()}
        keys = next((keys for keys in KEYS if keys[0] in known and keys[1] in known), None)
        if keys is None:
            raise HandmadeError(
                f"{source}: expected arrays named images and labels, or x_train and y_train; "
                f"got {', '.join(map(repr, list(known)[:8])) or 'none'}. Try np.savez('data.npz', images=images, labels=labels)"
            )
        present = [key for key in (*keys, NAMES) if key in known]
        headers = {key: _header(archive, known[key], f"{source}: {key}") for key in present}
        arrays = {key: _array(archive, header, f"{source}: {key}") for key, header in headers.items()}
    names = None
    if NAMES in arrays:
        if arrays[NAMES].ndim != 1 or arrays[NAMES].dtype.kind != "U":
            raise HandmadeError(f"{source}: {NAMES}: expected texts, got {arrays[NAMES].dtype}. Try np.array(['a', 'b'])")
        names = tuple(map(str, arrays[NAMES]))
        class_names.check(names, source)
    has_test = keys[2] in arrays and keys[3] in arrays
    parts = [_part(arrays[keys[k]], arrays[keys[k + 1]], keys[k], source) for k in ((0, 2) if has_test else (0,))]
    labels, names = from_arrays([part[1] for part in parts], source, names)
    test = (parts[1][0], labels[1]) if has_test else None
    return Parts((parts[0][0], labels[0]), test, names)


def _part(images: Array, labels: Array, key: str, source: str) -> tuple[Array, Array]:
    try:
        raw = as_raw_images(images, "images")
    except HandmadeError as error:
        raise HandmadeError(f"{source}: {key}: {error}") from None
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]  # as Keras has those of CIFAR-10
    if labels.ndim != 1 or len(labels) != len(raw) or not raw.size:
        raise HandmadeError(
            f"{source}: {key}: expected at least one image, and one label for each; got {images.shape} and {labels.shape}. "
            "Take both from one source"
        )
    return raw, labels


def _header(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> _Header:
    """Read the header of an array, and check that its sizes are true."""
    with archive.open(member) as stream:
        try:
            shape, fortran, dtype = READERS[np.lib.format.read_magic(stream)](stream, max_header_size=LARGEST_HEADER)
        except Exception as error:  # noqa: BLE001  NumPy's reader raises many kinds for a damaged header
            raise HandmadeError(
                f"{name}: expected an array of NumPy; got a damaged one ({one_line(error)}). Write it again"
            ) from None
        start = stream.tell()
    if dtype.hasobject:
        raise HandmadeError(
            f"{name}: expected numbers or texts; got objects, which can contain programs. Try astype(np.uint8) or astype(str)"
        )
    if dtype.kind not in "biufU" or any(side < 0 for side in shape):
        raise HandmadeError(f"{name}: expected numbers or texts, got {dtype} {shape}. Try np.savez with arrays of np.uint8")
    size = math.prod(shape) * dtype.itemsize
    if size > MOST_BYTES:
        raise HandmadeError(f"{name}: expected at most {MOST_BYTES >> 30} GB, got {dtype} {shape}. Try fewer or smaller images")
    if start + size != member.file_size:
        raise HandmadeError(
            f"{name}: expected {size:,} bytes for {dtype} {shape}, got {member.file_size - start:,}. Write the file again"
        )
    return _Header(member, shape, fortran, dtype, start)


def _array(archive: zipfile.ZipFile, header: _Header, name: str) -> Array:
    content = archive.read(header.member)
    if len(content) != header.member.file_size:
        raise HandmadeError(f"{name}: expected {header.member.file_size:,} bytes, got {len(content):,}. Write the file again")
    flat = np.frombuffer(content, header.dtype, offset=header.start)
    array = flat.reshape(header.shape, order="F" if header.fortran else "C")
    return np.ascontiguousarray(array.astype(header.dtype.newbyteorder("="), copy=False))
