"""Conv2d in compiled loops.

    y[n,h,w,o] = b[o] + sum over i,j,c of W[i,j,c,o] x[n, h s + i d, w t + j e, c]        x is padded        (1)
    gW[i,j,c,o] = sum of patch times gy,   gb = sum of gy                                                    (2)
    gx[patch] += W[:,:,:,o] gy[n,h,w,o]                                                                      (3)

An image is a row of numbers. The patch of a window consists of *runs* of contiguous numbers: K_h runs of K_w C numbers; with
dilation or groups, K_h K_w runs of C / groups numbers. `origin[p]` is the index of the first number of the patch of window p, and
`runs[r]` the offset of run r in a patch.
"""

from typing import Any

import numpy as np

from handmade.compiled.choices import choose, list_winners, sort_winners
from handmade.compiled.jit import loops
from handmade.compiled.tiles import along, load, outer, rectify, repeat, rows, store, width


@loops
def correlate(tile: Any, x: Any, origin: Any, across: Any, runs: Any, length: int, w: Any, b: Any, y: Any, relu: bool) -> None:
    """Compute equation (1) for images x (N, numbers), and max(y, 0) with a ReLU: y (N, windows * O).

    origin (H', W'). across: distance from a window to the next one in its row. w (runs, length, O), flat; b (O,). O is a multiple
    of the tile's width, and W' is at least its number of rows.

    A tile holds some neighbouring windows times some filters. So each number of a filter is loaded once for all of these windows,
    each pixel once for all of these filters, and y is written once.
    """
    (H, W), O = origin.shape, b.size
    for n in range(x.shape[0]):
        image, out = x[n], y[n]
        for o in range(0, O, width(tile)):
            for h in range(H):
                for first in range(0, W, rows(tile)):
                    v = min(first, W - rows(tile))  # the last tile of a row overlaps the one before
                    t = repeat(tile, b, o)
                    q = o
                    for r in range(runs.size):
                        p = origin[h, v] + runs[r]
                        for m in range(length):
                            t = outer(t, image, p + m, across, w, q)
                            q += O
                    if relu:
                        t = rectify(t)
                    store(t, out, (h * W + v) * O + o, O)


@loops
def weight_gradients(
    tile: Any, x: Any, origin: Any, runs: Any, length: int, place: Any, g: Any, count: Any, gW: Any, gb: Any
) -> None:
    """Add equation (2) for one image and every filter, from the windows whose gradient is not 0: gW (O, runs * length).

    Filter o has count[o] such windows, place[o, :], with the gradients g[o, :]. A tile holds a part of the filter's gradient
    while all its windows are added. Zeros cost nothing: they are not in the list.
    """
    full = length - length % width(tile)
    for o in range(count.size):
        for r in range(0, runs.size, rows(tile)):
            between = runs[r + 1] - runs[r] if rows(tile) > 1 else 0
            for m in range(0, full, width(tile)):
                t = load(tile, gW[o], r * length + m, length)
                for e in range(count[o]):
                    t = along(t, g[o, e], x, origin[place[o, e]] + runs[r] + m, between)
                store(t, gW[o], r * length + m, length)
        for r in range(runs.size):
            for m in range(full, length):
                total = gW[o, r * length + m]
                for e in range(count[o]):
                    total += g[o, e] * x[origin[place[o, e]] + runs[r] + m]
                gW[o, r * length + m] = total
        total = gb[o]
        for e in range(count[o]):
            total += g[o, e]
        gb[o] = total


@loops
def input_gradient(tile: Any, gx: Any, origin: Any, runs: Any, length: int, w: Any, begin: Any, filters: Any, g: Any) -> None:
    """Add equation (3) for one image, window by window: gx (numbers,), zero before; w (O, runs * length), flat.

    Window p has a gradient for the filters filters[begin[p]:begin[p + 1]], with the same range of g.
    """
    full = length - length % width(tile)
    size = runs.size * length
    for p in range(origin.size):
        if begin[p] == begin[p + 1]:
            continue
        for r in range(0, runs.size, rows(tile)):
            between = runs[r + 1] - runs[r] if rows(tile) > 1 else 0
            for m in range(0, full, width(tile)):
                t = load(tile, gx, origin[p] + runs[r] + m, between)
                for e in range(begin[p], begin[p + 1]):
                    t = along(t, g[e], w, filters[e] * size + r * length + m, length)
                store(t, gx, origin[p] + runs[r] + m, between)
        for r in range(runs.size):
            for e in range(begin[p], begin[p + 1]):
                for m in range(full, length):
                    gx[origin[p] + runs[r] + m] += g[e] * w[filters[e] * size + r * length + m]


