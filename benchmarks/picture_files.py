"""Camera and file of a picture: blur, noise, and the formats and bit depths in which digits are kept."""

from io import BytesIO

import numpy as np
import picture_textures as textures
from digit_plans import Plan
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Generator = np.random.Generator
ORIENTATION = 0x0112  # EXIF tag
TURNS = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}  # as the camera stores it


def photographed(colours: NDArray[np.float32], chosen: Plan, rng: Generator) -> NDArray[np.uint8]:
    """Return the picture that a camera or a scanner takes: (H, W, 3) uint8."""
    pen = chosen.pen * chosen.digit_size * chosen.sheet_size * min(chosen.width, chosen.height)
    if chosen.camera == "dim":
        colours *= np.float32(rng.uniform(0.35, 0.65))
    picture = np.clip(255 * colours, 0, 255).astype(np.uint8)
    faint = min(1.0, chosen.contrast / 0.35)
    if chosen.camera == "blur":
        radius = rng.uniform(0.3, 0.55) * min(pen, 20) * faint + 0.5
        picture = np.asarray(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(radius)))
    elif chosen.camera == "motion blur":
        picture = _moved(picture, min(1.2 * pen, 24) * faint + 1, rng)
    elif chosen.source != "screen" and max(picture.shape) > 200:
        picture = np.asarray(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(rng.uniform(0.2, 0.7))))
    sigma = 0.0
    if chosen.camera == "noise":
        sigma = 255 * min(rng.uniform(0.03, 0.12), 0.28 * chosen.contrast * min(1.0, pen / 4))
    elif chosen.source != "screen":
        sigma = 255 * min(rng.uniform(0.0, 0.015), 0.06 * chosen.contrast)
    if sigma > 0.3:
        grain = textures.noise(picture.shape[:2], rng, 0 if rng.random() < 0.5 else 0.7) * np.float32(sigma)
        picture = np.clip(picture + grain[..., None] + np.float32(0.5), 0, 255).astype(np.uint8)
    return picture


def _moved(picture: NDArray[np.uint8], length: float, rng: Generator) -> NDArray[np.uint8]:
    """Average the picture along a straight movement."""
    angle, steps = rng.uniform(0, np.pi), min(12, int(length) + 1)
    total = np.zeros(picture.shape, np.uint16)
    reach = int(length) + 1
    padded = np.pad(picture, ((reach, reach), (reach, reach), (0, 0)), mode="edge")
    for share in np.linspace(-0.5, 0.5, steps):
        top, left = (reach + round(length * share * part) for part in (np.sin(angle), np.cos(angle)))
        total += padded[top : top + picture.shape[0], left : left + picture.shape[1]]
    return (total // steps).astype(np.uint8)


def written(rgb: NDArray[np.uint8], ink: NDArray[np.float32] | None, chosen: Plan, rng: Generator) -> bytes | NDArray[np.generic]:
    """Return the content of a file, or an array for those kinds that are arrays."""
    kind = chosen.file
    grey = rgb.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32) / 255
    if kind and kind.startswith("transparent") and ink is not None:
        return _png(_transparent(ink, chosen, rng))
    if kind == "grey with alpha" and ink is not None:
        alpha = np.rint(255 * ink * rng.uniform(0.5, 1)).astype(np.uint8)
        level = 0 if rng.random() < 0.6 else 255
        return _png(Image.merge("LA", [Image.new("L", rgb.shape[1::-1], level), Image.fromarray(alpha)]))
    if kind == "palette":
        return _png(Image.fromarray(rgb).quantize(int(rng.integers(4, 65))))
    if kind == "CMYK":
        return _saved(Image.fromarray(rgb).convert("CMYK"), "JPEG", quality=90)
    if kind in {"16 bits", "10 bits of 16", "12 bits of 16"}:
        bits = int(kind[:2])
        return _saved(Image.fromarray(np.rint(grey * (2**bits - 1)).astype(np.uint16)), "PNG" if rng.random() < 0.7 else "TIFF")
    if kind == "float TIFF":
        return _saved(Image.fromarray(grey * np.float32(rng.choice([1, 2, 100, 255, 1000, 4095, 65535]))), "TIFF")
    if kind == "float array from -1 to 1":
        return 2 * grey - 1
    if kind == "animated GIF":
        frames = [Image.fromarray(rgb).quantize(64), Image.new("P", rgb.shape[1::-1])]
        return _saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=200)
    if chosen.quality == 100:
        return _png(Image.fromarray(rgb))
    return _photo(rgb, chosen, rng)


def _photo(rgb: NDArray[np.uint8], chosen: Plan, rng: Generator) -> bytes:
    """Return a JPEG, sometimes stored in another orientation, with the EXIF tag that says so."""
    image, exif = Image.fromarray(rgb), Image.Exif()
    quality = chosen.quality
    if chosen.camera == "low JPEG quality":
        quality = int(rng.integers(12, 35)) if chosen.contrast > 0.3 else int(rng.integers(35, 50))
    if rng.random() < 0.1:
        exif[ORIENTATION] = int(rng.choice(list(TURNS)))
        image = image.transpose(TURNS[exif[ORIENTATION]])
    return _saved(image, "JPEG", quality=quality, exif=exif)


def _transparent(ink: NDArray[np.float32], chosen: Plan, rng: Generator) -> Image.Image:
    """Return ink of any colour, opaque or faint, on nothing."""
    opacity = rng.uniform(0.12, 0.48) if chosen.file == "transparent, faint ink" else rng.uniform(0.6, 1)
    colour = rng.choice(
        [(0, 0, 0), (255, 255, 255), (30, 60, 160), (200, 30, 30), (20, 140, 60), (250, 210, 40), tuple(rng.integers(0, 256, 3))]
    )
    pixels = np.empty((*ink.shape, 4), np.uint8)
    pixels[..., :3] = colour if rng.random() < 0.7 else np.where(ink[..., None] > 0, colour, 0)
    pixels[..., 3] = np.rint(255 * opacity * ink)
    return Image.fromarray(pixels)


def _png(image: Image.Image) -> bytes:
    return _saved(image, "PNG", compress_level=1)


def _saved(image: Image.Image, kind: str, **settings: object) -> bytes:
    file = BytesIO()
    image.save(file, kind, **settings)  # type: ignore[arg-type]  # settings of several formats
    return file.getvalue()
