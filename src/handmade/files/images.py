"""Picture files as grey arrays: PNG, JPEG, GIF, BMP, WebP, TIFF and HEIC of any mode. Damaged and harmful files are rejected."""

import stat
import warnings
from collections.abc import Callable, Iterator
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
from handmade.files.levels import LUMINANCE, from_depth, paper_behind, with_background

if TYPE_CHECKING:
    from PIL import Image

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF")
LARGEST_FILE = 100 * 2**20  # bytes
MOST_PIXELS = 100_000_000
LONGEST = 1024  # pixels on a side of the result: enough for a digit
TILE = 288  # pixels on a side of one picture among several
ORIENTATION = 0x0112  # EXIF tag of the camera's orientation
HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")  # brands of ISO/IEC 23008-12, at byte 8


@dataclass(frozen=True, eq=False)
class Picture:
    """Picture from a file.

    Attributes
    ----------
    grey
        (H, W) float64: 0 is black, 1 is white; at most 1,024 pixels on a side.
    size
        Height and width of the picture in the file, after rotation by its EXIF data.
    remarks
        Remarks for the user, for example that only the first of several frames was read.
    """

    grey: NDArray[np.float64]
    size: tuple[int, int]
    remarks: tuple[str, ...]


def read(path: Path) -> Picture:
    """Read a picture file.

    Its size is checked before it is decompressed. It is rotated by its EXIF data, and transparent pixels become background.

    Raises
    ------
    HandmadeError
        If Pillow is not installed, or the file is missing, too large, damaged, or not a picture in one of the formats above.
    """
    with _opened(path) as file:
        return read_stream(file, repr(str(path)))


def read_stream(file: BinaryIO, name: str) -> Picture:
    """Read a picture from an open file, such as standard input; `name` is its name in errors. See `read`."""
    return Picture(*_decoded(file, name, _grey))


def read_colour(file: BinaryIO, name: str) -> NDArray[np.float64]:
    """Read a picture from an open file as red, green and blue, (H, W, 3) from 0 to 1, with the same checks as `read`."""
    return _decoded(file, name, _colour)[0]


def read_pixels_of(path: Path) -> tuple[NDArray[np.uint8], tuple[int, int], tuple[str, ...]]:
    """Read the picture in a file, as `read_pixels` does; errors are those of `read`."""
    with _opened(path) as file:
        return read_pixels(file, repr(str(path)))


def read_pixels(file: BinaryIO, name: str) -> tuple[NDArray[np.uint8], tuple[int, int], tuple[str, ...]]:
    """Read a picture as (H, W, 1) of uint8 if it is grey, else (H, W, 3); also its height and width in the file, and remarks.

    The checks are those of `read`. A picture of more than 1,024 pixels on a side is scaled down.
    """
    pixels, size, remarks = _decoded(file, name, _grey_or_colour)
    image: NDArray[np.uint8] = (pixels if pixels.dtype == np.uint8 else np.rint(255 * pixels)).astype(np.uint8)
    return image if image.ndim == 3 else image[..., None], size, remarks


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """Open a picture file; HandmadeError if it is missing, or no regular file."""
    name = repr(str(path))
    try:
        kind = path.stat().st_mode
        if not stat.S_ISREG(kind):
            received = "a folder" if stat.S_ISDIR(kind) else "something that is not a regular file"
            raise HandmadeError(f"{name}: expected a picture file; got {received}. Give the path of a file")
        with path.open("rb") as file:
            yield file
    except OSError as error:
        reason = "there is no such file" if isinstance(error, FileNotFoundError) else error.strerror
        raise HandmadeError(f"{name}: expected a picture file; {reason}. Check the path") from None


