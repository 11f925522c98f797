"""Choices that no nudge can change, and those that some may, in compiled loops.

    y = m = max over k of z_k,   lead = m - the next candidate

No difference smaller than lead / 2 deposes a winner: such a window is *fixed*, and dy is dz of its winner, or nothing where 0
is the winner of a ReLU. The others are *contested*, and get the exact formula: dy = max over k of dz_k - (m - z_k).
"""

from typing import Any

import numpy as np

from handmade.compiled.jit import loops


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
                    ahead[c] = max(ahead[c], smaller)
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

    place, row (O, windows + 1), count (O,): pixel that wins, and row of the lanes. contested (windows * O, 3): filter, window,
    row. limit (O,): twice the bound of a difference. Windows over blank paper are one: the first of them, with the sum of
    their lanes.
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
