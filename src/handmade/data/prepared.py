"""Preparation of images for a network.

prepared[n, 1 + i, 1 + j, c] = images[n, i, j, c] / 255, with one pixel of zeros all around
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from handmade.engine.arguments import as_dtype
from handmade.engine.arrays import Array, Shape
from handmade.engine.image_arguments import as_raw_images
from handmade.engine.network import Network, check_network

BORDER = 1  # rows and columns of zeros on each side


def prepare(images: ArrayLike, dtype: DTypeLike = np.float32) -> Array:
    """Scale images to 0 ... 1 and lay one pixel of zeros around each.

    Parameters
    ----------
    images
        (N, H, W, C) or (N, H, W) integers from 0 to 255, such as uint8.
    dtype
        Any dtype of floats; the quotient by 255 is correctly rounded in it.

    Returns
    -------
    Array
        (N, H + 2, W + 2, C), of `dtype` in native byte order.

    Raises
    ------
    HandmadeError
        If `images` is anything else, or `dtype` is no dtype of floats.
    """
    raw, floats = as_raw_images(images, "images"), as_dtype(dtype).newbyteorder("=")
    padded = np.pad(raw, ((0, 0), (BORDER, BORDER), (BORDER, BORDER), (0, 0)))  # (N, H + 2, W + 2, C), still one byte a pixel
    prepared: Array = np.divide(padded, 255, dtype=floats)
    return prepared


def prepare_for(network: Network, dtype: DTypeLike | None = None) -> Callable[[NDArray[Any]], Array]:
    """Return the function from raw images (N, H, W, C) to inputs of a network: its own preparation, or else `prepare`.

    The inputs are of the network's dtype, or of another. The layout of the preparation plays no part: that is known here.
    """
    check_network(network, "handmade.data.prepare_for(network)")
    own = network.preparation and replace(network.preparation, layout="NHWC")
    return partial(own or prepare, dtype=network.dtype if dtype is None else as_dtype(dtype))


def raw_shape(network: Network) -> Shape | None:
    """Return the shape of a raw image, (H, W, C) of uint8, that a network reads; None if it reads no images."""
    shape = network.input_shape
    if len(shape) != 3:
        return None
    around = BORDER if network.preparation is None else network.preparation.padding
    rows, columns = shape[0] - 2 * around, shape[1] - 2 * around
    return (rows, columns, shape[2]) if min(rows, columns) > 0 else None