def _decoded(
    file: BinaryIO, name: str, convert: "Callable[[Image.Image], tuple[Array, tuple[str, ...]]]"
) -> tuple[NDArray[np.float64], tuple[int, int], tuple[str, ...]]:
    """Return the converted pixels of a picture, its height and width in the file, and remarks."""
    content = file.read(LARGEST_FILE + 1)
    if not content:
        raise HandmadeError(f"{name}: expected a picture; got an empty file. Save or send it again")
    if len(content) > LARGEST_FILE:
        raise HandmadeError(
            f"{name}: expected a picture file of at most {LARGEST_FILE >> 20} MB; got a larger one. Scale it down"
        )
    formats: tuple[str, ...] = FORMATS
    if content[4:8] == b"ftyp" and content[8:12] in HEIC:
        _register_heic(name)
        formats = ("HEIF",)
    with _pillow(name) as pillow, pillow.open(BytesIO(content), formats=formats) as image:
        if image.width * image.height > MOST_PIXELS:
            raise _too_many(name, f"{image.width:,} x {image.height:,}")
        frames = getattr(image, "n_frames", 1) if image.format != "MPO" else 1  # other pictures that a camera adds do not count
        several = (f"only the first of its {frames} frames was read",) if frames > 1 else ()
        image.seek(0)
        orientation = image.getexif().get(ORIENTATION, 1)
        height, width = (image.height, image.width) if orientation not in {5, 6, 7, 8} else (image.width, image.height)
        image.draft(None, (LONGEST, LONGEST))  # a JPEG can be decompressed at an eighth of its size
        pixels, remarks = convert(image)
    return _rotated(pixels, orientation), (height, width), several + remarks


def _register_heic(name: str) -> None:
    """Let Pillow read HEIC; HandmadeError if pillow-heif is not installed."""
    try:
        from pillow_heif import register_heif_opener  # noqa: PLC0415  an optional library
    except ImportError:
        raise HandmadeError(not_installed(f"{name}: HEIC", "pillow-heif", "heic")) from None
    register_heif_opener()


