"""The data sets: the packaged MNIST is the real one, directories of IDX files are found and checked, preparing is exact."""

import gzip
import hashlib
from collections.abc import Callable
from fractions import Fraction
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from handmade.data import Dataset, Images, load, mnist, prepare
from handmade.data.sources import idx_files
from handmade.engine.errors import HandmadeError

MD5 = {
    "train-images-idx3-ubyte.gz": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte.gz": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte.gz": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte.gz": "27ae3e4e09519cfbb04c329615203637",
}
RANDOM = np.random.default_rng(0)
TRAIN_IMAGES = RANDOM.integers(256, size=(5, 3, 4), dtype=np.uint8)
TEST_IMAGES = RANDOM.integers(256, size=(2, 3, 4), dtype=np.uint8)
SMALL = {
    "train-images-idx3-ubyte": TRAIN_IMAGES,
    "train-labels-idx1-ubyte": np.arange(5, dtype=np.uint8),
    "t10k-images-idx3-ubyte": TEST_IMAGES,
    "t10k-labels-idx1-ubyte": np.array([0, 9], np.uint8),
}


def written(array: NDArray[Any]) -> bytes:
    code = {"uint8": 8, "int8": 9}[array.dtype.name]
    return bytes([0, 0, code, array.ndim]) + b"".join(side.to_bytes(4, "big") for side in array.shape) + array.tobytes()


