"""Lanes one layer further back, in compiled loops, for one image: before = transpose of the layer times the lanes after it.

lanes[place, l]   change of output l of the rest of the network for a change by 1 at a place of an activation
"""

from typing import Any

import numpy as np

from handmade.compiled.jit import loops
from handmade.compiled.tiles import load, outer, rows, store, width, zeros


@loops
def lanes_before_convolution(
    tile: Any, w: Any, origin: Any, runs: Any, length: int, place: Any, row: Any, count: Any, lanes: Any, M: int, before: Any
) -> None:
    """Add W[:, o] lanes to before[patch], for each fixed window: (numbers of the image, M), zero before. w (O, patch), flat.

    The order is window by window, so that a patch is read and written once for all of its filters.
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
    full = length - length % rows(tile)
    for p in range(origin.size):
        if begin[p] == begin[p + 1]:
            continue
        for r in range(runs.size):
            first = origin[p] + runs[r]
            for a in range(0, M, width(tile)):
                for m in range(0, full, rows(tile)):
                    t = load(tile, before, (first + m) * M + a, M)
                    for e in range(begin[p], begin[p + 1]):
                        t = outer(t, w, filters[e] + r * length + m, 1, lanes, sources[e] + a)
                    store(t, before, (first + m) * M + a, M)
            for m in range(full, length):
                for e in range(begin[p], begin[p + 1]):
                    factor = w[filters[e] + r * length + m]
                    for l in range(M):
                        before[(first + m) * M + l] += factor * lanes[sources[e] + l]


@loops
def lanes_before_convolutions(
    tile: Any,
    w: Any,
    origin: Any,
    runs: Any,
    length: int,
    low: int,
    high: int,
    place: Any,
    row: Any,
    count: Any,
    lanes: Any,
    M: int,
    before: Any,
) -> None:
    """Compute the lanes before a convolution for some images and the filters low to high of one group."""
    for n in range(len(lanes)):
        own = slice(low, high)
        lanes_before_convolution(tile, w, origin, runs, length, place[n, own], row[n, own], count[n, own], lanes[n], M, before[n])


@loops
def lanes_before_padded_convolutions(
    tile: Any,
    row_tile: Any,
    w: Any,
    origin: Any,
    runs: Any,
    length: int,
    place: Any,
    row: Any,
    count: Any,
    lanes: Any,
    M: int,
    padded: Any,
    first: int,
    across: int,
    inner: int,
    numbers: int,
    before: Any,
) -> None:
    """Compute the lanes before a convolution for some images, without the padding, whose lanes go nowhere: (N, numbers * M).

    `padded` is room for the lanes of one padded image, whose rows have `across` numbers. The image begins at number `first`, and
    has `inner` numbers in a row.
    """
    nothing = zeros(row_tile)
    for n in range(len(lanes)):
        for a in range(0, padded.size, width(row_tile)):
            store(nothing, padded, a, 0)
        lanes_before_convolution(tile, w, origin, runs, length, place[n], row[n], count[n], lanes[n], M, padded)
        for h in range(numbers // inner):
            for a in range(0, inner * M, width(row_tile)):
                store(load(row_tile, padded, (first + h * across) * M + a, 0), before[n], h * inner * M + a, 0)


@loops
def lanes_before_linear(tile: Any, W: Any, out: int, lanes: Any, M: int, before: Any) -> None:
    """Compute before = W lanes for some images: (N, in * M), from the rows of the lanes that are not all zero. W (in, out), flat.

    The order is by some rows of W, each for all images.
    """
    N, inputs = len(lanes), W.size // out
    moving, count = np.empty((N, out), np.int64), np.zeros(N, np.int64)
    for n in range(N):
        for u in range(out):
            moves = False
            for l in range(M):
                moves = moves or lanes[n, u * M + l] != 0
            moving[n, count[n]] = u
            count[n] += moves
    full = inputs - inputs % rows(tile)
    for i in range(0, full, rows(tile)):
        for n in range(N):
            for a in range(0, M, width(tile)):
                t = zeros(tile)
                for k in range(count[n]):
                    t = outer(t, W, i * out + moving[n, k], out, lanes[n], moving[n, k] * M + a)
                store(t, before[n], i * M + a, M)
    for i in range(full, inputs):
        for n in range(N):
            before[n, i * M : (i + 1) * M] = 0
            for k in range(count[n]):
                u = moving[n, k]
                for l in range(M):
                    before[n, i * M + l] += W[i * out + u] * lanes[n, u * M + l]


@loops
def lanes_before_choice(place: Any, row: Any, count: Any, lanes: Any, M: int, before: Any) -> None:
    """Add lanes to before[winner], for each fixed window, for some images: (N, pixels * C * M), zero before."""
    for n in range(len(lanes)):
        C = count.shape[1]
        for c in range(C):
            for e in range(count[n, c]):
                into, out_of = (place[n, c, e] * C + c) * M, row[n, c, e] * M
                for l in range(M):
                    before[n, into + l] += lanes[n, out_of + l]
