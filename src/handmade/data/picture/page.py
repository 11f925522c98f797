"""Digits of a row or a page, in the order of reading.

picture -> sheets -> light -> ink -> groups of pieces -> rows -> digits

A page is looked at with more pixels than one digit. The digits of a page have similar sizes: by their median height, halves of
digits are joined, dirt is left out, and digits that touch each other are rejected.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from handmade.data.picture.digit import ALL_STAGES, Digit, check_installed, digit_of, find_digit
from handmade.data.picture.figures import figure_of, grouped
from handmade.data.picture.image import SIDE
from handmade.data.picture.ink import Ink, amount_of_ink
from handmade.data.picture.levels import as_picture, white_of
from handmade.data.picture.light import Light, even_light
from handmade.data.picture.paper import cut_out, find_sheets
from handmade.data.picture.pieces import Box, Piece
from handmade.data.picture.views import chosen_view, seen
from handmade.data.resize import shrunk
from handmade.engine.arrays import Array

LONGEST = 1024  # pixels of the longer side of a page
MOST = 1000  # pieces of ink that are looked at
SMALLEST = 0.4  # of the usual length: shorter figures are dirt
HALF, WHOLE, NEAR = 0.8, 1.35, 0.2  # of the usual length: two halves, both together, and the gap between them
UPPER = 70  # percentile of the lengths that is usual
WIDE, LONG = 1.5, 1.8  # of the median height: larger figures may be two digits that touch
FLAT = 1.3  # times as wide as high
SAME_ROW = 0.6  # of the median height: largest step down to the next digit of a row
MARGIN = 0.3  # of a figure's length: what is shown around it


@dataclass(frozen=True, eq=False)
class Page:
    """Digits of a page.

    Attributes
    ----------
    rows
        Digits row by row from the top, each row from the left.
    """

    rows: tuple[tuple[Digit, ...], ...]

    @property
    def digits(self) -> tuple[Digit, ...]:
        """Digits in the order of reading."""
        return tuple(digit for row in self.rows for digit in row)


@dataclass(frozen=True, eq=False)
class _Seen:
    """Part of the picture with its groups of pieces; `transform` leads from its points to the given picture."""

    grey: Array
    transform: Array
    light: Light
    ink: Ink
    labels: Array
    groups: list[list[Piece]]
    left_out: tuple[str, ...]
    sheet: str


@dataclass(frozen=True, eq=False)
class _Near:
    """A figure and its surroundings."""

    grey: Array
    transform: Array
    light: Light
    ink: Ink


def find_page(picture: ArrayLike) -> Page:
    """Find all digits in a picture.

    Parameters
    ----------
    picture
        As `find_digit` takes it.

    Raises
    ------
    HandmadeError
        If `picture` is another kind of array, or scikit-image is not installed.
    """
    given = as_picture(picture)
    check_installed()
    page = max(_views(given), key=_regularity)
    if len(page.groups) < 2:
        view, sheet = chosen_view(given)
        page = _grouped(view.grey, view.transform, view.light, view.ink, sheet)
    if len(page.groups) < 2:
        digit = find_digit(given)
        return Page(((digit,),) if digit.image.any() else ())
    small = seen(given)
    boxes = [_box(group) for group in page.groups]
    height = float(np.median([_height(box) for box in boxes]))
    digits = [_digit(small, page, group, box, height) for group, box in zip(page.groups, boxes, strict=True)]
    return Page(tuple(tuple(digits[number] for number in row) for row in in_rows(boxes)))


def find_digits(picture: ArrayLike) -> tuple[Digit, ...]:
    """Return all digits in a picture, in the order of reading. See `find_page`."""
    return find_page(picture).digits


def in_rows(boxes: Sequence[Box]) -> list[list[int]]:
    """Return the numbers of boxes row by row from the top, each row from the left. Rows may slant.

    From left to right, a box continues the row whose last box is at the most similar height. By the slope of all these steps,
    the boxes are turned level, and rows are made again.
    """
    if not boxes:
        return []
    x = np.array([(box[1].start + box[1].stop) / 2 for box in boxes])
    y = np.array([(box[0].start + box[0].stop) / 2 for box in boxes])
    most = SAME_ROW * float(np.median([_height(box) for box in boxes]))
    rows = _chained(x, y, most)
    steps = [(y[b] - y[a]) / max(x[b] - x[a], 1e-9) for row in rows for a, b in pairwise(row)]
    level = y - (float(np.median(steps)) if steps else 0.0) * x
    rows = _chained(x, level, most)
    return sorted(rows, key=lambda row: float(level[row].mean()))


def _chained(x: Array, y: Array, most: float) -> list[list[int]]:
    """Return rows: each point continues the row whose last point is at the most similar height, at most `most` away."""
    rows: list[list[int]] = []
    for number in np.argsort(x, kind="stable").tolist():
        steps = [abs(y[row[-1]] - y[number]) for row in rows]
        if steps and min(steps) <= most:
            rows[int(np.argmin(steps))].append(number)
        else:
            rows.append([number])
    return rows


def _views(given: Array) -> Iterator[_Seen]:
    """Yield the complete picture, and the sheets in it that can be rectified."""
    source = shrunk(given, LONGEST) / np.float64(white_of(given))
    block = np.diag([*2 * [-(-max(given.shape) // LONGEST)], 1.0])
    for sheet in find_sheets(source):
        if sheet.kind == "sheet":
            grey, transform = cut_out(source, sheet, LONGEST)
            yield _seen(grey, block @ transform, "sheet")
    yield _seen(source, block, "")


def _seen(grey: Array, transform: Array, sheet: str) -> _Seen:
    light = even_light(grey)
    return _grouped(grey, transform, light, amount_of_ink(light.depth), sheet)


def _grouped(grey: Array, transform: Array, light: Light, ink: Ink, sheet: str) -> _Seen:
    labels, groups, left_out = grouped(ink.amount, MOST)
    return _Seen(grey, transform, light, ink, labels, _joined(groups), left_out, sheet)


def _regularity(page: _Seen) -> float:
    """Return the number of figures whose length is that of digits: between 0.5 and 1.6 times the median."""
    lengths = np.array([_length(_box(group)) for group in page.groups])
    if not len(lengths):
        return 0.0
    share = lengths / np.median(lengths)
    return float(((share > 0.5) & (share < 1.6)).sum() - (share >= 1.6).sum())


def _joined(groups: list[list[Piece]]) -> list[list[Piece]]:
    """Join halves of digits, which lie above each other, and leave out dirt."""
    if not groups:
        return []
    usual = float(np.percentile([_length(_box(group)) for group in groups], UPPER))  # most of the short ones are halves
    joined: list[list[Piece]] = []
    for group in groups:
        home = next((other for other in joined if _are_halves(_box(group), _box(other), usual)), None)
        if home is None:
            joined.append(list(group))
        else:
            home.extend(group)
    return [group for group in joined if _length(_box(group)) >= SMALLEST * usual]


def _are_halves(one: Box, other: Box, usual: float) -> bool:
    """Return True for two short boxes above each other that make a digit of the usual length together."""
    if max(_length(one), _length(other)) > HALF * usual:
        return False
    gap = max(one[0].start, other[0].start) - min(one[0].stop, other[0].stop)
    common = min(one[1].stop, other[1].stop) - max(one[1].start, other[1].start)
    both = max(one[0].stop, other[0].stop) - min(one[0].start, other[0].start)
    return bool(gap <= NEAR * usual and both <= WHOLE * usual and common > 0)


def _digit(small: Array, page: _Seen, group: list[Piece], box: Box, height: float) -> Digit:
    """Return the digit of a group of pieces, with its surroundings as the view."""
    margin = 2 + round(MARGIN * _length(box))
    top, left = (max(0, side.start - margin) for side in box)
    near = np.s_[top : box[0].stop + margin, left : box[1].stop + margin]
    moved = [replace(piece, box=_moved(piece.box, top, left)) for piece in group]
    figure = figure_of(page.ink.amount[near], page.labels[near], moved)
    light = Light(page.light.depth[near], page.light.paper[near], page.light.light)
    ink = Ink(page.ink.amount[near], page.ink.contrast, page.ink.noise)
    transform = page.transform @ np.array([[1, 0, left], [0, 1, top], [0, 0, 1.0]])
    view = _Near(page.grey[near], transform, light, ink)
    found = (*([page.sheet] if page.sheet else []), *page.left_out)
    digit = digit_of(small, view, figure, 1, "", found, ALL_STAGES, (SIDE, SIDE))
    return replace(digit, rejection=_touching(figure.box, height) or digit.rejection)


def _touching(box: Box, height: float) -> str | None:
    """Return the reason to reject a figure that is much larger than the digits of the page."""
    tall, wide = _height(box), box[1].stop - box[1].start
    if wide > WIDE * height and wide > FLAT * tall:
        size = f"its width is {wide / height:.1f} times"
    elif tall > LONG * height:
        size = f"its height is {tall / height:.1f} times"
    else:
        return None
    return f"it may be two digits that touch: {size} the usual height of the digits; leave a gap between digits"


def _box(group: Sequence[Piece]) -> Box:
    """Return the rows and columns of all pieces of a group."""
    rows, columns = (
        slice(min(piece.box[axis].start for piece in group), max(piece.box[axis].stop for piece in group)) for axis in (0, 1)
    )
    return rows, columns


def _moved(box: Box, top: int, left: int) -> Box:
    rows, columns = box
    return slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left)


def _height(box: Box) -> int:
    return int(box[0].stop - box[0].start)


def _length(box: Box) -> int:
    return max(_height(box), int(box[1].stop - box[1].start))