def write(directory: Path, files: dict[str, NDArray[Any]]) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    for name, array in files.items():
        content = written(array)
        (directory / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return directory


def check(dataset: Dataset) -> None:
    np.testing.assert_array_equal(dataset.train.images, TRAIN_IMAGES[..., None], strict=True)
    np.testing.assert_array_equal(dataset.train.labels, np.arange(5), strict=True)
    np.testing.assert_array_equal(dataset.test.images, TEST_IMAGES[..., None], strict=True)
    np.testing.assert_array_equal(dataset.test.labels, np.array([0, 9]), strict=True)


def refusal(directory: Path, read: Callable[[Path], object] = load) -> str:
    with pytest.raises(HandmadeError) as caught:
        read(directory)
    message = str(caught.value)
    assert str(directory) in message
    assert "\n" not in message
    return message


@pytest.mark.parametrize("name", MD5)
def test_the_packaged_files_are_the_original_ones(name: str) -> None:
    content = (resources.files("handmade.data") / "mnist" / name).read_bytes()
    assert hashlib.md5(gzip.decompress(content)).hexdigest() == MD5[name]


def test_the_readme_beside_the_data_gives_their_checksums_and_licence() -> None:
    readme = (resources.files("handmade.data") / "mnist" / "README.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in readme and md5 in readme for name, md5 in MD5.items())
    assert "Attribution-ShareAlike 3.0" in readme


@pytest.mark.parametrize(("part", "count", "first"), [("train", 60_000, [5, 0, 4, 1, 9]), ("test", 10_000, [7, 2, 1, 0, 4])])
def test_mnist_has_its_shapes_types_and_first_labels(part: str, count: int, first: list[int]) -> None:
    digits: Images = getattr(mnist(), part)
    assert digits.images.shape == (count, 28, 28, 1)
    assert digits.images.dtype == np.uint8
    assert digits.labels.shape == (count,)
    assert digits.labels.dtype == np.int64
    assert digits.labels[:5].tolist() == first


def test_mnist_is_read_once_and_cannot_be_written_to() -> None:
    assert mnist() is mnist()
    for part in (mnist().train, mnist().test):
        for array in (part.images, part.labels):
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 0


@pytest.mark.parametrize("place", ["", "raw", "MNIST/raw"])
@pytest.mark.parametrize("end", ["", ".gz"])
@pytest.mark.parametrize("dot", ["-", "."])
def test_every_layout_and_naming_is_found(place: str, end: str, dot: str, tmp_path: Path) -> None:
    write(tmp_path / place, {name.replace("-idx", f"{dot}idx") + end: array for name, array in SMALL.items()})
    check(load(tmp_path))
    check(load(str(tmp_path)))


def test_namings_may_be_mixed_and_a_plain_file_goes_before_a_gzipped_one(tmp_path: Path) -> None:
    names = ["train-images.idx3-ubyte", "train-labels-idx1-ubyte.gz", "t10k-images.idx3-ubyte.gz", "t10k-labels-idx1-ubyte"]
    write(tmp_path, dict(zip(names, SMALL.values(), strict=True)))
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(b"not looked at")
    check(load(tmp_path))


def test_the_place_that_holds_all_four_files_is_taken_as_a_whole(tmp_path: Path) -> None:
    write(tmp_path / "MNIST/raw", SMALL)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(b"a stray file")
    check(load(tmp_path))


def test_a_directory_with_the_name_of_a_file_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "train-images-idx3-ubyte").mkdir()
    write(tmp_path, {name.replace("-idx", ".idx"): array for name, array in SMALL.items()})
    check(load(tmp_path))


def test_a_missing_directory_is_refused_with_what_was_looked_for(tmp_path: Path) -> None:
    assert "no directory" in refusal(tmp_path / "nowhere")
    message = refusal(tmp_path / "nowhere", idx_files.read)
    assert "no directory" in message
    assert all(name in message for name in (*SMALL, "dot before idx", ".gz", "MNIST/raw"))


def test_a_file_in_place_of_the_directory_is_refused(tmp_path: Path) -> None:
    write(tmp_path, SMALL)
    for read in (load, idx_files.read):
        assert "got a file" in refusal(tmp_path / "train-images-idx3-ubyte", read)


@pytest.mark.parametrize("name", SMALL)
def test_a_missing_file_is_refused_by_its_name(name: str, tmp_path: Path) -> None:
    message = refusal(write(tmp_path, {other: array for other, array in SMALL.items() if other != name}))
    assert name in message
    assert not any(other in message for other in SMALL if other != name)


def test_a_directory_that_may_not_be_searched_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_file", deny)
    assert "Permission denied" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("name", "array", "words"),
    [
        ("train-images-idx3-ubyte", TRAIN_IMAGES.astype(np.int8), "got int8"),
        ("train-images-idx3-ubyte", TRAIN_IMAGES[0], "expected uint8 of 3 dimensions"),
        ("train-images-idx3-ubyte", TRAIN_IMAGES[:4], "got 4 images and 5 labels"),
        ("train-images-idx3-ubyte", TRAIN_IMAGES[:, :, :0], "at least one"),
        ("t10k-images-idx3-ubyte", TEST_IMAGES[:, :2], "got 3 x 4 and 2 x 4"),
        ("t10k-images-idx3-ubyte", TEST_IMAGES[:, :, :2], "got 3 x 4 and 3 x 2"),
        ("t10k-images-idx3-ubyte", TEST_IMAGES[:0], "at least one"),
        ("train-labels-idx1-ubyte", np.arange(5, dtype=np.int8), "got int8"),
        ("train-labels-idx1-ubyte", TRAIN_IMAGES, "expected uint8 of 1 dimension,"),
        ("t10k-labels-idx1-ubyte", np.zeros(3, np.uint8), "got 2 images and 3 labels"),
    ],
)
def test_files_that_do_not_fit_together_are_refused(name: str, array: NDArray[Any], words: str, tmp_path: Path) -> None:
    assert words in refusal(write(tmp_path, SMALL | {name: array}))


def test_any_number_of_classes_is_read(tmp_path: Path) -> None:
    data = load(write(tmp_path, SMALL | {"train-labels-idx1-ubyte": np.arange(6, 11, dtype=np.uint8)}))
    assert data.class_names == tuple(map(str, range(11)))
    assert data.train.labels.tolist() == [6, 7, 8, 9, 10]


def test_labels_that_do_not_begin_with_0_are_names(tmp_path: Path) -> None:
    labels = {
        "train-labels-idx1-ubyte": np.array([3, 7, 3, 7, 7], np.uint8),
        "t10k-labels-idx1-ubyte": np.array([7, 3], np.uint8),
    }
    data = load(write(tmp_path, SMALL | labels))
    assert data.class_names == data.names == ("3", "7")
    assert (data.train.labels.tolist(), data.test.labels.tolist()) == ([0, 1, 0, 1, 1], [1, 0])


def test_a_data_set_without_any_image_is_refused(tmp_path: Path) -> None:
    assert "at least one" in refusal(write(tmp_path, {name: array[:0] for name, array in SMALL.items()}))


