"""Winograd's F(2x2, 3x3): 2 x 2 outputs of a 3 x 3 convolution from 16 products, where the sum has 36.

    y = A^T ((G w G^T) . (B^T d B)) A        d: a tile of 4 x 4 inputs, w: a filter, y: 2 x 2 outputs; . : number by number

    B^T = [1  0 -1  0]        G = [ 1    0    0 ]        A^T = [1  1  1  0]
          [0  1  1  0]            [1/2  1/2  1/2]              [0  1 -1  1]
          [0 -1  1  0]            [1/2 -1/2  1/2]
          [0 -1  0  1]            [ 0    0    1 ]

Tiles overlap by two rows and two columns. Over channels and filters, each of the 16 products is a matrix product:

    M_uv = V_uv U_uv        V = B^T d B: (tiles, C),   U = G w G^T: (C, O),   M: (tiles, O)

All that is left are sums and differences of whole planes, first along one axis and then along the other. Every function here is
linear, and stands beside its transpose: that is what backpropagation needs,

    gM = A gy A^T,   gU_uv = V_uv^T gM_uv,   gV_uv = gM_uv U_uv^T,   gw = G^T gU G,   gd = B gV B^T.

Winograd (1980), "Arithmetic Complexity of Computations", SIAM. Lavin & Gray (2016), "Fast Algorithms for Convolutional Neural
Networks", CVPR, section 4.1; the last rows of A^T and B^T have the other sign here, which saves a pass over memory.
"""

import numpy as np

from handmade.engine.arrays import Array

G = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])


def filters(W: Array) -> Array:
    """U = G w G^T: filters (3, 3, C, O) -> (4, 4, C, O)."""
    return _both_axes(G.astype(W.dtype), W)


def filters_transposed(gU: Array) -> Array:
    """gw = G^T gU G: (4, 4, C, O) -> (3, 3, C, O)."""
    return _both_axes(G.T.astype(gU.dtype), gU)


def tiles(x: Array) -> Array:
    """V = B^T d B for all tiles of images: (N, 2 h + 2, 2 w + 2, C) -> (4, 4, N, h, w, C)."""
    images, height, width, channels = x.shape
    h, w = height // 2 - 1, width // 2 - 1
    columns = np.empty((2, images * height, w + 1, channels), x.dtype)  # even and odd ones apart: then long runs lie on end
    for parity in range(2):
        columns[parity].reshape(images, height, w + 1, channels)[...] = x[:, :, parity::2]
    across = np.empty((4, images * height, w, channels), x.dtype)
    _transform(columns[0], columns[1], across)
    lines = across.reshape(4 * images, h + 1, 2, w * channels)
    V = np.empty((4, 4 * images, h, w * channels), x.dtype)
    _transform(lines[:, :, 0], lines[:, :, 1], V)
    return V.reshape(4, 4, images, h, w, channels)


def tiles_transposed(gV: Array) -> Array:
    """gd = B gV B^T, added up where tiles overlap: (4, 4, N, h, w, C) -> (N, 2 h + 2, 2 w + 2, C)."""
    *_, images, h, w, channels = gV.shape
    lines = np.empty((4 * images, h + 1, 2, w * channels), gV.dtype)
    _transform_transposed(gV.reshape(4, 4 * images, h, w * channels), lines[:, :, 0], lines[:, :, 1])
    height = 2 * h + 2
    columns = np.empty((2, images * height, w + 1, channels), gV.dtype)
    _transform_transposed(lines.reshape(4, images * height, w, channels), columns[0], columns[1])
    gx = np.empty((images, height, 2 * w + 2, channels), gV.dtype)
    for parity in range(2):
        gx[:, :, parity::2] = columns[parity].reshape(images, height, w + 1, channels)
    return gx


def outputs(M: Array) -> Array:
    """y = A^T M A: (4, 4, tiles, O) -> (2, 2, tiles, O), the four outputs of a tile in planes of their own."""
    y = np.empty((2, 2, *M.shape[2:]), M.dtype)
    for row, sums in zip(y, _sums(M), strict=True):
        row[0], row[1] = _sums(sums)
    return y


def outputs_transposed(gy: Array) -> Array:
    """gM = A gy A^T: (2, 2, tiles, O) -> (4, 4, tiles, O)."""
    gM = np.empty((4, 4, *gy.shape[2:]), gy.dtype)
    for row, (left, right) in zip(gM[::3], gy, strict=True):
        row[0], row[3] = left, right
        np.add(left, right, out=row[1])
        np.subtract(left, right, out=row[2])
    np.add(gM[0], gM[3], out=gM[1])
    np.subtract(gM[0], gM[3], out=gM[2])
    return gM


def _both_axes(matrix: Array, w: Array) -> Array:
    """matrix w matrix^T along the first two axes."""
    rows, columns = w.shape[:2]
    down = (matrix @ w.reshape(rows, -1)).reshape(len(matrix), columns, -1)
    across: Array = matrix @ down
    return across.reshape(len(matrix), len(matrix), *w.shape[2:])


def _transform(even: Array, odd: Array, out: Array) -> None:
    """B^T along the second axis: places 0, 2, 4, ... and 1, 3, 5, ..., each (lines, n + 1, run) -> out (4, lines, n, run)."""
    d0, d1, d2, d3 = even[:, :-1], odd[:, :-1], even[:, 1:], odd[:, 1:]
    np.subtract(d0, d2, out=out[0])
    np.add(d1, d2, out=out[1])
    np.subtract(d2, d1, out=out[2])
    np.subtract(d3, d1, out=out[3])


def _transform_transposed(g: Array, even: Array, odd: Array) -> None:
    """B along the second axis: each place is in two tiles, but the first and the last ones."""
    np.subtract(g[1], g[2], out=odd[:, :-1])
    odd[:, :-1] -= g[3]
    odd[:, -1] = 0
    odd[:, 1:] += g[3]
    np.add(g[1], g[2], out=even[:, 1:])
    even[:, 1:] -= g[0]
    even[:, 0] = 0
    even[:, :-1] += g[0]


def _sums(M: Array) -> tuple[Array, Array]:
    """A^T along the first axis."""
    above = M[1] + M[2]
    above += M[0]
    below = M[1] - M[2]
    below += M[3]
    return above, below
