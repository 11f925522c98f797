"""Lanes, one layer further back, in compiled loops, for one image: before = transpose of the layer, times the lanes behind it.

lanes[place, l]   what output l of the rest of the network gains from one unit at a place of an activation
"""

from typing import Any

import numpy as np

from handmade.compiled.jit import loops
from handmade.compiled.tiles import load, outer, rows, store, width, zeros


@loops
def lanes_before_convolution(
    tile: Any, w: Any, origin: Any, runs: Any, length: int, place: Any, row: Any, count: Any, lanes: Any, M: int, before: Any
) -> None:
    """before[patch] += W[:, o] lanes, for each window that is fixed: (numbers of the image, M), zero before. w (O, patch), flat.

    Window by window, so that a patch is read and written once for all of its filters.
    """
    O, size = count.size, runs.size * length
    begin = np.zeros(origin.size + 1, np.int64)
    for o in range(O):
        for e in range(count[o]):
            begin[place[o, e] + 1] += 1
    for p in range(origin.size):
        begin[p + 1] += begin[p]
    put, filters, sources = begin.copy(), np.empty(begin[-1], np.int64), np.empty(begin[-1], np.int64)
    for o in range(O):
        for e in range(count[o]):
            p = place[o, e]
            filters[put[p]], sources[put[p]] = o * size, row[o, e] * M
            put[p] += 1
    whole = length - length % rows(tile)
    for p in range(origin.size):
        if begin[p] == begin[p + 1]:
            continue
        for r in range(runs.size):
            first = origin[p] + runs[r]
            for a in range(0, M, width(tile)):
                for m in range(0, whole, rows(tile)):
                    t = load(tile, before, (first + m) * M + a, M)
                    for e in range(begin[p], begin[p + 1]):
                        t = outer(t, w, filters[e] + r * length + m, 1, lanes, sources[e] + a)
                    store(t, before, (first + m) * M + a, M)
            for m in range(whole, length):
                for e in range(begin[p], begin[p + 1]):
                    factor = w[filters[e] + r * length + m]
                    for l in range(M):
                        before[(first + m) * M + l] += factor * lanes[sources[e] + l]


@loops
def lanes_before_linear(tile: Any, W: Any, lanes: Any, moving: Any, M: int, before: Any) -> None:
    """before = W lanes, by those rows of the lanes that are not all zero: (in, M). W (in, out), flat."""
    out = lanes.size // M
    inputs = W.size // out
    whole = inputs - inputs % rows(tile)
    for a in range(0, M, width(tile)):
        for i in range(0, whole, rows(tile)):
            t = zeros(tile)
            for u in moving:
                t = outer(t, W, i * out + u, out, lanes, u * M + a)
            store(t, before, i * M + a, M)
    for i in range(whole, inputs):
        before[i * M : (i + 1) * M] = 0
        for u in moving:
            for l in range(M):
                before[i * M + l] += W[i * out + u] * lanes[u * M + l]


@loops
def lanes_before_choice(place: Any, row: Any, count: Any, lanes: Any, M: int, before: Any) -> None:
    """before[winner] += lanes, for each window that is fixed: (pixels * C, M), zero before."""
    C = count.size
    for c in range(C):
        for e in range(count[c]):
            into, out_of = (place[c, e] * C + c) * M, row[c, e] * M
            for l in range(M):
                before[into + l] += lanes[out_of + l]
