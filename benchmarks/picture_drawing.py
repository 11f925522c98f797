"""Lines and filled outlines of sub-pixel accuracy, drawn into maps of coverage, and colours laid over a picture."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter
from scipy import ndimage

Points = NDArray[np.float64]  # (n, 2): x, y
Map = NDArray[np.float32]  # (H, W)
Colours = NDArray[np.float32]  # (H, W, 3)


def blend(colours: Colours, amount: Map, colour: Sequence[float]) -> None:
    """Cover a share of every pixel with a colour."""
    rows, columns = (np.flatnonzero(amount.any(axis=axis)) for axis in (1, 0))
    if rows.size:
        part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        colours[part] += (np.asarray(colour, np.float32) - colours[part]) * amount[part][..., None]


def stroked(paths: Sequence[Points], width: float, shape: tuple[int, int], narrow: float = 1.0) -> Map:
    """Draw paths with a round pen; `narrow` is the share of the width of lines that go up to the right, as of a flat tip."""
    fine = 4 if width < 3 else 2 if width < 10 else 1.5
    sheet, pen, (left, top), scale = _sheet(paths, width, shape, fine)
    thick = max(1, round(width * scale))
    for path in paths:
        points = (path - [left, top]) * scale
        if narrow < 1:
            steps = np.diff(points, axis=0)
            share = narrow + (1 - narrow) * np.abs(np.cos(np.arctan2(steps[:, 1], steps[:, 0]) + np.pi / 4))
            share = ndimage.gaussian_filter1d(share, 2.5, mode="nearest")  # a hand turns gradually
            for one, other, part in zip(points[:-1].tolist(), points[1:].tolist(), share.tolist(), strict=True):
                _segment(pen, [one, other], max(1, round(thick * part)))
        else:
            _segment(pen, points.tolist(), thick)
    return _pasted(sheet, (left, top), scale, shape)


def _segment(pen: ImageDraw.ImageDraw, points: list[list[float]], thick: int) -> None:
    pen.line([tuple(point) for point in points], fill=255, width=thick)
    radius = thick / 2
    if thick > 2:
        for x, y in points:  # Pillow's own joints leave gaps in thick lines
            pen.ellipse([x - radius, y - radius, x + radius, y + radius], fill=255)


def filled(outlines: Sequence[Points], shape: tuple[int, int]) -> Map:
    """Fill outlines, the largest first; those of the other direction are holes."""
    sheet, pen, (left, top), scale = _sheet(outlines, 2, shape, 2)
    areas = [float(path[:, 0] @ np.roll(path[:, 1], -1) - np.roll(path[:, 0], -1) @ path[:, 1]) for path in outlines]
    direction = np.sign(max(areas, key=abs))
    for path, area in zip(outlines, areas, strict=True):
        points = ((path - [left, top]) * scale).tolist()
        pen.polygon([tuple(point) for point in points], fill=255 if np.sign(area) == direction else 0)
    return _pasted(sheet, (left, top), scale, shape)


def _sheet(
    paths: Sequence[Points], width: float, shape: tuple[int, int], fine: float
) -> tuple[Image.Image, ImageDraw.ImageDraw, tuple[int, int], float]:
    """Return a larger empty image of the part of the picture that the paths cover."""
    points = np.concatenate(paths) if paths else np.zeros((1, 2))
    low = np.clip(np.floor(points.min(axis=0) - width), 0, [shape[1] - 1, shape[0] - 1]).astype(int)
    high = np.clip(np.ceil(points.max(axis=0) + width), low + 1, [shape[1], shape[0]]).astype(int)
    image = Image.new("L", tuple(np.ceil((high - low) * fine).astype(int).tolist()))
    return image, ImageDraw.Draw(image), (int(low[0]), int(low[1])), fine


def _pasted(image: Image.Image, place: tuple[int, int], scale: float, shape: tuple[int, int]) -> Map:
    left, top = place
    width, height = (
        min(round(side / scale), most) for side, most in zip(image.size, (shape[1] - left, shape[0] - top), strict=True)
    )
    mask = np.zeros(shape, np.float32)
    mask[top : top + height, left : left + width] = (
        np.asarray(image.resize((width, height), Image.Resampling.BOX), np.float32) / 255
    )
    return mask


def blurred(mask: Map, radius: float, *, box: bool = False) -> Map:
    """Return a map of 0 to 1 with soft edges; a box is faster than a Gaussian."""
    kernel = ImageFilter.BoxBlur(float(radius)) if box else ImageFilter.GaussianBlur(float(radius))
    soft: Map = np.asarray(Image.fromarray((255 * mask).astype(np.uint8)).filter(kernel), np.float32) / np.float32(255)
    return soft
