"""The way from a picture to digits that a network can read, stage by stage.

picture -> levels -> paper -> light -> ink -> figures -> image -> judgement

Each stage is a pure function in a file of its own. Its result is kept, so that it can be shown.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from handmade.data.picture.figures import Box, Figure, Figures, find_figures, in_reading_order, place_of
from handmade.data.picture.image import BOX, SIDE, centred, fit, stroke_width, thickened
from handmade.data.picture.ink import Ink, amount_of_ink
from handmade.data.picture.judgement import CONTRAST, SIGNAL_TO_NOISE, Measures, rejection
from handmade.data.picture.levels import as_picture, white_of
from handmade.data.picture.likeness import likeness
from handmade.data.picture.light import Light, even_light
from handmade.data.picture.paper import SMALLEST, Sheet, cut_out, find_sheets, solidity
from handmade.data.resize import shrunk
from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.extras import not_installed
from handmade.engine.printable import ShortRepr

SEARCH = 320  # pixels of the longer side while figures are searched
SHEET_SOURCE = 1024  # pixels of the longer side of the picture that a sheet is cut out of
SMALL = 0.5  # of the search size: a smaller figure is looked at again, with more pixels
CLEAR = 0.13  # distance from training digits: other views are not tried
UNCLEAR, CUT = 0.15, 0.04  # added for several figures, and for a picture that is cut
MOST_INK = 0.4  # of a sheet: more is no writing
ROUND_INK = 0.08  # of a round region: ink without bays, such as the hole of a 0, is less in a written 1
SMALL_HOLE = 0.002  # of the box: smaller holes are those of uneven ink
SOLID = 0.85  # of the hull of the ink: the hole of a 0 has no bays


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
        Remarks on the paper and on what was left out: "sheet", "region", "underline", "circle", "edge".
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
        return [
            ("picture", self.picture),
            ("paper", self.sheet),
            ("light", self.even),
            ("ink", self.ink),
            ("figure", self.box),
            ("scaled to 20 x 20", self.fitted),
            ("centred in 28 x 28", self.image[..., 0] / 255),
        ]

    def _summary(self) -> str:
        return f"picture {self.picture.shape[0]} x {self.picture.shape[1]}, rejection={self.rejection!r}"


@dataclass(frozen=True, eq=False)
class View:
    """Part of a picture, with its stages up to the figures; `transform` leads from its points to the given picture."""

    grey: Array
    transform: Array
    light: Light
    ink: Ink
    figures: Figures


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
    _check_installed()
    seen = _seen(given)
    if not stages.crop:
        return _uncropped(given, seen, stages, shape)
    whole, sheet = _chosen_view(given)
    found = (*([sheet] if sheet else []), *whole.figures.left_out)
    count = len(whole.figures.figures)
    view = _closer(given, whole) if sheet != "sheet" else whole
    figure = view.figures.figures[0] if view.figures.figures else None
    place = place_of(whole.figures.figures)
    return _digit(seen, view, figure, count, place, found, stages, shape)


def find_digits(picture: ArrayLike) -> tuple[Digit, ...]:
    """Find all digits in a picture, in the order of reading: row by row, each from the left.

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
    _check_installed()
    seen = _seen(given)
    view, sheet = _chosen_view(given)
    found = (*([sheet] if sheet else []), *view.figures.left_out)
    figures = in_reading_order(view.figures.figures)
    return tuple(_digit(seen, view, figure, 1, "", found, ALL_STAGES, (SIDE, SIDE)) for figure in figures)


def _check_installed() -> None:
    """Raise HandmadeError if scikit-image is not installed."""
    from importlib.util import find_spec  # noqa: PLC0415  needed once a picture

    if find_spec("skimage") is None:
        raise HandmadeError(not_installed("pictures of digits", "scikit-image", "images"))


def _seen(given: Array) -> Array:
    return shrunk(given, SEARCH) / np.float64(white_of(given))


