"""Small images inside a view: PNG files as addresses that begin with "data:", enlarged without smoothing.

Signed numbers become blue above zero and orange below, and transparent at zero, so that zero is the background of the notebook.
"""

import struct
import zlib
from base64 import b64encode

import numpy as np
from numpy.typing import NDArray

from handmade.engine.arrays import Array
from handmade.html.markup import Markup, tag

BLUE, ORANGE = (0x2B, 0x8C, 0xD6), (0xE0, 0x7B, 0x10)
LONGEST_SIDE = 96  # pixels of a map; a longer one is thinned out
KINDS = {1: 0, 3: 2, 4: 6}  # channels of a PNG file: grey, RGB, RGBA
SIDE = 64  # pixels on the screen


def signed_map(values: Array, largest: float) -> NDArray[np.uint8]:
    """Return signed numbers (H, W) as pixels (H, W, 4); the largest absolute value is opaque."""
    share = np.nan_to_num(values / largest if largest > 0 else np.zeros(values.shape)).clip(-1, 1)
    pixels = np.empty((*values.shape, 4), np.uint8)
    pixels[..., :3] = np.where(share[..., None] > 0, BLUE, ORANGE)
    pixels[..., 3] = np.rint(255 * np.sqrt(np.abs(share)))  # the root shows small numbers, too
    return pixels


def thinned(values: Array) -> Array:
    """Return a map (H, W) of at most 96 x 96; of each block, the number that is furthest from zero."""
    step = max(1, -(-max(values.shape) // LONGEST_SIDE))
    if step == 1:
        return values
    high, wide = (-(-side // step) for side in values.shape)
    padded = np.zeros((high * step, wide * step), values.dtype)
    padded[: values.shape[0], : values.shape[1]] = values
    blocks = padded.reshape(high, step, wide, step).swapaxes(1, 2).reshape(high, wide, step * step)
    found: Array = np.take_along_axis(blocks, np.abs(blocks).argmax(axis=-1)[..., None], axis=-1)[..., 0]
    return found


def picture(pixels: NDArray[np.uint8], description: str, side: int = SIDE) -> Markup:
    """Return pixels (H, W, channels) as an image whose longer side is about `side` pixels on the screen, or more.

    Parameters
    ----------
    pixels
        (H, W, 1), (H, W, 3) or (H, W, 4) of uint8; other numbers of channels show the first.
    description : str
        Text in place of the image.
    """
    step = max(1, -(-max(pixels.shape[:2]) // LONGEST_SIDE))
    pixels = pixels[::step, ::step]
    if pixels.shape[2] not in KINDS:
        pixels = pixels[..., :1]
    height, width = pixels.shape[:2]
    zoom = max(1, side // max(height, width))
    source = f"data:image/png;base64,{b64encode(png(pixels)).decode()}"
    return tag("img", src=source, width=zoom * width, height=zoom * height, alt=description, title=description)


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Return the PNG file of pixels (H, W, channels).

    Source: W3C, "Portable Network Graphics (PNG) Specification", section 5.
    """
    height, width, channels = pixels.shape
    rows = np.zeros((height, 1 + width * channels), np.uint8)  # each row begins with its filter: 0, none
    rows[:, 1:] = pixels.reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 8, KINDS[channels], 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes())), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
