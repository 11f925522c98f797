"""The rung of the arithmetic: how much of what one core can do the compiled convolutions make use of.

The peak is measured, not looked up: a compiled loop over the same register tiles, on numbers that lie in the first cache, which
does nothing but multiply and add. A convolution has the same instructions, and its images and results come from further away.
"""

from typing import Any

import numpy as np

from handmade.compiled.fused import Convolution
from handmade.compiled.jit import loops
from handmade.compiled.tiles import Tile, outer, store, width, zeros
from handmade.compiled.vectors import lanes, registers
from handmade.engine import loops as nested
from handmade.engine.arrays import Array
from handmade.engine.graph import Node
from handmade.engine.layers import Conv2d
from handmade.threads import threads
from operations import error
from report import Measurement, Row
from setting import AT_WORK, BATCH, Found, Setup
from timing import Spread, Way, in_turn

KERNEL = 3
CONVOLUTIONS = {  # height and width, channels, filters
    "conv2 of seed": (28, 32, 64),
    "conv2 of readme": (28, 8, 16),
    "conv1 of seed": (30, 1, 32),
    "conv1 of readme": (30, 1, 8),
}
SHARE = 85  # percent of the peak
VECTORS = 2  # in a row of the tile
STEPS, TIMES = 64, 2000  # outer products in a row, and how often: 64 rows of filters are some 8 KB


@loops
def multiply_and_add(tile: Any, x: Any, w: Any, times: int, y: Any) -> None:
    """Add up outer products of x (rows + STEPS,) and w (STEPS, width), flat, again and again, in one tile of registers."""
    t = zeros(tile)
    steps = w.size // width(tile)
    for _ in range(times):
        for k in range(steps):
            t = outer(t, x, k, 1, w, k * width(tile))
    store(t, y, 0, width(tile))


def peak(setup: Setup) -> Found:
    """Time the forward convolutions of both presets, and hold them against what the same tiles do in the first cache."""
    tile = Tile(13 if registers() == 32 else 6, VECTORS, lanes(), np.float32)
    rng = np.random.default_rng(0)
    x, w, y = (rng.random(size, np.float32) for size in (tile.rows + STEPS, STEPS * tile.width, tile.rows * tile.width))
    ways = [Way("peak", lambda: multiply_and_add(tile, x, w, TIMES, y))]
    operations = {"peak": 2 * TIMES * STEPS * tile.rows * tile.width}
    errors = {}
    for name, (side, channels, filters) in CONVOLUTIONS.items():
        layer = Conv2d.init(rng, channels, filters, KERNEL)
        images = rng.random((BATCH, side, side, channels), np.float32)
        link = Convolution(Node("conv", layer, ["input"]))
        errors[name] = _wrong(layer, images, link.forward(images))
        ways.append(Way(name, lambda link=link, images=images: link.forward(images)))  # type: ignore[misc]  # bound as it is now
        operations[name] = 2 * BATCH * (side - KERNEL + 1) ** 2 * KERNEL**2 * channels * filters
    with threads(1):
        seconds = in_turn(ways, setup.rounds, AT_WORK, setup.clock)
    most = seconds["peak"]
    found, table = [], []
    for name, (side, channels, filters) in CONVOLUTIONS.items():
        what = f"{side} x {side} x {channels} -> {filters}, {name}"
        at_peak = Spread(tuple(each * operations[name] / operations["peak"] for each in most.values))
        found += [
            Measurement("convolutions", "", what, BATCH, "handmade compiled, 1 thread", seconds[name], errors[name]),
            Measurement("convolutions", "", what, BATCH, "at the peak", at_peak, None),
        ]
        share = Spread(tuple(100 * each for each in at_peak.over(seconds[name]).values))
        table.append(Row(f"convolution {what}: share of the peak", SHARE, share, most=False, unit=" %"))
    rate = operations["peak"] / most.median / 1e9
    return (
        found,
        table,
        [f"Peak of one core, by tiles of {tile.rows} x {VECTORS} vectors of {lanes()} numbers: {rate:.0f} GFLOP/s."],
    )


def _wrong(layer: Conv2d, images: Array, y: Array) -> float:
    """Return how far the first row of the output is from the nested loops, in tolerances; raises SystemExit beyond 1."""
    wanted = nested.conv2d(images[:1, :KERNEL].astype(np.float64), layer.W.astype(np.float64), layer.b.astype(np.float64))
    found = error((y[:1, :1],), (wanted,))
    if not found <= 1:
        raise SystemExit(f"wrong against the loops: a convolution ({found:.1f} tolerances)")
    return found
