"""Compiled loops of the exact differences, for one image.

    lanes[place, l]   what output l of the rest of the network gains from one unit at a place of an activation
    dz[nudge, l]      what output l gains from a nudge of a weight

The first K outputs are the logits. An array of lanes is flat, M numbers for each place, M a multiple of the tile's width. After the
places it has spare rows: row `places + o` holds the sum over blank paper for filter o, and rows of ones follow (see `Elements`).
"""

from typing import Any

import numpy as np

from handmade.compiled.jit import loops
from handmade.compiled.tiles import along, larger, load, outer, rows, spread, store, width, zeros

# --- choices --------------------------------------------------------------------------------------------------------------------


@loops
def choose_leads(z: Any, pixels: Any, C: int, relu: bool, blank: Any, y: Any, winner: Any, lead: Any) -> None:
    """Choose as `choices.choose`, and tell the lead of each winner: no difference below lead / 2 can depose it.

    z (N, pixels * C); y, winner, lead (N, windows * C). 0 does not move, so that its distance counts twice. On blank paper the
    pixels of a window move alike: there only 0 is a rival.
    """
    windows, size = pixels.shape
    for n in range(z.shape[0]):
        image = z[n]
        for q in range(windows):
            a, b = q * C, (q + 1) * C
            out, won, ahead = y[n, a:b], winner[n, a:b], lead[n, a:b]
            p = pixels[q, 0]
            pixel = image[p * C : (p + 1) * C]
            for c in range(C):
                out[c] = pixel[c]
                won[c] = p
                ahead[c] = -np.inf  # the second largest, for now
            for k in range(1, size):
                p = pixels[q, k]
                pixel = image[p * C : (p + 1) * C]
                for c in range(C):
                    larger = pixel[c] > out[c] or pixel[c] != pixel[c]
                    smaller = out[c] if larger else pixel[c]
                    ahead[c] = smaller if smaller > ahead[c] else ahead[c]
                    out[c] = pixel[c] if larger else out[c]
                    won[c] = p if larger else won[c]
            alike = blank[n, q]
            for c in range(C):
                distance = np.inf if alike else out[c] - ahead[c]
                if relu:
                    zero = 2 * out[c]
                    distance = -zero if zero <= 0 else min(distance, zero)
                    won[c] = -1 if zero <= 0 else won[c]
                    out[c] = 0 if zero <= 0 else out[c]
                ahead[c] = distance


@loops
def sort_choices(
    winner: Any, lead: Any, limit: Any, blank: Any, lanes: Any, M: int, place: Any, row: Any, count: Any, contested: Any
) -> int:
    """List the windows of each filter that are fixed and that a pixel wins, and all that are contested; return their number.

    place, row (O, windows + 1), count (O,): pixel that wins, and row of the lanes. contested (windows * O, 3): filter, window, row.
    limit (O,): twice the bound of a difference. Windows over blank paper are one: the first of them, with the sum of their lanes.
    """
    O, found = count.size, 0
    windows = winner.size // O
    first = -1
    count[:] = 0
    for q in range(windows):
        if blank[q]:
            if first < 0:
                first = q
                lanes[windows * O * M : (windows + 1) * O * M] = 0
            into, out_of = windows * O * M, q * O * M
            for k in range(O * M):
                lanes[into + k] += lanes[out_of + k]
            continue
        for o in range(O):
            k = q * O + o
            place[o, count[o]], row[o, count[o]] = winner[k], k
            if not lead[k] > limit[o]:  # so written that NaN is contested
                contested[found, 0], contested[found, 1], contested[found, 2] = o, q, k
                found += 1
            else:
                count[o] += winner[k] >= 0
    if first >= 0:
        for o in range(O):
            k = first * O + o
            if not lead[k] > limit[o]:
                contested[found, 0], contested[found, 1], contested[found, 2] = o, first, windows * O + o
                found += 1
            elif winner[k] >= 0:
                place[o, count[o]], row[o, count[o]] = winner[k], windows * O + o
                count[o] += 1
    return found


# --- nudges of a convolution ----------------------------------------------------------------------------------------------------


@loops
def filter_nudges(
    tile: Any, x: Any, origin: Any, runs: Any, length: int, place: Any, row: Any, count: Any,
    lanes: Any, M: int, step: Any, low: int, high: int, dz: Any,
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
    x: Any, origin: Any, runs: Any, length: int, z: Any, pixels: Any, O: int, relu: bool, m: Any, o: int, q: int, step: Any, dy: Any
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
    x: Any, origin: Any, runs: Any, length: int, z: Any, pixels: Any, O: int, relu: bool, y: Any, contested: Any, found: int,
    lanes: Any, M: int, step: Any, low: int, high: int, dz: Any,
) -> None:
    """Add what the same nudges make through contested windows."""
    nudges = runs.size * length + 1
    dy = np.empty(nudges, x.dtype)
    for e in range(found):
        o, q = contested[e, 0], contested[e, 1]
        if low <= o < high:
            difference_of_window(x, origin, runs, length, z, pixels, O, relu, y[q * O + o], o, q, step, dy)
            out, lane = dz[(o - low) * nudges * M :], lanes[contested[e, 2] * M : (contested[e, 2] + 1) * M]
            for k in range(nudges):
                for l in range(M):
                    out[k * M + l] += dy[k] * lane[l]


@loops
def next_choices(
    row_tile: Any, square: Any, x: Any, origin: Any, runs: Any, length: int, z: Any, pixels: Any, O: int, relu: bool, y: Any,
    step: Any, low: int, high: int,
    next_origin: Any, taps: Any, pixel_of: Any, w: Any, next_z: Any, next_pixels: Any, next_O: int, next_relu: bool, next_y: Any,
    contested: Any, found: int, lanes: Any, M: int, dz: Any,
) -> None:
    """Add what the same nudges make through contested windows behind the next convolution, which reads these filters alone.

    w (filters, next_O, taps). next_origin[p] + taps[t]: the place of tap t of window p in the padded image; pixel_of: the window of
    this convolution there, or -1. Nudges lie side by side, a vector of them at a time; `square` has as many rows as these are.
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


# --- lanes, backwards -----------------------------------------------------------------------------------------------------------


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


# --- choices further away -------------------------------------------------------------------------------------------------------


@loops
def far_choices(dz: Any, M: int, first: Any, slack: Any, rest: Any, gains: Any) -> None:
    """Add what goes through contested choices further away, in the order of the graph, for each nudge: dz (nudges, M), flat.

    Element e reads the lanes first[e] to first[e + 1], where its pixels are slack behind its winner; without a change of its
    output rest[e] is -m of a ReLU, or -infinity. Its output moves the lanes by gains[e, :].
    """
    for k in range(dz.size // M):
        out = dz[k * M : (k + 1) * M]
        for e in range(rest.size):
            dy = rest[e]
            for l in range(first[e], first[e + 1]):
                dy = max(dy, out[l] + slack[l - first[0]])
            for l in range(M):
                out[l] += dy * gains[e, l]
