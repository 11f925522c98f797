"""Fixed and contested choices of ReLU and MaxPool2d, in compiled loops.

    y = m = max over k of z_k,   lead = m - the next candidate

No difference smaller than lead / 2 changes the winner. Such a window is *fixed*: dy is dz of its winner, or 0 if the winner is
the 0 of a ReLU. All other windows are *contested*, and need the exact formula: dy = max over k of dz_k - (m - z_k).
"""

from typing import Any

import numpy as np

from handmade.compiled.jit import loops
from handmade.compiled.tiles import along, load, store, width, zeros


@loops
def choose_leads(z: Any, pixels: Any, C: int, relu: bool, label: Any, y: Any, winner: Any, lead: Any) -> None:
    """Choose as `choices.choose`, and return the lead of each winner: no difference below lead / 2 can change it.

    z (N, pixels * C); label (N, pixels); y, winner, lead (N, windows * C). The 0 of a ReLU never changes, so its distance counts
    twice. Pixels with the label of the winner always change as it does: they are no candidates.
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
            alike, ties = True, False
            for k in range(1, size):
                p = pixels[q, k]
                alike = alike and label[n, p] == label[n, pixels[q, 0]]
                for j in range(k):
                    ties = ties or label[n, p] == label[n, pixels[q, j]]
                pixel = image[p * C : (p + 1) * C]
                for c in range(C):
                    larger = pixel[c] > out[c] or pixel[c] != pixel[c]
                    smaller = out[c] if larger else pixel[c]
                    ahead[c] = max(ahead[c], smaller)
                    out[c] = pixel[c] if larger else out[c]
                    won[c] = p if larger else won[c]
            if ties and not alike:
                for c in range(C):
                    ahead[c] = -np.inf
                    for k in range(size):
                        if label[n, pixels[q, k]] != label[n, won[c]]:
                            ahead[c] = max(ahead[c], image[pixels[q, k] * C + c])
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
    tile: Any,
    winner: Any,
    lead: Any,
    limit: Any,
    limit_before: Any,
    blank: Any,
    lanes: Any,
    M: int,
    place: Any,
    row: Any,
    count: Any,
    count_before: Any,
    contested: Any,
) -> tuple[int, int]:
    """List the fixed windows of each filter that a pixel wins, and the contested windows.

    limit (O,): twice the bound of a difference; limit_before (O,): the same for nudges of earlier layers only, which is smaller.
    place, row (O, windows + 1): the winning pixel and the row of the lanes, count[o] of them fixed for all nudges and
    count_before[o] for those of earlier layers. contested (twice the numbers, 3): filter, window, row. The result is the number
    of windows that are contested for nudges of earlier layers, which come first, and for all nudges. All windows on constant
    background are listed as one: the first of them, with the sum of their lanes.
    """
    O, one = count.size, lanes.dtype.type(1)
    windows = winner.size // O
    first, both, half = -1, 0, len(contested) // 2
    own = half  # contested for all: from the start; for nudges of this layer only: from the middle
    count[:] = 0
    for q in range(windows + 1):
        if q < windows and blank[q]:
            first = q if first < 0 else first
            continue
        if q == windows:
            if first < 0:
                continue
            add_blank_lanes(tile, one, blank, windows, O, M, lanes)
        at = first if q == windows else q
        for o in range(O):
            k = at * O + o
            place[o, count[o]], row[o, count[o]] = winner[k], q * O + o
            if lead[k] > limit[o]:
                count[o] += winner[k] >= 0
            elif lead[k] > limit_before[o]:
                contested[own, 0], contested[own, 1], contested[own, 2] = o, at, q * O + o
                own += 1
            else:  # NaN, too
                contested[both, 0], contested[both, 1], contested[both, 2] = o, at, q * O + o
                both += 1
    count_before[:] = count
    found = both
    for e in range(half, own):
        o, q, k = contested[e, 0], contested[e, 1], contested[e, 2]
        contested[found, 0], contested[found, 1], contested[found, 2] = o, q, k
        found += 1
        if winner[q * O + o] >= 0:
            place[o, count_before[o]], row[o, count_before[o]] = winner[q * O + o], k
            count_before[o] += 1
    return both, found


@loops
def add_blank_lanes(tile: Any, one: Any, blank: Any, windows: int, O: int, M: int, lanes: Any) -> None:
    """Sum the lanes of blank windows: lanes[windows, o, :] = sum over blank windows q of lanes[q, o, :]."""
    for k in range(0, O * M, width(tile)):
        t = zeros(tile)
        for q in range(windows):
            if blank[q]:
                t = along(t, one, lanes, q * O * M + k, 0)
        store(t, lanes, windows * O * M + k, 0)


@loops
def sort_all_choices(
    tile: Any,
    winner: Any,
    lead: Any,
    limit: Any,
    limit_before: Any,
    blank: Any,
    lanes: Any,
    M: int,
    place: Any,
    row: Any,
    count: Any,
    count_before: Any,
    contested: Any,
    earlier: Any,
    found: Any,
) -> None:
    """Sort the choices of some images; earlier and found (N,) receive the numbers of contested windows."""
    for n in range(len(winner)):
        earlier[n], found[n] = sort_choices(
            tile,
            winner[n],
            lead[n],
            limit,
            limit_before,
            blank[n],
            lanes[n],
            M,
            place[n],
            row[n],
            count[n],
            count_before[n],
            contested[n],
        )


@loops
def add_ones(
    n_of: Any, q: Any, o: Any, output: Any, pixels: Any, M: int, spare: int, lanes: Any, place: Any, row: Any, count: Any
) -> None:
    """Add a unit row for each output that a contested window reads, from row `spare` on, and list it as fixed.

    Element e is window q[e] of filter o[e] in image n_of[e]; its pixels are the outputs from output[e] on.
    """
    size, n, free = pixels.shape[1], -1, spare
    for e in range(len(q)):
        free = spare if n_of[e] != n else free
        n = n_of[e]
        for k in range(size):
            lanes[n, free * M : (free + 1) * M] = 0
            lanes[n, free * M + output[e] + k] = 1
            c = count[n, o[e]]
            place[n, o[e], c], row[n, o[e], c] = pixels[q[e], k], free
            count[n, o[e]] = c + 1
            free += 1


@loops
def far_choices(tile: Any, dz: Any, M: int, output: Any, size: Any, slack: Any, rest: Any, gains: Any) -> None:
    """Add the changes through far contested choices, in the order of the graph, for each nudge: dz (nudges, M), flat.

    Element e reads the outputs from output[e] on, one for each of its size[e] pixels, with slack[e, :] = z - m of each pixel.
    rest[e] is -m with a ReLU, else -infinity. A change of its output by 1 changes the outputs by gains[e, :].
    """
    for k in range(0, dz.size, M):
        for e in range(rest.size):
            dy = rest[e]
            for l in range(size[e]):
                dy = max(dy, dz[k + output[e] + l] + slack[e, l])
            if dy != 0:
                for a in range(0, M, width(tile)):
                    store(along(load(tile, dz, k + a, 0), dy, gains[e], a, 0), dz, k + a, 0)
