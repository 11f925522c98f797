"""Light of a scene in parts: lit paper, paper in shadow, a table, each with its own smooth light, and the edges between them.

log picture = log light + log ink        light: smooth in each part; ink: thin, so the median of its surroundings is paper

1. Strokes are removed from a small copy by the median of a window, which keeps edges of shadows and of sheets.
2. Parts grow from flat places (watershed), so that their edges lie where the picture is steepest.
3. In each part, the light is the mean of its surroundings in this part.
4. Near an edge, the light is the median along the edge. So a blurred edge is no ink, either.

The edge of a shadow and of a sheet need not be told apart: both become even.

Sources: J. W. Tukey, "Exploratory Data Analysis" (1977), for running medians; F. Meyer, "Topographic distance and watershed
lines", Signal Processing 38 (1994).
"""

import numpy as np
from numpy.typing import NDArray

from handmade.data.picture.light import Light, peak_of, softened
from handmade.data.resize import area_average
from handmade.engine.arrays import Array

DARKEST = 1 / 64  # darker pixels count as this brightness
WINDOW = 4  # pixels of the small copy: radius of the median
FLAT = 6.0  # change of the logarithm over the longer side, in flat places
BAND = 0.022  # of the longer side: pixels on both sides of an edge
ALONG, SAMPLES = 1.8, 17  # times the radius, to both sides along an edge; points that are compared
TANGENT = 0.01  # of the longer side: spread of the weights for the direction of an edge
FLOOR = 2  # times the noise of a part: less is no ink
MOST_SPREAD = 0.1  # of the logarithm along an edge: more is ink
ALIKE, COMPACT = (0.5, 2.0), 0.15  # of the longest stroke: length of a piece that may be a digit, and its mean width
LEAST_NEAR = 0.3  # of a piece: less near an edge is no piece of the next part
MOST_PIECES, SAME = 12, 0.1  # largest pieces that are compared with the next part, and difference of the logarithms
SHORT, MOST_NEAR_SHORT = 0.25, 0.2  # of the longest piece: shorter pieces have less near an edge
MOST_NEAR = 0.5  # of a piece of ink: more lies along an edge, and is no stroke
SMOOTH = 0.02  # of the longer side: spread of the weights of the light of a part


def part_lights(grey: Array, radius: float) -> tuple[Light, Light, float] | None:
    """Return the light of a scene for dark and for light ink, and the noise; None if the scene has a single part.

    Parameters
    ----------
    grey
        (H, W) float64: 0 is black, 1 is white.
    radius
        Half of the window of the median, as a share of the longer side; strokes are thinner.
    """
    from scipy import ndimage  # noqa: PLC0415  an optional library
    from skimage.segmentation import watershed  # noqa: PLC0415  an optional library

    levels = np.log(np.maximum(softened(grey), DARKEST))
    factor = min(1.0, WINDOW / radius / max(grey.shape))
    size = (max(2, round(factor * grey.shape[0])), max(2, round(factor * grey.shape[1])))
    middle = ndimage.median_filter(area_average(levels, size), 2 * WINDOW + 1, mode="nearest")
    slope = ndimage.gaussian_gradient_magnitude(middle, 0.7, mode="nearest")
    flat = ndimage.binary_opening(np.pad(slope < FLAT / max(size), 3, mode="edge"), np.ones((5, 5)))[3:-3, 3:-3]
    markers, count = ndimage.label(flat)
    if count < 2:
        return None
    parts = _enlarged_labels(watershed(slope, markers), grey.shape)
    paper = _paper(_enlarged(middle, grey.shape), parts)
    light, spread, near = _along_edges(levels, paper, parts, ALONG * radius * max(grey.shape))
    noise = _noise(levels - light, parts)
    floor = np.maximum(FLOOR * noise, np.minimum(spread, MOST_SPREAD))
    away, bright = levels - light, np.exp(light)
    depths = 1 - np.exp(np.minimum(away + floor, 0)), np.minimum(np.median(bright) * (np.exp(np.maximum(away - floor, 0)) - 1), 1)
    dark, lit = (Light(_strokes(depth, levels, paper, parts, near), bright, light=bool(ink)) for ink, depth in enumerate(depths))
    return dark, lit, float(np.median(noise))


