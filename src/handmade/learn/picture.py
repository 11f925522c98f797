"""Pictures of small arrays, as SVG: every number stands in its cell, with a colour for its size and sign.

Blue is above zero, orange below, and zero is neutral, as in the lab. The numbers come from the engine's loops.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

CELL, GAP, TITLE = 44, 24, 26  # pixels
STOPS = ("#b35806", "#e08214", "#fdb863", "#fee0b6", "#f7f7f7", "#d1e5f0", "#92c5de", "#4393c3", "#2166ac")
MARK = "#d6006c"  # outside the scale of colours
WHITE_BELOW = 0.45  # lightness of a cell below which its number is white


@dataclass(frozen=True, eq=False)
class Grid:
    """A matrix of numbers. Cells in `marked` have an outline; those in `dim` are padding."""

    title: str
    values: NDArray[Any]
    marked: frozenset[tuple[int, int]] = frozenset()
    dim: frozenset[tuple[int, int]] = frozenset()


@dataclass(frozen=True)
class Sign:
    """A sign between two grids: x, =, +."""

    text: str


Part: TypeAlias = "Grid | Sign"


def window(h: int, w: int, K_h: int, K_w: int) -> frozenset[tuple[int, int]]:
    """Return the cells of a window whose first one is (h, w)."""
    return frozenset((h + i, w + j) for i in range(K_h) for j in range(K_w))


def svg(parts: Sequence[Part], label: str) -> str:
    """Draw parts from left to right.

    Parameters
    ----------
    parts : sequence of Grid or Sign
    label : str
        Description of the picture, for programs that read it aloud.
    """
    grids = [part for part in parts if isinstance(part, Grid)]
    largest = max(float(np.abs(grid.values).max(initial=0)) for grid in grids) or 1.0
    tallest = max(grid.values.shape[0] for grid in grids) * CELL
    x, drawn = GAP, list[str]()
    for part in parts:
        if isinstance(part, Sign):
            drawn.append(_text(x + GAP / 2, TITLE + GAP + tallest / 2, part.text, 22))
            x += 2 * GAP
        else:
            top = TITLE + GAP + (tallest - part.values.shape[0] * CELL) / 2
            drawn += _grid(part, x, top, largest)
            x += max(part.values.shape[1] * CELL, 9 * len(part.title)) + GAP
    height = TITLE + 2 * GAP + tallest
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{x}" height="{height}" viewBox="0 0 {x} {height}" role="img">\n'
        f"<title>{escape(label)}</title>\n"
        f'<rect width="{x}" height="{height}" fill="#ffffff"/>\n' + "\n".join(drawn) + "\n</svg>\n"
    )


def _grid(grid: Grid, left: float, top: float, largest: float) -> list[str]:
    rows, columns = grid.values.shape
    drawn = [_text(left + columns * CELL / 2, top - 12, grid.title, 15)]
    for row in range(rows):
        for column in range(columns):
            value = float(grid.values[row, column])
            fill, ink = colours(value / largest)
            at = left + column * CELL, top + row * CELL
            dash = ' stroke-dasharray="3 3"' if (row, column) in grid.dim else ""
            drawn.append(f'<rect x="{at[0]}" y="{at[1]}" width="{CELL}" height="{CELL}" fill="{fill}" stroke="#8a8f98"{dash}/>')
            drawn.append(_text(at[0] + CELL / 2, at[1] + CELL / 2 + 5, number(value), 13, ink))
    drawn += [
        f'<rect x="{left + column * CELL + 1.5}" y="{top + row * CELL + 1.5}" width="{CELL - 3}" height="{CELL - 3}" '
        f'fill="none" stroke="{MARK}" stroke-width="3"/>'
        for row, column in sorted(grid.marked)
    ]
    return drawn


def colours(share: float) -> tuple[str, str]:
    """Return the colour of a number between -1 and 1, and of the text on it."""
    place = (min(max(share, -1.0), 1.0) + 1) / 2 * (len(STOPS) - 1)
    k = min(int(place), len(STOPS) - 2)
    low, high = _rgb(STOPS[k]), _rgb(STOPS[k + 1])
    mixed = [a + (b - a) * (place - k) for a, b in zip(low, high, strict=True)]
    light = (0.2126 * mixed[0] + 0.7152 * mixed[1] + 0.0722 * mixed[2]) / 255
    return "#" + "".join(f"{round(part):02x}" for part in mixed), "#ffffff" if light < WHITE_BELOW else "#000000"


def number(value: float) -> str:
    """Return a number with at most two decimals and a real minus sign."""
    return f"{round(value, 2):g}".replace("-", "\N{MINUS SIGN}")


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _text(x: float, y: float, text: str, size: int, ink: str = "#16191d") -> str:
    style = f'font-family="sans-serif" font-size="{size}" text-anchor="middle" fill="{ink}"'
    return f'<text x="{x}" y="{y}" {style}>{escape(text)}</text>'
