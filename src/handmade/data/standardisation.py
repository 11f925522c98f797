"""Standardisation of training images, as the preparation of a network: mean 0 and variance 1 in each channel.

    x = (pixel - mean) / deviation        so scale = 1 / deviation and shift = -mean / deviation
    mean = sum of a_n x_n / sum of a_n,   deviation^2 = sum of a_n (x_n - mean)^2 / sum of a_n

The sums go over all pixels of a channel in all samples, and a_n is the weight of a sample. So pixels from 0 to 1, from 0 to 16
and from 0 to 255 give the same inputs. A channel that is constant gives 0.
"""

from collections.abc import Iterator

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.preparation import LARGEST, Preparation

AT_ONCE = 1000  # samples in float64


def standardisation(images: Array, weights: Array | None, padding: int) -> Preparation:
    """Return the preparation that standardises these images.

    Parameters
    ----------
    images : Array, (N, H, W, C)
        Finite numbers of any dtype.
    weights : Array, (N,), optional
        Weights of the samples.
    padding : int
        Rows and columns of zeros, which is the mean, around each standardised image.
    """
    a = np.ones(len(images)) if weights is None else weights
    largest = np.zeros(images.shape[-1])
    for pixels, _ in _blocks(images, a):
        largest = np.maximum(largest, np.abs(pixels).max(axis=(0, 1)))
    unit = np.where(largest > 0, largest, 1)  # no square of a pixel in this unit overflows or vanishes
    total = a.sum() * images[0, ..., 0].size
    mean = sum((share @ (pixels / unit).sum(axis=1) for pixels, share in _blocks(images, a)), np.zeros(len(unit))) / total
    squares = sum(
        (share @ np.square(pixels / unit - mean).sum(axis=1) for pixels, share in _blocks(images, a)), np.zeros(len(unit))
    )
    deviation = np.sqrt(squares / total)
    varies = deviation > np.finfo(np.float64).eps  # of the unit: less is the rounding of a constant
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        scale, shift = 1 / (deviation * unit), -mean / deviation
        varies &= scale <= LARGEST
    return Preparation(tuple(np.where(varies, scale, 0).tolist()), tuple(np.where(varies, shift, 0).tolist()), padding)


def _blocks(images: Array, weights: Array) -> Iterator[tuple[Array, Array]]:
    """Yield some images at a time in float64, (n, pixels, C), and their weights (n,)."""
    for first in range(0, len(images), AT_ONCE):
        block = images[first : first + AT_ONCE].astype(np.float64)
        yield block.reshape(len(block), -1, block.shape[-1]), weights[first : first + AT_ONCE]
