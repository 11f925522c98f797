"""The way from a picture to digits that a network can read, stage by stage.

picture -> levels -> paper -> light -> ink -> figures -> image -> judgement

Each stage is a pure function in a file of its own. Its result is kept, so that it can be shown.
"""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from handmade.data.picture.figures import Figure, place_of
from handmade.data.picture.image import BOX, SIDE, centred, fit, stroke_width, thickened
from handmade.data.picture.ink import Ink
from handmade.data.picture.judgement import Measures, measured, rejection
from handmade.data.picture.levels import as_picture
from handmade.data.picture.light import Light
from handmade.data.picture.pieces import Box
from handmade.data.picture.views import SEARCH, chosen_view, closer, seen, view_of
from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.extras import not_installed
from handmade.engine.printable import ShortRepr

NAMES = {  # of the stages, by attribute
    "picture": "picture",
    "sheet": "paper",
    "even": "light",
    "ink": "ink",
    "box": "figure",
    "fitted": "scaled to 20 x 20",
    "image": "centred in 28 x 28",
}
REMARKS = {
    "sheet": "a sheet of paper was found and rectified",
    "region": "a part of the picture was cut out",
    "lines": "lines of the paper were left out",
    "edge": "ink at the edge was left out",
    "shadow": "a dark area was left out",
    "circle": "a circle around the digit was left out",
    "underline": "an underline was left out",
    "dirt": "little ink beside the digit was left out",
}


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
        (H, W) float64: the picture, on a small copy; 0 is black, 1 is white.
    sheet
        (h, w) float64: the sheet of paper, rectified; the picture itself if no sheet was found.
    even
        (h, w) float64: the sheet in even light; ink is black, paper is white.
    ink
        (h, w) float64: amount of ink of the chosen figure, 0 to 1.
    box
        (r, c) float64: ink in its bounding box.
    fitted
        (20, w) or (h, 20) float64: box, scaled to the size of MNIST's digits.
    image
        (28, 28, 1) uint8, or another size that was asked for: image for `prepare` and a network; all zeros if there is no ink.
    corners
        (4, 2) float64: x and y of the corners of the box in the given picture, clockwise from the upper left.
    found
        Names of what was found beside the digit: keys of `REMARKS`.
    measures
        Measurements of the ink.
    rejection
        Reason why this does not look like a digit; None if it may be one.
    """

    picture: NDArray[np.float64]
    sheet: NDArray[np.float64]
    even: NDArray[np.float64]
    ink: NDArray[np.float64]
    box: NDArray[np.float64]
    fitted: NDArray[np.float64]
    image: NDArray[np.uint8]
    corners: NDArray[np.float64]
    found: tuple[str, ...]
    measures: Measures
    rejection: str | None

    def stages(self) -> list[tuple[str, NDArray[np.float64]]]:
        """Return the name and the picture of each stage in order; 0 is black and 1 is white."""
        return [(NAMES[attribute], stage) for attribute, stage in self.stages_by_attribute().items()]

    def stages_by_attribute(self) -> dict[str, NDArray[np.float64]]:
        """Return the same pictures by the names of their attributes, which are the keys of `NAMES`."""
        return {name: self.image[..., 0] / 255 if name == "image" else getattr(self, name) for name in NAMES}

    def remarks(self) -> list[str]:
        """Return for the user what was found in the picture beside the digit."""
        return [REMARKS[each] for each in self.found]

    def _summary(self) -> str:
        return f"picture {self.picture.shape[0]} x {self.picture.shape[1]}, rejection={self.rejection!r}"


def find_digit(picture: ArrayLike, stages: Stages = ALL_STAGES, shape: tuple[int, int] = (SIDE, SIDE)) -> Digit:
    """Find the digit in a picture of any size, with any light and ink, and convert it to an image like those of MNIST.

    Parameters
    ----------
    picture
        (H, W) grey levels, 1 to 10,000 pixels on a side: bool, unsigned integers (white is the largest number of the type), other
        integers from 0 to 255, or floats from 0 (black) to 1 (white), or from -1 to 1. The ink may be dark or light.
    stages
        Stages that are switched on. Without some of them, the image is less like those of MNIST.
    shape
        Height and width of the image. In another size than 28 x 28, the digit takes the same share of the shorter side.

    Raises
    ------
    HandmadeError
        If `picture` is another kind of array, or scikit-image is not installed.
    """
    given = as_picture(picture)
    check_installed()
    small = seen(given)
    if not stages.crop:
        return _uncropped(given, small, stages, shape)
    full, sheet = chosen_view(given)
    found = (*([sheet] if sheet else []), *full.figures.left_out)
    count = len(full.figures.figures)
    view = full if sheet else closer(given, full)
    figure = view.figures.figures[0] if view.figures.figures else None
    place = place_of(full.figures.figures)
    return digit_of(small, view, figure, count, place, found, stages, shape)


def check_installed() -> None:
    """Raise HandmadeError if scikit-image is not installed."""
    from importlib.util import find_spec  # noqa: PLC0415  needed once a picture

    if find_spec("skimage") is None:
        raise HandmadeError(not_installed("pictures of digits", "scikit-image", "images"))


class Part(Protocol):
    """Part of a picture in even light, with its ink, such as a `View`; `transform` leads from its points to the picture."""

    @property
    def grey(self) -> Array: ...
    @property
    def transform(self) -> Array: ...
    @property
    def light(self) -> Light: ...
    @property
    def ink(self) -> Ink: ...


def digit_of(
    small: Array,
    view: Part,
    figure: Figure | None,
    figures: int,
    place: str,
    found: tuple[str, ...],
    stages: Stages,
    shape: tuple[int, int],
) -> Digit:
    """Return the digit of one figure of a part of a picture; `small` is the whole picture on a small copy."""
    ink = figure.ink if figure else np.zeros(view.grey.shape)
    at = figure.box if figure else (slice(0, ink.shape[0]), slice(0, ink.shape[1]))
    box = ink[at]
    width = stroke_width(box)
    measures = measured(view.light, view.ink, figure, figures, place)
    ready = thickened(box, width)
    factor = min(shape) * BOX / SIDE / max(ready.shape) if stages.scale else min(shape) / max(view.grey.shape)
    fitted = fit(ready, factor, shape)
    image = centred(fitted, shape, by_mass=stages.centre)
    even = 1 - np.clip(view.light.depth / max(view.ink.contrast, 1e-9), 0, 1)
    corners = _placed(at, view.transform)
    return Digit(small, view.grey, even, ink, ready, fitted, image, corners, found, measures, rejection(measures))


def _uncropped(given: Array, small: Array, stages: Stages, shape: tuple[int, int]) -> Digit:
    """Return the digit in the frame of the whole picture."""
    shrink = -(-max(given.shape) // SEARCH)
    view = view_of(small, np.diag([shrink, shrink, 1.0]))
    figure = view.figures.figures[0] if view.figures.figures else None
    count, place = len(view.figures.figures), place_of(view.figures.figures)
    digit = digit_of(small, view, figure, count, place, view.figures.left_out, stages, shape)
    factor = min(shape) * BOX / SIDE / max(small.shape) if stages.scale else min(shape) * shrink / max(given.shape)
    fitted = fit(digit.ink, factor, shape)
    return replace(digit, box=digit.ink, fitted=fitted, image=centred(fitted, shape, by_mass=stages.centre))


def _placed(box: Box, transform: Array) -> NDArray[np.float64]:
    """Return the corners of a box in the given picture."""
    rows, columns = box
    x = np.array([columns.start, columns.stop, columns.stop, columns.start], np.float64)
    y = np.array([rows.start, rows.start, rows.stop, rows.stop], np.float64)
    u, v, w = transform @ np.stack([x, y, np.ones(4)])
    return np.stack([u / w, v / w], axis=1)
