"""Lanes one layer further back, in compiled loops, for some images: before = transpose of the layer times the lanes after it.

lanes[place, l]   change of output l of the rest of the network for a change by 1 at a place of an activation
"""

from typing import Any

import numpy as np

from handmade.compiled.jit import loops
from handmade.compiled.tiles import outer, rows, store, width, zeros


@loops
def lanes_before_convolutions(
    tile: Any,
    w: Any,
    size: int,
    row_begin: Any,
    row_window: Any,
    row_tap: Any,
    column_begin: Any,
    column_window: Any,
    column_tap: Any,
    windows: int,
    right: int,
    C: int,
    first: int,
    seen: int,
    low: int,
    high: int,
    place: Any,
    row: Any,
    count: Any,
    lanes: Any,
    M: int,
    before: Any,
) -> None:
    """Compute the lanes before filters low to high of some images: (N, numbers * M), for `seen` channels from `first` on.

        before[i, j, c] = sum over the fixed windows that read pixel (i, j), at a place a, b of the kernel, of W[a, b, c, o] lanes

    The windows that read each row and each column of the image are given by row_... and column_... (patches.py). The sum stays in
    registers until it is complete, so each lane before is written once. w (O, patch), flat; a patch has `size` numbers. There are
    `windows` windows, `right` of them in a row.
    """
    down, across = row_begin.size - 1, column_begin.size - 1
    begin, put = np.empty(windows + 1, np.int64), np.empty(windows + 1, np.int64)
    for n in range(len(lanes)):
        after, out, total = lanes[n], before[n], 0
        begin[:] = 0
        for o in range(low, high):
            total += count[n, o]
            for e in range(count[n, o]):
                begin[place[n, o, e] + 1] += 1
        for p in range(windows):
            begin[p + 1] += begin[p]
        put[:] = begin
        filters, sources = np.empty(total, np.int64), np.empty(total, np.int64)
        for o in range(low, high):
            for e in range(count[n, o]):
                p = place[n, o, e]
                filters[put[p]], sources[put[p]] = (o - low) * size, row[n, o, e] * M
                put[p] += 1
        weight, source = np.empty(total, np.int64), np.empty(total, np.int64)
        for i in range(down):
            for j in range(across):
                terms = 0
                for r in range(row_begin[i], row_begin[i + 1]):
                    for c in range(column_begin[j], column_begin[j + 1]):
                        p, tap = row_window[r] * right + column_window[c], (row_tap[r] + column_tap[c]) * seen
                        for e in range(begin[p], begin[p + 1]):
                            weight[terms], source[terms] = filters[e] + tap, sources[e]
                            terms += 1
                to = (i * across + j) * C + first
                for part in range(0, seen, rows(tile)):
                    m = min(part, seen - rows(tile))
                    for a in range(0, M, width(tile)):
                        t = zeros(tile)
                        for k in range(terms):
                            t = outer(t, w, weight[k] + m, 1, after, source[k] + a)
                        store(t, out, (to + m) * M + a, M)


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
