"""Gradients of a convolution from its forward pass alone: the loss is linear in W and in x, so unit arrays give its slopes.

L = sum of gy * conv2d(x, W, 0)        gW[k] = L for W = e_k        gx[k] = L for x = e_k
"""

import numpy as np

from handmade.engine import loops
from handmade.learn.arguments import Array, numbers

Pair = tuple[int, int]
Four = tuple[int, int, int, int]


def gradient_of_weights(gy: Array, x: Array, kernel: Pair, stride: Pair, padding: Pair) -> Array:
    """Return gW (K_h, K_w, C, O). An output sees the filter of its own channel alone, so all filters go together."""
    C, O = x.shape[3], gy.shape[3]
    gW = np.zeros((*kernel, C, O))
    for i, j, c in np.ndindex(*kernel, C):
        unit = np.zeros((*kernel, C, 1))
        unit[i, j, c] = 1
        gW[i, j, c] = (gy * loops.conv2d(x, unit, np.zeros(1), stride, padding)).sum(axis=(0, 1, 2))
    return gW


def gradient_of_images(gy: Array, W: Array, shape: Four, stride: Pair, padding: Pair) -> Array:
    """Return gx (N, H, W, C). Images do not depend on each other, so all of them go together."""
    gx = np.zeros(shape)
    for h, w, c in np.ndindex(*shape[1:]):
        unit = np.zeros((1, *shape[1:]))
        unit[0, h, w, c] = 1
        gx[:, h, w, c] = (gy * loops.conv2d(unit, W, np.zeros(W.shape[3]), stride, padding)).sum(axis=(1, 2, 3))
    return gx


def output_shape(x: Four, W: Four, stride: Pair, padding: Pair) -> Four:
    """Return the shape of the output of a convolution."""
    rows, columns = (loops.output_size(x[1 + k] + 2 * padding[k], W[k], stride[k]) for k in (0, 1))
    return x[0], rows, columns, W[3]


SHAPES: tuple[tuple[str, Four, Four, Pair, Pair], ...] = (  # concept, x, W, stride, padding
    ("values", (1, 3, 3, 1), (2, 2, 1, 1), (1, 1), (0, 0)),
    ("values", (1, 4, 4, 1), (3, 3, 1, 1), (1, 1), (0, 0)),
    ("rectangular", (1, 3, 5, 1), (2, 3, 1, 1), (1, 1), (0, 0)),
    ("rectangular", (1, 5, 3, 1), (3, 1, 1, 1), (1, 1), (0, 0)),
    ("channels", (1, 3, 3, 3), (2, 2, 3, 1), (1, 1), (0, 0)),
    ("channels", (1, 3, 4, 2), (2, 2, 2, 1), (1, 1), (0, 0)),
    ("filters", (1, 3, 3, 1), (2, 2, 1, 3), (1, 1), (0, 0)),
    ("filters", (1, 3, 4, 2), (2, 2, 2, 2), (1, 1), (0, 0)),
    ("batch", (2, 3, 3, 1), (2, 2, 1, 2), (1, 1), (0, 0)),
    ("batch", (3, 3, 4, 2), (2, 2, 2, 1), (1, 1), (0, 0)),
    ("stride", (1, 5, 5, 1), (2, 2, 1, 1), (2, 2), (0, 0)),
    ("stride", (1, 6, 7, 1), (2, 3, 1, 1), (3, 2), (0, 0)),
    ("stride", (1, 4, 6, 2), (2, 2, 2, 1), (1, 3), (0, 0)),
    ("padding", (1, 3, 3, 1), (3, 3, 1, 1), (1, 1), (1, 1)),
    ("padding", (1, 3, 4, 1), (2, 3, 1, 1), (1, 1), (2, 1)),
    ("padding", (1, 5, 4, 1), (3, 2, 1, 1), (2, 3), (1, 2)),
    ("padding", (1, 5, 7, 1), (2, 2, 1, 1), (3, 2), (1, 0)),
    ("padding", (2, 4, 3, 2), (2, 2, 2, 2), (2, 1), (0, 1)),
    ("stride", (1, 4, 2, 1), (2, 2, 1, 1), (2, 1), (0, 0)),  # swapped strides stay inside of the image
)


def upstream(seed: int, x: Four, W: Four, stride: Pair, padding: Pair) -> Array:
    """Return random gradients of the output: a uniform gradient would hide mistakes."""
    return numbers(seed, *output_shape(x, W, stride, padding))
