"""Views of a picture: the sheet of paper in it, the picture as a whole, and what lies on a region of it.

Each view goes through the stages up to the figures. The view whose first figure is most like a digit, to the verifier, is chosen.
If none is clear, narrow windows are tried, which find strokes in shadows and on sheets. A view that
shows several digits ends the search.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from handmade.data.picture.figures import Figures, find_figures
from handmade.data.picture.image import as_digit_image, solidity, thickness
from handmade.data.picture.ink import Ink, amount_of_ink, inner
from handmade.data.picture.judgement import CONTRAST, SIGNAL_TO_NOISE, measured, rejection
from handmade.data.picture.levels import white_of
from handmade.data.picture.light import Light, even_light
from handmade.data.picture.paper import SMALLEST, Sheet, cut_out, find_sheets, region_of
from handmade.data.picture.region import paper_alone
from handmade.data.picture.relight import FLOOR, part_lights
from handmade.data.picture.several import several_digits
from handmade.data.picture.verifier import NONE, opinions
from handmade.data.resize import shrunk
from handmade.engine.arrays import Array

SEARCH = 320  # pixels of the longer side while figures are searched
SHEET_SOURCE = 1024  # pixels of the longer side of the picture that a sheet is cut out of
SMALL = 0.5  # of the search size: a smaller figure is looked at again, with more pixels
PART_RADII = (0.03, 0.07)  # of the longer side: halves of the windows of medians
WINDOWS = (0.033, 0.075, 0.17)  # of the longer side: radii of windows that keep shadows and tables out, as they are wider
CLEAN_SHARE, CLEAN_WIDTH = 0.2, 0.2  # of a picture: ink that is strokes alone has less area, and no thicker places
SOLID_SHEET = 0.7  # of its hull: a sheet with ink on it is more, strokes are less
STRIP = 0.4  # of its height: width of a stroke
CLEAR = -4.0  # cost: other views are not tried
MUCH_WORSE = 2.0  # cost of a view with more pixels, beyond that of the view before: something else is seen there
NOTHING = 30.0  # cost of a view without ink
UNCLEAR, CUT = 5.0, 1.0  # added for several figures, and for a picture that is cut
LEAST_SHEET, UNEVEN = 0.03, 0.7  # share of the picture, and solidity, of a sheet of any outline
MOST_INK = 0.4  # of a sheet: more is no writing
MOST_FIGURES = 12  # on a sheet with one digit
ROUND_INK = 0.08  # of a round region: ink without bays, such as the hole of a 0, is less in a written 1
SOLID = 0.85  # of the hull of the ink: the hole of a 0 has no bays


@dataclass(frozen=True, eq=False)
class View:
    """Part of a picture, with its stages up to the figures; `transform` leads from its points to the given picture."""

    grey: Array
    transform: Array
    light: Light
    ink: Ink
    figures: Figures
    window: float | None
    parts: float | None = None


def chosen_view(given: Array) -> tuple[View, str]:
    """Return the view whose first figure is most like a digit, and the kind of its sheet.

    Views are that of a sheet, that of the whole picture, and that of the whole picture with ink of the other brightness.
    """
    best: tuple[float, View, str] | None = None
    for view, kind in _views(given):
        if _shows_several(view):
            return view, kind
        cost = _cost(view, kind)
        if best is None or cost < best[0]:
            best = cost, view, kind
        if cost < CLEAR and not _is_strip(view) and _is_clear(view):
            break
    assert best is not None
    return best[1], best[2]


def _shows_several(view: View) -> bool:
    """Return True if several digits are seen in a view of a sheet or of the picture."""
    if view.window or view.parts or _is_faint(view):
        return False
    return several_digits(view.figures.figures, view.light.depth)


def _views(given: Array) -> Iterator[tuple[View, str]]:
    """Yield views of a picture, each with the kind of its sheet, the most likely first."""
    source = shrunk(given, SHEET_SOURCE) / np.float64(white_of(given))
    block = -(-max(given.shape) // SHEET_SOURCE)
    shrink = -(-max(given.shape) // SEARCH)
    sheets = find_sheets(source)
    to_given = np.diag([block, block, 1.0])
    for sheet in sheets:
        if sheet.kind == "sheet":
            grey, transform = cut_out(source, sheet, SEARCH)
            view = view_of(grey, to_given @ transform)
            if _is_written(view, rectified=True):
                yield view, "sheet"
    full = view_of(seen(given), np.diag([shrink, shrink, 1.0]))
    yield full, ""
    if max(given.shape) < SMALLEST or _is_clean(full):
        return
    yield from _within(full)
    for radius in PART_RADII:
        for view in _of_parts(full.grey, full.transform, radius):
            yield view, ""
    yield from _of_regions(source, to_given, sheets)
    yield view_of(full.grey, full.transform, light=not full.light.light), ""
    for light in (full.light.light, not full.light.light):
        for window in WINDOWS:
            yield view_of(full.grey, full.transform, light=light, window=window), ""


def _of_regions(source: Array, to_given: Array, sheets: list[Sheet]) -> Iterator[tuple[View, str]]:
    """Yield the views of sheets of any outline: the paper beyond is continued with its lines, and then without streaks."""
    for sheet in sheets:
        if sheet.kind == "region":
            for smooth in (False, True):
                grey, kept, transform = region_of(source, sheet, SEARCH, smooth=smooth)
                view = view_of(grey, to_given @ transform, kept=kept if smooth else None)
                if _is_written(view, rectified=False):
                    yield view, "region"


def _of_parts(grey: Array, transform: Array, radius: float) -> list[View]:
    """Return the views for dark and for light ink of a scene in parts; none if it has a single part."""
    found = part_lights(grey, radius)
    if not found:
        return []
    dark, lit, noise = found
    views = []
    for light in (dark, lit):
        beyond = amount_of_ink(light.depth)
        ink = replace(beyond, noise=noise, contrast=beyond.contrast + FLOOR * noise)
        views.append(View(grey, transform, light, ink, find_figures(ink.amount), None, radius))
    return views


def _within(view: View) -> Iterator[tuple[View, str]]:
    """Yield the view of what is on the first figure, if that is so solid that it may be a sheet of any outline."""
    from scipy import ndimage  # noqa: PLC0415  an optional library

    for figure in view.figures.figures[:1]:
        mask = figure.ink > 0.5
        filled = ndimage.binary_fill_holes(mask)
        if filled.mean() < LEAST_SHEET or mask.sum() < (1 - MOST_INK) * filled.sum() or solidity(filled) < UNEVEN:
            continue
        grey, _, offset = paper_alone(view.grey, filled)
        within = view_of(grey, view.transform @ offset, light=not view.light.light)
        if _is_written(within, rectified=False):
            yield within, "region"


def _is_clean(view: View) -> bool:
    """Return True if the ink of a view is thin strokes alone, so that it is no sheet, no shadow and no texture."""
    strokes = view.ink.amount > 0.5
    if strokes.mean() > CLEAN_SHARE or thickness(strokes) > CLEAN_WIDTH * max(strokes.shape) or not view.figures.figures:
        return False
    figure = view.figures.figures[0]
    return solidity(figure.ink > 0.5) < SOLID_SHEET and not figure.touches_the_edge


def _is_strip(view: View) -> bool:
    """Return True if the first figure of a view is one stroke, which may be a strip of a table or of a shadow."""
    rows, columns = view.figures.figures[0].box
    return bool(columns.stop - columns.start < STRIP * (rows.stop - rows.start))


def _is_faint(view: View) -> bool:
    """Return True if the ink of a view is too faint to be ink, or for its noise."""
    return view.ink.contrast < max(CONTRAST, SIGNAL_TO_NOISE * view.ink.noise)


def _cost(view: View, kind: str) -> float:
    """Return how unlike a digit the first figure of a view is: the verifier's log odds for no digit, and penalties."""
    if not view.figures.figures or _is_faint(view):
        return NOTHING
    clear = _is_clear(view)
    if (view.window or view.parts) and not clear:  # such a view shows one digit in a difficult scene, or nothing
        return NOTHING
    figure = view.figures.figures[0]
    opinion = opinions(as_digit_image(figure.ink[figure.box])[None])[0]
    digit = int(opinion[:NONE].argmax())
    odds = float(opinion[digit] - opinion[NONE])
    if digit == 1 and (view.window or figure.touches_the_edge):  # a narrow strip of a table, or a part of a letter
        return NOTHING
    return UNCLEAR * (not clear) + CUT * (kind == "region") - odds


