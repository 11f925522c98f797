"""Preparation of a user's own digit, as in MNIST; the result of every stage is kept for display.

picture -> ink -> bounding box -> scaled to 20 x 20 -> centre of mass moved to the middle of 28 x 28

Source: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document recognition", Proc. IEEE 86
(1998), section III.A, on the making of MNIST.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from handmade.data.connected_components import connected_components, count_holes
from handmade.data.ink import Ink, find_ink
from handmade.data.rejection import Measures, rejection
from handmade.data.resize import area_average, shrunk
from handmade.engine.arguments import as_array, code_of, refused
from handmade.engine.arrays import Array
from handmade.engine.printable import ShortRepr

SIDE, BOX = 28, 20  # size of an MNIST image, and of the box around its digit
SEARCH_SIZE = 256  # pixels of the longer side while ink is searched
LARGEST_SIDE = 10_000  # pixels
SPECK = 0.05  # smaller pieces, relative to the largest piece of ink, are dirt
LONG = 0.3  # of the longest piece: length of a piece that may be the digit
TALL = 0.6  # of the box height: a separate figure is taller
SHEET = 0.8  # share of the box that is ink: above it, the ink may be the sheet of paper with the digit
SMALLEST_SHEET = 48  # pixels of the shorter side of a sheet
FAINT = 0.1  # of full ink: fainter pixels do not extend the box


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
    """Digit found in a picture, with the result of each stage.

    Attributes
    ----------
    picture
        (H, W) float64: the part of the picture that was used; 0 is black, 1 is white.
    ink
        (H, W) float64: amount of ink, 0 to 1, without specks.
    box
        (h, w) float64: ink in its bounding box.
    fitted
        (20, w) or (h, 20) float64: box, scaled to the size of MNIST's digits.
    image
        (28, 28, 1) uint8, or another size that was asked for: image for `prepare` and a network; all zeros if there is no ink.
    measures
        Measurements of the ink.
    rejection
        Reason why this does not look like a digit; None if it may be one.
    """

    picture: NDArray[np.float64]
    ink: NDArray[np.float64]
    box: NDArray[np.float64]
    fitted: NDArray[np.float64]
    image: NDArray[np.uint8]
    measures: Measures
    rejection: str | None

    def _summary(self) -> str:
        return f"picture {self.picture.shape[0]} x {self.picture.shape[1]}, rejection={self.rejection!r}"


def find_digit(picture: ArrayLike, stages: Stages = ALL_STAGES, shape: tuple[int, int] = (SIDE, SIDE)) -> Digit:
    """Find the digit in a picture of any size, with any light and ink, and convert it to an image like those of MNIST.

    Parameters
    ----------
    picture
        (H, W) grey levels, 1 to 10,000 pixels on a side: bool, unsigned integers (white is the largest number of the type), other
        integers from 0 to 255, or floats from 0 (black) to 1 (white). The ink may be dark or light.
    stages
        Stages that are switched on. Without some of them, the image is less like those of MNIST.
    shape
        Height and width of the image. In another size than 28 x 28, the digit takes the same share of the shorter side.

    Raises
    ------
    HandmadeError
        If `picture` is another kind of array.
    """
    picture = _as_picture(picture)
    find = partial(_find, stages=stages, frame=max(picture.shape), shape=shape)
    found, (rows, columns) = find(picture)
    if not stages.crop:
        return found
    if max(rows.stop - rows.start, columns.stop - columns.start) < max(picture.shape) / 2 and max(picture.shape) > SEARCH_SIZE:
        margin = max(rows.stop - rows.start, columns.stop - columns.start) // 2
        near = tuple(slice(max(0, side.start - margin), side.stop + margin) for side in (rows, columns))
        found, _ = find(picture[near])
    elif found.measures.share > SHEET and min(found.box.shape) > SMALLEST_SHEET:
        inset = min(rows.stop - rows.start, columns.stop - columns.start) // 16
        near = slice(rows.start + inset, rows.stop - inset), slice(columns.start + inset, columns.stop - inset)
        inside, _ = find(picture[near])
        found = found if inside.rejection else inside
    return found


def _find(picture: Array, stages: Stages, frame: int, shape: tuple[int, int]) -> tuple[Digit, tuple[slice, slice]]:
    """Return the digit of a part of a picture, and its rows and columns; `frame` is the longer side of the whole picture."""
    white = np.iinfo(picture.dtype).max if picture.dtype.kind == "u" else 1
    seen = shrunk(picture, SEARCH_SIZE) / np.float64(white)
    ink = find_ink(seen)
    kept = _without_specks(ink.amount)
    rows, columns = _box(kept)
    scale = -(-max(picture.shape) // SEARCH_SIZE)
    measures = _measured(ink, kept, kept[rows, columns])
    box = kept[rows, columns] if stages.crop else kept
    side = min(shape)
    fitted = _fit(box, side * BOX / SIDE / max(box.shape) if stages.scale else side * scale / frame, shape)
    place = slice(scale * rows.start, scale * rows.stop), slice(scale * columns.start, scale * columns.stop)
    return Digit(seen, kept, box, fitted, _centred(fitted, shape, by_mass=stages.centre), measures, rejection(measures)), place


def _as_picture(value: Any) -> Array:
    """Return grey levels (H, W) as an array: bool, unsigned integers, or floats from 0 to 1."""
    picture = as_array(value, "picture")
    code = code_of(value, "picture")
    if picture.ndim != 2:
        raise refused("picture", "grey levels (H, W)", str(picture.shape), _flattened(picture, code))
    if not 1 <= min(picture.shape) <= max(picture.shape) <= LARGEST_SIDE:
        raise refused("picture", f"grey levels (H, W), 1 to {LARGEST_SIDE:,} pixels on a side", str(picture.shape))
    low, high = picture.min(), picture.max()
    if picture.dtype.kind == "i":
        if not 0 <= low <= high <= 255:
            raise refused("picture", "integers from 0 to 255, or floats from 0 to 1", f"{low} to {high}")
        return picture.astype(np.uint8)
    if picture.dtype.kind == "f" and not (low >= 0 and high <= 1):  # NaN is neither
        advice = f"({code} - {code}.min()) / np.ptp({code})" if np.isfinite(high - low) and low < high else ""
        raise refused("picture", "floats from 0 to 1", f"{low} to {high}", advice)
    return picture


def _flattened(picture: Array, code: str) -> str:
    """Return code that makes grey levels (H, W) of a picture with more axes, or nothing."""
    if picture.ndim == 4 and len(picture) == 1:
        return f"{code}[0]"
    if picture.ndim != 3:
        return ""
    if picture.shape[-1] == 1 or picture.shape[0] == 1:
        return f"{code}[..., 0]" if picture.shape[-1] == 1 else f"{code}[0]"
    if picture.shape[-1] not in {3, 4}:
        return f"{code}[0]"
    return f"{code}[..., :3].mean(axis=-1)" + (" / 255" if picture.dtype.kind in "iu" else "")


def _without_specks(amount: Array) -> Array:
    """Return the ink without specks. If a long piece does not touch the edge, pieces that touch it are removed, too."""
    labels = connected_components(amount > 0.5, corners=True)
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
    """Return the rows and columns of the bounding box of the ink; all of them if there is no ink."""
    spans = []
    for axis in (1, 0):
        inked = np.flatnonzero(kept.max(axis=axis) > FAINT)
        spans.append(slice(inked[0], inked[-1] + 1) if inked.size else slice(0, kept.shape[1 - axis]))
    return spans[0], spans[1]


def _measured(ink: Ink, kept: Array, box: Array) -> Measures:
    strokes = box > 0.5
    pieces = int(connected_components(kept > 0.5, corners=True).max())
    return Measures(
        contrast=ink.contrast,
        noise=ink.noise,
        light=ink.light,
        height=box.shape[0] if pieces else 0,
        width=box.shape[1] if pieces else 0,
        share=float(strokes.mean()),
        pieces=pieces,
        holes=count_holes(strokes, least=2),
        figures=_figures(strokes),
    )


def _figures(strokes: Array) -> int:
    """Return the number of tall shapes side by side, separated by empty columns."""
    inked = np.flatnonzero(np.diff(strokes.any(axis=0).astype(np.int8), prepend=0, append=0))
    heights = [np.ptp(np.flatnonzero(strokes[:, first:end].any(axis=1))) + 1 for first, end in inked.reshape(-1, 2)]
    return sum(bool(height > TALL * len(strokes)) for height in heights)


def _fit(box: Array, factor: float, shape: tuple[int, int]) -> Array:
    """Scale both sides by one factor, and keep the aspect ratio."""
    height, width = (min(max(1, round(factor * side)), most) for side, most in zip(box.shape, shape, strict=True))
    return area_average(box, (height, width))


def _centred(fitted: Array, shape: tuple[int, int], *, by_mass: bool) -> NDArray[np.uint8]:
    """Place the digit in an image: its centre of mass, or its middle, as close to the middle of the image as shifts allow."""
    image = np.zeros((*shape, 1), np.uint8)
    mass = fitted.sum()
    if mass:
        tops = []
        for axis, size in enumerate(shape):
            side = fitted.shape[axis]
            centre = float(fitted.sum(axis=1 - axis) @ np.arange(side) / mass) if by_mass else side / 2
            tops.append(min(max(round(size / 2 - centre), 0), size - side))
        top, left = tops
        image[top : top + fitted.shape[0], left : left + fitted.shape[1], 0] = np.rint(255 * fitted / fitted.max())
    return image
