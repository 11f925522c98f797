"""Nudges of the weights of a convolution, in compiled loops, for one image.

    lanes[place, l]   what output l of the rest of the network gains from one unit at a place of an activation
    dz[nudge, l]      what output l gains from a nudge of a weight

Arrays of lanes and of dz are flat: M numbers for each place or nudge, M a multiple of the tile's width.
"""

from typing import Any

import numpy as np

from handmade.compiled.jit import loops
from handmade.compiled.tiles import along, larger, load, outer, rows, spread, store, width, zeros


@loops
def filter_nudges(
    tile: Any,
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
    """What the nudges of filters low to high make of all logits, through the windows that are fixed.

    dz[o, k, :] = step * sum over windows of patch[k] lanes, and for the bias, k = patch, of lanes: (high - low, patch + 1, M)
    """
    size = runs.size * length
    for o in range(low, high):
        out = dz[(o - low) * (size + 1) * M : (o - low + 1) * (size + 1) * M]
        for r in range(runs.size):
            for a in range(0, M, width(tile)):
                whole = length - length % rows(tile)
                for m in range(0, whole, rows(tile)):
                    t = zeros(tile)
                    for e in range(count[o]):
                        t = outer(t, x, origin[place[o, e]] + runs[r] + m, 1, lanes, row[o, e] * M + a)
                    store(t, out, (r * length + m) * M + a, M)
                for m in range(whole, length):
                    k = (r * length + m) * M + a
                    out[k : k + width(tile)] = 0
                    for e in range(count[o]):
                        pixel = x[origin[place[o, e]] + runs[r] + m]
                        for l in range(width(tile)):
                            out[k + l] += pixel * lanes[row[o, e] * M + a + l]
        last = size * M
        out[last : last + M] = 0
        for e in range(count[o]):
            for l in range(M):
                out[last + l] += lanes[row[o, e] * M + l]
        for k in range(out.size):
            out[k] *= step


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
    """dy = max over k of step patch_k - (m - z_k), and -m with a ReLU, for each nudge of filter o at window q: (patch + 1,)."""
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
    """Add what the same nudges make through contested windows: dz += dy lanes, filter by filter."""
    nudges = runs.size * length + 1
    whole = nudges - nudges % rows(tile)
    begin = np.zeros(O + 1, np.int64)
    for e in range(found):
        begin[contested[e, 0] + 1] += 1
    for o in range(O):
        begin[o + 1] += begin[o]
    order, put = np.empty(found, np.int64), begin.copy()
    for e in range(found):
        order[put[contested[e, 0]]] = e
        put[contested[e, 0]] += 1
    dy = np.empty((np.diff(begin[low : high + 1]).max() + 1) * nudges, x.dtype)  # of one filter
    for o in range(low, high):
        first = begin[o]
        for n in range(first, begin[o + 1]):
            q, own = contested[order[n], 1], dy[(n - first) * nudges : (n - first + 1) * nudges]
            difference_of_window(x, origin, runs, length, z, pixels, O, relu, y[q * O + o], o, q, step, own)
        if first == begin[o + 1]:
            continue
        out = (o - low) * nudges * M
        for a in range(0, M, width(tile)):
            for k in range(0, whole, rows(tile)):
                t = load(tile, dz, out + k * M + a, M)
                for n in range(first, begin[o + 1]):
                    t = outer(t, dy, (n - first) * nudges + k, 1, lanes, contested[order[n], 2] * M + a)
                store(t, dz, out + k * M + a, M)
        for k in range(whole, nudges):
            for n in range(first, begin[o + 1]):
                for l in range(M):
                    dz[out + k * M + l] += dy[(n - first) * nudges + k] * lanes[contested[order[n], 2] * M + l]


@loops
def next_choices(
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
    """Add what the same nudges make through contested windows behind the next convolution, which reads these filters alone.

    w (filters, next_O, taps). next_origin[p] + taps[t]: the place of tap t of window p in the padded image; pixel_of: the
    window of this convolution there, or -1. Nudges lie side by side, a vector of them at a time; `square` has as many rows as
    these are.
    """
    size, W = runs.size * length, width(row_tile)
    nudges = size + 1
    wide, windows, K = -(-nudges // W) * W, y.size // O, next_pixels.shape[1]
    # the windows that each contested window reads; beyond the edge, one that never moves
    sources = np.empty((found, K, taps.size), np.int64)
    needed = np.zeros(windows + 1, np.bool_)
    for e in range(found):
        for k in range(K):
            for t in range(taps.size):
                source = pixel_of[next_origin[next_pixels[contested[e, 1], k]] + taps[t]]
                sources[e, k, t] = windows if source < 0 else source
                needed[sources[e, k, t]] = True
    # what the nudges read: a patch, 1 for the bias, zeros
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