# --- a block of images ----------------------------------------------------------------------------------------------------------


@loops
def forward_with_choice(
    tile: Any,
    row: Any,
    x: Any,
    origin: Any,
    across: Any,
    runs: Any,
    length: int,
    w: Any,
    b: Any,
    pixels: Any,
    channels: int,
    relu: bool,
    y: Any,
    winner: Any,
) -> None:
    """Compute a convolution and the following max pool, perhaps with a ReLU; z is kept for one image only."""
    z = np.empty((1, origin.size * b.size), x.dtype)
    for n in range(x.shape[0]):
        correlate(tile, x[n : n + 1], origin, across, runs, length, w, b, z, False)
        choose(row, z, pixels, channels, b.size, relu, y[n : n + 1], winner[n : n + 1])


@loops
def backward(
    tile: Any,
    x: Any,
    origin: Any,
    runs: Any,
    length: int,
    w: Any,
    gy: Any,
    y: Any,
    winner: Any,
    relu: bool,
    pooled: bool,
    to_weights: bool,
    to_input: bool,
    gW: Any,
    gb: Any,
    gx: Any,
) -> None:
    """Add equations (2) and (3), through the following ReLU and pool: gW (O, patch), gb (O,), gx (N, numbers).

    All three are zero before; w is (O, patch), flat.
    """
    O, windows = gb.size, gy.shape[1] // gb.size
    places = origin.ravel()
    place, g, count = np.empty((O, windows + 1), np.int32), np.empty((O, windows + 1), gy.dtype), np.empty(O, np.int64)
    begin, filters, values = np.empty(places.size + 1, np.int64), np.empty(O * windows, np.int32), np.empty(O * windows, gy.dtype)
    for n in range(x.shape[0]):
        list_winners(gy[n], y[n], winner[n], relu, pooled, place, g, count)
        if to_weights:
            weight_gradients(tile, x[n], places, runs, length, place, g, count, gW, gb)
        if to_input:
            sort_winners(place, g, count, begin, filters, values)
            input_gradient(tile, gx[n], places, runs, length, w, begin, filters, values)


@loops
def short_run_gradients(
    tile: Any,
    x: Any,
    origin: Any,
    runs: Any,
    length: int,
    gy: Any,
    y: Any,
    winner: Any,
    O: int,
    relu: bool,
    pooled: bool,
    gW: Any,
    gb: Any,
) -> None:
    """Add equation (2) if runs are short, such as for images of one channel: gW (patch, filters), gb (filters,).

    A tile holds numbers of the patch for some filters, zeros of the gradient included. The patches are copied one after the other
    for this; patches that are all zero are left out.
    """
    filters, size, places = gb.size, runs.size * length, origin.ravel()
    patches, at = np.empty(places.size * size, x.dtype), np.empty(places.size, np.int64)
    gz = np.zeros(places.size * filters, gy.dtype)
    for n in range(x.shape[0]):
        found = 0
        for p in range(places.size):
            ink = x.dtype.type(0)
            for r in range(runs.size):
                for m in range(length):
                    pixel = x[n, places[p] + runs[r] + m]
                    patches[found * size + r * length + m] = pixel
                    ink += abs(pixel)
            at[found] = p * filters
            found += ink != 0
        if pooled:
            gz[:] = 0
            for k in range(gy.shape[1]):
                if winner[n, k] >= 0:
                    gz[winner[n, k] * filters + k % O] += gy[n, k]
        else:
            for p in range(places.size):
                for o in range(O):
                    gz[p * filters + o] = 0 if relu and y[n, p * O + o] <= 0 else gy[n, p * O + o]
        for o in range(0, filters, width(tile)):
            for m in range(0, size, rows(tile)):
                t = load(tile, gW, m * filters + o, filters)
                for e in range(found):
                    t = outer(t, patches, e * size + m, 1, gz, at[e] + o)
                store(t, gW, m * filters + o, filters)
        for p in range(places.size):
            for o in range(filters):
                gb[o] += gz[p * filters + o]