def _chosen_view(given: Array) -> tuple[View, str]:
    """Return the view whose first figure is most like a digit, and the kind of its sheet.

    Views are that of a sheet, that of the whole picture, and that of the whole picture with ink of the other brightness.
    """
    best: tuple[float, View, str] | None = None
    for view, kind in _views(given):
        cost = _cost(view, kind)
        if best is None or cost < best[0]:
            best = cost, view, kind
        if cost < CLEAR:
            break
    assert best is not None
    return best[1], best[2]


def _views(given: Array) -> Iterator[tuple[View, str]]:
    """Yield views of a picture, each with the kind of its sheet, the most likely first."""
    source = shrunk(given, SHEET_SOURCE) / np.float64(white_of(given))
    block = -(-max(given.shape) // SHEET_SOURCE)
    shrink = -(-max(given.shape) // SEARCH)
    sheets = find_sheets(source)
    for kind in ("sheet", "region"):
        for sheet in sheets:
            if sheet.kind == kind:
                grey, transform = cut_out(source, sheet, SEARCH)
                smaller = -(-max(grey.shape) // SEARCH)
                scaled = np.diag([block, block, 1.0]) @ transform @ np.diag([smaller, smaller, 1.0])
                view = _view(shrunk(grey, SEARCH), scaled)
                if _is_written(view, sheet):
                    yield view, kind
        if kind == "sheet":
            whole = _view(_seen(given), np.diag([shrink, shrink, 1.0]))
            yield whole, ""
            if min(given.shape) < SMALLEST:
                return
    yield _view(whole.grey, whole.transform, light=not whole.light.light), ""


def _cost(view: View, kind: str) -> float:
    """Return how unlike a digit the first figure of a view is: its distance from training digits, and penalties."""
    if not view.figures.figures or view.ink.contrast < max(CONTRAST, SIGNAL_TO_NOISE * view.ink.noise):
        return 2.0
    digit = _digit(view.grey, view, view.figures.figures[0], 1, "", (), ALL_STAGES, (SIDE, SIDE))
    penalty = (0.0 if _is_clear(view) else UNCLEAR) + (CUT if kind == "region" else 0.0)
    return likeness(digit.image).distance + penalty


def _is_clear(view: View) -> bool:
    """Return True if a view holds one figure that may be a digit."""
    if len(view.figures.figures) != 1:
        return False
    figure = view.figures.figures[0]
    box = figure.ink[figure.box]
    return rejection(_measured(view, figure, box, stroke_width(box), 1, "")) is None


def _is_written(view: View, sheet: Sheet) -> bool:
    """Return True if the ink on a sheet may be writing, and not the hole of a 0."""
    if not view.figures.figures or view.ink.contrast < max(CONTRAST, SIGNAL_TO_NOISE * view.ink.noise):
        return False
    figure = view.figures.figures[0]
    share = float((figure.ink > 0.5).mean())
    if share > MOST_INK or len(view.figures.figures) > 12:
        return False
    return sheet.kind == "sheet" or share < ROUND_INK or solidity(figure.ink > 0.5) < SOLID


def _view(grey: Array, transform: Array, *, light: bool | None = None) -> View:
    even = even_light(grey, light=light)
    ink = amount_of_ink(even.depth)
    return View(grey, transform, even, ink, find_figures(ink.amount))


def _closer(given: Array, view: View) -> View:
    """Return the view of a small figure and its surroundings, with more pixels; the same view for a large figure."""
    figures = view.figures.figures
    if not figures:
        return view
    length = max(side.stop - side.start for side in figures[0].box)
    scale = view.transform[0, 0]
    if scale <= 1 or length >= SMALL * SEARCH:
        return view
    margin = length // 2
    near, corner = [], []
    for side, offset, most in zip(figures[0].box, (view.transform[1, 2], view.transform[0, 2]), given.shape, strict=True):
        first = max(0, int(scale * (side.start - margin) + offset))
        near.append(slice(first, min(most, int(scale * (side.stop + margin) + offset))))
        corner.append(first)
    part = given[near[0], near[1]]
    shrink = -(-max(part.shape) // SEARCH)
    transform = np.array([[shrink, 0, corner[1]], [0, shrink, corner[0]], [0, 0, 1.0]])
    closer = _view(_seen(part), transform, light=view.light.light)
    return closer if closer.figures.figures else view


def _digit(
    seen: Array,
    view: View,
    figure: Figure | None,
    figures: int,
    place: str,
    found: tuple[str, ...],
    stages: Stages,
    shape: tuple[int, int],
) -> Digit:
    """Return the digit of one figure of a view."""
    ink = figure.ink if figure else np.zeros(view.grey.shape)
    at = figure.box if figure else (slice(0, ink.shape[0]), slice(0, ink.shape[1]))
    box = ink[at]
    width = stroke_width(box)
    measures = _measured(view, figure, box, width, figures, place)
    ready = thickened(box, width)
    factor = min(shape) * BOX / SIDE / max(ready.shape) if stages.scale else min(shape) / max(view.grey.shape)
    fitted = fit(ready, factor, shape)
    image = centred(fitted, shape, by_mass=stages.centre)
    even = 1 - np.clip(view.light.depth / max(view.ink.contrast, 1e-9), 0, 1)
    corners = _placed(at, view.transform)
    return Digit(seen, view.grey, even, ink, ready, fitted, image, corners, found, measures, rejection(measures))


def _uncropped(given: Array, seen: Array, stages: Stages, shape: tuple[int, int]) -> Digit:
    """Return the digit in the frame of the whole picture."""
    shrink = -(-max(given.shape) // SEARCH)
    view = _view(seen, np.diag([shrink, shrink, 1.0]))
    figure = view.figures.figures[0] if view.figures.figures else None
    count, place = len(view.figures.figures), place_of(view.figures.figures)
    digit = _digit(seen, view, figure, count, place, view.figures.left_out, stages, shape)
    factor = min(shape) * BOX / SIDE / max(seen.shape) if stages.scale else min(shape) * shrink / max(given.shape)
    fitted = fit(digit.ink, factor, shape)
    return replace(digit, box=digit.ink, fitted=fitted, image=centred(fitted, shape, by_mass=stages.centre))


def _measured(view: View, figure: Figure | None, box: Array, width: float, figures: int, place: str) -> Measures:
    strokes = box > 0.5
    return Measures(
        contrast=view.ink.contrast,
        noise=view.ink.noise,
        light=view.light.light,
        height=box.shape[0] if figure else 0,
        width=box.shape[1] if figure else 0,
        stroke=width / max(box.shape),
        share=float(strokes.mean()),
        pieces=figure.pieces if figure else 0,
        holes=count_holes(strokes, least=max(2, SMALL_HOLE * strokes.size)),
        figures=figures,
        place=place,
    )


def count_holes(mask: Array, least: float) -> int:
    """Return the number of holes with at least `least` pixels: parts of the background that do not reach the edge."""
    from scipy import ndimage  # noqa: PLC0415  an optional library

    outside, _ = ndimage.label(np.pad(~mask, 1, constant_values=True))
    sizes = np.bincount(outside.ravel())[2:]  # 0 is the mask, 1 is the background that reaches the edge
    return int((sizes >= least).sum())


def _placed(box: Box, transform: Array) -> NDArray[np.float64]:
    """Return the corners of a box in the given picture."""
    rows, columns = box
    x = np.array([columns.start, columns.stop, columns.stop, columns.start], np.float64)
    y = np.array([rows.start, rows.start, rows.stop, rows.stop], np.float64)
    u, v, w = transform @ np.stack([x, y, np.ones(4)])
    return np.stack([u / w, v / w], axis=1)
