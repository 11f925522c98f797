"""Digits drawn a little differently each time: shifted, turned, scaled, bent like rubber, and with noise.

    new[i, j] = old[i', j'],   (i', j') = c + S R ((i, j) - c) + shift + bend[i, j]

c is the middle of the image, R a rotation, S a scale. Where (i', j') falls between pixels, the four around it count by how near
they are; outside the image there is paper.

Simard, Steinkraus & Platt (2003), "Best Practices for Convolutional Neural Networks Applied to Visual Document Analysis", ICDAR,
section 2: bend is white noise smoothed by a Gaussian.
"""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike

from handmade.engine.arguments import as_array, as_generator, described, is_number, refused
from handmade.engine.arrays import Array
from handmade.engine.image_arguments import as_raw_images

LARGEST = 1e6  # of any amount
SMOOTH = 4.0  # pixels: the width of the Gaussian, as in the paper


@dataclass(frozen=True)
class Augmentation:
    """How much images are changed, each by amounts of its own; 0 leaves that out.

    Parameters
    ----------
    shift : float
        Up to so many pixels down or up, and right or left.
    rotation : float
        Up to so many degrees either way.
    scale : float
        Up to so much larger or smaller, as a share: 0.1 is ten per cent; below 1.
    elastic : float
        How far pixels are displaced by bending, in pixels: the root mean square along each axis.
    noise : float
        The standard deviation of what is added to each pixel, in grey levels of 0 to 255.

    Raises
    ------
    HandmadeError
        If one of them is not a finite number of at least 0, or the scale is not below 1.
    """

    shift: float = 0.0
    rotation: float = 0.0
    scale: float = 0.0
    elastic: float = 0.0
    noise: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not (is_number(value) and 0 <= value <= LARGEST):  # so written that NaN does not fit
                raise refused(field.name, f"a number from 0 to {LARGEST:g}", described(value))
            object.__setattr__(self, field.name, float(value))
        if self.scale >= 1:
            raise refused("scale", "a share below 1", str(self.scale))

    def __call__(self, images: ArrayLike, rng: "np.random.Generator | int") -> Array:
        """Change each image.

        Parameters
        ----------
        images : Array, (N, H, W, 1) or (N, H, W)
            Integers from 0 to 255, such as uint8.
        rng : np.random.Generator or int
            Generator of the amounts, or its seed.

        Returns
        -------
        Array
            Of the shape and dtype of the images.

        Raises
        ------
        HandmadeError
            If the images are anything else.
        """
        draws, given = as_generator(rng), as_array(images, "images")
        grey = as_raw_images(images, "images")[..., 0].astype(np.float32)  # (N, H, W)
        if self.shift or self.rotation or self.scale or self.elastic:
            grey = sampled(grey, self._places(grey.shape, draws))
        if self.noise:
            grey += np.float32(self.noise) * draws.standard_normal(grey.shape, np.float32)
        np.clip(grey, 0, 255, out=grey)
        grey += 0.5
        return grey.astype(given.dtype).reshape(given.shape)

    def _places(self, shape: tuple[int, ...], rng: "np.random.Generator") -> Array:
        """Where each new pixel is read from: (2, N, H, W), rows and columns."""
        images, height, width = shape
        turn = np.radians(rng.uniform(-self.rotation, self.rotation, images))
        size = 1 / (1 + rng.uniform(-self.scale, self.scale, images))  # a larger image is read in smaller steps
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
    """Read images (N, H, W) between their pixels, at places (2, N, H', W') given as rows and columns; outside is 0."""
    count, height, width = images.shape
    paper = np.zeros((count, height + 3, width + 3), images.dtype)  # so much around them that places can be clipped to it
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
    """White noise smoothed by a Gaussian along both axes, of variance 1 everywhere."""
    *_, height, width = shape
    smooth: Array = _gaussian(height) @ rng.standard_normal(shape, np.float32) @ _gaussian(width).T
    return smooth


def _gaussian(size: int) -> Array:
    """The matrix that smooths a line of so many pixels; each row has the length 1, which keeps the variance."""
    pixels = np.arange(size, dtype=np.float32)
    weights = np.exp(-np.square((pixels[:, None] - pixels) / SMOOTH) / 2)
    matrix: Array = weights / np.sqrt(np.square(weights).sum(axis=1, keepdims=True))
    return matrix
