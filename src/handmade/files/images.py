"""Pictures from disk as grey arrays: PNG, JPEG, GIF, BMP, WebP and TIFF, of any mode, and none of them trusted."""

import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.extras import not_installed
from handmade.files.atomic import write_atomically

if TYPE_CHECKING:
    from PIL import Image

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF")
LARGEST_FILE = 100 * 2**20  # bytes
MOST_PIXELS = 100_000_000
LONGEST = 1024  # pixels a side, of what is handed on: no digit needs more
TILE = 288  # pixels a side, of one picture among several
ORIENTATION = 0x0112  # the tag of EXIF that says how the camera was held
LUMINANCE = np.array([0.299, 0.587, 0.114])  # of red, green, blue: ITU-R BT.601
PLAIN = 0.25  # what is opaque is of one shade if its shades lie closer together


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture as it was read.

    Attributes
    ----------
    grey
        (H, W) float64, 0 is black, 1 is white; at most 1,024 pixels a side.
    size
        Height and width in the file, as it is meant to be seen.
    remarks
        What a reader should know: that only the first of several frames was read.
    """

    grey: NDArray[np.float64]
    size: tuple[int, int]
    remarks: tuple[str, ...]


def read(path: Path) -> Picture:
    """Read a picture file.

    Its size is checked before anything is unpacked; it is turned as its EXIF data say, and what is transparent becomes paper.

    Raises
    ------
    HandmadeError
        If Pillow is not installed, or the file is missing, too large, damaged, or no picture of a format known here.
    """
    name = repr(str(path))
    try:
        kind = path.stat().st_mode
        if not stat.S_ISREG(kind):
            came = "a folder" if stat.S_ISDIR(kind) else "something that is no regular file"
            raise HandmadeError(f"{name}: wanted a picture file; this is {came}. Name the file itself")
        with path.open("rb") as file:
            return read_stream(file, name)
    except OSError as error:
        reason = "there is no such file" if isinstance(error, FileNotFoundError) else error.strerror
        raise HandmadeError(f"{name}: wanted a picture file; {reason}. Check the path") from None


def read_stream(file: BinaryIO, name: str) -> Picture:
    """Read a picture from an open file, such as standard input; `name` is what errors call it. See `read`."""
    content = file.read(LARGEST_FILE + 1)
    if not content:
        raise HandmadeError(f"{name}: wanted a picture; this is empty. Save or send it again")
    if len(content) > LARGEST_FILE:
        raise HandmadeError(f"{name}: wanted a picture file of at most {LARGEST_FILE >> 20} MB; this is larger. Scale it down")
    with _pillow(name) as pillow, pillow.open(BytesIO(content), formats=FORMATS) as image:
        if image.width * image.height > MOST_PIXELS:
            raise _too_many(name, f"{image.width:,} x {image.height:,}")
        frames = getattr(image, "n_frames", 1) if image.format != "MPO" else 1  # a camera's own extras are not meant
        remarks = (f"only the first of its {frames} frames was read",) if frames > 1 else ()
        image.seek(0)
        turned = image.getexif().get(ORIENTATION, 1)
        height, width = (image.height, image.width) if turned not in {5, 6, 7, 8} else (image.width, image.height)
        image.draft(None, (LONGEST, LONGEST))  # a JPEG can be unpacked at an eighth of its size
        grey = _upright(_grey(image), turned)
    return Picture(grey, (height, width), remarks)


def write_rows(path: Path, rows: list[list[Array]]) -> None:
    """Draw grey arrays, 0 is black and 1 is white, side by side and row by row, into a PNG file.

    Raises
    ------
    HandmadeError
        If Pillow is not installed, or the file cannot be written.
    """
    with _pillow(repr(str(path))) as pillow:
        sheet = pillow.new("L", (TILE * max(map(len, rows)), TILE * len(rows)), 128)
        for row, values in enumerate(rows):
            for column, value in enumerate(values):
                tile = pillow.fromarray(np.rint(255 * value).astype(np.uint8))
                scale = (TILE - 8) / max(tile.size)
                tile = tile.resize((max(1, round(scale * tile.width)), max(1, round(scale * tile.height))), pillow.Resampling.BOX)
                sheet.paste(tile, (TILE * column + (TILE - tile.width) // 2, TILE * row + (TILE - tile.height) // 2))
        png = BytesIO()
        sheet.save(png, "PNG")
    try:
        write_atomically(path, png.getvalue())
    except OSError as error:
        raise HandmadeError(f"{str(path)!r}: cannot be written: {error.strerror}. Choose another place") from None


@contextmanager
def _pillow(name: str) -> Iterator[Any]:
    """Pillow's Image, with its many kinds of complaint turned into one line each."""
    try:
        from PIL import Image, UnidentifiedImageError  # noqa: PLC0415  few read pictures
    except ImportError:
        raise HandmadeError(not_installed("picture files", "Pillow", "images")) from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd metadata; and the size is checked here
            yield Image
    except (HandmadeError, MemoryError):
        raise
    except UnidentifiedImageError:
        known = "PNG, JPEG, GIF, BMP, WebP or TIFF"
        raise HandmadeError(f"{name}: wanted a picture, {known}; this is something else, or damaged. Save it as PNG") from None
    except Image.DecompressionBombError:
        raise _too_many(name, "far more") from None
    except Exception as error:  # noqa: BLE001  Pillow raises nearly anything over a damaged file
        reason = " ".join(str(error).split())
        raise HandmadeError(f"{name}: wanted a whole picture; this one is damaged or cut off ({reason}). Save it again") from None


