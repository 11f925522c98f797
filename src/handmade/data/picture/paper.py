"""Sheet of paper in a picture: its outline, and the picture of the sheet alone.

    (x', y', w') = P (x, y, 1)        x'/w', y'/w' is the place in the picture of point (x, y) of the sheet

P is a projective transform if the four corners of the sheet are visible: the sheet is seen as from straight above. If the outline
has another shape (round paper, a spot of light, a picture with dark corners), it is cut out, and what is outside becomes paper.

A sheet is a region that is brighter, or darker, than what surrounds it, and whose outline has no bays. Its outline is the best
one among several thresholds.

Source: J. Matas, O. Chum, M. Urban, T. Pajdla, "Robust wide-baseline stereo from maximally stable extremal regions", Image and
Vision Computing 22 (2004), for regions by many thresholds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from handmade.data.picture.image import solidity
from handmade.data.picture.region import INSET, paper_alone
from handmade.data.resize import shrunk
from handmade.engine.arrays import Array

SEARCH = 192  # pixels of the longer side while the sheet is searched
SMALLEST = 40  # pixels of the shorter side of a picture that may show a sheet
THRESHOLDS = 12
LEAST_AREA, MOST_AREA = 0.05, 0.97  # of the picture
SOLID = 0.94  # of the area of its convex hull: a sheet has no bays
QUADRILATERAL = 0.93  # of the hull: area of the largest quadrilateral of its corners; an ellipse has 0.64
STEP = 0.12  # least difference of brightness between the sheet and its surroundings
CUT = 0.06  # of its outline: a sheet that touches the edge of the picture with more is cut off there
MOST_HOLES = 0.45  # of the filled region: more is no writing on paper
ROUND_HOLE, NO_BAYS = 0.03, 0.85  # share and solidity of the hole of a 0
MOST_ALIKE = 0.6  # of the pixels outside of a sheet: those that are as bright as the sheet
CORNERS = 14  # of the outline are compared


@dataclass(frozen=True, eq=False)
class Sheet:
    """Outline of a sheet.

    Attributes
    ----------
    kind
        "sheet" if it is rectified, "region" if it is cut out as it is.
    corners
        (4, 2) float64: x and y of its corners in the picture, clockwise from the upper left.
    inside
        (H, W) bool, on a small copy of the picture: the region.
    score
        Difference of brightness at its outline, times the square root of its share of the picture.
    """

    kind: str
    corners: NDArray[np.float64]
    inside: NDArray[np.bool]
    score: float


def find_sheets(grey: Array) -> list[Sheet]:
    """Return outlines that may be those of a sheet, the most likely first.

    Parameters
    ----------
    grey
        (H, W) float64: 0 is black, 1 is white.
    """
    from scipy import ndimage  # noqa: PLC0415  an optional library

    small = shrunk(grey, SEARCH)
    if min(small.shape) < SMALLEST:
        return []
    smooth = ndimage.median_filter(small, 3, mode="nearest")
    scale = -(-max(grey.shape) // SEARCH)
    found = [sheet for values in (smooth, 1 - smooth) for sheet in _of_brightness(values)]
    found = [Sheet(each.kind, scale * each.corners, each.inside, each.score) for each in found]
    return sorted(found, key=lambda sheet: -sheet.score)[:2]


def cut_out(grey: Array, sheet: Sheet, longest: int) -> tuple[Array, Array]:
    """Return the picture of a sheet, at most `longest` pixels a side, and the transform from its points to the whole picture.

    Returns
    -------
    picture : (h, w) float64
    transform : (3, 3) float64
        From (x, y, 1) in the sheet to the picture.
    """
    if sheet.kind == "sheet":
        return _rectified(grey, sheet, longest)
    picture, _, transform = region_of(grey, sheet, longest)
    return picture, transform


def _of_brightness(values: Array) -> Iterator[Sheet]:
    """Yield the best region that is brighter than its surroundings, if there is one."""
    from scipy import ndimage  # noqa: PLC0415  an optional library

    low, high = np.percentile(values, (1, 99))
    if high - low < STEP:
        return
    best: Sheet | None = None
    for threshold in np.linspace(low, high, THRESHOLDS + 2)[1:-1]:
        labels, count = ndimage.label(values > threshold)
        if not count:
            continue
        sizes = np.bincount(labels.ravel())
        sizes[0] = 0
        for number in np.argsort(-sizes)[:2]:
            if sizes[number] > LEAST_AREA / 4 * values.size:
                region = labels == number
                filled = ndimage.binary_fill_holes(region)
                holes = 1 - sizes[number] / filled.sum()
                sheet = _sheet(values, filled) if holes < MOST_HOLES else None
                if sheet and sheet.kind == "region" and _is_ring(holes, filled & ~region):
                    sheet = None
                if sheet and (best is None or sheet.score > best.score):
                    best = sheet
    if best:
        yield best


def _sheet(values: Array, inside: NDArray[np.bool]) -> Sheet | None:
    """Return a filled region as a sheet, or None if it is no sheet."""
    from scipy import ndimage, spatial  # noqa: PLC0415  an optional library

    if not LEAST_AREA < inside.mean() < MOST_AREA:
        return None
    inside = ndimage.binary_opening(np.pad(inside, 2, mode="edge"), np.ones((3, 3)))[2:-2, 2:-2]
    rim = inside & ~ndimage.binary_erosion(inside, border_value=0)
    points = np.argwhere(rim)[:, ::-1].astype(np.float64)
    if len(points) < 16 or min(np.ptp(points, axis=0)) < 8:
        return None
    corners = np.concatenate([points + offset for offset in ((0, 0), (1, 0), (0, 1), (1, 1))])  # of the pixels
    hull = spatial.ConvexHull(corners)
    outline = corners[hull.vertices]
    if inside.sum() < SOLID * hull.volume:  # in a plane, the volume is the area
        return None
    near = ndimage.binary_dilation(inside, iterations=4) & ~ndimage.binary_dilation(inside, iterations=2)
    within = ndimage.binary_erosion(inside, iterations=3, border_value=1) & ~ndimage.binary_erosion(
        inside, iterations=6, border_value=1
    )
    if near.sum() < 8 or not within.any():
        return None
    step = float(np.median(values[within]) - np.percentile(values[near], 75))
    elsewhere = ~ndimage.binary_dilation(inside, iterations=2)
    if step < STEP or (values[elsewhere] > np.median(values[within]) - step / 2).mean() > MOST_ALIKE:
        return None
    edge = np.zeros(inside.shape, bool)
    edge[0], edge[-1], edge[:, 0], edge[:, -1] = True, True, True, True
    cut = float((rim & edge).sum()) > CUT * len(points)
    quadrilateral, area = _largest_quadrilateral(outline)
    square = not cut and area > QUADRILATERAL * hull.volume
    (left, top), (right, bottom) = outline.min(axis=0), outline.max(axis=0)
    box = np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
    return Sheet("sheet" if square else "region", quadrilateral if square else box, inside, step * float(np.sqrt(inside.mean())))


def _is_ring(share: float, holes: NDArray[np.bool]) -> bool:
    """Return True if a region is rather a 0 than paper: it has one large hole without bays."""
    from scipy import ndimage  # noqa: PLC0415  an optional library

    labels, _ = ndimage.label(holes)
    sizes = np.bincount(labels.ravel())[1:]
    if share < ROUND_HOLE or sizes.max(initial=0) < ROUND_HOLE * holes.size * share:
        return False
    return solidity(labels == 1 + int(sizes.argmax())) > NO_BAYS


def _largest_quadrilateral(outline: Array) -> tuple[Array, float]:
    """Return the four points of a convex outline with the largest area, clockwise from the upper left, and that area."""
    from skimage.measure import approximate_polygon  # noqa: PLC0415  an optional library

    tolerance = 0.5
    points = outline
    while len(points) > CORNERS:
        points = approximate_polygon(np.vstack([outline, outline[:1]]), tolerance)[:-1]
        tolerance *= 1.3
    if len(points) < 4:
        return points, 0.0
    fours = np.array(list(combinations(range(len(points)), 4)))
    x, y = points[fours].transpose(2, 0, 1)  # each (number of choices, 4)
    areas = np.abs((x * np.roll(y, -1, axis=1) - y * np.roll(x, -1, axis=1)).sum(axis=1)) / 2
    best = int(areas.argmax())
    return _ordered(points[fours[best]]), float(areas[best])


def _ordered(corners: Array) -> Array:
    """Return four corners clockwise, the side that is nearest to horizontal and above the others first."""
    middle = corners.mean(axis=0)
    angles = np.arctan2(corners[:, 1] - middle[1], corners[:, 0] - middle[0])
    around = corners[np.argsort(angles)]  # clockwise, as y points down
    sides = np.roll(around, -1, axis=0) - around
    turns = np.abs(np.arctan2(sides[:, 1], sides[:, 0]))  # 0: from left to right
    return np.roll(around, -int(turns.argmin()), axis=0)


def _rectified(grey: Array, sheet: Sheet, longest: int) -> tuple[Array, Array]:
    from skimage import transform  # noqa: PLC0415  an optional library

    corners = sheet.corners
    sides = np.hypot(*(np.roll(corners, -1, axis=0) - corners).T)
    width, height = max(sides[0], sides[2]), max(sides[1], sides[3])
    factor = min(1.0, longest / max(width, height))
    width, height = max(2, round(factor * width)), max(2, round(factor * height))
    square = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64)
    matrix = _projective(square, corners)
    inset = max(2, round(INSET * min(width, height)))
    matrix = matrix @ np.array([[1.0, 0, inset], [0, 1.0, inset], [0, 0, 1.0]])
    shape = max(1, height - 2 * inset), max(1, width - 2 * inset)
    centre = np.array(
        [[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]]
    )  # places are those of the corners of pixels, warp's those of their centres
    block = max(1, int(1 / factor))
    source = shrunk(grey, -(-max(grey.shape) // block))
    scaled = np.diag([1 / block, 1 / block, 1]) @ matrix
    picture = transform.warp(source, np.linalg.inv(centre) @ scaled @ centre, output_shape=shape, order=1, mode="edge")
    return np.asarray(picture, np.float64), matrix


def _projective(points: Array, places: Array) -> Array:
    """Return the projective transform (3, 3) from four points to four places, each (4, 2)."""
    rows = []
    for (x, y), (u, v) in zip(points, places, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    return np.append(np.linalg.solve(np.array(rows), places.ravel()), 1.0).reshape(3, 3)


def region_of(grey: Array, sheet: Sheet, longest: int, *, smooth: bool = False) -> tuple[Array, NDArray[np.bool], Array]:
    """Return the box of a region, at most `longest` pixels a side; see `paper_alone`."""
    scale = -(-max(grey.shape) // SEARCH)
    rows, columns = (np.flatnonzero(sheet.inside.any(axis=axis)) for axis in (1, 0))
    top, left = int(rows[0]), int(columns[0])
    near = sheet.inside[top : int(rows[-1]) + 1, left : int(columns[-1]) + 1]
    part = grey[scale * top : scale * (top + near.shape[0]), scale * left : scale * (left + near.shape[1])]
    block = -(-max(part.shape) // longest)
    small = shrunk(part, longest)
    at = [
        np.minimum((np.arange(side) * block + block // 2) // scale, most - 1)
        for side, most in zip(small.shape, near.shape, strict=True)
    ]
    picture, kept, offset = paper_alone(small, near[np.ix_(*at)], smooth=smooth)
    return picture, kept, np.array([[block, 0, scale * left], [0, block, scale * top], [0, 0, 1.0]]) @ offset
