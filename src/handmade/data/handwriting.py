"""A digit of your own, made ready as those of MNIST were: every stage is kept, so that it can be looked at.

picture -> ink -> the box around it -> fitted into 20 x 20 -> its centre of mass in the middle of 28 x 28

Source: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document recognition", Proc. IEEE 86
(1998), section III.A, on the making of MNIST.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from handmade.data.ink import Ink, find_ink
from handmade.data.regions import holes, regions
from handmade.data.rejection import Measures, rejection
from handmade.data.resize import area_average, shrunk
from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.printable import ShortRepr

SIDE, BOX = 28, 20  # of an image of MNIST, and of the box that its digit fits into
LOOK = 256  # pixels on the longer side are enough to find ink
MOST = 10_000  # pixels on a side
SPECK = 0.05  # of the largest piece of ink: what is smaller is dirt
LONG = 0.3  # of the longest piece
TALL = 0.6  # of the box: a figure that stands by itself is taller
SHEET = 0.8  # of its box: what is so full may be the sheet on which a digit stands
LOOK_INSIDE = 48  # pixels: a sheet has at least so many
FAINT = 0.1  # of full ink: what is fainter does not widen the box


@dataclass(frozen=True)
class Stages:
    """Stages of the preparation that are switched on.

    Attributes
    ----------
    crop : bool
        Cut out the box around the ink; without it, the box is the picture.
    scale : bool
        Make the longer side of the box 20 pixels; without it, the picture is scaled to 28 pixels.
    centre : bool
        Lay the centre of mass into the middle; without it, the middle of the box.
    """

    crop: bool = True
    scale: bool = True
    centre: bool = True


ALL_STAGES = Stages()


@dataclass(frozen=True, eq=False)
class Digit(ShortRepr):
    """A digit found in a picture, stage by stage.

    Attributes
    ----------
    picture
        (H, W) float64: the part that was looked at, 0 is black, 1 is white.
    ink
        (H, W) float64: the ink in it, 0 to 1, without specks.
    box
        (h, w) float64: the ink, cut out.
    fitted
        (20, w) or (h, 20) float64: the box, made as large as MNIST's digits are.
    image
        (28, 28, 1) uint8: what a network reads, by way of `prepare`; all zeros if there is no ink.
    measures
        What the stages were judged by.
    rejection
        Why this does not look like a digit; None if it may be one.
    """

    picture: NDArray[np.float64]
    ink: NDArray[np.float64]
    box: NDArray[np.float64]
    fitted: NDArray[np.float64]
    image: NDArray[np.uint8]
    measures: Measures
    rejection: str | None


def find_digit(picture: Array, stages: Stages = ALL_STAGES) -> Digit:
    """Find the digit in a picture, whatever its size, its light and the colour of its ink, and make it like one of MNIST.

    Parameters
    ----------
    picture
        (H, W), 1 to 10,000 pixels on a side: bool, whole numbers without a sign up to what their type holds, or floats from 0,
        black, to 1, white. Either side may be the ink.
    stages
        Stages that are switched on; without some, the digit is less like one of MNIST.

    Raises
    ------
    HandmadeError
        If `picture` is anything else.
    """
    _check(picture)
    found, (rows, columns) = _find(picture, stages, max(picture.shape))
    if not stages.crop:
        return found
    if max(rows.stop - rows.start, columns.stop - columns.start) < max(picture.shape) / 2 and max(picture.shape) > LOOK:
        margin = max(rows.stop - rows.start, columns.stop - columns.start) // 2
        near = tuple(slice(max(0, side.start - margin), side.stop + margin) for side in (rows, columns))
        found, _ = _find(picture[near], stages, max(picture.shape))
    elif found.measures.share > SHEET and min(found.box.shape) > LOOK_INSIDE:
        inset = min(rows.stop - rows.start, columns.stop - columns.start) // 16
        near = slice(rows.start + inset, rows.stop - inset), slice(columns.start + inset, columns.stop - inset)
        inside, _ = _find(picture[near], stages, max(picture.shape))
        found = found if inside.rejection else inside
    return found


def _find(picture: Array, stages: Stages, frame: int) -> tuple[Digit, tuple[slice, slice]]:
    """The digit of a picture, and the rows and columns of the picture that it takes; `frame` is the longer side of all of it."""
    white = np.iinfo(picture.dtype).max if picture.dtype.kind == "u" else 1
    seen = shrunk(picture, LOOK) / np.float64(white)
    ink = find_ink(seen)
    kept = _without_dirt(ink.amount)
    rows, columns = _box(kept)
    scale = -(-max(picture.shape) // LOOK)
    measures = _measured(ink, kept, kept[rows, columns])
    box = kept[rows, columns] if stages.crop else kept
    fitted = _fit(box, BOX / max(box.shape) if stages.scale else SIDE * scale / frame)
    place = slice(scale * rows.start, scale * rows.stop), slice(scale * columns.start, scale * columns.stop)
    return Digit(seen, kept, box, fitted, _centred(fitted, by_mass=stages.centre), measures, rejection(measures)), place


def _check(picture: Array) -> None:
    wants = "a picture wants to be an array (H, W) of greys"
    if not isinstance(picture, np.ndarray) or picture.dtype.kind not in "buf":
        came = picture.dtype if isinstance(picture, np.ndarray) else type(picture).__name__
        raise HandmadeError(f"{wants}, bool, unsigned or float; got {came}. Try np.asarray(picture, np.uint8).")
    if picture.ndim != 2:
        hint = " Try picture.mean(axis=-1) / 255 for colours." if picture.ndim == 3 else ""
        raise HandmadeError(f"{wants}; got {picture.shape}.{hint}")
    if not 1 <= min(picture.shape) <= max(picture.shape) <= MOST:
        raise HandmadeError(f"{wants}, 1 to {MOST:,} pixels on a side; got {picture.shape}. Cut out the digit.")
    if picture.dtype.kind == "f" and not (picture.min() >= 0 and picture.max() <= 1):  # NaN is neither
        raise HandmadeError(f"{wants}, floats from 0 to 1; got {picture.min()} to {picture.max()}. Divide by the largest.")


def _without_dirt(amount: Array) -> Array:
    """The ink without specks, and without what comes in from the edge where something long enough stands clear of it."""
    labels = regions(amount > 0.5, corners=True)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    large = sizes >= max(SPECK * sizes.max(), 1)
    edge = np.zeros(len(sizes), bool)
    edge[np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])] = True
    lengths = {int(number): _length(labels == number) for number in np.flatnonzero(large)}
    if any(length > LONG * max(lengths.values()) for number, length in lengths.items() if not edge[number]):
        large &= ~edge
    near = np.pad(large[labels], 1)  # the blurred edge of a stroke belongs to it
    near = near[:-2] | near[1:-1] | near[2:]
    near = near[:, :-2] | near[:, 1:-1] | near[:, 2:]
    return np.where(near, amount, 0)


def _length(mask: Array) -> int:
    return max(int(np.ptp(np.flatnonzero(mask.any(axis=axis)))) + 1 for axis in (0, 1))


def _box(kept: Array) -> tuple[slice, slice]:
    """The rows and columns that hold ink; all of them if none does."""
    spans = []
    for axis in (1, 0):
        inked = np.flatnonzero(kept.max(axis=axis) > FAINT)
        spans.append(slice(inked[0], inked[-1] + 1) if inked.size else slice(0, kept.shape[1 - axis]))
    return spans[0], spans[1]


def _measured(ink: Ink, kept: Array, box: Array) -> Measures:
    strokes = box > 0.5
    pieces = int(regions(kept > 0.5, corners=True).max())
    return Measures(
        contrast=ink.contrast,
        noise=ink.noise,
        light=ink.light,
        height=box.shape[0] if pieces else 0,
        width=box.shape[1] if pieces else 0,
        share=float(strokes.mean()),
        pieces=pieces,
        holes=holes(strokes, least=2),
        figures=_figures(strokes),
    )


def _figures(strokes: Array) -> int:
    """How many tall things stand side by side, with blank columns in between."""
    inked = np.flatnonzero(np.diff(strokes.any(axis=0).astype(np.int8), prepend=0, append=0))
    heights = [np.ptp(np.flatnonzero(strokes[:, first:end].any(axis=1))) + 1 for first, end in inked.reshape(-1, 2)]
    return sum(bool(height > TALL * len(strokes)) for height in heights)


def _fit(box: Array, factor: float) -> Array:
    """Scale both sides by one factor."""
    height, width = (min(max(1, round(factor * side)), SIDE) for side in box.shape)
    return area_average(box, (height, width))


def _centred(fitted: Array, *, by_mass: bool) -> NDArray[np.uint8]:
    """Lay the digit into 28 x 28, its centre of mass, or its middle, as near to row 14, column 14 as whole pixels allow."""
    image = np.zeros((SIDE, SIDE, 1), np.uint8)
    mass = fitted.sum()
    if mass:
        tops = []
        for axis in (0, 1):
            side = fitted.shape[axis]
            centre = float(fitted.sum(axis=1 - axis) @ np.arange(side) / mass) if by_mass else side / 2
            tops.append(min(max(round(SIDE / 2 - centre), 0), SIDE - side))
        top, left = tops
        image[top : top + fitted.shape[0], left : left + fitted.shape[1], 0] = np.rint(255 * fitted / fitted.max())
    return image