def test_a_damaged_file_is_refused_by_its_name(tmp_path: Path) -> None:
    write(tmp_path, SMALL)
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(b"<html>")
    assert "t10k-labels-idx1-ubyte" in refusal(tmp_path)


def test_prepared_images_are_scaled_and_framed_with_zeros() -> None:
    images = np.array([[[[0], [51], [255]], [[1], [2], [3]]]], np.uint8)  # (1, 2, 3, 1)
    expected = [[0, 0, 0, 0, 0], [0, 0, 0.2, 1, 0], [0, 1 / 255, 2 / 255, 3 / 255, 0], [0, 0, 0, 0, 0]]
    np.testing.assert_array_equal(prepare(images, np.float64), np.array(expected)[None, ..., None], strict=True)
    assert images.ravel().tolist() == [0, 51, 255, 1, 2, 3]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4", "float64"])
def test_every_pixel_value_is_the_floating_number_nearest_to_its_255th(dtype: Any) -> None:
    prepared = prepare(np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1), dtype)
    assert prepared.dtype == np.dtype(dtype).newbyteorder("=")
    for value, came in enumerate(prepared[0, 1:-1, 1:-1, 0].ravel()):
        error = abs(Fraction(float(came)) - Fraction(value, 255))
        for neighbour in (np.nextafter(came, came.dtype.type(0)), np.nextafter(came, came.dtype.type(2))):
            assert came == neighbour or error < abs(Fraction(float(neighbour)) - Fraction(value, 255))


@given(count=st.integers(0, 3), height=st.integers(0, 6), width=st.integers(0, 6), strided=st.booleans())
def test_prepared_shapes_grow_by_two_and_a_missing_channel_axis_is_added(
    count: int, height: int, width: int, *, strided: bool
) -> None:
    images = np.random.default_rng(0).integers(256, size=(count, width, height), dtype=np.uint8).swapaxes(1, 2)  # (N, H, W)
    images = images if strided else np.ascontiguousarray(images)
    assume(width != 1 or min(count, height) < 3)  # (H, W, 1) is one image
    prepared = prepare(images)
    assert prepared.shape == (count, height + 2, width + 2, 1)
    assert prepared.dtype == np.float32
    np.testing.assert_array_equal(prepared, prepare(images[..., None]), strict=True)
    np.testing.assert_array_equal(np.rint(prepared[:, 1:-1, 1:-1, 0] * 255), images)


def test_packaged_images_become_30_by_30() -> None:
    assert prepare(mnist().test.images[:7]).shape == (7, 30, 30, 1)


def test_colour_images_keep_their_channels() -> None:
    images = RANDOM.integers(256, size=(2, 5, 4, 3), dtype=np.uint8)
    prepared = prepare(images, np.float64)
    assert prepared.shape == (2, 7, 6, 3)
    np.testing.assert_array_equal(prepared[:, 1:-1, 1:-1], images / 255)
    assert not prepared[:, [0, -1]].any()
    assert not prepared[:, :, [0, -1]].any()


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (np.zeros((28, 28), np.uint8), "got (28, 28). Try images[None]"),
        (np.zeros((2, 3, 28, 28), np.uint8), "got (2, 3, 28, 28). Try images.transpose(0, 2, 3, 1)"),
        (np.zeros((28, 28, 1), np.uint8), "got (28, 28, 1). Try images[None]"),
        (np.zeros((2, 784), np.uint8), "got (2, 784). Try images.reshape(-1, 28, 28)"),
        (np.zeros((1, 1, 28, 28, 1), np.uint8), "got (1, 1, 28, 28, 1)"),
        (np.zeros((2, 28, 28, 1), np.float32), "got float32"),
        (np.zeros((2, 28, 28, 1), bool), "got bool"),
        ([[[0.5]]], "got float64"),
    ],
)
def test_what_are_no_images_is_refused_with_what_to_do(images: Any, words: str) -> None:
    with pytest.raises(HandmadeError) as caught:
        prepare(images)
    assert words in str(caught.value)
    assert "Try" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("dtype", [np.uint8, "complex64", "nonsense", bool, {"names": 3}])
def test_a_type_that_is_not_floating_is_refused(dtype: Any) -> None:
    with pytest.raises(HandmadeError, match=r"dtype: expected a dtype of floats, got .*\. Try np\.float32"):
        prepare(np.zeros((1, 2, 3), np.uint8), dtype)
