"""Damaged files of every format: a data set or one line, never another error, and no more memory than the file allows."""

import io
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from handmade import HandmadeError
from handmade.data import Dataset, load
from handmade.engine.arrays import Array
from tiny_digits import FILES, idx

RNG = np.random.default_rng(0)
IMAGES, LABELS = RNG.integers(256, size=(6, 4, 4), dtype=np.uint8), np.arange(6) % 2
MOST_MEMORY = 40 * 2**20  # bytes: hundreds of times the files


def npz() -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, images=IMAGES, labels=LABELS, class_names=np.array(["a", "b"]))
    return file.getvalue()


def table() -> bytes:
    rows = [f"{label}," + ",".join(map(str, image.ravel())) for label, image in zip(LABELS, IMAGES, strict=True)]
    return "\n".join(["label," + ",".join(f"pixel{n}" for n in range(16)), *rows]).encode()


def pictures() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for n, image in enumerate(IMAGES):
            picture = io.BytesIO()
            Image.fromarray(image).save(picture, "PNG")
            archive.writestr(f"{'ab'[n % 2]}/{n}.png", picture.getvalue())
    return file.getvalue()


def batch() -> bytes:
    return bytes([1]) + bytes(3072) + bytes([9]) + bytes(3072)


def in_file(ending: str) -> Callable[[Path, bytes], Path]:
    def write(folder: Path, content: bytes) -> Path:
        (folder / f"data.{ending}").write_bytes(content)
        return folder / f"data.{ending}"

    return write


def in_idx(folder: Path, content: bytes) -> Path:
    arrays: tuple[Array, ...] = (IMAGES, LABELS, IMAGES, LABELS)
    for name, array in zip(FILES, arrays, strict=True):
        (folder / name).write_bytes(idx(array))
    (folder / FILES[0]).write_bytes(content)
    return folder


def in_batches(folder: Path, content: bytes) -> Path:
    (folder / "data_batch_1.bin").write_bytes(content)
    (folder / "test_batch.bin").write_bytes(batch())
    return folder


def in_names(folder: Path, content: bytes) -> Path:
    in_idx(folder, idx(IMAGES))
    (folder / "classes.txt").write_bytes(content)
    return folder


FORMATS: dict[str, tuple[Callable[[], bytes], Callable[[Path, bytes], Path]]] = {
    "npz": (npz, in_file("npz")),
    "csv": (table, in_file("csv")),
    "zip": (pictures, in_file("zip")),
    "idx": (lambda: idx(IMAGES), in_idx),
    "cifar": (batch, in_batches),
    "names": (lambda: b"one\ntwo\n", in_names),
}
CHANGES = st.lists(
    st.tuples(st.sampled_from(["change", "cut", "insert", "double"]), st.integers(0, 10**6), st.binary(max_size=6)),
    min_size=1,
    max_size=4,
)


def changed(content: bytes, changes: list[tuple[str, int, bytes]]) -> bytes:
    for kind, place, new in changes:
        at = place % (len(content) + 1)
        match kind:
            case "change":
                content = content[:at] + new + content[at + len(new) :]
            case "cut":
                content = content[:at]
            case "insert":
                content = content[:at] + new + content[at:]
            case _:
                content += content[at:]
    return content


def read(path: Path) -> Dataset | None:
    """Return the data set, or None if one line says why there is none."""
    try:
        return load(path)
    except HandmadeError as error:
        message = str(error)
        assert "\n" not in message
        assert len(message) < 1500
        assert "expected" in message
        return None


@pytest.mark.parametrize("name", FORMATS)
def test_the_files_are_sound_before_they_are_damaged(name: str, tmp_path: Path) -> None:
    make, write = FORMATS[name]
    assert read(write(tmp_path, make())) is not None


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=CHANGES)
def test_a_damaged_file_is_read_or_refused_in_one_line(name: str, changes: list[tuple[str, int, bytes]], tmp_path: Path) -> None:
    make, write = FORMATS[name]
    tracemalloc.start()
    try:
        data = read(write(tmp_path, changed(make(), changes)))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MOST_MEMORY
    if data is not None:
        assert data.train.images.dtype == np.uint8
        assert data.train.images.shape[1:] == data.test.images.shape[1:]
        for part in (data.train, data.test):
            assert len(part.images) == len(part.labels)
            assert 0 <= part.labels.min() <= part.labels.max() < len(data.class_names)


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_in_one_line(name: str, content: bytes, tmp_path: Path) -> None:
    read(FORMATS[name][1](tmp_path, content))
