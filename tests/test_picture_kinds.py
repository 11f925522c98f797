"""One digit in every kind of picture file that people have: each is read in the same way, or said to be none in one line."""

import builtins
import json
import struct
import sys
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import handmade
from drawn_digits import drawn
from handmade.cli.main import main
from handmade.engine.extras import install_command
from handmade.files import images

MODEL = Path(__file__).parent / "data" / "readme.safetensors"


@cache
def seven() -> Image.Image:
    """A 7 on paper that is wider than high, so that a wrong orientation changes its size."""
    digit = next(each for each in drawn(10, seed=2) if each.digit == 7).picture
    dark = digit if np.median(digit) > 127 else 255 - digit
    padded = Image.fromarray(np.pad(dark, ((10, 10), (60, 60)), constant_values=int(np.median(dark))))
    return padded.resize((140, round(140 * padded.height / padded.width)))


def transparent(mode: str) -> Image.Image:
    """The ink alone on transparent paper."""
    ink = 255 - np.asarray(seven().point(lambda x: 0 if x < 128 else 255))
    made = Image.new("LA", seven().size, (40, 0))
    made.putalpha(Image.fromarray(ink))
    return made.convert(mode)


def palette() -> Image.Image:
    made = Image.fromarray((np.asarray(seven()) < 128).astype(np.uint8), "P")
    made.putpalette([250, 250, 250, 20, 30, 90])
    return made


def with_exif(orientation: int) -> Callable[[Path], None]:
    """Save the picture as a camera does that was held in another way."""

    def save(path: Path) -> None:
        exif = Image.Exif()
        exif[images.ORIENTATION] = orientation
        back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # the inverse operations of Pillow, by orientation
        turned = seven() if orientation == 1 else seven().transpose(Image.Transpose(back[orientation]))
        turned.save(path, exif=exif, quality=95)

    return save


def several(path: Path) -> None:
    """Write three frames, of which the first holds the digit."""
    blank = [Image.new("L", seven().size, shade) for shade in (240, 90)]
    seven().save(path, save_all=True, append_images=blank)


def heic(path: Path) -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.from_pillow(seven().convert("RGB")).save(path, quality=90)


KINDS: dict[str, Callable[[Path], None]] = {
    **{f"orientation-{n}.jpg": with_exif(n) for n in range(1, 9)},
    "phone.heic": heic,
    "print.jpg": lambda path: seven().convert("CMYK").save(path),
    "print.tif": lambda path: seven().convert("CMYK").save(path),
    "opaque.png": lambda path: seven().convert("LA").save(path),
    "clear-grey.png": lambda path: transparent("LA").save(path),
    "clear.png": lambda path: transparent("RGBA").save(path),
    "clear.webp": lambda path: transparent("RGBA").save(path, lossless=True),
    "palette.png": lambda path: palette().save(path),
    "palette-clear.png": lambda path: palette().save(path, transparency=0),
    "palette.gif": lambda path: palette().save(path),
    "palette-clear.gif": lambda path: palette().save(path, transparency=0),
    "deep.png": lambda path: Image.fromarray(np.asarray(seven()).astype(np.uint16) * 257).save(path),
    "deep.tif": lambda path: Image.fromarray(np.asarray(seven()).astype(np.uint16) * 257).save(path),
    "float.tif": lambda path: Image.fromarray((np.asarray(seven()) / 255).astype(np.float32)).save(path),
    "two-levels.png": lambda path: seven().convert("1", dither=Image.Dither.NONE).save(path),
    "fax.tif": lambda path: seven().convert("1", dither=Image.Dither.NONE).save(path, compression="group4"),
    "moving.gif": several,
    "pages.tif": several,
    "moving.webp": several,
    "window.bmp": lambda path: seven().convert("RGB").save(path),
}


def header(width: int, height: int) -> bytes:
    """A PNG file that claims a size, without pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    size = chunk(b"IHDR", struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + size + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("kinds")
    for name, save in KINDS.items():
        save(place / name)
    (place / "empty.png").touch()
    (place / "cut.jpg").write_bytes((place / "orientation-1.jpg").read_bytes()[:900])
    (place / "words.png").write_text("seven")
    (place / "huge.png").write_bytes(header(20_000, 10_000))
    (place / "folder").mkdir()
    return place


@pytest.fixture
def pictures(place: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Return a function that runs `handmade predict`, and returns the exit code, its JSON and what it said."""
    monkeypatch.chdir(place)

    def run(*files: str) -> tuple[int, list[dict[str, Any]], str]:
        monkeypatch.setattr(sys, "argv", ["handmade", "predict", str(MODEL), *files, "--json"])
        with pytest.raises(SystemExit) as leaving:
            main()
        told = capfd.readouterr()
        return int(leaving.value.code or 0), json.loads(told.out)["pictures"] if told.out else [], told.err

    return run


def test_every_kind_of_file_gives_the_same_digit(pictures: Callable[..., Any]) -> None:
    code, found, told = pictures(*KINDS)

    assert (code, told) == (0, "")
    assert [each["file"] for each in found] == list(KINDS)
    assert {each["file"]: each.get("answer") for each in found if each.get("answer") != 7} == {}
    remarks = {each["file"]: each["remarks"] for each in found if each["remarks"]}
    assert remarks == {name: ["only the first of its 3 frames was read"] for name in ("moving.gif", "pages.tif", "moving.webp")}


def test_the_others_are_read_when_one_cannot_be(pictures: Callable[..., Any]) -> None:
    files = ["empty.png", "orientation-6.jpg", "cut.jpg", "words.png", "huge.png", "folder", "none.png", "deep.png"]

    code, found, told = pictures(*files)

    assert code == 1
    assert [each["file"] for each in found] == files
    assert [each.get("answer") for each in found] == [None, 7, None, None, None, None, None, 7]
    lines = told.splitlines()
    reasons = (
        "empty",
        "damaged",
        "another format",
        "at most 100,000,000 pixels",
        "a folder",
        "no such file",
    )
    assert len(lines) == len(reasons) + 1
    for line, reason in zip(lines, reasons, strict=False):
        assert line.startswith("handmade: ")
        assert reason in line
    assert lines[-1] == "handmade: 6 of 8 pictures could not be read"


def test_a_huge_picture_is_refused_before_memory_is_taken(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image.Image, "load", lambda *_: pytest.fail("it was unpacked"))

    with pytest.raises(handmade.HandmadeError, match="at most 100,000,000 pixels"):
        handmade.read_digit(place / "huge.png")


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a function after which a library cannot be imported."""
    usual = builtins.__import__

    def hide(library: str) -> None:
        def missing(name: str, *rest: Any, **named: Any) -> Any:
            if name.partition(".")[0] == library:
                raise ImportError(name)
            return usual(name, *rest, **named)

        monkeypatch.setattr(builtins, "__import__", missing)

    return hide


def test_without_its_library_heic_is_told_with_the_command_that_installs_it(place: Path, without: Callable[[str], None]) -> None:
    without("pillow_heif")

    with pytest.raises(handmade.HandmadeError) as caught:
        handmade.read_digit(place / "phone.heic")
    message = str(caught.value)
    assert "HEIC" in message
    assert install_command("heic") in message
    assert "\n" not in message


def test_without_the_images_extra_the_way_from_a_picture_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)

    for read in (handmade.data.find_digit, handmade.data.find_digits):
        with pytest.raises(handmade.HandmadeError) as caught:
            read(np.zeros((50, 50)))
        message = str(caught.value)
        assert "scikit-image" in message
        assert install_command("images") in message
        assert "\n" not in message
