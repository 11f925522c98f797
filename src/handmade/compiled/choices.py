"""ReLU and MaxPool2d in compiled loops: the largest number of every window; with a ReLU, at least 0.

    y[n,q,c] = max over k of z[n, pixels[q,k], c]        q: a window,   pixels[q, :]: its pixels
    winner[n,q,c] = the first pixel with this number; -1 if the 0 of a ReLU is the largest

A ReLU alone has windows of one pixel. A window at the edge contains a pixel of the edge several times, which changes no maximum.
"""

from typing import Any

from handmade.compiled.jit import loops
from handmade.compiled.tiles import load, pick, spread, store, store_integers, width


@loops
def choose(tile: Any, z: Any, pixels: Any, channels: int, stride: int, relu: bool, y: Any, winner: Any) -> None:
    """Compute y and winner (N, windows * channels) by the equations above, for z (N, pixels * stride).

    `stride` is the distance between pixels in z: `channels`, or more if z has additional channels. A row of the tile holds some
    channels. The index of a pixel is stored in a tile as a float, which is exact up to 2^24; with more pixels, single numbers are
    processed. NaN wins, and so it appears in the loss.
    """
    windows, size = pixels.shape
    exact = z.itemsize == 8 or z.shape[1] <= 2**24 * stride
    full = channels - channels % width(tile) if exact else 0
    for n in range(z.shape[0]):
        image, out, won = z[n], y[n], winner[n]
        for q in range(windows):
            for c in range(0, full, width(tile)):
                m, w = load(tile, image, pixels[q, 0] * stride + c, 0), spread(tile, pixels[q, 0])
                for k in range(1, size):
                    pixel = load(tile, image, pixels[q, k] * stride + c, 0)
                    w = pick(w, spread(tile, pixels[q, k]), m, pixel)
                    m = pick(m, pixel, m, pixel)
                if relu:
                    w = pick(spread(tile, -1), w, spread(tile, 0), m)
                    m = pick(spread(tile, 0), m, spread(tile, 0), m)
                store(m, out, q * channels + c, 0)
                store_integers(w, won, q * channels + c, 0)
            for c in range(full, channels):
                w_c = pixels[q, 0]
                m_c = image[w_c * stride + c]
                for k in range(1, size):
                    pixel_c = image[pixels[q, k] * stride + c]
                    if pixel_c > m_c or pixel_c != pixel_c:  # noqa: PLR0124  true for NaN
                        m_c, w_c = pixel_c, pixels[q, k]
                if relu and m_c <= 0:
                    m_c, w_c = image.dtype.type(0), -1
                out[q * channels + c], won[q * channels + c] = m_c, w_c


@loops
def list_winners(gy: Any, y: Any, winner: Any, relu: bool, pooled: bool, place: Any, g: Any, count: Any) -> None:
    """List the windows of each filter whose gradient is not 0, for one image: the winning pixel, and the gradient.

    gy, y, winner (windows * O); count (O,); place, g (O, windows + 1). Without a pool, a window is a pixel. Each window is
    written to the list, and the next one overwrites it if its gradient is 0: a branch that is hard to predict would be slower.
    """
    O = count.size
    count[:] = 0
    for q in range(gy.size // O):
        for o in range(O):
            k = q * O + o
            e = count[o]
            g[o, e] = gy[k]
            if pooled:
                place[o, e] = winner[k]
                count[o] = e + ((winner[k] >= 0) & (gy[k] != 0))
            else:
                place[o, e] = q
                count[o] = e + (((y[k] <= 0) & relu) < (gy[k] != 0))  # NaN passes


@loops
def sort_winners(place: Any, g: Any, count: Any, begin: Any, filters: Any, values: Any) -> None:
    """Sort these lists by pixel: the filters of pixel p are filters[begin[p]:begin[p + 1]], with their values of g."""
    begin[:] = 0
    for o in range(count.size):
        for e in range(count[o]):
            begin[place[o, e] + 1] += 1
    for p in range(begin.size - 1):
        begin[p + 1] += begin[p]
    put = begin.copy()
    for o in range(count.size):
        for e in range(count[o]):
            p = place[o, e]
            filters[put[p]], values[put[p]] = o, g[o, e]
            put[p] += 1


@loops
def scatter_to_winners(gy: Any, winner: Any, O: int, stride: int, gz: Any) -> None:
    """Add gy of each window to its winner, for a block of images: gz[winner] += gy; gz (N, pixels * stride), zero before."""
    for n in range(gy.shape[0]):
        for q in range(gy.shape[1] // O):
            for o in range(O):
                k = q * O + o
                if winner[n, k] >= 0:
                    gz[n, winner[n, k] * stride + o] += gy[n, k]
