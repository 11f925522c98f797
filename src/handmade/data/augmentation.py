"""Data augmentation: random flips, crops, shifts, rotations, scales, elastic distortions and noise.

    new[i, j] = old[i', j'],   (i', j') = c + S R ((i, j) - c) + shift + bend[i, j]

c is the centre of the image, R a rotation, S a scale. Between pixels, the value is interpolated bilinearly. Outside the image it
is 0, the background, or the image is reflected there: row -1 is row 1, row H is row H - 2.

Simard, Steinkraus & Platt (2003), "Best Practices for Convolutional Neural Networks Applied to Visual Document Analysis", ICDAR,
section 2: bend is white noise smoothed by a Gaussian.
"""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike

from handmade.engine.arguments import as_array, as_generator, check_choice, described, is_number, refused
from handmade.engine.arrays import Array
from handmade.engine.image_arguments import as_raw_images

LARGEST = 1e6  # of any amount
SMOOTH = 4.0  # pixels: standard deviation of the Gaussian, as in the paper
ZERO, REFLECT = "zero", "reflect"
BORDERS = (ZERO, REFLECT)


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
    flip : float
        Probability that left and right are exchanged, at most 1. Digits and letters are no longer the same then.
    crop : int
        Largest shift along each axis by entire pixels: a random crop of the image with this number of pixels around it. Nothing
        is interpolated. It comes after the flip and before all other changes.
    border : {"zero", "reflect"}
        Pixels outside the image, for all changes: 0, or the image reflected at the centres of its first and last pixels. They
        are those of `np.pad` with mode "constant" and "reflect".

    Raises
    ------
    HandmadeError
        If a parameter is not a finite number of at least 0, the scale is not below 1, the probability is above 1, the crop is no
        integer, or there is no such border.
    """

    shift: float = 0.0
    rotation: float = 0.0
    scale: float = 0.0
    elastic: float = 0.0
    noise: float = 0.0
    flip: float = 0.0
    crop: float = 0.0
    border: str = ZERO

    def __post_init__(self) -> None:
        check_choice(self.border, "border", BORDERS)
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name == "border":
                continue
            if not (is_number(value) and 0 <= value <= LARGEST):  # NaN fails
                raise refused(field.name, f"a number from 0 to {LARGEST:g}", described(value))
            object.__setattr__(self, field.name, float(value))
        if self.scale >= 1:
            raise refused("scale", "a number below 1", str(self.scale), "scale=0.1")
        if self.flip > 1:
            raise refused("flip", "a probability from 0 to 1", str(self.flip), "flip=0.5")
        if self.crop != int(self.crop):
            raise refused("crop", "an integer", str(self.crop), "crop=4")

    def __call__(self, images: ArrayLike, rng: "np.random.Generator | int") -> Array:
        """Return randomly changed copies of images.

        Parameters
        ----------
        images : Array, (N, H, W, C) or (N, H, W)
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
            If the images have another shape or dtype.
        """
        draws, given = as_generator(rng), as_array(images, "images")
        pixels = as_raw_images(images, "images").astype(np.float32)  # (N, H, W, C)
        if self.flip:
            flipped = draws.random(len(pixels)) < self.flip
            pixels[flipped] = pixels[flipped, :, ::-1]
        if self.crop:
            most = int(self.crop)
            pixels = cropped(pixels, draws.integers(-most, most + 1, (2, len(pixels))), self.border)
        if self.shift or self.rotation or self.scale or self.elastic:
            places = self._places(pixels.shape[:3], draws)  # the same for all channels
            if self.border == REFLECT:
                places = np.stack([reflected(each, size) for each, size in zip(places, pixels.shape[1:3], strict=True)])
            pixels = np.stack([sampled(pixels[..., c], places) for c in range(pixels.shape[3])], axis=-1)
        if self.noise:
            pixels += np.float32(self.noise) * draws.standard_normal(pixels.shape, np.float32)
        np.clip(pixels, 0, 255, out=pixels)
        pixels += 0.5
        return pixels.astype(given.dtype).reshape(given.shape)

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


def cropped(images: Array, shifts: Array, border: str) -> Array:
    """Return images (N, H, W, C) moved by entire pixels: new[n, i, j] = old[n, i + shifts[0, n], j + shifts[1, n]]."""
    count, *sizes = images.shape[:3]
    rows, columns = (np.arange(size) + shift[:, None] for size, shift in zip(sizes, shifts, strict=True))  # (N, H), (N, W)
    nearest = [
        reflected(each, size) if border == REFLECT else each.clip(0, size - 1)
        for each, size in zip((rows, columns), sizes, strict=True)
    ]
    moved: Array = images[np.arange(count)[:, None, None], nearest[0][:, :, None], nearest[1][:, None, :]]
    if border == ZERO:
        moved[(nearest[0] != rows)[:, :, None] | (nearest[1] != columns)[:, None, :]] = 0
    return moved


def reflected(places: Array, size: int) -> Array:
    """Return places within 0 ... size - 1 for places on a line of pixels that is reflected at its first and last pixel."""
    last = size - 1
    if last == 0:
        return np.zeros_like(places)
    folded: Array = np.abs((np.abs(places) + last) % (2 * last) - last)
    return folded


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
