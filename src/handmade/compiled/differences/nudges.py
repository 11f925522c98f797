"""Nudges of the weights of a convolution, in compiled loops, for one image.

    lanes[place, l]   change of output l of the rest of the network for a change by 1 at a place of an activation
    dz[nudge, l]      change of output l for a nudge of a weight

Arrays of lanes and of dz are flat: M numbers for each place or nudge, M a multiple of the tile's width.
"""

from typing import Any

import numpy as np

from handmade.compiled.jit import loops
from handmade.compiled.tiles import add_products, along, load, outer, rows, spread, store, width, zeros


@loops
def filter_nudges(
    tile: Any,
    one_row: Any,
    x: Any,
    origin: Any,
    runs: Any,
    length: int,
    place: Any,
    row: Any,
    count: Any,
    lanes: Any,
    M: int,
    step: Any,
    low: int,
    high: int,
    dz: Any,
) -> None:
    """Compute dz for the nudges of filters low to high, through the fixed windows.

    dz[o, k, :] = step * sum over windows of patch[k] lanes, and for the bias, k = patch, of lanes: (high - low, patch + 1, M)
    """
    size, one = runs.size * length, x.dtype.type(1)
    for o in range(low, high):
        out = dz[(o - low) * (size + 1) * M : (o - low + 1) * (size + 1) * M]
        for r in range(runs.size):
            for a in range(0, M, width(tile)):
                full = length - length % rows(tile)
                for m in range(0, full, rows(tile)):
                    t = zeros(tile)
                    for e in range(count[o]):
                        t = outer(t, x, origin[place[o, e]] + runs[r] + m, 1, lanes, row[o, e] * M + a)
                    store(t, out, (r * length + m) * M + a, M)
                for m in range(full, length):
                    k = (r * length + m) * M + a
                    out[k : k + width(tile)] = 0
                    for e in range(count[o]):
                        pixel = x[origin[place[o, e]] + runs[r] + m]
                        for l in range(width(tile)):
                            out[k + l] += pixel * lanes[row[o, e] * M + a + l]
        for a in range(0, M, width(one_row)):
            t = zeros(one_row)
            for e in range(count[o]):
                t = along(t, one, lanes, row[o, e] * M + a, 0)
            store(t, out, size * M + a, 0)
        for k in range(out.size):
            out[k] *= step


@loops
def nudges_across(
    tile: Any,
    one_row: Any,
    x: Any,
    origin: Any,
    runs: Any,
    length: int,
    place: Any,
    row: Any,
    count: Any,
    lanes: Any,
    M: int,
    K: int,
    step: Any,
    low: int,
    high: int,
    dz: Any,
) -> None:
    """Compute dz as `filter_nudges`, for the first K outputs only, with nudges of an output side by side: dz (K, nudges), flat.

    A vector holds numbers of a patch, and a tile has a row for each output, so that no vector is filled up with zeros. A run is
    at least as long as a row of the tile, and K is at least its number of rows; the last tiles overlap the ones before. The lanes
    of a filter are first copied side by side: in their array they are so far apart that they evict each other from the cache.
    """
    size, one = runs.size * length, x.dtype.type(1)
    total = (high - low) * (size + 1)
    bias, most = np.empty(M, x.dtype), count[low:high].max()
    own, pixel = np.empty(most * M, x.dtype), np.empty(most, np.int64)
    for o in range(low, high):
        first = (o - low) * (size + 1)
        for e in range(count[o]):
            pixel[e] = origin[place[o, e]]
            for a in range(0, M, width(one_row)):
                store(load(one_row, lanes, row[o, e] * M + a, 0), own, e * M + a, 0)
        for r in range(runs.size):
            for begin in range(0, length, width(tile)):
                m = min(begin, length - width(tile))
                for part in range(0, K, rows(tile)):
                    k = min(part, K - rows(tile))
                    t = zeros(tile)
                    for e in range(count[o]):
                        t = outer(t, own, e * M + k, 1, x, pixel[e] + runs[r] + m)
                    t = add_products(zeros(tile), t, spread(tile, step))
                    store(t, dz, k * total + first + r * length + m, total)
        for a in range(0, M, width(one_row)):
            t = zeros(one_row)
            for e in range(count[o]):
                t = along(t, one, own, e * M + a, 0)
            store(t, bias, a, 0)
        for k in range(K):
            dz[k * total + first + size] = step * bias[k]


@loops
def difference_of_window(
    x: Any,
    origin: Any,
    runs: Any,
    length: int,
    z: Any,
    pixels: Any,
    O: int,
    relu: bool,
    m: Any,
    o: int,
    q: int,
    step: Any,
    dy: Any,
) -> None:
    """Compute dy = max over k of step patch_k - (m - z_k), and -m with a ReLU, for the nudges of filter o at window q.

    dy (patch + 1,) is changed in place.
    """
    size = runs.size * length
    dy[:] = -m if relu else -np.inf
    for k in range(pixels.shape[1]):
        p = pixels[q, k]
        slack = z[p * O + o] - m
        for r in range(runs.size):
            first = origin[p] + runs[r]
            for i in range(length):
                dy[r * length + i] = max(dy[r * length + i], step * x[first + i] + slack)
        dy[size] = max(dy[size], step + slack)


@loops
def contested_nudges(
    tile: Any,
    x: Any,
    origin: Any,
    runs: Any,
    length: int,
    z: Any,
    pixels: Any,
    O: int,
    relu: bool,
    y: Any,
    contested: Any,
    found: int,
    lanes: Any,
    M: int,
    step: Any,
    low: int,
    high: int,
    dz: Any,
) -> None:
    """Add the changes by the same nudges through contested windows: dz += dy lanes, filter by filter."""
    nudges = runs.size * length + 1
    full = nudges - nudges % rows(tile)
    begin = np.zeros(O + 1, np.int64)
    for e in range(found):
        begin[contested[e, 0] + 1] += 1
    for o in range(O):
        begin[o + 1] += begin[o]
    order, put = np.empty(found, np.int64), begin.copy()
    for e in range(found):
        order[put[contested[e, 0]]] = e
        put[contested[e, 0]] += 1
    most = 0  # of one filter
    for o in range(low, high):
        most = max(most, begin[o + 1] - begin[o])
    dy = np.empty((most + 1) * nudges, x.dtype)
    for o in range(low, high):
        first = begin[o]
        for n in range(first, begin[o + 1]):
            q, own = contested[order[n], 1], dy[(n - first) * nudges : (n - first + 1) * nudges]
            difference_of_window(x, origin, runs, length, z, pixels, O, relu, y[q * O + o], o, q, step, own)
        if first == begin[o + 1]:
            continue
        out = (o - low) * nudges * M
        for a in range(0, M, width(tile)):
            for k in range(0, full, rows(tile)):
                t = load(tile, dz, out + k * M + a, M)
                for n in range(first, begin[o + 1]):
                    t = outer(t, dy, (n - first) * nudges + k, 1, lanes, contested[order[n], 2] * M + a)
                store(t, dz, out + k * M + a, M)
        for k in range(full, nudges):
            for n in range(first, begin[o + 1]):
                for l in range(M):
                    dz[out + k * M + l] += dy[(n - first) * nudges + k] * lanes[contested[order[n], 2] * M + l]
