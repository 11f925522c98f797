"""Pictures in characters: half blocks in colour where the terminal has 256 colours or more, plain characters elsewhere.

A character is twice as high as it is wide, so it shows two pixels, one above the other.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from handmade.data.resize import area_average
from handmade.data.sources.options import LUMINANCE, resized
from handmade.engine.arrays import Array
from handmade.pictures.style import LIGHT
from handmade.text.number_format import MINUS

WIDEST = 80  # columns
BETWEEN = 2  # columns
SHADES = " .:-=+*#%@"  # from black to white
COLOURS = 3  # red, green and blue
UPPER_HALF = "\N{UPPER HALF BLOCK}"
LEVELS = 9  # to each side of zero, so that one digit shows a weight


@dataclass(frozen=True)
class Tile:
    """A picture in characters, with a label below."""

    lines: tuple[Text, ...]
    label: str

    @property
    def width(self) -> int:
        """Width in columns."""
        return max(cell_len(self.label), *(line.cell_len for line in self.lines))


def colourful(console: Console) -> bool:
    """Return True for a terminal that can show grey in many shades."""
    many = console.color_system in {"256", "truecolor", "windows"} and not console.no_color
    return console.is_terminal and many and console.encoding.startswith("utf")


def grey(values: Array, label: str, console: Console, most: int = 28) -> Tile:
    """Return a picture (H, W) of 0, black, to 1, white, with at most `most` columns; larger ones are averaged."""
    height, width = values.shape
    scale = min(1, most / max(height, width))
    shape = max(1, round(height * scale)), max(1, round(width * scale))
    small = area_average(values, shape) if scale < 1 else values
    if not colourful(console):
        rows = area_average(small, (-(-shape[0] // 2), shape[1]))
        levels = np.rint(rows * (len(SHADES) - 1)).astype(int)
        return Tile(tuple(Text("".join(SHADES[level] for level in row)) for row in levels), label)
    bytes_ = np.rint(255 * np.pad(small, ((0, shape[0] % 2), (0, 0)))).astype(int)
    return Tile(tuple(_half_blocks(upper, lower) for upper, lower in zip(bytes_[::2], bytes_[1::2], strict=True)), label)


def image(pixels: Array, label: str, console: Console, most: int = 28) -> Tile:
    """Return a raw image (H, W, C) of uint8: in colour if it has three channels and the terminal can show them, else in grey."""
    if pixels.shape[2] != COLOURS or not colourful(console):
        brightness = pixels @ LUMINANCE if pixels.shape[2] == COLOURS else pixels.mean(axis=2)
        return grey(brightness / 255, label, console, most)
    height, width = pixels.shape[:2]
    scale = min(1, most / max(height, width))
    shape = max(1, round(height * scale)), max(1, round(width * scale))
    small = resized(pixels, shape) if scale < 1 else pixels
    bytes_ = np.rint(np.pad(small, ((0, shape[0] % 2), (0, 0), (0, 0)))).astype(int)
    return Tile(tuple(_half_blocks(upper, lower) for upper, lower in zip(bytes_[::2], bytes_[1::2], strict=True)), label)


def weights(values: Array, limit: float, label: str, console: Console) -> Tile:
    """Return signed numbers (H, W), each as a digit with its sign, 9 at the limit, in colour where there is colour."""
    levels = np.rint(values / (limit or 1) * LEVELS).astype(int)
    return Tile(tuple(_digits(row, coloured=colourful(console)) for row in levels), label)


def rows(tiles: Iterable[Tile], console: Console) -> Iterator[Text]:
    """Lay tiles side by side, within 80 columns or a narrower terminal, labels below."""
    room = min(WIDEST, console.width) if console.is_terminal else WIDEST
    row: list[Tile] = []
    used = 0
    for tile in tiles:
        if row and used + BETWEEN + tile.width > room:
            yield from _beside(row)
            row, used = [], 0
        used += tile.width + (BETWEEN if row else 0)
        row.append(tile)
    if row:
        yield from _beside(row)


def _beside(row: Sequence[Tile]) -> Iterator[Text]:
    for number in range(max(len(tile.lines) for tile in row)):
        yield _line(row, [tile.lines[number] if number < len(tile.lines) else Text() for tile in row])
    yield _line(row, [Text(tile.label) for tile in row])
    yield Text()


def _line(row: Sequence[Tile], parts: Sequence[Text]) -> Text:
    line = Text(no_wrap=True)
    for tile, part in zip(row, parts, strict=True):
        line.append_text(part)
        line.append(" " * (tile.width - part.cell_len + BETWEEN))
    line.rstrip()
    return line


def _half_blocks(upper: Array, lower: Array) -> Text:
    """Return a line of two rows of pixels: (W,) of grey, or (W, 3) of red, green and blue."""
    line = Text()
    above, below = (np.broadcast_to(row.reshape(len(row), -1), (len(row), COLOURS)).tolist() for row in (upper, lower))
    for (r, g, b), (red, green, blue) in zip(above, below, strict=True):
        line.append(UPPER_HALF, f"rgb({r},{g},{b}) on rgb({red},{green},{blue})")
    return line


def _digits(row: Array, *, coloured: bool) -> Text:
    line = Text()
    for level in row.tolist():
        sign = "+" if level > 0 else MINUS if level < 0 else " "
        line.append(f"{sign}{abs(level)}", _on_colour(level) if coloured else "")
    return line


def _on_colour(level: int) -> str:
    """Return black or white on the colour of the level, with the larger contrast."""
    stops = [[int(stop[i : i + 2], 16) for i in (1, 3, 5)] for stop in LIGHT.diverging]
    position = (level / LEVELS + 1) / 2 * (len(stops) - 1)
    red, green, blue = (round(float(np.interp(position, range(len(stops)), part))) for part in zip(*stops, strict=True))
    ink = "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 128 else "white"
    return f"{ink} on rgb({red},{green},{blue})"
