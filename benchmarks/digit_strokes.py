"""Digits of MNIST drawn again at any size: the middle lines of their strokes for pens, and their outlines for brushes.

28 x 28 -> smooth enlargement -> strokes above a threshold -> skeleton -> paths without spurs -> smooth paths
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from skimage.measure import find_contours
from skimage.morphology import skeletonize

ZOOM = 6  # of the enlargement
INSIDE = 0.42  # of the strongest pixel: grey level of a stroke's edge
SPUR = 1.5  # of the half width at a junction: shorter ends are traces of the thinning
SMOOTH = 0.55  # pixels of MNIST: standard deviation of the smoothing of a path
LIKE = 0.9  # least correlation of the drawn lines with the image: otherwise, loops that are full of ink would be lost
OPEN = 0.62  # of the radius of a hole: largest half width of a pen that leaves it open
SMALL_HOLE = 0.35  # pixels of MNIST: smaller holes are no part of the digit
FAINT = 0.12  # grey level of a weak place in a stroke, which joins two parts of the digit
BRIDGE = 0.4  # pixels of MNIST: half width of a stroke at a weak place
DIRT, THIN = 0.1, 0.5  # share of the ink, and of the body's thickness: a smaller piece beside the digit is dirt

Path = NDArray[np.float64]  # (n, 2): x to the right, y down


@dataclass(frozen=True, eq=False)
class Drawing:
    """Lines and filled outlines, in units of the longer side of their box, about the middle of it.

    Attributes
    ----------
    lines
        Paths of a pen.
    outlines
        Closed paths, the outer ones before the holes in them; an empty tuple if lines are all there is.
    thickness
        Natural width of the pen.
    widest
        Width of the widest pen that keeps every hole open and neighbouring lines apart.
    bare
        Those lines that have no outline; a brush draws them beside the outlines.
    character
        The character of a font that this is.
    """

    lines: tuple[Path, ...]
    outlines: tuple[Path, ...]
    thickness: float
    widest: float
    bare: tuple[Path, ...] = ()
    character: str = ""

    @cached_property
    def extent(self) -> tuple[float, float]:
        """Width and height of the box, without the width of the pen."""
        if not self.lines and not self.outlines:
            return 1.0, 1.0
        points = np.concatenate([*self.lines, *self.outlines])
        width, height = np.ptp(points, axis=0)
        return float(width), float(height)


def drawing_of(image: NDArray[np.uint8]) -> Drawing:
    """Return the strokes of an image of MNIST, (28, 28) or (28, 28, 1)."""
    grey = image.reshape(image.shape[:2]).astype(np.float64)
    small = Image.fromarray(np.pad(grey / max(grey.max(), 1), 1).astype(np.float32))
    large = small.resize((ZOOM * small.width, ZOOM * small.height), Image.Resampling.BICUBIC)
    grey = ndimage.gaussian_filter(np.asarray(large, np.float64), 0.35 * ZOOM)
    inside = _without_dirt(_bridged(_without_crumbs(grey > INSIDE), grey))
    depth = ndimage.distance_transform_edt(inside)
    skeleton = _without_spurs(skeletonize(inside), depth)
    half = float(np.median(depth[skeleton])) if skeleton.any() else ZOOM
    lines = [_smoothed(path) for path in _paths(skeleton)]
    outlines = [
        path[:, ::-1]
        for path in find_contours(np.where(inside, np.maximum(grey, 1.05 * INSIDE), np.minimum(grey, INSIDE)), INSIDE)
        if len(path) > 8
    ]
    outlines.sort(key=_area, reverse=True)
    rows, columns = np.nonzero(inside)
    middle = np.array([columns.min() + columns.max(), rows.min() + rows.max()]) / 2
    size = float(max(np.ptp(columns), np.ptp(rows)) + 1)
    widest = 2 * min(_room(skeleton, inside), 2.2 * half) / size
    usable = lines and _like(skeleton, half, grey)
    return Drawing(
        tuple((path - middle) / size for path in lines) if usable else (),
        tuple((path - middle) / size for path in outlines),
        2 * half / size,
        widest,
    )


def _without_crumbs(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Remove pieces of less than one pixel of MNIST, and fill such holes."""
    for _ in range(2):
        labels, count = ndimage.label(inside)
        sizes = np.bincount(labels.ravel(), minlength=count + 1)
        inside = ~(inside & (sizes >= ZOOM**2 * 0.8)[labels])
    return inside


