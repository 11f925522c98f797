"""Textures of paper and tables, and light with shadows, as factors for every pixel of a picture. All follow from the seed."""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter
from scipy import fft, ndimage

TILE = 1280  # pixels on a side of a texture, from which windows are cut
COARSE = 48  # pixels on the longer side of a map of soft light, which is enlarged

Map = NDArray[np.float32]  # (H, W)
Generator = np.random.Generator


@cache
def _tile(scale: tuple[float, float]) -> Map:
    """Return smooth noise that is periodic, of mean 0 and standard deviation 1; `scale` is its size in rows and columns."""
    rows, columns = np.fft.fftfreq(TILE)[:, None], np.fft.rfftfreq(TILE)
    passed = np.exp(-2 * np.pi**2 * ((scale[0] * rows) ** 2 + (scale[1] * columns) ** 2))  # of a Gaussian
    soft = fft.irfft2(_spectrum() * passed.astype(np.float32), (TILE, TILE))
    tile: Map = ((soft - soft.mean()) / soft.std()).astype(np.float32)
    return tile


@cache
def _spectrum() -> NDArray[np.complex64]:
    noise = np.random.default_rng(1998).standard_normal((TILE, TILE), np.float32)
    spectrum: NDArray[np.complex64] = fft.rfft2(noise)
    return spectrum


def noise(shape: tuple[int, int], rng: Generator, scale: float | tuple[float, float] = 0) -> Map:
    """Return a window of smooth noise, turned over at random."""
    tile = _tile(scale if isinstance(scale, tuple) else (scale, scale))
    repeated = [-(-side // TILE) for side in shape]
    if max(repeated) > 1:
        tile = np.tile(tile, repeated)
    top, left = (int(rng.integers(0, whole - side + 1)) for whole, side in zip(tile.shape, shape, strict=True))
    window = tile[top : top + shape[0], left : left + shape[1]]
    return window[:: rng.choice([-1, 1]), :: rng.choice([-1, 1])]


def wood(shape: tuple[int, int], rng: Generator) -> Map:
    """Return the grain of wood: long streaks and wavy rings."""
    upright = bool(rng.integers(2))
    size = shape[::-1] if upright else shape
    waves = np.sin(np.arange(size[0], dtype=np.float32)[:, None] / rng.uniform(3, 12) + 2.5 * noise(size, rng, (12, 90)))
    grain = 0.09 * waves + 0.06 * noise(size, rng, (1, 40))
    return grain.T if upright else grain


def crumpled(shape: tuple[int, int], rng: Generator) -> Map:
    """Return the shading of crumpled paper: flat parts between sharp folds."""
    height, width = shape
    small = (max(8, height // 3), max(8, width // 3))
    points = rng.uniform((-0.2, -0.2), (1.2, 1.2), (int(rng.integers(9, 30)), 2)) * max(small)
    rows, columns = np.indices(small, np.float32)
    surface = np.full(small, np.inf, np.float32)
    for y, x in points:  # cones about the points meet in folds
        np.minimum(surface, np.hypot(rows - y, columns - x), out=surface)
    slope = np.gradient(surface / max(small), axis=(0, 1))
    angle = rng.uniform(0, 2 * np.pi)
    shading = max(small) * (np.cos(angle) * slope[0] + np.sin(angle) * slope[1])
    return _enlarged(ndimage.gaussian_filter(shading.astype(np.float32), 1.2), shape) * np.float32(rng.uniform(0.03, 0.09))


def gradient(shape: tuple[int, int], rng: Generator) -> Map:
    """Return light that falls from one side to the other."""
    rows, columns = _grid(shape)
    angle, darkest = rng.uniform(0, 2 * np.pi), rng.uniform(0.4, 0.8)
    across = (np.cos(angle) * rows + np.sin(angle) * columns) / (abs(np.cos(angle)) + abs(np.sin(angle)))
    return _enlarged(darkest + (1 - darkest) * (0.5 + across / 2), shape)


def spot(shape: tuple[int, int], centre: tuple[float, float], rng: Generator) -> Map:
    """Return a spot of light about a point, in shares of the height and the width."""
    rows, columns = _grid(shape)
    y, x = (2 * share - 1 + rng.normal(0, 0.08) for share in centre)
    radius, soft, dark = rng.uniform(0.6, 1.0), rng.uniform(0.08, 0.4), rng.uniform(0.25, 0.6)
    distance = np.hypot((rows - y) * rng.uniform(0.8, 1.25), columns - x)
    return _enlarged(dark + (1 - dark) / (1 + np.exp((distance - radius) / (soft / 4))), shape)


def dark_corners(shape: tuple[int, int], rng: Generator) -> Map:
    """Return the light of a lens that loses light in the corners."""
    rows, columns = _grid(shape)
    strength, power = rng.uniform(0.4, 0.85), rng.uniform(2, 5)
    return _enlarged(1 - strength * (np.hypot(rows, columns) / np.sqrt(2)) ** power, shape)


def shadow(shape: tuple[int, int], centre: tuple[float, float], rng: Generator, *, hard: bool) -> Map:
    """Return light with the shadow of an edge, a hand or a telephone that falls on or near a point, in shares of the sides."""
    height, width = shape
    side = max(shape)
    y, x = centre[0] * height + rng.normal(0, 0.12) * side, centre[1] * width + rng.normal(0, 0.12) * side
    angle = rng.uniform(0, 2 * np.pi)
    outline = np.array([[0, -3], [3, -3], [3, 3], [0, 3]], float)  # half a plane
    if rng.random() < 0.5:  # a bar
        outline = np.array([[0, -3], [rng.uniform(0.15, 0.5), -3], [rng.uniform(0.15, 0.5), 3], [0, 3]])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = outline @ turn.T * side + [x, y]
    darkness = rng.uniform(0.4, 0.62) if hard else rng.uniform(0.35, 0.65)
    scale = 1.0 if hard else min(1.0, 160 / side)
    mask = Image.new("L", (max(1, round(scale * width)), max(1, round(scale * height))))
    ImageDraw.Draw(mask).polygon([tuple(point) for point in (scale * points).tolist()], fill=255)
    blur = rng.uniform(0.4, 0.004 * side + 0.6) if hard else rng.uniform(3, 14)
    soft = np.asarray(mask.filter(ImageFilter.GaussianBlur(blur)), np.float32) / 255
    lit = 1 - darkness * (soft if hard else _enlarged(soft, shape))
    return lit.astype(np.float32)


def _grid(shape: tuple[int, int]) -> tuple[Map, Map]:
    """Return rows and columns from -1 to 1 of a small map."""
    scale = min(1.0, COARSE / max(shape))
    height, width = (max(4, round(scale * side)) for side in shape)
    rows, columns = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    return rows, columns


def _enlarged(values: NDArray[np.floating], shape: tuple[int, int]) -> Map:
    image = Image.fromarray(values.astype(np.float32)).resize(shape[::-1], Image.Resampling.BICUBIC)
    return np.asarray(image, np.float32)
