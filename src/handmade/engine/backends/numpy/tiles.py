"""A convolution by 3 x 3 filters with the max-pool and the ReLU behind it, in Winograd's way: 16 products a tile.

The outputs of all tiles come in four planes, and these are the four pixels of every 2 x 2 window: nothing need be gathered.

    forward   V = B^T x B,   M = V U,   p = A^T M A,   y = relu(max over the planes of p + b)
    backward  g = gy where y > 0,   gp = g for the first plane that won, 0 for the others,   gM = A gp A^T,
              gU = V^T gM,   gx = B (gM U^T) B^T

The images of a batch are worked on a few at a time, so that what one step writes is still in the cache when the next one reads.
"""

import math
from typing import Any, TypeAlias

import numpy as np

from handmade.engine.arrays import Array, Shape
from handmade.engine.backends.numpy import winograd
from handmade.engine.backends.numpy.convolution import Convolution, finish
from handmade.engine.layers import Conv2d

CHANNELS = 8  # of input and output: with fewer, the products are too thin to gain anything
CHANNELS_ONWARD = 16  # the same, of the input, for a pass that leads to no backward, which is where most is won
TILES = 150  # in one pass: with fewer, to transform the filters costs more than it saves
CACHED = 2**21  # bytes of V and M together

Winners: TypeAlias = tuple[Array, Array]  # for each row of a window, is left first; is the upper row
Piece: TypeAlias = tuple[slice, Array, Winners | None]  # some images, their V, and who won


def serves(conv: Conv2d) -> bool:
    """Return True if Winograd's way computes this convolution, and faster."""
    plain = conv.kernel == (3, 3) and conv.stride == conv.dilation == (1, 1) and conv.groups == 1
    return plain and min(conv.W.shape[2:]) >= CHANNELS


def apart(pool: Any) -> bool:
    """Return True if the pool's windows are the tiles' outputs."""
    return bool(pool.window == pool.stride == (2, 2) and pool.padding == (0, 0))


class Tiles(Convolution):
    """Conv2d that Winograd's way `serves`, with the ReLU and the MaxPool2d with windows `apart` that follow it."""

    def forward(self, x: Array) -> Array:
        if x.shape[-1] < CHANNELS_ONWARD or len(x) * math.prod(self._tiles(x.shape[1:])) < TILES:
            return super().record(x)[0]
        return self._through(x, self._filters(), None)

    def record(self, x: Array) -> tuple[Array, Any]:
        U, pieces = self._filters(), list[Piece]()
        y = self._through(x, U, pieces)
        return y, (x.shape, y, U, pieces)

    def backward(self, kept: Any, gy: Array, *, to_input: bool) -> tuple[Array | None, dict[str, Array]]:
        pieces: list[Piece]
        shape, y, U, pieces = kept  # of a pass: x.shape, y, U and the pieces
        g = gy if self.relu is None else gy * (y > 0)
        gx = np.empty(shape, g.dtype) if to_input else None
        gU = np.zeros_like(U)
        for images, V, winners in pieces:
            gp = self._dealt(g[images], winners)
            gM = winograd.outputs_transposed(gp).reshape(16, -1, gp.shape[-1])
            gU += V.reshape(16, -1, V.shape[-1]).swapaxes(1, 2) @ gM
            if gx is not None:
                gV = (gM @ U.swapaxes(1, 2)).reshape(V.shape)
                _unframe(winograd.tiles_transposed(gV), self.conv.padding, gx[images])
        gW = winograd.filters_transposed(gU.reshape(4, 4, *gU.shape[1:]))
        rows = g.reshape(-1, g.shape[-1])
        return gx, {"W": gW, "b": np.ones(len(rows), g.dtype) @ rows}

    def _filters(self) -> Array:
        """U: (16, C, O)."""
        return winograd.filters(self.conv.W).reshape(16, *self.conv.W.shape[2:])

    def _through(self, x: Array, U: Array, pieces: list[Piece] | None) -> Array:
        """y, and what is kept of each piece put into `pieces`, if there is such a list."""
        height, width, O = self.conv.output_shape(x.shape[1:])
        h, w = self._tiles(x.shape[1:])
        y = np.empty((len(x), h, w, O) if self.pool else (len(x), 2 * h, 2 * w, O), np.result_type(x, U))
        of_an_image = 16 * h * w * (x.shape[-1] + O) * y.itemsize
        at_once = max(1, CACHED // of_an_image)
        for first in range(0, len(x), at_once):
            images = slice(first, first + at_once)
            V = winograd.tiles(_frame(x[images], self.conv.padding, (2 * h + 2, 2 * w + 2)))
            M = V.reshape(16, -1, V.shape[-1]) @ U
            planes = winograd.outputs(M.reshape(4, 4, *V.shape[2:5], O))  # (2, 2, N, h, w, O)
            if self.pool is None:
                y[images].reshape(-1, h, 2, w, 2, O)[...] = np.moveaxis(planes, (0, 1), (2, 4))
                winners = None
            else:
                rows = np.maximum(planes[:, 0], planes[:, 1])
                np.maximum(rows[0], rows[1], out=y[images])
                winners = (planes[:, 0] >= planes[:, 1], rows[0] >= rows[1]) if pieces is not None else None
            finish(y[images], self.conv.b, self.relu)
            if pieces is not None:
                pieces.append((images, V, winners))
        return y if self.pool else y[:, :height, :width]

    def _tiles(self, shape: Shape) -> tuple[int, int]:
        """Return the number of tiles, down and across: all that hold a pixel of the output, or with a pool a whole window."""
        height, width, _ = self.conv.output_shape(shape)
        return (height // 2, width // 2) if self.pool else (-(-height // 2), -(-width // 2))

    @staticmethod
    def _dealt(g: Array, winners: Winners | None) -> Array:
        """The gradient of each plane: all of it to the first winner; without a pool, to each its own."""
        if winners is None:
            images, height, width, O = g.shape
            h, w = -(-height // 2), -(-width // 2)
            even = g if (height, width) == (2 * h, 2 * w) else _frame(g, (0, 0), (2 * h, 2 * w))
            return np.ascontiguousarray(np.moveaxis(even.reshape(images, h, 2, w, 2, O), (2, 4), (0, 1)))
        left, above = winners
        gp = np.empty((2, 2, *g.shape), g.dtype)
        upper = g * above
        for row, g_row, first in zip(gp, (upper, g - upper), left, strict=True):
            np.multiply(g_row, first, out=row[0])
            np.subtract(g_row, row[0], out=row[1])
        return gp


def _frame(x: Array, padding: tuple[int, int], size: tuple[int, int]) -> Array:
    """Images with zeros above and on the left, and as many below and on the right as make them this size; or cut off there."""
    if padding == (0, 0) and size[0] <= x.shape[1] and size[1] <= x.shape[2]:
        return x[:, : size[0], : size[1]]
    framed = np.zeros((len(x), *size, x.shape[-1]), x.dtype)
    inner = framed[:, padding[0] :, padding[1] :][:, : x.shape[1], : x.shape[2]]
    inner[...] = x[:, : inner.shape[1], : inner.shape[2]]
    return framed


def _unframe(framed: Array, padding: tuple[int, int], x: Array) -> None:
    """The way back, into x; what was cut off becomes zero."""
    inner = framed[:, padding[0] :, padding[1] :][:, : x.shape[1], : x.shape[2]]
    if inner.shape != x.shape:
        x[...] = 0
    x[:, : inner.shape[1], : inner.shape[2]] = inner
