"""Figures: pieces of ink that belong together, without dirt, underlines, circles and lines of the paper.

Pieces are connected components of the ink. Parts of one figure are near each other, as the bar of a 5 is near its body; what
is as large and apart is another figure.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from handmade.data.picture.image import solidity, thickness
from handmade.data.picture.lines import without_lines
from handmade.data.picture.pieces import OWN, Box, Piece, groups_of, is_dirt
from handmade.engine.arrays import Array

SPECK = 0.02  # smaller pieces, relative to the largest piece of ink, are dirt
SHORT = 0.09  # so are shorter ones, relative to the longest piece
LONG = 0.3  # of the longest piece: length of a piece that may be a figure
FAINT = 0.1  # of full ink: fainter pixels do not extend the box
MOST = 40  # pieces that are looked at
STROKE, MUCH = 0.25, 2.0  # thickness of strokes, of their length; a shadow is thicker by the second factor
BOLD = 0.4  # thickness of bold strokes, of their length
BENT = 0.8  # share of its hull that a digit with bends or holes fills at most
FLAT = 3.2  # times as wide as high: an underline is at least as flat
RING = 0.4  # of the ring's length: the least length of a figure in it

BESIDE, ABOVE, SIZES = "side by side", "above each other", "of different sizes"


@dataclass(frozen=True, eq=False)
class Figure:
    """Pieces of ink that belong together.

    Attributes
    ----------
    ink
        (H, W) float64: the amount of ink of these pieces; 0 elsewhere.
    box
        Rows and columns of their bounding box.
    pieces
        Number of pieces.
    """

    ink: NDArray[np.float64]
    box: Box
    pieces: int

    @property
    def touches_the_edge(self) -> bool:
        """True if the figure touches the edge of its view."""
        return any(side.start == 0 or side.stop == most for side, most in zip(self.box, self.ink.shape, strict=True))


@dataclass(frozen=True, eq=False)
class Figures:
    """Figures of a picture, the largest first.

    Attributes
    ----------
    figures
        One figure or several; none if there is no ink.
    left_out
        Names of what is no figure: "lines", "edge", "shadow", "circle", "underline", "dirt".
    """

    figures: tuple[Figure, ...]
    left_out: tuple[str, ...]


def find_figures(amount: Array) -> Figures:
    """Group the ink of a picture of one digit into figures; dirt beside the digit is no figure.

    Parameters
    ----------
    amount
        (H, W) float64: amount of ink, 0 to 1.
    """
    labels, groups, left_out = grouped(amount, MOST)
    kept = groups[:1] + [group for group in groups[1:] if not is_dirt(group, groups[0])]
    figures = [figure_of(amount, labels, group) for group in kept]
    return Figures(tuple(figures), (*left_out, "dirt") if len(kept) < len(groups) else left_out)


def grouped(amount: Array, most: int) -> tuple[NDArray[np.int32], list[list[Piece]], tuple[str, ...]]:
    """Group the pieces of ink of a picture into figures.

    Returns
    -------
    labels : (H, W) int32
        Number of the piece of each pixel.
    groups : list of lists of Piece
        At most `most` pieces, by figure; the largest figure first.
    left_out : tuple of str
        Names of what is no figure.
    """
    from scipy import ndimage  # noqa: PLC0415  an optional library

    strokes, ruled = without_lines(amount > 0.5)
    labels, _ = ndimage.label(strokes, np.ones((3, 3)))
    pieces, left_out = _without_others(_pieces(labels, most), labels)
    return labels, groups_of(pieces, labels), (*(["lines"] if ruled else []), *left_out)


def _pieces(labels: Array, most: int) -> list[Piece]:
    """Return the pieces of a picture that are no dirt, the largest first."""
    from scipy import ndimage  # noqa: PLC0415  an optional library

    sizes = np.bincount(labels.ravel())
    height, width = labels.shape
    pieces = []
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        (top, bottom), (left, right) = ((side.start, side.stop) for side in box)
        edge = top == 0 or left == 0 or bottom == height or right == width
        pieces.append(Piece(number, (slice(top, bottom), slice(left, right)), int(sizes[number]), edge))
    largest = max((piece.size for piece in pieces), default=0)
    longest = max((piece.length for piece in pieces), default=0)
    kept = [piece for piece in pieces if piece.size >= SPECK * largest and piece.length >= SHORT * longest]
    return sorted(kept, key=lambda piece: -piece.length)[:most]


def _without_others(pieces: list[Piece], labels: Array) -> tuple[list[Piece], tuple[str, ...]]:
    """Leave out pieces that are no figures: what comes in from the edge, a circle around a figure, an underline."""
    left_out = []
    inner = [piece for piece in pieces if not piece.edge]
    longest = max((piece.length for piece in pieces), default=0)
    if any(piece.length > LONG * longest for piece in inner) and len(inner) < len(pieces):
        pieces = inner
        left_out.append("edge")
    lines = [piece for piece in pieces if _is_underline(piece, pieces)]
    if lines:
        pieces = [piece for piece in pieces if piece not in lines]
        left_out.append("underline")
    thick = _thick(pieces, labels)
    if thick:
        pieces = [piece for piece in pieces if piece not in thick]
        left_out.append("shadow")
    ring = _ring(pieces, labels)
    if ring:
        pieces = [piece for piece in pieces if piece is not ring]
        left_out.append("circle")
    return pieces, tuple(left_out)


def _thick(pieces: list[Piece], labels: Array) -> list[Piece]:
    """Return the pieces that are much thicker than a piece of strokes, as shadows and parts of a table are."""
    if len(pieces) < 2:
        return []
    widths = {piece: thickness(labels[piece.box] == piece.number) for piece in pieces}
    longest = max(piece.length for piece in pieces)
    thin = [piece for piece in pieces if piece.length > LONG * longest and widths[piece] < STROKE * piece.length]
    if not thin:
        return []
    most = MUCH * max(widths[piece] for piece in thin) + 2
    return [piece for piece in pieces if widths[piece] > most and not _is_written(piece, widths[piece], labels)]


def _is_written(piece: Piece, width: float, labels: Array) -> bool:
    """Return True for a piece of strokes with bends, such as a bold digit beside a thinner one."""
    return width < BOLD * piece.length and solidity(labels[piece.box] == piece.number) < BENT


def _ring(pieces: list[Piece], labels: Array) -> Piece | None:
    """Return the piece that encloses a figure, such as a circle or a frame, or None."""
    from scipy import ndimage  # noqa: PLC0415  an optional library

    for ring in pieces:
        within = [piece for piece in pieces if piece is not ring and _contains(ring.box, piece.box)]
        if not any(piece.length >= RING * min(ring.height, ring.width) for piece in within):
            continue
        mask = labels[ring.box] == ring.number
        filled = ndimage.binary_fill_holes(mask)
        holes = filled & ~mask
        if all(holes[labels[ring.box] == piece.number].all() for piece in within):
            return ring
    return None


def _contains(outer: Box, inner: Box) -> bool:
    return all(o.start < i.start and i.stop < o.stop for o, i in zip(outer, inner, strict=True))


def _is_underline(piece: Piece, pieces: list[Piece]) -> bool:
    """Return True for a flat piece below all others, or above all others and wider than them."""
    others = [other for other in pieces if other is not piece and other.length >= OWN * piece.width]
    if not others or piece.width < FLAT * piece.height:
        return False
    top, bottom = min(other.box[0].start for other in others), max(other.box[0].stop for other in others)
    left, right = min(other.box[1].start for other in others), max(other.box[1].stop for other in others)
    overlap = min(right, piece.box[1].stop) - max(left, piece.box[1].start)
    if overlap <= 0 or max(other.height for other in others) < 2 * piece.height:
        return False
    low = piece.box[0].start + piece.box[0].stop >= 2 * bottom - 0.1 * (bottom - top)
    return bool(low or (piece.box[0].stop <= top and piece.width > 1.3 * (right - left)))


def figure_of(amount: Array, labels: Array, group: list[Piece]) -> Figure:
    """Return the figure of a group of pieces."""
    from scipy import ndimage  # noqa: PLC0415  an optional library

    mask = np.isin(labels, [piece.number for piece in group])
    ink = np.where(ndimage.binary_dilation(mask, np.ones((3, 3))), amount, 0)  # the blurred edge of a stroke belongs to it
    return Figure(ink, box_of(ink), len(group))


def box_of(ink: Array) -> Box:
    """Return the rows and columns of the bounding box of the ink; all of them if there is no ink."""
    spans = []
    for axis in (1, 0):
        inked = np.flatnonzero(ink.max(axis=axis) > FAINT)
        spans.append(slice(int(inked[0]), int(inked[-1]) + 1) if inked.size else slice(0, ink.shape[1 - axis]))
    return spans[0], spans[1]


def place_of(figures: tuple[Figure, ...]) -> str:
    """Return the place of the second figure beside the first: "side by side", "above each other", "of different sizes"."""
    if len(figures) < 2:
        return ""
    one, other = figures[:2]
    tall = [figure.box[0].stop - figure.box[0].start for figure in (one, other)]
    common = [min(a.stop, b.stop) - max(a.start, b.start) for a, b in zip(one.box, other.box, strict=True)]
    if min(tall) < 0.6 * max(tall):
        return SIZES
    return BESIDE if common[0] > common[1] else ABOVE
