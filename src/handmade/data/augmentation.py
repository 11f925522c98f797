"""Data augmentation: random shifts, rotations, scales, elastic distortions and noise.

    new[i, j] = old[i', j'],   (i', j') = c + S R ((i, j) - c) + shift + bend[i, j]

c is the centre of the image, R a rotation, S a scale. Between pixels, the value is interpolated bilinearly; outside the image it
is 0, the background.

Simard, Steinkraus & Platt (2003), "Best Practices for Convolutional Neural Networks Applied to Visual Document Analysis", ICDAR,
section 2: bend is white noise smoothed by a Gaussian.
"""

import math
from dataclasses import dataclass, fields

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError

SMOOTH = 4.0  # pixels: standard deviation of the Gaussian, as in the paper


@dataclass(frozen=True)
class Augmentation:
    """Random changes of images, with separate random amounts for each image; 0 leaves a change out.

    Parameters
    ----------
    shift : float
        Largest shift along each axis, in pixels.
    rotation : float
        Largest rotation in either direction, in degrees.
    scale : float
        Largest relative change of size, below 1: 0.1 is ten per cent.
    elastic : float
        Root mean square of the elastic displacement along each axis, in pixels.
    noise : float
        Standard deviation of the noise that is added to each pixel, in grey levels of 0 to 255.

    Raises
    ------
    HandmadeError
        If a parameter is not a finite number of at least 0, or the scale is not below 1.
    """

    shift: float = 0.0
    rotation: float = 0.0
    scale: float = 0.0
    elastic: float = 0.0
    noise: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not (isinstance(value, int | float) and math.isfinite(value) and value >= 0):
                raise HandmadeError(f"{field.name}: expected a number of at least 0; got {value!r:.80}. Try {field.name}=0.1")
        if self.scale >= 1:
            raise HandmadeError(f"scale: expected a number below 1; got {self.scale}. Try scale=0.1 for 10 %")

    def __call__(self, images: Array, rng: "np.random.Generator") -> Array:
        """Return randomly changed copies of images.

        Parameters
        ----------
        images : Array, (N, H, W, 1) of uint8
        rng : np.random.Generator
            Source of the random amounts.

        Returns
        -------
        Array, (N, H, W, 1) of uint8

        Raises
        ------
        HandmadeError
            If the images have another shape or dtype.
        """
        if images.ndim != 4 or images.shape[-1] != 1 or images.dtype != np.uint8:
            raise HandmadeError(f"images: expected an array (N, H, W, 1) of uint8; got {images.shape} of {images.dtype}")
        grey = images[..., 0].astype(np.float32)  # (N, H, W)
        if self.shift or self.rotation or self.scale or self.elastic:
            grey = sampled(grey, self._places(grey.shape, rng))
        if self.noise:
            grey += np.float32(self.noise) * rng.standard_normal(grey.shape, np.float32)
        np.clip(grey, 0, 255, out=grey)
        grey += 0.5
        return grey.astype(np.uint8)[..., None]

    def _places(self, shape: tuple[int, ...], rng: "np.random.Generator") -> Array:
        """Return the source position of each new pixel, rows and columns: (2, N, H, W)."""
        images, height, width = shape
        turn = np.radians(rng.uniform(-self.rotation, self.rotation, images))
        size = 1 / (1 + rng.uniform(-self.scale, self.scale, images))  # a larger image has smaller steps between source positions
        shift = rng.uniform(-self.shift, self.shift, (2, images))
        cos, sin = (size * np.cos(turn)).astype(np.float32), (size * np.sin(turn)).astype(np.float32)
        down = np.arange(height, dtype=np.float32) - np.float32((height - 1) / 2)
        right = np.arange(width, dtype=np.float32) - np.float32((width - 1) / 2)
        places = np.empty((2, *shape), np.float32)
        middle = shift + np.array([[(height - 1) / 2], [(width - 1) / 2]])
        for axis, (of_rows, of_columns) in enumerate(((cos, -sin), (sin, cos))):
            rows = of_rows[:, None] * down + middle[axis].astype(np.float32)[:, None]  # (N, H)
            np.add(rows[:, :, None], (of_columns[:, None] * right)[:, None, :], out=places[axis])
        if self.elastic:
            places += np.float32(self.elastic) * _bend(places.shape, rng)
        return places


def sampled(images: Array, places: Array) -> Array:
    """Interpolate images (N, H, W) at positions (2, N, H', W'), rows and columns; outside the image the value is 0."""
    count, height, width = images.shape
    paper = np.zeros((count, height + 3, width + 3), images.dtype)  # with a margin, to which outside positions are clipped
    paper[:, 1:-2, 1:-2] = images
    i, j = np.clip(places[0] + 1, 0, height + 1), np.clip(places[1] + 1, 0, width + 1)
    above, left = i.astype(np.int32), j.astype(np.int32)
    i -= above
    j -= left
    first = above * (width + 3) + left + (np.arange(count, dtype=np.int32) * paper[0].size)[:, None, None]
    flat = paper.ravel()
    upper: Array = flat.take(first)
    lower: Array = flat.take(first + (width + 3))
    upper += j * (flat.take(first + 1) - upper)
    lower += j * (flat.take(first + (width + 4)) - lower)
    upper += i * (lower - upper)
    return upper


def _bend(shape: tuple[int, ...], rng: "np.random.Generator") -> Array:
    """Return white noise smoothed by a Gaussian along both axes, with variance 1 everywhere."""
    *_, height, width = shape
    smooth: Array = _gaussian(height) @ rng.standard_normal(shape, np.float32) @ _gaussian(width).T
    return smooth


def _gaussian(size: int) -> Array:
    """Return the matrix (size, size) that smooths a line of pixels; its rows have norm 1, which keeps the variance."""
    pixels = np.arange(size, dtype=np.float32)
    weights = np.exp(-np.square((pixels[:, None] - pixels) / SMOOTH) / 2)
    matrix: Array = weights / np.sqrt(np.square(weights).sum(axis=1, keepdims=True))
    return matrix