def _bridged(inside: NDArray[np.bool_], grey: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Join pieces between which there is weak ink: a pen that was pressed less is no pen that was lifted."""
    pieces, count = ndimage.label(inside, np.ones((3, 3)))
    if count < 2:
        return inside
    weak, parts = ndimage.label(skeletonize(inside | (grey > FAINT)) & ~inside, np.ones((3, 3)))
    for number in range(1, parts + 1):
        bridge = weak == number
        ends = np.unique(pieces[ndimage.binary_dilation(bridge, np.ones((3, 3)))])
        if len(ends[ends > 0]) > 1:
            inside = inside | (ndimage.distance_transform_edt(~bridge) < BRIDGE * ZOOM)
    return inside


def _without_dirt(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Remove small and thin pieces beside the box of the largest piece, as the edges of a form field."""
    pieces, count = ndimage.label(inside, np.ones((3, 3)))
    if count < 2:
        return inside
    sizes = np.bincount(pieces.ravel())[1:]
    depths = ndimage.maximum(ndimage.distance_transform_edt(inside), pieces, np.arange(1, count + 1))
    boxes, body = ndimage.find_objects(pieces), int(sizes.argmax())
    dirt = [
        number
        for number, box in enumerate(boxes)
        if sizes[number] < DIRT * sizes.sum() and depths[number] < THIN * depths[body] and _apart(box, boxes[body])
    ]
    return inside & ~np.isin(pieces, [number + 1 for number in dirt])


def _apart(box: tuple[slice, slice], body: tuple[slice, slice]) -> bool:
    """Return True if a box lies on the left or on the right of another one."""
    return bool(box[1].start >= body[1].stop or box[1].stop <= body[1].start)


def _paths(skeleton: NDArray[np.bool_]) -> list[list[tuple[int, int]]]:
    """Return the paths of a skeleton between ends and junctions; a ring is a path that ends where it starts."""
    pixels = set(zip(*(side.tolist() for side in np.nonzero(skeleton)), strict=True))
    near = {pixel: _neighbours(pixel, pixels) for pixel in sorted(pixels)}
    nodes = [pixel for pixel, others in near.items() if len(others) != 2]
    used: set[frozenset[tuple[int, int]]] = set()
    paths = []
    for start in [*nodes, *near]:  # rings have no node
        for following in near[start]:
            if frozenset((start, following)) in used:
                continue
            path = [start, following]
            used.add(frozenset((start, following)))
            while len(near[path[-1]]) == 2 and path[-1] != start:
                after = next(pixel for pixel in near[path[-1]] if pixel != path[-2])
                used.add(frozenset((path[-1], after)))
                path.append(after)
            paths.append(path)
    return paths or [[pixel, pixel] for pixel in nodes]


def _neighbours(pixel: tuple[int, int], pixels: set[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the neighbours of a pixel; a corner is none if a side leads there, too."""
    y, x = pixel
    sides = [(y + dy, x + dx) for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0)) if (y + dy, x + dx) in pixels]
    corners = [
        (y + dy, x + dx)
        for dy, dx in ((1, 1), (1, -1), (-1, -1), (-1, 1))
        if (y + dy, x + dx) in pixels and (y + dy, x) not in pixels and (y, x + dx) not in pixels
    ]
    return sides + corners


def _without_spurs(skeleton: NDArray[np.bool_], depth: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Remove short ends that start at a junction."""
    kept = skeleton.copy()
    paths = _paths(skeleton)
    ends = [end for path in paths for end in (path[0], path[-1])]
    for path in paths:
        first, last = ends.count(path[0]) == 1, ends.count(path[-1]) == 1
        junction = path[-1] if first else path[0]
        if first != last and len(path) < SPUR * depth[junction]:
            for pixel in path:
                kept[pixel] = pixel == junction
    return kept


def _smoothed(pixels: list[tuple[int, int]]) -> Path:
    """Return a path as x, y without the steps of the pixels; its ends stay."""
    path = np.array(pixels, np.float64)[:, ::-1]
    ring = len(path) > 8 and pixels[0] == pixels[-1]
    soft: Path = ndimage.gaussian_filter1d(path, SMOOTH * ZOOM, axis=0, mode="wrap" if ring else "nearest")
    if ring:
        soft[-1] = soft[0]
    else:
        soft[0], soft[-1] = path[0], path[-1]
    return np.concatenate([soft[::3], soft[-1:]])


def _room(skeleton: NDArray[np.bool_], inside: NDArray[np.bool_]) -> float:
    """Return the largest half width of a pen, pixels, that leaves the smallest hole open."""
    away = ndimage.distance_transform_edt(~skeleton)
    holes, count = ndimage.label(ndimage.binary_fill_holes(inside) & ~inside)
    radii = np.atleast_1d(ndimage.maximum(away, holes, np.arange(1, count + 1))) if count else np.empty(0)
    return OPEN * float(radii[radii > SMALL_HOLE * ZOOM].min(initial=np.inf))


def _like(skeleton: NDArray[np.bool_], half: float, grey: NDArray[np.float64]) -> bool:
    """Return True if lines of the natural width look like the image."""
    lines = np.clip(half + 0.5 - ndimage.distance_transform_edt(~skeleton), 0, 1)
    return bool(np.corrcoef(lines.ravel(), np.clip(grey, 0, 1).ravel())[0, 1] > LIKE)


def _area(path: Path) -> float:
    x, y = path.T
    return abs(float(x[:-1] @ y[1:] - x[1:] @ y[:-1]))