def _too_many(name: str, came: str) -> HandmadeError:
    return HandmadeError(f"{name}: wanted a picture of at most {MOST_PIXELS:,} pixels; this has {came}. Scale it down")


def _grey(image: "Image.Image") -> Array:
    """The brightness of every pixel, 0 to 1, after shrinking."""
    if image.has_transparency_data:
        pixels = _pixels(image, "RGBA") / 255
        return _on_paper(pixels[..., :3] @ LUMINANCE, pixels[..., 3])
    if image.mode in {"1", "L"}:
        return _pixels(image, "L") / 255
    if image.mode in {"I", "F"} or image.mode.startswith("I;16"):
        return _from_depth(_pixels(image, "F"), image.mode)
    grey: Array = _pixels(image, "RGB") @ LUMINANCE / 255
    return grey


def _pixels(image: "Image.Image", mode: str) -> Array:
    """The pixels of an image in another mode, shrunk by whole blocks."""
    if image.mode != mode:
        image = image.convert(mode)
    block = -(-max(image.size) // LONGEST)
    return np.asarray(image.reduce(block) if block > 1 else image, np.float64)


def _from_depth(values: Array, mode: str) -> Array:
    """Numbers of 16 bits or more as shares of white: what that is, files of 32 bits do not say, so it is told by the largest."""
    if not np.isfinite(values).all():
        raise ValueError("it holds numbers that are not finite")
    values = values - min(float(values.min()), 0)
    largest = float(values.max())
    whites = (65535,) if mode.startswith("I;16") else (1, 255, 65535)
    shares: Array = values / next((white for white in whites if largest <= white), largest)
    return shares


def _on_paper(grey: Array, opacity: Array) -> Array:
    """Put paper behind what is transparent.

    If what can be seen is of one shade, it is ink, and the paper is black or white, whatever is farther away; else it shows
    ink and paper of its own, and goes on in its commonest shade.
    """
    seen = grey[opacity > 0.5]
    if not seen.size:
        return np.ones(grey.shape)
    low, middle, high = np.percentile(seen, (1, 50, 99))
    covered = opacity.mean() > 0.5
    paper = middle if covered and high - low > PLAIN else float(middle < 0.5)
    blended: Array = opacity * grey + (1 - opacity) * paper
    return blended


def _upright(grey: Array, turned: int) -> Array:
    """Undo how the camera was held, after the eight orientations of EXIF."""
    if turned in {5, 6, 7, 8}:
        grey = grey.T
    if turned in {3, 4, 7, 8}:
        grey = grey[::-1]
    if turned in {2, 3, 6, 7}:
        grey = grey[:, ::-1]
    return np.ascontiguousarray(grey)
