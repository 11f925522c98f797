"""Arrays of NumPy, tables of pixels, CIFAR-10's binary files and scikit-learn's digits as data sets."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from handmade import HandmadeError
from handmade.data import load
from handmade.data.sources import class_names
from handmade.engine.arrays import Array
from handmade.runs import Settings, start

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(256, size=(10, 4, 4), dtype=np.uint8)
LABELS = np.arange(10) % 2


def refusal(path: Path, **options: Any) -> str:
    with pytest.raises(HandmadeError) as caught:
        load(path, **options)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- npz ----------------------------------------------------------------------------------------------------------------------


def npz(path: Path, **arrays: Any) -> Path:
    target = path / "data.npz"
    np.savez_compressed(target, **arrays)
    return target


@pytest.mark.parametrize("names", [("images", "labels"), ("x_train", "y_train"), ("X", "y"), ("data", "target")])
def test_arrays_for_training_alone_are_split(names: tuple[str, str], tmp_path: Path) -> None:
    data = load(npz(tmp_path, **dict(zip(names, (IMAGES, LABELS), strict=True))))
    assert (data.image_shape, data.class_names) == ((4, 4, 1), ("0", "1"))
    assert (len(data.train.labels), data.test.labels.tolist()) == (8, [0, 1])


@pytest.mark.parametrize(
    "names",
    [
        ("x_train", "y_train", "x_test", "y_test"),  # Keras
        ("train_images", "train_labels", "test_images", "test_labels"),  # MedMNIST
        ("images", "labels", "test_images", "test_labels"),
    ],
)
@pytest.mark.parametrize("channels", [None, 1, 3])
def test_arrays_for_testing_are_a_part(names: tuple[str, ...], channels: int | None, tmp_path: Path) -> None:
    images = IMAGES if channels is None else np.repeat(IMAGES[..., None], channels, axis=3)
    data = load(npz(tmp_path, **dict(zip(names, (images, LABELS[:, None], images[:3], LABELS[:3]), strict=True))))
    np.testing.assert_array_equal(data.train.images, images.reshape(10, 4, 4, -1))
    np.testing.assert_array_equal(data.test.images, images[:3].reshape(3, 4, 4, -1))
    assert data.train.labels.tolist() == LABELS.tolist()
    assert data.remarks == ()


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.uint8, np.int64, ">u2", bool, np.float64])
def test_arrays_are_read_in_any_order_and_type(order: Any, dtype: Any, tmp_path: Path) -> None:
    integers = np.dtype(dtype).kind in "iu"
    images = np.asarray(IMAGES, dtype if integers else np.uint8, order=order)
    data = load(npz(tmp_path, images=images, labels=LABELS.astype(dtype), test_images=images, test_labels=LABELS.astype(dtype)))
    np.testing.assert_array_equal(data.train.images[..., 0], IMAGES)
    assert data.train.labels.tolist() == LABELS.tolist()


def test_labels_may_be_words_and_classes_may_have_names(tmp_path: Path) -> None:
    words = np.array(["zebra", "ape"] * 5)
    assert load(npz(tmp_path, images=IMAGES, labels=words)).class_names == ("ape", "zebra")
    data = load(npz(tmp_path, images=IMAGES, labels=words, class_names=np.array(["zebra", "cow", "ape"])), test_share=0.5)
    assert (data.class_names, sorted(data.train.labels)) == (("zebra", "cow", "ape"), [0, 0, 0, 2, 2, 2])
    data = load(npz(tmp_path, images=IMAGES, labels=LABELS, class_names=np.array(["no", "yes", "maybe"])))
    assert data.class_names == ("no", "yes", "maybe")


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"a": IMAGES}, "expected arrays named images and labels, or x_train and y_train; got 'a'"),
        ({"images": IMAGES / 255, "labels": LABELS}, "got float64. Try (255 * images).round().astype(np.uint8)"),
        ({"images": IMAGES.reshape(10, 16), "labels": LABELS}, "got (10, 16). Try images.reshape(-1, 4, 4)"),
        ({"images": np.zeros((2, 3, 8, 8), int), "labels": [0, 1]}, "got (2, 3, 8, 8). Try images.transpose(0, 2, 3, 1)"),
        ({"images": IMAGES + np.int64(256), "labels": LABELS}, "images: expected integers from 0 to 255"),
        ({"images": IMAGES, "labels": LABELS[:9]}, "one label for each; got (10, 4, 4) and (9,)"),
        ({"images": IMAGES[:0], "labels": LABELS[:0]}, "expected at least one image"),
        ({"images": IMAGES, "labels": LABELS - 1}, "expected labels of at least 0, got -1"),
        ({"images": IMAGES, "labels": LABELS + 0.5}, "expected labels that are integers or words, got float64"),
        ({"images": IMAGES, "labels": np.arange(10) * 10**6}, "expected at most 1,000 classes, got 9,000,001"),
        ({"images": IMAGES, "labels": LABELS, "class_names": np.array(["one"])}, "expected 2 to 1,000 classes, got 1"),
        ({"images": IMAGES, "labels": LABELS + 5, "class_names": np.array(["a", "b"])}, "expected labels 0 to 1, got 5 to 6"),
        ({"images": IMAGES, "labels": np.array(["x", "y"] * 5), "class_names": np.array(["x", "z"])}, "among x, z, got 'y'"),
        (
            {"images": IMAGES, "labels": LABELS, "test_images": IMAGES[:, :3], "test_labels": LABELS},
            "of one size, got 4 x 4 and 3",
        ),
        ({"images": IMAGES, "labels": LABELS.astype(complex)}, "labels: expected numbers or texts, got complex128"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(arrays: dict[str, Any], says: str, tmp_path: Path) -> None:
    assert says in refusal(npz(tmp_path, **arrays))


def test_the_advice_for_arrays_works(tmp_path: Path) -> None:
    message = refusal(npz(tmp_path, images=IMAGES / 255, labels=LABELS))
    advised: Array = eval(message.rpartition("Try ")[2], {"images": IMAGES / 255, "np": np})
    assert load(npz(tmp_path, images=advised, labels=LABELS)).image_shape == (4, 4, 1)


def test_objects_are_never_unpickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pickle.loads", lambda *_: pytest.fail("it was unpickled"))
    monkeypatch.setattr("pickle.load", lambda *_, **__: pytest.fail("it was unpickled"))
    message = refusal(npz(tmp_path, images=IMAGES, labels=np.array([0, None] * 5, object)))
    assert "labels: expected numbers or texts; got objects, which can contain programs" in message


def header(shape: str, dtype: str = "'|u1'") -> bytes:
    text = f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    text += b" " * (63 - (10 + len(text)) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


def zipped(path: Path, images: bytes) -> Path:
    labels = io.BytesIO()
    np.save(labels, LABELS)
    with zipfile.ZipFile(path / "data.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images.npy", images)
        archive.writestr("labels.npy", labels.getvalue())
    return path / "data.npz"


@pytest.mark.parametrize(
    ("images", "says"),
    [
        (header("(10, 60000, 60000)"), "expected at most 4 GB, got uint8 (10, 60000, 60000)"),
        (header("(10, 99999999999999999999, 4)"), "expected"),
        (header("(10, -4, 4)"), "expected numbers or texts, got uint8 (10, -4, 4)"),
        (header("(10, 40, 40)") + bytes(5), "expected 16,000 bytes for uint8 (10, 40, 40), got 5. Write the file again"),
        (header("(1, 4, 4)") + bytes(17), "expected 16 bytes for uint8 (1, 4, 4), got 17"),
        (header("(10, 4, 4)", "[('a', '|u1')]") + bytes(160), "expected numbers or texts, got [('a', 'u1')]"),
        (header("(10, 4, 4)", "__import__('os')") + bytes(160), "got a damaged one"),
        (header("(" * 5000), "got a damaged one"),
        (b"\x93NUMPY\x09\x00", "got a damaged one"),
        (b"not an array", "got a damaged one"),
        (b"", "got a damaged one"),
    ],
)
def test_headers_that_lie_are_refused_before_anything_is_allocated(
    images: bytes, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = zipped(tmp_path, images)
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda *_: pytest.fail("it was read"))
    assert says in refusal(path)


def test_a_bomb_of_zeros_is_refused_before_it_is_decompressed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handmade.data.sources.zips.SMALL", 10**6)
    path = zipped(tmp_path, header("(10, 1000, 1000)") + bytes(10**7))
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda *_: pytest.fail("it was read"))
    assert "expected a zip of at most 200 times its size" in refusal(path)


def test_a_file_that_is_no_npz_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.npz").write_bytes(b"x" * 100)
    assert "expected a complete zip; got a damaged one" in refusal(tmp_path / "x.npz")


# --- csv ----------------------------------------------------------------------------------------------------------------------


def csv(path: Path, rows: list[str], heading: str | None = None, name: str = "data.csv") -> Path:
    path.mkdir(exist_ok=True, parents=True)
    (path / name).write_text("\n".join([*([] if heading is None else [heading]), *rows]) + "\n", encoding="utf-8")
    return path / name


def rows_of(labels: Any, images: Array = IMAGES) -> list[str]:
    return [f"{label}," + ",".join(map(str, image.ravel())) for label, image in zip(labels, images, strict=True)]


HEADING = "label," + ",".join(f"pixel{n}" for n in range(16))


@pytest.mark.parametrize("heading", [None, HEADING, f'"{HEADING}"'.replace(",", '","'), "\ufeff" + HEADING])
def test_a_table_has_headings_or_none(heading: str | None, tmp_path: Path) -> None:
    data = load(csv(tmp_path, rows_of(LABELS), heading), test_share=0.1)
    assert (data.image_shape, data.class_names) == ((4, 4, 1), ("0", "1"))
    together = np.concatenate([data.train.images, data.test.images])[..., 0]
    assert sorted(image.tobytes() for image in together) == sorted(image.tobytes() for image in IMAGES)


def test_labels_may_be_words_or_the_last_column(tmp_path: Path) -> None:
    words = np.where(LABELS == 1, "yes", '"no, never"'.replace(",", ""))
    assert load(csv(tmp_path, rows_of(words))).class_names == ("no never", "yes")
    last = [f"{row.partition(',')[2]},{row.partition(',')[0]}" for row in rows_of(LABELS + 1)]
    data = load(csv(tmp_path, last, HEADING.partition(",")[2] + ",class"))
    assert data.class_names == ("1", "2")
    assert {image.tobytes() for image in data.train.images} < {image.tobytes() for image in IMAGES}


@pytest.mark.parametrize("names", [("train.csv", "test.csv"), ("mnist_train.csv", "mnist_test.csv")])
def test_a_folder_may_have_a_table_for_testing(names: tuple[str, str], tmp_path: Path) -> None:
    csv(tmp_path, rows_of(LABELS), HEADING, names[0])
    csv(tmp_path, rows_of(LABELS[:4], IMAGES[:4]), HEADING, names[1])
    data = load(tmp_path)
    np.testing.assert_array_equal(data.train.images[..., 0], IMAGES)
    np.testing.assert_array_equal(data.test.images[..., 0], IMAGES[:4])


def test_the_table_of_kaggle_without_labels_is_left_out(tmp_path: Path) -> None:
    csv(tmp_path, rows_of(LABELS), HEADING, "train.csv")
    csv(tmp_path, [row.partition(",")[2] for row in rows_of(LABELS)], HEADING.partition(",")[2], "test.csv")
    data = load(tmp_path)
    assert len(data.test.labels) == 2
    assert data.remarks[0].endswith("left out: test.csv, which has no labels.")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda rows: [*rows[:3], rows[3] + ",7", *rows[4:]], "line 4: expected 17 columns as in the lines before, got 18"),
        (lambda rows: [*rows[:3], rows[3].replace(",", ",x", 1)], "line 4: expected pixels from 0 to 255, got 'x"),
        (lambda rows: [*rows[:3], "1" + 16 * ",256"], "line 4: expected pixels from 0 to 255, got '256'"),
        (lambda rows: [*rows[:3], "1" + 16 * ",-1"], "line 4: expected pixels from 0 to 255, got '-1'"),
        (lambda rows: [*rows[:3], "1" + 16 * ",0.5"], "line 4: expected pixels from 0 to 255, got '0.5'"),
        (lambda rows: [*rows[:3], "1" + 16 * ","], "line 4: expected pixels from 0 to 255, got ''"),
        (lambda rows: [*rows[:3], "," + rows[3].partition(",")[2]], "line 4: expected a label, got ''"),
        (lambda rows: [row + ",7" for row in rows], "expected a label and a square number of pixels, as 784; got 18 columns"),
        (lambda rows: [row.replace(",", ";") for row in rows], "expected a label and pixels with commas between, got '0;"),
        (lambda _: [], "expected at least one line with a label and pixels, got none"),
        (lambda _: [HEADING], "expected at least one line with a label and pixels, got none"),
        (lambda rows: ["0" + row[1:] for row in rows[:2]] + ["-1" + row[1:] for row in rows[2:]], "of at least 0, got -1"),
    ],
)
def test_wrong_tables_are_refused_with_the_line(change: Any, says: str, tmp_path: Path) -> None:
    assert says in refusal(csv(tmp_path, change(rows_of(LABELS))))


def test_lines_of_other_bytes_or_without_an_end_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes("\n".join(rows_of(LABELS)).encode() + b"\n\xff" + b",1" * 16)
    assert "line 11: expected UTF-8, got other bytes" in refusal(path)
    monkeypatch.setattr("handmade.data.sources.pixel_table.LONGEST_LINE", 50)
    assert "line 1: expected at most 0 MB in a line" in refusal(path)


def test_many_lines_are_read_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handmade.data.sources.pixel_table.AT_ONCE", 3)
    data = load(csv(tmp_path, rows_of(LABELS)), test_share=0.1)
    together = np.concatenate([data.train.images, data.test.images])[..., 0]
    assert sorted(image.tobytes() for image in together) == sorted(image.tobytes() for image in IMAGES)


# --- CIFAR-10 and scikit-learn ------------------------------------------------------------------------------------------------


def cifar(folder: Path, *, names: bool = True) -> Array:
    folder.mkdir(parents=True, exist_ok=True)
    images = RNG.integers(256, size=(14, 32, 32, 3), dtype=np.uint8)
    labels = np.arange(14, dtype=np.uint8) % 10
    records = np.concatenate([labels[:, None], images.transpose(0, 3, 1, 2).reshape(14, -1)], axis=1)
    for number in range(1, 6):
        records[2 * number : 2 * number + 2].tofile(folder / f"data_batch_{number}.bin")
    records[:2].tofile(folder / "test_batch.bin")
    if names:
        (folder / "batches.meta.txt").write_text("\n".join(class_names.CIFAR_10) + "\n\n")
    return images


@pytest.mark.parametrize("names", [True, False])
@pytest.mark.parametrize("place", ["", "cifar-10-batches-bin"])
def test_cifar_10_is_read_from_its_binary_files(place: str, names: bool, tmp_path: Path) -> None:  # noqa: FBT001
    images = cifar(tmp_path / place, names=names)
    data = load(tmp_path)
    np.testing.assert_array_equal(data.train.images, images[2:12])
    np.testing.assert_array_equal(data.test.images, images[:2])
    assert data.class_names == class_names.CIFAR_10
    assert data.train.labels.tolist() == [2, 3, 4, 5, 6, 7, 8, 9, 0, 1]


def test_fetched_cifar_10_is_found_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDMADE_DATA", str(tmp_path))
    cifar(tmp_path / "cifar-10")
    assert load("cifar-10").image_shape == (32, 32, 3)


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        ("data_batch_2.bin", bytes(3072), "expected records of 3,073 bytes, got 3,072 bytes"),
        ("data_batch_2.bin", b"", "got 0 bytes"),
        ("test_batch.bin", b"\x0a" + bytes(3072), "expected labels 0 to 9, got 10"),
        ("test_batch.bin", None, "got no test_batch.bin"),
    ],
)
def test_damaged_batches_are_refused(file: str, content: bytes | None, says: str, tmp_path: Path) -> None:
    cifar(tmp_path)
    (tmp_path / file).unlink()
    if content is not None:
        (tmp_path / file).write_bytes(content)
    assert says in refusal(tmp_path)


def test_the_pickled_version_of_cifar_10_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data_batch_1").write_bytes(b"\x80\x02")
    assert "got its pickle files, which can contain programs. Try: handmade data fetch cifar-10" in refusal(tmp_path)


def test_the_digits_of_scikit_learn_are_scaled() -> None:
    sklearn = pytest.importorskip("sklearn.datasets", reason="scikit-learn is not installed")
    data = load("sklearn:digits")
    assert (len(data.train.labels) + len(data.test.labels), data.image_shape) == (1797, (8, 8, 1))
    assert data.names is None
    given = np.rint(sklearn.load_digits().images * 255 / 16).astype(np.uint8)
    assert sorted(map(bytes, (*data.train.images, *data.test.images))) == sorted(map(bytes, given))


def test_without_scikit_learn_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(HandmadeError, match=r"sklearn:digits: expected scikit-learn, which is not installed. Try "):
        load("sklearn:digits")


def test_missing_cifar_10_tells_the_names_of_its_files_and_where_they_come_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANDMADE_DATA", str(tmp_path))
    with pytest.raises(HandmadeError) as caught:
        start(Settings.from_recipe("cifar"), tmp_path / "run")
    message = str(caught.value)
    assert message.startswith(
        f"cifar-10: expected its files in '{tmp_path}/cifar-10'; they are not there. They are data_batch_1.bin, "
    )
    for text in (
        "test_batch.bin",
        "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        "a zip of images by class with data=...",
    ):
        assert text in message
    assert message.endswith("Try: handmade data fetch cifar-10")
    assert "\n" not in message
    assert not (tmp_path / "run").exists()
