"""Camera and file of a picture: blur, noise, and the formats and bit depths in which digits are kept."""

from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

import picture_textures as textures
from digit_plans import Plan

Generator = np.random.Generator
ORIENTATION = 0x0112  # EXIF tag
LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)
SIGNED, FLOAT = -1, 0
DEPTHS = {
    "16 bits": 16,
    "10 bits of 16": 10,
    "12 bits of 16": 12,
    "float TIFF": FLOAT,
    "float array from -1 to 1": SIGNED,
}
COLOURS = [(0, 0, 0), (255, 255, 255), (30, 60, 160), (200, 30, 30), (20, 140, 60), (250, 210, 40)]
TURNS = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}  # as the camera stores it


def photographed(colours: NDArray[np.float32], chosen: Plan, rng: Generator) -> NDArray[np.uint8]:
    """Return the picture that a camera or a scanner takes: (H, W, 3) uint8."""
    pen = chosen.pen * chosen.digit_size * chosen.sheet_size * min(chosen.width, chosen.height)
    if chosen.camera == "dim":
        colours *= np.float32(rng.uniform(0.35, 0.65) if chosen.light is None else rng.uniform(0.6, 0.8))
    picture = np.clip(255 * colours, 0, 255).astype(np.uint8)
    faint = min(1.0, chosen.contrast / 0.35)
    if chosen.camera == "blur":
        radius = rng.uniform(0.3, 0.55) * min(pen, 20) * faint + 0.5
        picture = np.asarray(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(radius)))
    elif chosen.camera == "motion blur":
        picture = _moved(picture, min(1.2 * pen, 24) * faint + 1, rng)
    elif chosen.source != "screen" and max(picture.shape) > 200:
        picture = np.asarray(Image.fromarray(picture).filter(ImageFilter.BoxBlur(rng.uniform(0.1, 0.6))))
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
    image, kind = Image.fromarray(rgb), chosen.file
    if kind in DEPTHS:
        return _of_depth(rgb.astype(np.float32) @ LUMINANCE / np.float32(255), DEPTHS[kind], rng)
    if ink is not None and kind in {"transparent, opaque ink", "transparent, faint ink", "grey with alpha"}:
        return _transparent(ink, kind, rng)
    if kind == "animated GIF":
        others = [Image.new("P", image.size)]
        return _saved(image.quantize(64), "GIF", save_all=True, append_images=others, duration=200)
    if kind == "CMYK":
        return _saved(image.convert("CMYK"), "JPEG", quality=90)
    if chosen.quality < 100:
        return _photo(image, chosen, rng)
    return _png(image.quantize(int(rng.integers(4, 65))) if kind == "palette" else image)


def seen(content: bytes | NDArray[np.generic], rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return what a person sees: transparent pictures on white or, if the ink is light, on dark grey; `rgb` of all others."""
    if not isinstance(content, bytes) or not content.startswith(b"\x89PNG"):
        return rgb
    image = Image.open(BytesIO(content))
    if not image.has_transparency_data:
        return rgb
    pixels = np.asarray(image.convert("RGBA"), np.float32)
    colours, alpha = pixels[..., :3], pixels[..., 3:] / 255
    light = float((colours @ LUMINANCE * alpha[..., 0]).sum() / max(alpha.sum(), 1)) > 140
    return (alpha * colours + (1 - alpha) * (40 if light else 255)).astype(np.uint8)


def _of_depth(grey: NDArray[np.float32], bits: int, rng: Generator) -> bytes | NDArray[np.generic]:
    """Return grey levels with 10 or 12 of 16 bits in use, or floats whose white is not 1."""
    if bits == SIGNED:
        return 2 * grey - 1
    if bits == FLOAT:
        return _saved(Image.fromarray(grey * np.float32(rng.choice([1, 2, 100, 255, 1000, 4095, 65535]))), "TIFF")
    return _saved(Image.fromarray(np.rint(grey * (2**bits - 1)).astype(np.uint16)), "PNG" if rng.random() < 0.7 else "TIFF")


def _photo(image: Image.Image, chosen: Plan, rng: Generator) -> bytes:
    """Return a JPEG, sometimes stored in another orientation, with the EXIF tag that says so."""
    exif, quality = Image.Exif(), chosen.quality
    if chosen.camera == "low JPEG quality":
        quality = int(rng.integers(12, 35)) if chosen.contrast > 0.3 else int(rng.integers(35, 50))
    if rng.random() < 0.1:
        exif[ORIENTATION] = int(rng.choice(list(TURNS)))
        image = image.transpose(TURNS[exif[ORIENTATION]])
    return _saved(image, "JPEG", quality=quality, exif=exif)


def _transparent(ink: NDArray[np.float32], kind: str, rng: Generator) -> bytes:
    """Return ink of any colour, opaque or faint, on nothing."""
    if kind == "grey with alpha":
        alpha = Image.fromarray(np.rint(255 * ink * np.float32(rng.uniform(0.5, 1))).astype(np.uint8))
        return _png(Image.merge("LA", [Image.new("L", alpha.size, int(rng.choice([0, 0, 255]))), alpha]))
    opacity = rng.uniform(0.12, 0.48) if kind == "transparent, faint ink" else rng.uniform(0.6, 1)
    colour = rng.choice(np.array([*COLOURS, rng.integers(0, 256, 3).tolist()]))
    pixels = np.empty((*ink.shape, 4), np.uint8)
    pixels[..., :3] = colour if rng.random() < 0.7 else np.where(ink[..., None] > 0, colour, 0)
    pixels[..., 3] = np.rint(255 * opacity * ink)
    return _png(Image.fromarray(pixels))


def _png(image: Image.Image) -> bytes:
    return _saved(image, "PNG", compress_level=1)


def _saved(image: Image.Image, kind: str, **settings: Any) -> bytes:
    file = BytesIO()
    image.save(file, kind, **settings)
    return file.getvalue()
