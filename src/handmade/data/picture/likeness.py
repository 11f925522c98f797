"""Likeness of an image to digits of the training data: a second opinion beside the network.

f(x)  = square roots of the mean strengths of edges, in 8 directions and 7 x 7 cells, of norm 1
d²    = mean of |f(x) - f(t)|² over the 5 nearest training images t

A letter or a scribble, for which a network may be sure, is far from all digits. The nearest digits also have classes.

Sources: N. Dalal, B. Triggs, "Histograms of oriented gradients for human detection", CVPR (2005), for the features; D. Hendrycks,
K. Gimpel, "A baseline for detecting misclassified and out-of-distribution examples in neural networks", ICLR (2017), on why the
probability of a network does not suffice.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from handmade.data.dataset import mnist

REFERENCES = 10_000  # first images of the training data
BLOCK = 500  # images at a time: their arrays fit the cache
DIRECTIONS = 8
CELL = 4  # pixels
SPREAD = 2.0  # pixels: standard deviation of the weights of a cell
SHARP = 0.7  # of the strength of an edge: less of it along a direction does not count
NEAREST = 5


@dataclass(frozen=True, eq=False)
class Likeness:
    """Likeness of an image to training images.

    Attributes
    ----------
    distance
        Mean squared distance to the nearest training images.
    classes
        (5,) int64: their classes, the nearest first.
    """

    distance: float
    classes: NDArray[np.int64]


def likeness(image: NDArray[np.uint8]) -> Likeness:
    """Compare an image with training images.

    Parameters
    ----------
    image
        (28, 28, 1) uint8.
    """
    references, labels = _references()
    squared = 2 - 2 * references @ features(image[None])[0]  # (REFERENCES,)
    nearest = np.argpartition(squared, NEAREST)[:NEAREST]
    nearest = nearest[np.argsort(squared[nearest])]
    return Likeness(float(squared[nearest].mean()), labels[nearest])


def features(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the directions of edges, by cell, of images (N, 28, 28, 1): (N, 392) float32 of norm 1."""
    x = np.pad(images[..., 0].astype(np.float32) / 255, ((0, 0), (1, 1), (1, 1)))
    across, down = x[:, :, 2:] - x[:, :, :-2], x[:, 2:] - x[:, :-2]
    right = across[:, :-2] + 2 * across[:, 1:-1] + across[:, 2:]  # the operator of Sobel
    below = down[:, :, :-2] + 2 * down[:, :, 1:-1] + down[:, :, 2:]
    least = np.float32(SHARP) * np.hypot(right, below)
    cells = _cells(images.shape[1])
    parts = []
    for direction in range(DIRECTIONS):
        angle = 2 * np.pi * direction / DIRECTIONS
        along = np.float32(np.cos(angle)) * right + np.float32(np.sin(angle)) * below - least
        parts.append(np.maximum(along, 0).reshape(len(x), -1) @ cells)
    roots = np.sqrt(np.concatenate(parts, axis=1))
    norms = np.linalg.norm(roots, axis=1, keepdims=True)
    normal: NDArray[np.float32] = roots / np.maximum(norms, np.float32(1e-9))
    return normal


@cache
def _cells(side: int) -> NDArray[np.float32]:
    """Return the weight of each pixel in each cell: (side², number of cells)."""
    pixels = np.arange(side)[:, None]
    centres = np.arange(side // CELL) * CELL + (CELL - 1) / 2
    weights = np.exp(-np.square((pixels - centres) / SPREAD) / 2)
    cells: NDArray[np.float32] = np.einsum("ia,jb->ijab", weights, weights).reshape(side * side, -1).astype(np.float32)
    return cells


@cache
def _references() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the features and the classes of the first training images."""
    digits = mnist().train
    parts = [features(digits.images[first : first + BLOCK]) for first in range(0, REFERENCES, BLOCK)]
    return np.concatenate(parts), digits.labels[:REFERENCES]