def write_rows(path: Path, rows: list[list[Array]]) -> None:
    """Draw grey arrays (H, W) or colours (H, W, 3), 0 is black and 1 is white, side by side and row by row, into a PNG file.

    Raises
    ------
    HandmadeError
        If Pillow is not installed, or the file cannot be written.
    """
    with _pillow(repr(str(path))) as pillow:
        mode, background = ("RGB", (128, 128, 128)) if any(value.ndim == 3 for row in rows for value in row) else ("L", 128)
        sheet = pillow.new(mode, (TILE * max(map(len, rows)), TILE * len(rows)), background)
        for row, values in enumerate(rows):
            for column, value in enumerate(values):
                tile = pillow.fromarray(np.rint(255 * value).astype(np.uint8))
                scale = (TILE - 8) / max(tile.size)
                tile = tile.resize((max(1, round(scale * tile.width)), max(1, round(scale * tile.height))), pillow.Resampling.BOX)
                sheet.paste(tile, (TILE * column + (TILE - tile.width) // 2, TILE * row + (TILE - tile.height) // 2))
    _write(path, sheet)


def write_picture(path: Path, picture: NDArray[np.uint8]) -> None:
    """Write a picture (H, W, 3) of uint8 to a PNG file.

    Raises
    ------
    HandmadeError
        If Pillow is not installed, or the file cannot be written.
    """
    with _pillow(repr(str(path))) as pillow:
        image = pillow.fromarray(picture)
    _write(path, image)


def _write(path: Path, image: "Image.Image") -> None:
    png = BytesIO()
    image.save(png, "PNG")
    try:
        write_atomically(path, png.getvalue())
    except OSError as error:
        raise HandmadeError(
            f"{str(path)!r}: expected a file that can be written; got: {error.strerror}. Choose another path"
        ) from None


@contextmanager
def _pillow(name: str) -> Iterator[Any]:
    """Provide Pillow's Image; each of its errors becomes a HandmadeError of one line."""
    try:
        from PIL import Image, UnidentifiedImageError  # noqa: PLC0415  an optional library
    except ImportError:
        raise HandmadeError(not_installed("picture files", "Pillow", "images")) from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # warnings about metadata and size; the size is checked here
            yield Image
    except (HandmadeError, MemoryError):
        raise
    except UnidentifiedImageError:
        known = "PNG, JPEG, GIF, BMP, WebP or TIFF"
        raise HandmadeError(
            f"{name}: expected a picture, {known}; got another format, or a damaged file. Save it as PNG"
        ) from None
    except Image.DecompressionBombError:
        raise _too_many(name, "far more") from None
    except Exception as error:  # noqa: BLE001  Pillow raises many kinds of errors for a damaged file
        reason = " ".join(str(error).split())
        raise HandmadeError(
            f"{name}: expected a complete picture; got a damaged or truncated one ({reason}). Save it again"
        ) from None


def _too_many(name: str, received: str) -> HandmadeError:
    return HandmadeError(f"{name}: expected a picture of at most {MOST_PIXELS:,} pixels; got {received}. Scale it down")


def _grey(image: "Image.Image") -> tuple[Array, tuple[str, ...]]:
    """Return the brightness of every pixel, 0 to 1, after scaling down, and remarks."""
    if image.has_transparency_data:
        pixels = _pixels(image, "RGBA") / 255
        return with_background(pixels[..., :3] @ LUMINANCE, pixels[..., 3]), ()
    if image.mode in {"1", "L"}:
        return _pixels(image, "L") / 255, ()
    if _is_deep(image):
        return _of_depth(image)
    grey: Array = _pixels(image, "RGB") @ LUMINANCE / 255
    return grey, ()


def _colour(image: "Image.Image") -> tuple[Array, tuple[str, ...]]:
    """Return red, green and blue of every pixel, 0 to 1, after scaling down, and remarks."""
    if _is_deep(image):
        grey, remarks = _of_depth(image)
        return np.repeat(grey[..., None], 3, axis=2), remarks
    if not image.has_transparency_data:
        return _pixels(image, "RGB") / 255, ()
    pixels = _pixels(image, "RGBA") / 255
    colours, opacity = pixels[..., :3], pixels[..., 3:]
    blended: Array = opacity * colours + (1 - opacity) * paper_behind(colours @ LUMINANCE, pixels[..., 3])
    return blended, ()


def _is_deep(image: "Image.Image") -> bool:
    """Return True if a pixel is one number of more than 8 bits."""
    return image.mode in {"I", "F"} or image.mode.startswith("I;16")


def _of_depth(image: "Image.Image") -> tuple[Array, tuple[str, ...]]:
    values = _pixels(image, "F")
    if not np.isfinite(values).all():
        raise ValueError("it holds numbers that are not finite")
    return from_depth(values, integers=image.mode != "F")


def _grey_or_colour(image: "Image.Image") -> tuple[Array, tuple[str, ...]]:
    """Return a grey picture as grey, and others as colour; small pictures of bytes are not converted to floats."""
    if image.mode in {"L", "RGB"} and not image.has_transparency_data and max(image.size) <= LONGEST:
        return np.asarray(image), ()
    is_grey = image.mode in {"1", "L", "LA", "La", "I", "F"} or image.mode.startswith("I;16")
    return _grey(image) if is_grey else _colour(image)


def _pixels(image: "Image.Image", mode: str) -> Array:
    """Return the pixels of an image in another mode, scaled down by averaging blocks."""
    if image.mode != mode:
        image = image.convert(mode)
    block = -(-max(image.size) // LONGEST)
    return np.asarray(image.reduce(block) if block > 1 else image, np.float64)


def _rotated(pixels: Array, orientation: int) -> Array:
    """Undo the camera's orientation, one of the eight of EXIF."""
    if orientation in {5, 6, 7, 8}:
        pixels = pixels.swapaxes(0, 1)
    if orientation in {3, 4, 7, 8}:
        pixels = pixels[::-1]
    if orientation in {2, 3, 6, 7}:
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)
