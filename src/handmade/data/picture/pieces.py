"""Pieces of ink, and which of them belong to one figure: what is near and short is a part, what is as long and apart is not."""

from dataclasses import dataclass

import numpy as np

from handmade.engine.arrays import Array

NEAR = 0.19  # of the larger figure's length: largest gap between it and a small part of it
NEAR_BAR = 0.27  # of the larger figure's length: largest gap between the bar of a 5 and its body
BROKEN = 0.07  # of the larger figure's length: largest gap in a stroke
OWN = 0.33  # of the larger figure's length: what is as long and apart is a figure of its own
BAR = 1.25  # of the length of a 5 without its bar: the bar is shorter
DIRT = ((0.32, 0.1), (0.27, 0.2))  # of the length and of the ink of the largest figure: beside one digit, what has less is dirt

Box = tuple[slice, slice]


@dataclass(frozen=True, eq=False)
class Piece:
    """Connected piece of ink."""

    number: int  # its label
    box: Box
    size: int  # pixels
    edge: bool  # True if it touches the edge of the picture

    @property
    def height(self) -> int:
        """Rows of its box."""
        return int(self.box[0].stop - self.box[0].start)

    @property
    def width(self) -> int:
        """Columns of its box."""
        return int(self.box[1].stop - self.box[1].start)

    @property
    def length(self) -> int:
        """Longer side of its box."""
        return max(self.height, self.width)


def groups_of(pieces: list[Piece], labels: Array) -> list[list[Piece]]:
    """Return the pieces of each figure: near and small pieces belong to a larger one."""
    groups: list[list[Piece]] = []
    for piece in pieces:  # the longest first
        home = next((group for group in groups if _is_near([piece], group, labels)), None)
        if home is None:
            groups.append([piece])
        else:
            home.append(piece)
    for group in groups[:0:-1]:  # a shorter piece may have closed the gap
        home = next((other for other in groups if other is not group and _is_near(group, other, labels)), None)
        if home and groups.index(home) < groups.index(group):
            home.extend(group)
            groups.remove(group)
    largest = max((group[0].length for group in groups), default=0)
    return [group for group in groups if max(piece.length for piece in group) >= OWN * 0.6 * largest]


def _is_near(group: list[Piece], home: list[Piece], labels: Array) -> bool:
    """Return True if some pieces are so near a figure that they belong to it."""
    first = home[0]
    near = BROKEN
    if _is_part(group[0], first):
        near = NEAR_BAR if _is_bar(group[0], first) else NEAR
    near *= first.length
    return any(
        _boxes_apart(other.box, piece.box) <= near and _gap(other, piece, labels) <= near for other in home for piece in group
    )


def is_dirt(group: list[Piece], largest: list[Piece]) -> bool:
    """Return True for a figure that is short and has little ink beside the largest one; an exponent is longer and has more."""
    ink = sum(piece.size for piece in group) / sum(piece.size for piece in largest)
    length = max(piece.length for piece in group) / max(piece.length for piece in largest)
    return any(length < most_length and ink < most_ink for most_length, most_ink in DIRT)


def _is_part(piece: Piece, first: Piece) -> bool:
    """Return True for a piece that is a part of a figure: short, flat as the bar of a 5, or inside its box."""
    return (
        piece.length < OWN * first.length
        or _is_bar(piece, first)
        or _is_bar(first, piece)
        or _overlap(first.box, piece.box) > 0.5
    )


def _is_bar(bar: Piece, body: Piece) -> bool:
    """Return True for a flat piece at the top of another one, such as the bar of a 5."""
    above = bar.box[0].start + bar.box[0].stop < body.box[0].start + body.box[0].stop
    return above and bar.width > 1.5 * bar.height and bar.length < BAR * body.length


def _overlap(one: Box, other: Box) -> float:
    """Return the common part of two boxes as a share of the smaller one."""
    common, areas = 1.0, [1.0, 1.0]
    for a, b in zip(one, other, strict=True):
        common *= max(0, min(a.stop, b.stop) - max(a.start, b.start))
        areas = [areas[0] * (a.stop - a.start), areas[1] * (b.stop - b.start)]
    return common / min(areas)


def _boxes_apart(one: Box, other: Box) -> int:
    """Return the number of rows or columns between two boxes, the larger of both."""
    return int(max(max(a.start, b.start) - min(a.stop, b.stop) for a, b in zip(one, other, strict=True)))


def _gap(one: Piece, other: Piece, labels: Array) -> float:
    """Return the number of pixels between two pieces."""
    from scipy import spatial  # noqa: PLC0415  an optional library

    points = [np.argwhere(labels[piece.box] == piece.number) + [side.start for side in piece.box] for piece in (one, other)]
    return float(spatial.cKDTree(points[0]).query(points[1])[0].min()) - 1
