"""Pictures from disk: every mode and format gives the same greys, and what is no sound picture is one line."""

import builtins
import re
import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from handmade import HandmadeError, read_digit
from handmade.engine.extras import install_command
from handmade.files import images

FORMATS = ("png", "jpeg", "gif", "bmp", "webp", "tiff")
MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16", "I", "F")
Y, X = np.mgrid[:24, :36]
GREY = np.uint8(20 + 5 * X + 2 * Y)  # brighter to the right and downwards: no orientation is like another


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def read(content: bytes) -> images.Picture:
    return images.read_stream(BytesIO(content), "it")


def refusal(content: bytes) -> str:
    with pytest.raises(HandmadeError) as caught:
        read(content)
    message = str(caught.value)
    assert message.startswith("it: expected ")
    assert "\n" not in message
    return message


def complaint(content: bytes) -> str | None:
    """What is said of a file; None if it can be read."""
    try:
        read(content)
    except HandmadeError as error:
        return str(error)
    return None


def in_mode(mode: str) -> Image.Image:
    if mode == "I;16":
        return Image.fromarray(GREY.astype(np.uint16) * 257)
    return Image.fromarray(GREY).convert(mode)


def holds(kind: str, mode: str) -> bool:
    """Whether a format has such a mode, as it is; deep ones are made another in most formats."""
    try:
        encoded(in_mode(mode), kind)
    except (OSError, ValueError):
        return False
    return kind == "tiff" or mode not in {"I;16", "I", "F"}


@pytest.mark.parametrize(("mode", "kind"), [(mode, kind) for mode in MODES for kind in FORMATS if holds(kind, mode)])
def test_every_mode_and_format_gives_the_same_greys(mode: str, kind: str) -> None:
    wanted = np.asarray(Image.fromarray(GREY).convert("1" if mode == "1" else "L"), np.float64) / (1 if mode == "1" else 255)

    picture = read(encoded(in_mode(mode), kind))

    assert picture.size == (24, 36)
    assert picture.remarks == ()
    assert np.abs(picture.grey - wanted).mean() < (0.05 if kind in {"jpeg", "webp"} and mode == "1" else 0.03)


@pytest.mark.parametrize("turned", range(1, 9))
def test_a_picture_is_turned_as_its_camera_was_held(turned: int) -> None:
    exif = Image.Exif()
    exif[images.ORIENTATION] = turned
    content = encoded(Image.fromarray(GREY), "png", exif=exif)
    upright = ImageOps.exif_transpose(Image.open(BytesIO(content)))

    picture = read(content)

    assert picture.size == (upright.height, upright.width)
    np.testing.assert_allclose(picture.grey, np.asarray(upright) / 255)


def transparent(colour: float, alpha: np.ndarray[Any, Any]) -> bytes:
    pixels = np.zeros((*alpha.shape, 4), np.uint8)
    pixels[..., :3], pixels[..., 3] = colour, alpha
    return encoded(Image.fromarray(pixels), "png")


STROKE = np.zeros((40, 40), np.uint8)
STROKE[5:35, 15:25] = 255


@pytest.mark.parametrize(("colour", "paper"), [(0, 1), (255, 0), (90, 1), (200, 0)])
def test_ink_on_transparency_gets_the_paper_that_is_farther_away(colour: int, paper: float) -> None:
    grey = read(transparent(colour, STROKE)).grey

    assert grey[0, 0] == paper
    assert grey[20, 20] == pytest.approx(colour / 255)


def test_what_is_transparent_around_a_card_goes_on_as_the_card() -> None:
    pixels = np.full((40, 40, 4), 230, np.uint8)
    pixels[5:35, 15:25, :3] = 20
    pixels[..., 3] = 255
    pixels[:3, :, 3] = 0

    np.testing.assert_allclose(read(encoded(Image.fromarray(pixels), "png")).grey[:3], 230 / 255)


def test_a_picture_that_is_all_transparent_is_blank() -> None:
    assert (read(transparent(0, 0 * STROKE)).grey == 1).all()


def test_only_the_first_frame_is_read_and_that_is_said() -> None:
    frames = [Image.fromarray(np.full((9, 9), shade, np.uint8)) for shade in (40, 90, 200)]

    picture = read(encoded(frames[0], "gif", save_all=True, append_images=frames[1:]))

    assert picture.remarks == ("only the first of its 3 frames was read",)
    assert picture.grey == pytest.approx(40 / 255)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "1", "I;16"])
