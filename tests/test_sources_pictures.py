"""Pictures by class, in a folder or a zip: what is read, what is left out, and what is refused."""

import io
import os
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from handmade import HandmadeError
from handmade.data import Dataset, load

RNG = np.random.default_rng(0)


def picture(shape: tuple[int, ...] = (5, 4), kind: str = "PNG", seed: int = 0, mode: str | None = None) -> bytes:
    pixels = np.random.default_rng(seed).integers(256, size=shape, dtype=np.uint8)
    file = io.BytesIO()
    image = Image.fromarray(pixels)
    (image if mode is None else image.convert(mode)).save(file, kind)
    return file.getvalue()


def pixels_of(content: bytes) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(io.BytesIO(content)))


PETS = {f"{name}/{n}.png": picture(seed=10 * k + n) for k, name in enumerate(("cat", "dog")) for n in range(5)}


def as_folder(path: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        if name.endswith("/"):
            (path / name).mkdir(parents=True, exist_ok=True)
        else:
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(content)
    return path


def as_zip(path: Path, files: dict[str, bytes]) -> Path:
    target = path / "pets.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target


Writer = Callable[[Path, dict[str, bytes]], Path]
BOTH = pytest.mark.parametrize("write", [as_folder, as_zip])


def refusal(path: Path, **options: Any) -> str:
    with pytest.raises(HandmadeError) as caught:
        load(path, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def everything(data: Dataset) -> set[tuple[str, bytes]]:
    """Return name of the class and pixels of all images."""
    return {
        (data.class_names[label], image.tobytes())
        for part in (data.train, data.test)
        for image, label in zip(part.images, part.labels, strict=True)
    }


@BOTH
def test_folders_are_classes_and_some_images_are_kept_for_testing(write: Writer, tmp_path: Path) -> None:
    data = load(write(tmp_path, PETS))
    assert data.class_names == ("cat", "dog")
    assert data.image_shape == (5, 4, 1)
    assert sorted(data.train.labels) == [0] * 4 + [1] * 4
    assert sorted(data.test.labels) == [0, 1]
    assert everything(data) == {(name.split("/")[0], pixels_of(content).tobytes()) for name, content in PETS.items()}
    assert "there are no test images; 2 of 10 images (20 % of each class) are kept for testing" in data.remarks[-1]


def test_the_split_is_a_function_of_share_and_seed(tmp_path: Path) -> None:
    folder = as_folder(tmp_path, {f"{name}/{n}.png": picture(seed=n) for name in "ab" for n in range(20)})
    first, again, other = load(folder), load(folder), load(folder, split_seed=1)
    np.testing.assert_array_equal(first.test.images, again.test.images)
    assert (first.test.images != other.test.images).any()
    assert sorted(load(folder, test_share=0.5).test.labels) == [0] * 10 + [1] * 10
    assert refusal(as_folder(tmp_path / "few", {"a/1.png": picture(), "b/1.png": picture()})).endswith(
        "got 2 images of 2 classes. Try more images, or a larger test_share=..."
    )


@BOTH
@pytest.mark.parametrize(("first", "second"), [("train", "test"), ("Training", "Testing"), ("train", "val")])
@pytest.mark.parametrize("wrapper", ["", "pets/"])
def test_train_and_test_folders_are_parts(write: Writer, first: str, second: str, wrapper: str, tmp_path: Path) -> None:
    files = {f"{wrapper}{first}/{name}": content for name, content in PETS.items()}
    files[f"{wrapper}{second}/dog/9.png"] = picture(seed=99)
    data = load(write(tmp_path, files))
    assert (len(data.train.labels), data.test.labels.tolist()) == (10, [1])
    assert data.class_names == ("cat", "dog")
    assert data.remarks == ()


def test_the_first_images_are_of_all_classes(tmp_path: Path) -> None:
    files = {f"{part}/{name}/{n}.png": picture(seed=n) for part in ("train", "test") for name in "abc" for n in range(4)}
    data = load(as_folder(tmp_path, files))
    assert data.train.labels.tolist() == data.test.labels.tolist() == [0, 1, 2] * 4
    np.testing.assert_array_equal(data.train.images[3, ..., 0], pixels_of(picture(seed=1)))


def test_a_validation_folder_beside_train_and_test_is_left_out(tmp_path: Path) -> None:
    files = {f"{part}/{name}": content for part in ("train", "test", "val") for name, content in PETS.items()}
    data = load(as_folder(tmp_path, files))
    assert (len(data.train.labels), len(data.test.labels)) == (10, 10)
    assert data.remarks[0].endswith("left out: 10 pictures outside the folders of the classes.")


@BOTH
def test_hidden_files_and_other_types_are_left_out_with_a_count(write: Writer, tmp_path: Path) -> None:
    extra = {"cat/.DS_Store": b"x", "__MACOSX/cat/._1.png": b"x", "Thumbs.db": b"", "cat/notes.txt": b"x", "README.md": b"x"}
    extra |= {"loose.png": picture()}
    data = load(write(tmp_path, PETS | extra))
    assert len(everything(data)) == 10
    text = "left out: 3 hidden files, 2 files of another type, 1 picture outside the folders of the classes."
    assert data.remarks[0].endswith(text)


def test_classes_that_are_numbers_stand_in_their_order(tmp_path: Path) -> None:
    files = {f"{n}/{k}.png": picture(seed=k) for n in (10, 9, 2) for k in range(3)}
    assert load(as_folder(tmp_path, files)).class_names == ("2", "9", "10")


@pytest.mark.parametrize(
    ("kinds", "channels"),
    [
        (["L", "L"], 1),
        (["1", "I;16"], 1),
        (["LA", "L"], 1),
        (["L", "RGB"], 3),
        (["RGBA", "L"], 3),
        (["P", "L"], 3),
    ],
)
def test_all_are_colour_unless_all_are_grey(kinds: list[str], channels: int, tmp_path: Path) -> None:
    for name, mode in zip("ab", kinds, strict=True):
        (tmp_path / name).mkdir()
        image = Image.fromarray(RNG.integers(256, size=(5, 4), dtype=np.uint8))
        image = image.convert("I").convert("I;16") if mode == "I;16" else image.convert(mode)
        for n in range(3):
            image.save(tmp_path / name / f"{n}.png")
    data = load(tmp_path)
    assert data.image_shape == (5, 4, channels)
    assert load(tmp_path, grey=True).image_shape == (5, 4, 1)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF"])
def test_every_format_is_read(kind: str, tmp_path: Path) -> None:
    ending = {"JPEG": "jpg", "TIFF": "tif"}.get(kind, kind.lower())
    contents = [picture((6, 5, 3), kind, seed) for seed in range(6)]
    files = {f"{'ab'[n % 2]}/{n}.{ending if n else ending.upper()}": content for n, content in enumerate(contents)}
    data = load(as_folder(tmp_path, files))
    colours = {np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).tobytes() for content in contents}
    assert {pixels for _, pixels in everything(data)} == colours


def test_grey_pictures_are_luminance_and_resized_ones_are_means(tmp_path: Path) -> None:
    red = io.BytesIO()
    Image.new("RGB", (8, 6), (255, 0, 0)).save(red, "PNG")
    half = np.zeros((4, 4), np.uint8)
    half[:, ::2] = 201
    grey = io.BytesIO()
    Image.fromarray(half).save(grey, "PNG")
    folder = as_folder(tmp_path, {f"{name}/{n}.png": file.getvalue() for name, file in (("a", red), ("b", grey)) for n in (1, 2)})
    data = load(folder, grey=True, resize="2x2", test_share=0.5)
    assert data.train.images[..., 0].tolist() == [[[76, 76], [76, 76]], [[100, 100], [100, 100]]]


def test_different_sizes_are_refused_and_the_advice_works(tmp_path: Path) -> None:
    files = PETS | {"dog/9.png": picture((7, 9))}
    message = refusal(as_folder(tmp_path, files))
    assert "dog/9.png': expected pictures of one size, 5 x 4 as " in message
    assert message.endswith("got 7 x 9. Try resize='5x4'")
    assert load(tmp_path, resize="5x4").image_shape == (5, 4, 1)


@BOTH
def test_an_unreadable_picture_is_named_and_can_be_skipped(write: Writer, tmp_path: Path) -> None:
    whole = picture((40, 40))
    files = {f"{name}/{n}.png": picture((40, 40), seed=n) for name in ("cat", "dog") for n in range(4)}
    path = write(tmp_path, files | {"dog/9.png": whole[: len(whole) // 2], "cat/8.png": b"no picture"})
    message = refusal(path)
    assert "cat/8.png': expected a picture, PNG, JPEG, GIF, BMP, WebP or TIFF; got another format" in message
    assert message.endswith("Or leave such pictures out with skip_unreadable=True")
    data = load(path, skip_unreadable=True)
    assert len(everything(data)) == 8
    assert data.remarks[0].endswith("left out: 2 pictures that cannot be read.")


@BOTH
@pytest.mark.parametrize(
    ("files", "options", "says"),
    [
        (PETS | {"cow/": b""}, {}, "expected pictures of each class, got none of 'cow'. Add some, or remove it"),
        (PETS | {"cow/x.txt": b""}, {}, ""),
        (PETS | {"cow/x.png": b"?"}, {"skip_unreadable": True}, "got none that can be read of 'cow'"),
        ({f"train/{k}": v for k, v in PETS.items()} | {"test/cow/1.png": picture()}, {}, "of each class, got none of 'cow'"),
        (
            {"1.png": picture(), "2.png": picture()},
            {},
            "expected pictures in a folder for each class, as cat/1.png; got 2 pictures",
        ),
        ({"cat/1.png": picture(), "cat/2.png": picture()}, {}, "expected 2 to 1,000 classes, got 1"),
    ],
)
def test_classes_without_pictures_are_refused(
    write: Writer, files: dict[str, bytes], options: dict[str, Any], says: str, tmp_path: Path
) -> None:
    path = write(tmp_path, files)
    if not says:
        assert load(path, **options).class_names == ("cat", "dog")  # a folder of other files is no class
    else:
        assert says in refusal(path, **options)


def test_a_folder_without_pictures_is_refused_with_what_was_looked_for(tmp_path: Path) -> None:
    message = refusal(as_folder(tmp_path, {"a/x.txt": b""}))
    assert "got a folder without pictures" in message
    assert all(name in message for name in ("train-images-idx3-ubyte", "t10k-labels-idx1-ubyte", "data_batch_1.bin", "train.csv"))


def test_a_picture_larger_than_a_network_can_have_is_refused(tmp_path: Path) -> None:
    folder = as_folder(tmp_path, {f"{name}/{n}.png": picture((1, 1025)) for name in "ab" for n in range(2)})
    assert "expected a picture of at most 1,024 pixels on a side, got 1 x 1,025. Try resize='64x64'" in refusal(folder)
    assert load(folder, resize=(2, 8)).image_shape == (2, 8, 1)


def test_links_are_followed_but_no_folder_twice(tmp_path: Path) -> None:
    folder = as_folder(tmp_path / "pets", PETS)
    (tmp_path / "else").mkdir()
    for n in range(2):
        (tmp_path / "else" / f"{n}.png").write_bytes(picture(seed=70 + n))
    (folder / "horse").symlink_to(tmp_path / "else")
    (folder / "dog" / "loop").symlink_to(folder)
    (folder / "dog" / "broken.png").symlink_to(tmp_path / "nothing")
    os.mkfifo(folder / "dog" / "pipe.png")
    data = load(folder)
    assert data.class_names == ("cat", "dog", "horse")
    assert len(everything(data)) == 12


def test_sizes_are_checked_before_memory_is_allocated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handmade.data.sources.options.MOST_BYTES", 100)
    assert "GB of pixels, got 10 images 5 x 4 x 1. Try fewer or smaller images" in refusal(as_folder(tmp_path, PETS))


def test_without_pillow_one_line_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert refusal(as_folder(tmp_path, PETS), skip_unreadable=True).startswith("pictures by class: expected Pillow, which is not")


# --- harmful zips -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["/etc/1.png", "../cat/1.png", "cat/../../1.png", "C:/cat/1.png", "cat\\1.png"])
def test_paths_outside_a_zip_are_refused(name: str, tmp_path: Path) -> None:
    target = as_zip(tmp_path, PETS)
    with zipfile.ZipFile(target, "a") as archive:
        member = zipfile.ZipInfo("placeholder.png")
        member.filename = name  # ZipInfo would change it
        archive.writestr(member, b"x")
    assert "expected paths inside the archive, got " in refusal(target)


def test_links_in_a_zip_are_refused(tmp_path: Path) -> None:
    target = as_zip(tmp_path, PETS)
    with zipfile.ZipFile(target, "a") as archive:
        member = zipfile.ZipInfo("cat/link.png")
        member.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(member, "/etc/passwd")
    assert "'cat/link.png' is a link" in refusal(target)


def test_encrypted_files_are_refused(tmp_path: Path) -> None:
    target = as_zip(tmp_path, PETS)
    content = bytearray(target.read_bytes())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.index(mark) + place
        content[at] |= 1
    target.write_bytes(content)
    assert "is encrypted. Make a zip without one" in refusal(target)


def test_other_compressions_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("cat/1.png", picture())
    assert "expected stored or deflated files; 'cat/1.png' is compressed otherwise" in refusal(tmp_path / "x.zip")


def test_bombs_are_refused_before_they_are_decompressed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handmade.data.sources.zips.SMALL", 10_000)
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda *_: pytest.fail("it was decompressed"))
    target = as_zip(tmp_path, {f"a/{n}.png": bytes(10**6) for n in range(3)})
    assert "expected a zip of at most 200 times its size" in refusal(target)


def test_overlapping_files_are_refused(tmp_path: Path) -> None:
    """Several entries of the directory point to the same bytes, as in the bombs of D. Fifield."""
    single = as_zip(tmp_path, {"a/1.png": os.urandom(5000)}).read_bytes()
    start, end = single.index(b"PK\x01\x02"), single.index(b"PK\x05\x06")
    entry = single[start:end]
    closing = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 9, 9, 9 * len(entry), start, 0)
    (tmp_path / "bomb.zip").write_bytes(single[:start] + 9 * entry + closing)
    assert "expected files that do not overlap" in refusal(tmp_path / "bomb.zip")


def test_a_damaged_zip_is_refused(tmp_path: Path) -> None:
    target = as_zip(tmp_path, PETS)
    whole = target.read_bytes()
    target.write_bytes(whole[:-30])
    assert "expected a complete zip; got a damaged one" in refusal(target)
    content = bytearray(whole)
    content[60] ^= 255
    target.write_bytes(content)
    assert "expected a complete file; got a damaged one" in refusal(target)
    assert len(everything(load(target, skip_unreadable=True))) == 9