def _is_clear(view: View) -> bool:
    """Return True if a view holds one figure that may be a digit."""
    if len(view.figures.figures) != 1:
        return False
    return rejection(measured(view.light, view.ink, view.figures.figures[0], 1, "")) is None


def _is_written(view: View, *, rectified: bool) -> bool:
    """Return True if the ink on a sheet may be writing, and not the hole of a 0."""
    if not view.figures.figures or _is_faint(view):
        return False
    figure = view.figures.figures[0]
    share = float((figure.ink > 0.5).mean())
    if share > MOST_INK or len(view.figures.figures) > MOST_FIGURES:
        return False
    return rectified or share < ROUND_INK or solidity(figure.ink > 0.5) < SOLID


def seen(given: Array) -> Array:
    """Return a picture of any type as grey levels from 0 to 1, at most 320 pixels a side."""
    return shrunk(given, SEARCH) / np.float64(white_of(given))


def view_of(
    grey: Array,
    transform: Array,
    *,
    light: bool | None = None,
    window: float | None = None,
    kept: NDArray[np.bool] | None = None,
) -> View:
    """Return the view of a part of a picture, with its stages; `kept` is the region that is shown."""
    even = even_light(grey, light=light, window=window)
    ink = amount_of_ink(even.depth)
    amount = inner(ink.amount, kept) if window or kept is not None else ink.amount
    return View(grey, transform, even, ink, find_figures(amount), window)


def closer(given: Array, view: View) -> View:
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
    window = view.window and min(0.25, view.window * scale * max(view.grey.shape) / max(part.shape))
    if view.parts:
        radius = view.parts * scale * max(view.grey.shape) / max(part.shape)
        views = _of_parts(seen(part), transform, radius)
        near_view = views[int(view.light.light)] if views else view_of(seen(part), transform, light=view.light.light)
    else:
        near_view = view_of(seen(part), transform, light=view.light.light, window=window)
    return near_view if _cost(near_view, "") <= _cost(view, "") + MUCH_WORSE else view