def test_a_large_picture_is_averaged(mode: str) -> None:
    large = in_mode(mode).resize((2700, 1800), Image.Resampling.NEAREST)

    picture = read(encoded(large, "png"))

    assert picture.size == (1800, 2700)
    assert picture.grey.shape == (600, 900)
    wanted = np.asarray(in_mode("1" if mode == "1" else "L"), np.float64) / (1 if mode == "1" else 255)
    assert picture.grey.mean() == pytest.approx(wanted.mean(), abs=0.005)


def test_a_large_jpeg_keeps_its_size_in_words() -> None:
    picture = read(encoded(in_mode("L").resize((2700, 1800)), "jpeg"))

    assert picture.size == (1800, 2700)
    assert picture.grey.mean() == pytest.approx(GREY.mean() / 255, abs=0.005)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int) -> bytes:
    """A PNG file that claims to be so large, and holds hardly anything."""
    head = chunk(b"IHDR", struct.pack(">2I5B", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [10_001, 20_000, 100_000, 2_000_000_000])
def test_a_bomb_is_refused_before_it_is_unpacked(side: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image.Image, "load", lambda *_: pytest.fail("it was unpacked"))

    assert "at most 100,000,000 pixels" in refusal(png(side, side))


def test_a_file_that_is_too_large_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "LARGEST_FILE", 2**20)
    file = BytesIO(bytes(2**22))

    with pytest.raises(HandmadeError, match="at most 1 MB"):
        images.read_stream(file, "it")
    assert file.tell() == 2**20 + 1


@pytest.mark.parametrize("kind", FORMATS)
def test_a_damaged_file_is_one_line_or_read(kind: str) -> None:
    rng = np.random.default_rng(FORMATS.index(kind))
    whole = encoded(Image.fromarray(GREY).resize((80, 60)), kind)
    assert "empty" in refusal(b"")
    for number in range(60):
        content = bytearray(whole)
        if number % 2:
            del content[int(rng.integers(1, len(whole))) :]
        for place in rng.integers(0, min(len(content), 100 if number % 3 else len(content)), 8).tolist():
            content[place] = int(rng.integers(256))
        told = complaint(bytes(content))
        assert told is None or (told.startswith("it: expected ") and "\n" not in told)


@pytest.mark.parametrize("kind", FORMATS)
def test_half_a_file_is_refused(kind: str) -> None:
    whole = encoded(Image.fromarray(np.random.default_rng(0).integers(256, size=(60, 80), dtype=np.uint8)), kind)

    assert "damaged" in refusal(whole[: len(whole) // 2])


@pytest.mark.parametrize("content", [b"%!PS-Adobe-3.0 EPSF-3.0\n", b"<svg></svg>", b"hello", bytes(1000), b"P5 2 2 255 abcd"])
def test_other_formats_are_not_tried(content: bytes) -> None:
    assert "PNG, JPEG, GIF, BMP, WebP or TIFF" in refusal(content)


def test_what_is_no_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    for path, says in ((tmp_path, "a folder"), (tmp_path / "none.png", "no such file"), (tmp_path / "empty.png", "empty")):
        with pytest.raises(HandmadeError, match=says):
            images.read(path)
    with pytest.raises(HandmadeError, match="not a regular file"):
        images.read(Path("/dev/null"))


def test_without_pillow_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = builtins.__import__

    def missing(name: str, *rest: Any, **named: Any) -> Any:
        if name.startswith("PIL"):
            raise ImportError(name)
        return usual(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(HandmadeError, match=re.escape(install_command("images"))):
        read(b"anything")


def test_a_digit_is_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "one.png").write_bytes(transparent(0, STROKE))

    digit = read_digit(tmp_path / "one.png")

    assert digit.rejection is None
    assert (digit.measures.height, digit.measures.width) == (30, 10)


def test_rows_of_pictures_are_drawn_one_below_the_other(tmp_path: Path) -> None:
    images.write_rows(tmp_path / "rows.png", [[np.ones((5, 5))], [np.zeros((9, 3)), np.ones((2, 2))]])

    drawn = np.asarray(Image.open(tmp_path / "rows.png"))

    half = images.TILE // 2
    assert drawn.shape == (2 * images.TILE, 2 * images.TILE)
    assert [int(drawn[y, x]) for y in (half, 3 * half) for x in (half, 3 * half)] == [255, 128, 0, 255]
