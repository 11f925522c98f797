"""Nudges of all weights of a convolution, in compiled loops, for some images: from the affected windows to dL."""

from typing import Any

import numpy as np

from handmade.compiled.differences.choices import far_choices
from handmade.compiled.differences.losses import cross_entropy, mean_squared_error
from handmade.compiled.differences.next_convolution import next_convolution
from handmade.compiled.differences.nudges import contested_nudges, filter_nudges, nudges_across
from handmade.compiled.jit import loops
from handmade.compiled.tiles import width

DZ_NUMBERS = 2**17  # of an array of dz, which is written once and read once, within the cache


@loops
def convolution_nudges(
    tile: Any,
    across_tile: Any,
    goes_across: bool,
    row_tile: Any,
    square: Any,
    images: Any,
    origin: Any,
    runs: Any,
    length: int,
    z: Any,
    pixels: Any,
    O: int,
    relu: bool,
    y: Any,
    place: Any,
    row: Any,
    count: Any,
    contested: Any,
    found: Any,
    lanes: Any,
    M: int,
    step: Any,
    low: int,
    high: int,
    left_out: Any,
    next_origin: Any,
    taps: Any,
    pixel_of: Any,
    w: Any,
    next_z: Any,
    next_pixels: Any,
    next_O: int,
    next_relu: bool,
    next_y: Any,
    next_contested: Any,
    next_earlier: Any,
    next_lanes: Any,
    far_begin: Any,
    far_output: Any,
    far_size: Any,
    far_slack: Any,
    far_rest: Any,
    far_gains: Any,
    squared: bool,
    loss_data: Any,
    target: Any,
    label: Any,
    weights: Any,
    sums: Any,
) -> None:
    """Add dL of each nudge of filters low to high, for some images except those that are left out: sums (O * nudges,).

    The next convolution is given by next_..., without windows if there is none; far contested choices are given by far_...,
    those of image n from far_begin[n] to far_begin[n + 1]. The loss is the squared error, with z - t as `loss_data`; or
    cross-entropy, with log p as `loss_data`: see losses.py. dL of an image is multiplied by its weight. Images without contested
    windows use `nudges_across` if `goes_across`.
    """
    nudges, K = runs.size * length + 1, loss_data.shape[1]
    at_once = max(1, DZ_NUMBERS // (nudges * M))
    room = np.zeros(min(at_once, high - low) * nudges * M + width(row_tile), images.dtype)
    for n in range(len(images)):
        if left_out[n]:
            continue
        a, b = far_begin[n], far_begin[n + 1]
        across = goes_across and found[n] == 0 and next_earlier[n] == 0 and a == b
        for first in range(low, high, at_once):
            last = min(first + at_once, high)
            if across:
                dz, dL = room[: (last - first) * nudges * K + width(row_tile)], sums[first * nudges : last * nudges]
                nudges_across(
                    across_tile,
                    row_tile,
                    images[n],
                    origin,
                    runs,
                    length,
                    place[n],
                    row[n],
                    count[n],
                    lanes[n],
                    M,
                    K,
                    step,
                    first,
                    last,
                    dz,
                )
                add_losses(row_tile, dz, M, True, squared, loss_data[n], target[n], label[n], weights[n], dL)
                continue
            dz, dL = room[: (last - first) * nudges * M], sums[first * nudges : last * nudges]
            filter_nudges(
                tile, row_tile, images[n], origin, runs, length, place[n], row[n], count[n], lanes[n], M, step, first, last, dz
            )
            if found[n] > 0:
                contested_nudges(
                    tile,
                    images[n],
                    origin,
                    runs,
                    length,
                    z[n],
                    pixels,
                    O,
                    relu,
                    y[n],
                    contested[n],
                    found[n],
                    lanes[n],
                    M,
                    step,
                    first,
                    last,
                    dz,
                )
            if next_earlier[n] > 0:
                next_convolution(
                    row_tile,
                    square,
                    images[n],
                    origin,
                    runs,
                    length,
                    z[n],
                    pixels,
                    O,
                    relu,
                    y[n],
                    step,
                    first,
                    last,
                    next_origin,
                    taps,
                    pixel_of,
                    w,
                    next_z[n],
                    next_pixels,
                    next_O,
                    next_relu,
                    next_y[n],
                    next_contested[n],
                    next_earlier[n],
                    next_lanes[n],
                    M,
                    dz,
                )
            if b > a:
                far_choices(row_tile, dz, M, far_output[a:b], far_size[a:b], far_slack[a:b], far_rest[a:b], far_gains[a:b])
            add_losses(row_tile, dz, M, False, squared, loss_data[n], target[n], label[n], weights[n], dL)


@loops
def add_losses(
    tile: Any, dz: Any, M: int, across: bool, squared: bool, loss_data: Any, target: Any, label: int, weight: Any, dL: Any
) -> None:
    """Add dL of an image for each nudge."""
    if squared:
        mean_squared_error(dz, M, across, loss_data, weight, dL)
    else:
        cross_entropy(tile, dz, M, across, loss_data, target, label, weight, dL)
