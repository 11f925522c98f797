"""Contested windows after the next convolution behind a nudged one, in compiled loops, for one image.

    dy = the exact difference of the nudged filter's own output,   dz = sum over taps of w dy,   then the exact choice

Nudges of a filter change one channel of the input of the next convolution. So a window after it costs one product for each tap.
"""

from typing import Any

import numpy as np

from handmade.compiled.jit import loops
from handmade.compiled.tiles import along, larger, outer, spread, store, width, zeros


@loops
def next_convolution(
    row_tile: Any,
    square: Any,
    x: Any,
    origin: Any,
    runs: Any,
    length: int,
    z: Any,
    pixels: Any,
    O: int,
    relu: bool,
    y: Any,
    step: Any,
    low: int,
    high: int,
    next_origin: Any,
    taps: Any,
    pixel_of: Any,
    w: Any,
    next_z: Any,
    next_pixels: Any,
    next_O: int,
    next_relu: bool,
    next_y: Any,
    contested: Any,
    found: int,
    lanes: Any,
    M: int,
    dz: Any,
) -> None:
    """Add the changes by the same nudges through contested windows after the next convolution, which reads only these filters.

    w (filters, next_O, taps). next_origin[p] + taps[t]: place of tap t of window p in the padded image; pixel_of: the window of
    this convolution at that place, or -1. Nudges are contiguous, and processed as vectors; the number of rows of `square` is
    the number of nudges in a vector.
    """
    size, W = runs.size * length, width(row_tile)
    nudges = size + 1
    wide, windows, K = -(-nudges // W) * W, y.size // O, next_pixels.shape[1]
    # the windows that each contested window reads; outside the image, one that never changes
    sources = np.empty((found, K, taps.size), np.int64)
    needed = np.zeros(windows + 1, np.bool_)
    for e in range(found):
        for k in range(K):
            for t in range(taps.size):
                source = pixel_of[next_origin[next_pixels[contested[e, 1], k]] + taps[t]]
                sources[e, k, t] = windows if source < 0 else source
                needed[sources[e, k, t]] = True
    # inputs of the nudges: a patch, 1 for the bias, zeros
    patches = np.empty(origin.size * wide, x.dtype)
    for q in range(windows):
        if needed[q]:
            for k in range(pixels.shape[1]):
                p = pixels[q, k]
                patch = patches[p * wide : (p + 1) * wide]
                for r in range(runs.size):
                    for i in range(length):
                        patch[r * length + i] = x[origin[p] + runs[r] + i]
                patch[size] = 1
                patch[nudges:] = 0
    dy = np.zeros((windows + 1) * wide, x.dtype)
    best, added = np.empty(W, x.dtype), np.empty(W * M, x.dtype)
    for filter_ in range(low, high):
        for q in range(windows):
            if needed[q]:
                m = y[q * O + filter_]
                for a in range(0, wide, W):
                    t = spread(row_tile, -m if relu else -np.inf)
                    for k in range(pixels.shape[1]):
                        p = pixels[q, k]
                        t = larger(t, along(spread(row_tile, z[p * O + filter_] - m), step, patches, p * wide + a, 0))
                    store(t, dy, q * wide + a, 0)
        out = dz[(filter_ - low) * nudges * M : (filter_ - low + 1) * nudges * M]
        for a in range(0, wide, W):
            for b in range(0, M, W):
                total = zeros(square)
                for e in range(found):
                    o, q = contested[e, 0], contested[e, 1]
                    m, factors = next_y[q * next_O + o], w[filter_, o]
                    t = spread(row_tile, -m if next_relu else -np.inf)
                    for k in range(K):
                        into = spread(row_tile, next_z[next_pixels[q, k] * next_O + o] - m)
                        for i in range(taps.size):
                            into = along(into, factors[i], dy, sources[e, k, i] * wide + a, 0)
                        t = larger(t, into)
                    store(t, best, 0, 0)
                    total = outer(total, best, 0, 1, lanes, contested[e, 2] * M + b)
                store(total, added, b, M)
            for k in range(min(W, nudges - a) * M):
                out[a * M + k] += added[k]
