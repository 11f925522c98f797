"""Directions of edges of an image, by cell: what a digit looks like without the width of its strokes.

f(x) = square roots of the mean strengths of edges, in 8 directions and 7 x 7 cells, of mean square 1

Source: N. Dalal, B. Triggs, "Histograms of oriented gradients for human detection", CVPR (2005).
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

DIRECTIONS = 8
CELL = 4  # pixels
SPREAD = 2.0  # pixels: standard deviation of the weights of a cell
SHARP = 0.7  # of the strength of an edge: less of it along a direction does not count


def edges(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the directions of edges of images (N, 28, 28, 1): (N, 7, 7, 8) float32, each image of mean square 1."""
    x = np.pad(images[..., 0].astype(np.float32) / 255, ((0, 0), (1, 1), (1, 1)))
    across, down = x[:, :, 2:] - x[:, :, :-2], x[:, 2:] - x[:, :-2]
    right = across[:, :-2] + 2 * across[:, 1:-1] + across[:, 2:]  # the operator of Sobel
    below = down[:, :, :-2] + 2 * down[:, :, 1:-1] + down[:, :, 2:]
    least = np.float32(SHARP) * np.hypot(right, below)
    weights = _weights(images.shape[1])
    parts = []
    for direction in range(DIRECTIONS):
        angle = 2 * np.pi * direction / DIRECTIONS
        along = np.float32(np.cos(angle)) * right + np.float32(np.sin(angle)) * below - least
        parts.append(weights.T @ np.maximum(along, 0) @ weights)  # (N, 7, 7)
    roots = np.sqrt(np.stack(parts, axis=-1))
    sizes = np.sqrt(np.square(roots).mean(axis=(1, 2, 3), keepdims=True))
    normal: NDArray[np.float32] = roots / np.maximum(sizes, np.float32(1e-9))
    return normal


@cache
def _weights(side: int) -> NDArray[np.float32]:
    """Return the weight of each row of pixels in each row of cells: (side, number of cells)."""
    pixels = np.arange(side)[:, None]
    centres = np.arange(side // CELL) * CELL + (CELL - 1) / 2
    weights: NDArray[np.float32] = np.exp(-np.square((pixels - centres) / SPREAD) / 2).astype(np.float32)
    return weights
