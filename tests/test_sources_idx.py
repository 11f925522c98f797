"""IDX files in the layouts of Fashion-MNIST, KMNIST and EMNIST: their names of classes, and EMNIST's images turned back."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from handmade import HandmadeError
from handmade.data import load
from handmade.data.sources import class_names
from handmade.data.sources.fetched import DEBIAN
from tiny_digits import FILES, idx

RNG = np.random.default_rng(0)
TRAIN, TEST = RNG.integers(256, size=(6, 3, 4)), RNG.integers(256, size=(2, 3, 4))


def write_four(folder: Path, classes: int = 10) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    arrays = (TRAIN, np.arange(6) % classes, TEST, np.arange(2) % classes)
    for name, array in zip(FILES, arrays, strict=True):
        (folder / name).write_bytes(idx(array))
    return folder


def write_emnist(folder: Path, split: str, labels: list[int], ending: str = ".gz") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for part, images in (("train", TRAIN), ("test", TEST)):
        for kind, array in (("images-idx3", images.swapaxes(1, 2)), ("labels-idx1", np.resize(labels, len(images)))):
            content = idx(array)
            path = folder / f"emnist-{split}-{part}-{kind}-ubyte{ending}"
            path.write_bytes(gzip.compress(content) if ending else content)
    return folder


@pytest.mark.parametrize(
    ("place", "names"),
    [
        ("FashionMNIST/raw", class_names.FASHION_MNIST),
        ("fashion-mnist", class_names.FASHION_MNIST),
        ("KMNIST/raw", class_names.KMNIST),
    ],
)
def test_known_sets_have_the_names_of_their_classes(place: str, names: tuple[str, ...], tmp_path: Path) -> None:
    write_four(tmp_path / place)
    assert load(tmp_path / place).class_names == names
    if "/" in place:
        assert load(tmp_path).class_names == names  # torchvision's root


def test_names_stand_in_a_text_file(tmp_path: Path) -> None:
    write_four(tmp_path / "fashion-mnist", classes=3)
    (tmp_path / "fashion-mnist" / "classes.txt").write_bytes("\ufeffKatze\r\nHund\r\nPferd, groß\r\n\r\n".encode())
    data = load(tmp_path / "fashion-mnist")
    assert data.class_names == ("Katze", "Hund", "Pferd, groß")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"one", "expected 2 to 1,000 classes, got 1"),
        (b"a\nb\na", "expected a name of its own for each class, got 'a' twice"),
        (b"a\n\nb", "printable characters, got ''"),
        (b"a\nb\x07", "printable characters, got 'b\\x07'"),
        (b"\xff\xfe", "expected a text file in UTF-8"),
        (b"a\nb", "expected labels 0 to 1, got 2"),
    ],
)
def test_wrong_names_are_refused(content: bytes, says: str, tmp_path: Path) -> None:
    write_four(tmp_path, classes=3)
    (tmp_path / "classes.txt").write_bytes(content)
    with pytest.raises(HandmadeError) as caught:
        load(tmp_path)
    assert says in str(caught.value)


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("place", ["", "gzip", "EMNIST/raw"])
def test_emnist_is_turned_back_and_named(place: str, ending: str, tmp_path: Path) -> None:
    write_emnist(tmp_path / place, "balanced", [0, 10, 46], ending)
    data = load(tmp_path)
    np.testing.assert_array_equal(data.train.images[..., 0], TRAIN)
    np.testing.assert_array_equal(data.test.images[..., 0], TEST)
    assert [data.class_names[k] for k in data.train.labels[:3]] == ["0", "A", "t"]
    assert len(data.class_names) == 47


def test_the_letters_of_emnist_begin_with_1(tmp_path: Path) -> None:
    write_emnist(tmp_path, "letters", [1, 26])
    data = load(tmp_path)
    assert [data.class_names[k] for k in data.train.labels[:2]] == ["a", "z"]
    write_emnist(tmp_path, "letters", [0, 26])
    with pytest.raises(HandmadeError, match="expected labels 0 to 25, got 255"):
        load(tmp_path)


def test_the_number_of_classes_of_each_split_is_the_published_one() -> None:
    # tensorflow-datasets and torchvision say the same; letters have 26 without the empty class 0
    counts = {"balanced": 47, "byclass": 62, "bymerge": 47, "digits": 10, "letters": 26, "mnist": 10}
    assert {split: len(names) for split, names in class_names.EMNIST.items()} == counts


def test_one_of_several_splits_is_named_behind_the_folder(tmp_path: Path) -> None:
    write_emnist(write_emnist(tmp_path, "digits", [0, 9]), "letters", [1, 26])
    with pytest.raises(HandmadeError, match=r"expected one split of EMNIST, got digits, letters\. Try '.*emnist-digits'"):
        load(tmp_path)
    assert load(tmp_path / "emnist-digits").class_names[9] == "9"
    assert load(tmp_path / "emnist-letters").class_names[9] == "j"


def test_named_sets_are_found_in_the_folder_of_the_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDMADE_DATA", str(tmp_path))
    monkeypatch.setattr("handmade.data.sources.fetched.DEBIAN", {})
    for name in ("fashion-mnist", "kmnist", "emnist", "emnist-letters", "cifar-10"):
        with pytest.raises(HandmadeError) as caught:
            load(name)
        assert f"{tmp_path}/{name.removesuffix('-letters')}" in str(caught.value)
        assert str(caught.value).endswith(f"Try: handmade data fetch {name.removesuffix('-letters')}")
    write_four(tmp_path / "fashion-mnist")
    write_four(tmp_path / "kmnist")
    for split in class_names.EMNIST:
        write_emnist(tmp_path / "emnist", split, [1, 2])
    assert load("fashion-mnist").class_names[9] == "Ankle boot"
    assert load("kmnist").class_names[9] == "wo"
    assert len(load("emnist").class_names) == 47
    assert load("emnist-letters").class_names[1] == "b"


@pytest.mark.skipif(not DEBIAN["fashion-mnist"].is_dir(), reason="the package dataset-fashion-mnist is not installed here")
def test_fashion_mnist_of_debian_is_found() -> None:
    data = load("fashion-mnist")
    assert (len(data.train.labels), len(data.test.labels), data.image_shape) == (60_000, 10_000, (28, 28, 1))
    assert data.class_names == class_names.FASHION_MNIST
    # the first labels of its README: an ankle boot, two T-shirts, a dress
    assert [data.class_names[k] for k in data.train.labels[:4]] == ["Ankle boot", "T-shirt/top", "T-shirt/top", "Dress"]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("fashion-mnst", "Did you mean fashion-mnist?"),
        ("no/such/folder", "got no directory and no file of that name. Known names are mnist, sklearn:digits, fashion-mnist"),
    ],
)
def test_unknown_names_are_refused(name: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(HandmadeError) as caught:
        load(name)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("data.tar.gz", b"\x1f\x8b\x08", "Unpack it, and give the folder"),
        ("seven.png", b"\x89PNG\r\n", "Give its folder, "),
        ("train-images-idx3-ubyte", b"\0\0\x08\x03", "Give its folder, "),
        ("data.pkl", b"\x80\x04", "Try np.savez('data.npz', images=images, labels=labels)"),
        ("data.txt", b"hello", "Try mnist"),
    ],
)
def test_other_files_are_refused_with_what_to_do(name: str, content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(HandmadeError) as caught:
        load(tmp_path / name)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_gzip_bomb_of_idx_is_refused_before_it_is_decompressed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_four(tmp_path)
    (tmp_path / FILES[0]).write_bytes(gzip.compress(idx(np.zeros((100, 100, 100)))))
    monkeypatch.setattr("handmade.data.sources.idx_files.MOST_BYTES", 10**5)
    monkeypatch.setattr("handmade.data.idx._CHUNK", 0)  # nothing more than the header could be read
    with pytest.raises(HandmadeError, match="expected at most 100,000 bytes of numbers, got uint8"):
        load(tmp_path)


def test_the_packaged_digits_can_be_resized() -> None:
    data = load("mnist", resize="7x7")
    assert data.image_shape == (7, 7, 1)
    assert data.names is None
    first = load("mnist").train.images[0, ..., 0].reshape(7, 4, 7, 4).mean(axis=(1, 3))
    np.testing.assert_array_equal(data.train.images[0, ..., 0], np.rint(first))
