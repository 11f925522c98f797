"""Small changes of an image of a digit: turned, sheared, moved, larger or smaller, thicker or thinner.

A digit that is read as another one after such a change is not certain.
"""

import numpy as np
from numpy.typing import NDArray

from handmade.data.augmentation import sampled
from handmade.engine.arrays import Array

TURN = 10.0  # degrees
SHEAR = 0.15
SCALE = 0.1
SHIFT = 1.5  # pixels
THICKER, THINNER = 0.6, 1.6  # exponents of the grey levels


def variants(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return an image and small changes of it.

    Parameters
    ----------
    image
        (H, W, 1) uint8: 0 is paper.

    Returns
    -------
    Array
        (13, H, W, 1) uint8, the image itself first.
    """
    grey = image[..., 0].astype(np.float32)
    height, width = grey.shape
    turn = np.radians(TURN)
    sheared = [np.array([[1.0, 0.0], [shear, 1.0]]) for shear in (SHEAR, -SHEAR)]
    maps = [_turned(turn), _turned(-turn), *sheared, (1 + SCALE) * np.eye(2), (1 - SCALE) * np.eye(2)]
    shifts = [(0, 0)] * len(maps) + [(SHIFT, 0), (-SHIFT, 0), (0, SHIFT), (0, -SHIFT)]
    matrices = np.stack([*maps, *[np.eye(2)] * 4]).astype(np.float32)
    middle = np.array([(height - 1) / 2, (width - 1) / 2], np.float32)
    places = np.moveaxis(np.mgrid[:height, :width], 0, -1).astype(np.float32) - middle  # (H, W, 2): rows and columns
    moved = np.einsum("nab,ijb->anij", matrices, places) + middle[:, None, None, None]
    moved += np.array(shifts, np.float32).T[:, :, None, None]
    changed = sampled(np.repeat(grey[None], len(matrices), axis=0), moved)
    toned = [255 * (grey / 255) ** exponent for exponent in (THICKER, THINNER)]
    everything = np.concatenate([grey[None], changed, np.stack(toned)])
    changed_images: NDArray[np.uint8] = np.rint(np.clip(everything, 0, 255)).astype(np.uint8)[..., None]
    return changed_images


def _turned(angle: float) -> Array:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.array([[cos, -sin], [sin, cos]])
