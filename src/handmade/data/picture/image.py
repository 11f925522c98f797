"""Image like those of MNIST from the ink of a figure: scaled to 20 x 20, its centre of mass in the middle of 28 x 28.

Source: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document recognition", Proc. IEEE 86
(1998), section III.A, on the making of MNIST.
"""

import numpy as np
from numpy.typing import NDArray

from handmade.data.resize import area_average
from handmade.engine.arrays import Array

SIDE, BOX = 28, 20  # size of an MNIST image, and of the box around its digit
FINE = 40  # pixels of the longer side of a box whose strokes can be measured
THIN = 0.09  # of the longer side of the box: thinner strokes are made thicker
MIDDLE = 65  # percentile of the distances: short branches of the middle line at rough edges are nearer to paper
USUAL = 0.11  # width of the strokes of thin digits in MNIST


def stroke_width(box: Array) -> float:
    """Return the usual width of the strokes in pixels: twice the distance of their middle lines from paper."""
    from scipy import ndimage  # noqa: PLC0415  an optional library
    from skimage.morphology import skeletonize  # noqa: PLC0415  an optional library

    strokes = np.pad(box > 0.5, 1)
    distances = ndimage.distance_transform_edt(strokes)[skeletonize(strokes)]
    return 2 * float(np.percentile(distances, MIDDLE)) - 1 if distances.size else 0.0


def thickness(strokes: NDArray[np.bool]) -> float:
    """Return the width of the thickest place of a mask, in pixels."""
    from scipy import ndimage  # noqa: PLC0415  an optional library

    return 2 * float(ndimage.distance_transform_edt(np.pad(strokes, 1)).max()) - 1 if strokes.any() else 0.0


def solidity(mask: NDArray[np.bool]) -> float:
    """Return the share of the convex hull of a mask that it fills."""
    from scipy import spatial  # noqa: PLC0415  an optional library

    points = np.argwhere(mask)
    if len(points) < 3 or min(np.ptp(points, axis=0)) < 1:
        return 1.0
    corners = np.concatenate([points + offset for offset in ((0, 0), (1, 0), (0, 1), (1, 1))])
    return len(points) / float(spatial.ConvexHull(corners).volume)


def thickened(box: Array, width: float) -> Array:
    """Return the ink of a box with strokes as thick as those of MNIST; only thin strokes change.

    Parameters
    ----------
    box
        (h, w) float64: amount of ink.
    width
        Mean width of its strokes, in pixels.
    """
    from scipy import ndimage  # noqa: PLC0415  an optional library

    longest = max(box.shape)
    if longest < FINE or not 0 < width < THIN * longest:
        return box
    radius = round((USUAL * longest - width) / 2)
    if radius < 1:
        return box
    y, x = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    disc = y * y + x * x <= (radius + 0.5) ** 2
    thick: Array = ndimage.grey_dilation(np.pad(box, radius), footprint=disc)
    return thick


def fit(box: Array, factor: float, shape: tuple[int, int]) -> Array:
    """Scale both sides by one factor, and keep the aspect ratio; no side becomes longer than that of `shape`."""
    height, width = (min(max(1, round(factor * side)), most) for side, most in zip(box.shape, shape, strict=True))
    return area_average(box, (height, width))


def centred(fitted: Array, shape: tuple[int, int], *, by_mass: bool) -> NDArray[np.uint8]:
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


def as_digit_image(box: Array) -> NDArray[np.uint8]:
    """Return the image (28, 28, 1) of the ink in a box: thin strokes made thicker, scaled, centred by mass."""
    ready = thickened(box, stroke_width(box))
    return centred(fit(ready, BOX / max(ready.shape), (SIDE, SIDE)), (SIDE, SIDE), by_mass=True)