def _strokes(depth: Array, levels: Array, paper: Array, parts: NDArray[np.int32], near: NDArray[np.bool]) -> Array:
    """Return the depth without pieces that lie along edges of parts, or belong to the next part."""
    from scipy import ndimage  # noqa: PLC0415  an optional library

    labels, count = ndimage.label(depth > peak_of(depth) / 2, np.ones((3, 3)))
    if not count:
        return depth
    sizes = np.bincount(labels.ravel())
    boxes = ndimage.find_objects(labels)
    lengths = np.array([0, *(max(side.stop - side.start for side in box) for box in boxes)])
    share = np.bincount(labels[near], minlength=len(sizes)) / sizes
    share[0] = 0
    other = share > np.where(lengths < SHORT * lengths.max(), MOST_NEAR_SHORT, MOST_NEAR)
    close = np.flatnonzero((share > LEAST_NEAR) & ~other)
    for number in close[np.argsort(-sizes[close])][:MOST_PIECES].tolist():
        box = boxes[number - 1]
        around = tuple(slice(max(0, side.start - 2), side.stop + 2) for side in box)
        piece = labels[around] == number
        ring = ndimage.binary_dilation(piece, np.ones((3, 3)), iterations=2) & ~piece
        own = np.bincount(parts[around][piece]).argmax()
        level = float(np.median(levels[around][piece]))
        for part in np.unique(parts[around][ring]):
            if part != own and abs(level - float(np.median(paper[around][ring & (parts[around] == part)]))) < SAME:
                other[number] = True
    longest = lengths[1:][~other[1:]].max(initial=0)  # what is as large as a digit may be one, although it lies along an edge
    alike = (lengths > ALIKE[0] * longest) & (lengths < ALIKE[1] * longest)
    other &= ~(alike & (sizes > COMPACT * longest * lengths))
    return np.where(ndimage.binary_dilation(other[labels], np.ones((3, 3)), iterations=2), 0, depth)


def _noise(away: Array, parts: NDArray[np.int32]) -> Array:
    """Return the standard deviation of each part about its light."""
    noise = np.zeros(parts.max() + 1)
    for number in range(1, len(noise)):
        noise[number] = 1.4826 * np.median(np.abs(away[parts == number]))
    values: Array = noise[parts]
    return values


def _paper(middle: Array, parts: NDArray[np.int32]) -> Array:
    """Return the smooth light of each part."""
    from scipy import ndimage  # noqa: PLC0415  an optional library

    band, smooth = max(1, round(BAND * max(middle.shape))), SMOOTH * max(middle.shape)
    paper = np.zeros(middle.shape)
    for number in range(1, parts.max() + 1):
        mask = parts == number
        inner = ndimage.binary_erosion(mask, iterations=band, border_value=1)
        inner = inner if inner.any() else mask
        weights = ndimage.gaussian_filter(inner.astype(np.float64), smooth, mode="nearest")
        sums = ndimage.gaussian_filter(np.where(inner, middle, 0), smooth, mode="nearest")
        near = mask & (weights > 1e-3)
        paper[near] = sums[near] / weights[near]
        rest = mask & ~near
        if rest.any():
            at = ndimage.distance_transform_edt(~near, return_distances=False, return_indices=True)
            paper[rest] = paper[tuple(at)][rest]
    return paper


def _along_edges(levels: Array, paper: Array, parts: NDArray[np.int32], reach: float) -> tuple[Array, Array, NDArray[np.bool]]:
    """Return the light with that of edges, medians along the edge, their spread, and where they are."""
    from scipy import ndimage  # noqa: PLC0415  an optional library

    border = ndimage.minimum_filter(parts, 3) != ndimage.maximum_filter(parts, 3)
    near = ndimage.binary_dilation(border, iterations=max(1, round(BAND * max(paper.shape))))
    rows, columns = np.nonzero(near)
    tangent = max(1.0, TANGENT * max(paper.shape))
    down, across = (
        ndimage.gaussian_filter(paper, tangent, order=order, mode="nearest")[rows, columns] for order in ((1, 0), (0, 1))
    )
    size = np.hypot(down, across) + 1e-12
    along = np.linspace(-reach, reach, SAMPLES)[:, None]
    places = np.stack([rows + along * across / size, columns - along * down / size])
    values = ndimage.map_coordinates(levels, places, order=1, mode="nearest")
    light, spread = paper.copy(), np.zeros(paper.shape)
    middle = np.median(values, axis=0)
    light[rows, columns] = middle
    spread[rows, columns] = 1.4826 * np.median(np.abs(values - middle), axis=0)
    return light, spread, near


def _enlarged(values: Array, shape: tuple[int, ...]) -> Array:
    """Enlarge a map by linear interpolation."""
    from scipy import ndimage  # noqa: PLC0415  an optional library

    places = [(np.arange(new) + 0.5) * old / new - 0.5 for old, new in zip(values.shape, shape, strict=True)]
    enlarged: Array = ndimage.map_coordinates(values, np.meshgrid(*places, indexing="ij"), order=1, mode="nearest")
    return enlarged


def _enlarged_labels(parts: NDArray[np.int32], shape: tuple[int, ...]) -> NDArray[np.int32]:
    """Enlarge a map of numbers: the number with the largest share of the surroundings."""
    best, found = np.zeros(shape), np.zeros(shape, np.int32)
    for number in range(1, parts.max() + 1):
        share = _enlarged((parts == number).astype(np.float64), shape)
        found[share > best] = number
        best = np.maximum(best, share)
    return found
