"""Widths of texts, and the characters that a font can draw.

DejaVu Sans comes with matplotlib and has the letters of Latin, Greek, Cyrillic and Arabic. Other scripts need another font.
"""

from functools import cache
from typing import TYPE_CHECKING, Any
from unicodedata import bidirectional

from handmade.pictures.style import FONT, POINT, fallback_fonts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handmade.engine.network import Network

BOX = "\N{WHITE SQUARE}"  # instead of a character that no font has
LEFT_TO_RIGHT = "\N{LEFT-TO-RIGHT MARK}"  # around an Arabic name, so that a number stays to its right
THINNEST = 0.25  # width of the thinnest letters, of their size
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"


@cache
def width_of(text: str, size: float, weight: str = "normal") -> float:
    """Return the width of one line in inches, for a size in points."""
    from matplotlib.font_manager import FontProperties  # noqa: PLC0415  loaded when something is drawn
    from matplotlib.textpath import text_to_path  # noqa: PLC0415  the same

    font = FontProperties(family=[FONT], size=size, weight=weight)
    text, known = readable(text), _characters(FONT)
    usual = "".join(letter for letter in text if ord(letter) in known)
    points = text_to_path.get_text_width_height_descent(usual, font, ismath=False)[0] if usual else 0.0
    return (float(points) + size * (len(text) - len(usual))) * POINT  # a letter of another script is at most as wide as high


def fitted(text: str, width: float, size: float, weight: str = "normal") -> str:
    """Return a text that is at most so wide; a longer one is cut in its middle, where it has an ellipsis."""
    if width_of(text, size, weight) <= width:
        return text
    mark = LEFT_TO_RIGHT if text.endswith(LEFT_TO_RIGHT) else ""
    inner = text.strip(LEFT_TO_RIGHT)
    most = int(width / (THINNEST * size * POINT)) + 1
    for kept in range(min(len(inner) - 1, most), 0, -1):
        end = kept // 3
        cut = f"{inner[: kept - end].rstrip()}{ELLIPSIS}{inner[len(inner) - end :].lstrip()}"
        if width_of(cut, size, weight) <= width:
            return mark + cut + mark
    return ELLIPSIS


def lines(text: str, width: float, size: float, weight: str = "normal") -> list[str]:
    """Break a text between words into lines of at most this width in inches; cut a word that is longer than a line."""
    broken: list[str] = []
    for word in text.split():
        longer = f"{broken[-1]} {word}" if broken else word
        if broken and width_of(longer, size, weight) <= width:
            broken[-1] = longer
        else:
            broken.append(fitted(word, width, size, weight))
    return broken


def class_labels(network: "Network") -> "Sequence[str]":
    """Return the names of the classes; the number of a class whose name no font can draw."""
    return labels_of(network.class_names, network.classes)


def labels_of(names: "Sequence[str] | None", classes: int) -> "Sequence[str]":
    """Return these names, or numbers where there is no name or no font for it."""
    return [str(k) if names is None or not drawable(names[k]) else _isolated(names[k]) for k in range(classes)]


def _isolated(name: str) -> str:
    """Return a name that does not change the order of the text around it, if it is written from right to left."""
    right_to_left = any(bidirectional(letter) in {"R", "AL"} for letter in name)
    return f"{LEFT_TO_RIGHT}{name}{LEFT_TO_RIGHT}" if right_to_left else name


def drawable(text: str) -> bool:
    """Return True if the fonts of a picture have every character."""
    return BOX not in readable(text) or BOX in text


@cache
def readable(text: str) -> str:
    """Return the text with a box for each character that no font has."""
    if text.isascii():
        return text
    known = [_characters(name) for name in (FONT, *fallback_fonts())]
    return "".join(letter if letter == "\n" or any(ord(letter) in each for each in known) else BOX for letter in text)


@cache
def _characters(name: str) -> Any:
    """Return the code points of a font."""
    from matplotlib.font_manager import FontProperties, findfont, get_font  # noqa: PLC0415  loaded when something is drawn

    return get_font(findfont(FontProperties(family=[name]))).get_charmap()
