"""ReLU and MaxPool2d in compiled loops: of every window the largest number, and 0 if there is a ReLU and nothing is larger.

    y[n,q,c] = max over k of z[n, pixels[q,k], c]        q: a window,   pixels[q, :]: its pixels
    winner[n,q,c] = the first pixel that has this number; -1 if it is 0 that won

A ReLU alone has windows of one pixel. A window at the edge names a pixel of the edge several times: that changes no maximum.
"""

from typing import Any

from handmade.compiled.jit import loops


@loops
def choose(z: Any, pixels: Any, channels: int, stride: int, relu: bool, y: Any, winner: Any) -> None:
    """The equations above for z (N, pixels * stride): y and winner (N, windows * channels).

    `stride` is the distance between pixels in z: `channels`, or more where z has some beyond the channels.
    """
    windows, size = pixels.shape
    for n in range(z.shape[0]):
        image = z[n]
        for q in range(windows):
            out, won = y[n, q * channels : (q + 1) * channels], winner[n, q * channels : (q + 1) * channels]
            p = pixels[q, 0]
            pixel = image[p * stride : p * stride + channels]
            for c in range(channels):
                out[c] = pixel[c]
                won[c] = p
            for k in range(1, size):
                p = pixels[q, k]
                pixel = image[p * stride : p * stride + channels]
                for c in range(channels):
                    larger = pixel[c] > out[c] or pixel[c] != pixel[c]  # what is no number wins, and shows in the loss
                    out[c] = pixel[c] if larger else out[c]
                    won[c] = p if larger else won[c]
            if relu:
                for c in range(channels):
                    zero = out[c] <= 0
                    out[c] = 0 if zero else out[c]
                    won[c] = -1 if zero else won[c]


@loops
def give_back(gy: Any, y: Any, winner: Any, O: int, relu: bool, pooled: bool, stride: int, gz: Any) -> None:
    """gz[winner] += gy for one image: what a window gets goes to its winner. gz (pixels * stride) is zero before."""
    for q in range(gy.size // O):
        for o in range(O):
            k = q * O + o
            p = winner[k] if pooled else q
            if p >= 0 and not (relu and y[k] <= 0):
                gz[p * stride + o] += gy[k]


@loops
def give_back_all(gy: Any, y: Any, winner: Any, O: int, relu: bool, pooled: bool, stride: int, gz: Any) -> None:
    """The same for a block of images."""
    for n in range(gy.shape[0]):
        give_back(gy[n], y[n], winner[n], O, relu, pooled, stride, gz[n])


@loops
def winners_by_filter(gy: Any, y: Any, winner: Any, origin: Any, relu: bool, pooled: bool, at: Any, g: Any, count: Any) -> None:
    """List the windows of each filter whose gradient is not 0, for one image: count (O,), at and g (O, windows).

    gy, y, winner (windows * O). Where there is no pool, a window is its own winner.
    """
    O = count.size
    for o in range(O):
        count[o] = 0
    for q in range(gy.size // O):
        for o in range(O):
            k = q * O + o
            p = winner[k] if pooled else q
            if gy[k] != 0 and p >= 0 and not (relu and y[k] <= 0):
                at[o, count[o]] = origin[p]
                g[o, count[o]] = gy[k]
                count[o] += 1


@loops
def winners_by_window(gy: Any, y: Any, winner: Any, O: int, relu: bool, pooled: bool, begin: Any, filters: Any, g: Any) -> None:
    """List the filters that each window of a convolution has a gradient for: those of p are filters[begin[p]:begin[p + 1]].

    begin (windows of the convolution + 1,). filters and g hold as many numbers as gy.
    """
    begin[:] = 0
    for k in range(gy.size):
        p = winner[k] if pooled else k // O
        if gy[k] != 0 and p >= 0 and not (relu and y[k] <= 0):
            begin[p + 1] += 1
    for p in range(begin.size - 1):
        begin[p + 1] += begin[p]
    place = begin.copy()
    for k in range(gy.size):
        p = winner[k] if pooled else k // O
        if gy[k] != 0 and p >= 0 and not (relu and y[k] <= 0):
            filters[place[p]] = k % O
            g[place[p]] = gy[k]
            place[p] += 1
