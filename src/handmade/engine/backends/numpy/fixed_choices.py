"""Choices of a ReLU and a max-pool that no nudge of a block can change: almost all, and that is known beforehand.

ReLU, max-pool, and the two together hand on one of several candidates: a pixel of the window, or the constant 0.

    y = m = max over k of x_k
    dy = max over k of dx_k - (m - x_k)        (1)

Let no |dx| in a block of nudges be larger than D. Where the winner w leads every other candidate by 2 D or more, no nudge of the
block can depose it: the window is *steady*, and (1) is just dx_w, or nothing where 0 is the winner. That is a copy of rows,
where (1) is several passes of arithmetic. The other windows get (1) itself, so the result is exact for any step size.
On blank paper all pixels of a window tie, but they move together: there only 0 is a rival.
"""

from dataclasses import dataclass
from functools import cached_property, reduce
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from handmade.engine.arrays import Array, Shape
from handmade.engine.backends.numpy.constant_regions import Blank, windows
from handmade.engine.layers import Channel, MaxPool2d

Sites: TypeAlias = NDArray[np.intp]


class Choices:
    """The choice that every window makes at the input x, and how to follow nudges through it.

    Parameters
    ----------
    x : Array, (N, H, W, C), or any shape where there is no pool
        The input.
    pool : MaxPool2d or None
        Whose windows; None: every number is a window of its own.
    relu : bool
        Whether 0 is a candidate too, as for a ReLU before or after the pool.
    blank : Array of bool, (N, H, W), optional
        Places of the input that are alike, and that all nudges move alike (`blank.py`).
    """

    def __init__(self, x: Array, pool: MaxPool2d | None, *, relu: bool, blank: Blank | None = None) -> None:
        self._x, self._pool, self._relu = x, pool, relu
        pixels = [x] if pool is None else list(pool.pixels(x, outside=-np.inf))
        self._zero = len(pixels)  # the number of the candidate 0
        self._m = pixels[0].copy()
        self._winner = np.zeros(self._m.shape, np.intp)
        second = np.full_like(self._m, -np.inf)
        for k, candidate in enumerate([*pixels[1:], np.zeros_like(self._m)] if relu else pixels[1:], start=1):
            self._winner[candidate > self._m] = k
            np.maximum(second, np.minimum(self._m, candidate), out=second)
            np.maximum(self._m, candidate, out=self._m)
        self._lead = self._m - second
        if pool is not None and blank is not None:  # there no pixel can depose another: the first is as good as any
            alike = windows(blank, pool.window, pool.stride, pool.padding)
            self._lead[alike] = np.abs(reduce(np.maximum, pixels)[alike]) if relu else np.inf
        self._layouts: dict[tuple[Shape, Shape], Sites] = {}
        self._routes: dict[tuple[object, ...], Route] = {}

    def delta(self, dx: Array, channel: Channel, largest: float) -> Array:
        """The exact difference of the output, for a dx (*x[..., channel].shape, nudges) of the input, |dx| at most `largest`."""
        route, lines, others, other_lines = self.moving(dx, channel, largest)
        dy = np.zeros((route.lead.size, dx.shape[-1]), dx.dtype)
        dy[route.live] = lines
        dy[others] = other_lines
        return dy.reshape(*self._m[..., channel].shape, dx.shape[-1])

    def moving(self, dx: Array, channel: Channel, largest: float) -> tuple["Route", Array, Sites, Array]:
        """The same difference without the windows that cannot move.

        Returns
        -------
        route : Route
            Its live windows come first.
        lines : Array, (live windows, nudges)
            Their differences.
        others : Array of int
            Windows that 0 wins, but not by enough: counted as in the route.
        other_lines : Array, (others, nudges)
            Their differences.
        """
        nudges = dx.shape[-1]
        dx = _in_rows(dx)
        rows = dx.ravel(order="K").reshape(-1, nudges)  # in the order of memory
        steps = tuple(stride // (dx.itemsize * nudges) for stride in dx.strides[:-1])
        route = self._route(dx.shape[:-1], steps, channel)
        lines = rows.take(route.chosen, axis=0)
        contested = np.flatnonzero(~(route.lead >= 2 * largest))  # so written that NaN is contested
        if not contested.size:
            return route, lines, contested, lines[:0]
        moved = self._contest(rows, self._sites(dx.shape[:-1], steps)[:, contested], contested, channel)
        rank = route.rank[contested]
        lines[rank[rank >= 0]] = moved[rank >= 0]
        return route, lines, contested[rank < 0], moved[rank < 0]

    def _contest(self, rows: Array, pixels: Sites, windows: Sites, channel: Channel) -> Array:
        """Equation (1) for some windows: (windows, nudges)."""
        x = self._x[..., channel]
        m = self._m[..., channel].ravel()[windows]
        in_order = np.empty(x.shape, x.dtype).strides
        own = self._sites(x.shape, tuple(stride // x.itemsize for stride in in_order))
        slack = m - x.ravel().take(own[:, windows])
        dy = np.repeat(-m[:, None], rows.shape[-1], axis=1) if self._relu else np.full((len(m), rows.shape[-1]), -np.inf, x.dtype)
        for k, behind in zip(pixels, slack, strict=True):
            dx_k = rows.take(k, axis=0)
            dx_k -= behind[:, None]
            np.maximum(dy, dx_k, out=dy)
        return dy

    def _route(self, shape: Shape, steps: Shape, channel: Channel) -> "Route":
        key = (shape, steps, channel.start, channel.stop, channel.step)
        if key not in self._routes:
            winner = self._winner[..., channel].ravel()
            live = np.flatnonzero(winner < self._zero)
            chosen = self._sites(shape, steps)[winner[live], live]
            self._routes[key] = Route(self._lead[..., channel].ravel(), live, chosen)
        return self._routes[key]

    def _sites(self, shape: Shape, steps: Shape) -> Sites:
        """For each place of the window, that pixel of every window, counted in memory: (places, windows).

        Places beyond the edge are taken from the edge: that pixel is in the same window, and counted twice it changes no maximum.
        """
        if (shape, steps) not in self._layouts:
            along = [np.arange(size) * step for size, step in zip(shape, steps, strict=True)]
            if self._pool is None:
                sites = reduce(np.add.outer, along)
            else:
                images, below, beside, channels = along[0], *self._along_windows(shape[1:3], steps[1:3]), along[3]
                sites = below[:, None, None, :, None, None] + beside[None, :, None, None, :, None] + channels
                sites = sites + images[:, None, None, None]
            self._layouts[shape, steps] = sites.reshape(self._zero, -1)
        return self._layouts[shape, steps]

    def _along_windows(self, shape: Shape, steps: Shape) -> list[Sites]:
        """The rows that windows read, (K_h, H'), and the columns, (K_w, W')."""
        assert self._pool is not None
        settings = zip(self._pool.window, self._pool.stride, self._pool.padding, self._m.shape[1:3], shape, steps, strict=True)
        return [
            np.clip(np.arange(windows) * stride - padding + np.arange(window)[:, None], 0, size - 1) * step
            for window, stride, padding, windows, size, step in settings
        ]


def _in_rows(dx: Array) -> Array:
    """dx laid out as one row of nudges after the other, the rows in any order: itself, as our own layers make it, or a copy."""
    outer_first = sorted(range(dx.ndim - 1), key=lambda axis: -dx.strides[axis])
    return dx if dx.transpose(*outer_first, dx.ndim - 1).flags.c_contiguous else np.ascontiguousarray(dx)


@dataclass(frozen=True, eq=False)
class Route:
    """Rows of a difference that the windows of some channels take, in one layout of memory."""

    lead: Array  # (windows,) how far the runner-up is behind
    live: Sites  # the windows that a pixel wins, and not the constant 0
    chosen: Sites  # their winners

    @cached_property
    def rank(self) -> Sites:
        """(windows,): which of the live ones a window is; -1 if it is none."""
        rank = np.full(self.lead.size, -1)
        rank[self.live] = np.arange(len(self.live))
        return rank
