"""Constant regions: all places on constant background have equal numbers, with every nudge of a weight.

    image        a pixel is blank if it is 0 in every channel
    convolution  a place is blank if all pixels that it reads are blank, and none of them lies outside the image
    pool         the same
    ReLU, ...    a layer that works element by element keeps blank places; an Affine, if its constants are those of channels
    padding      added pixels are not blank

So the numbers at two blank places of an activation are computed from the same zeros. They are equal for any weights, and stay
equal if a weight is nudged. A blank window of a pool is a tie that no nudge can break.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from handmade.engine.arrays import Array
from handmade.engine.layers import Affine, AvgPool2d, BatchNorm2d, Clip, Conv2d, LeakyReLU, MaxPool2d, Pad, ReLU, add_rules
from handmade.engine.layers.geometry import Geometry
from handmade.engine.layers.windows import pad, strided_slice

Blank = NDArray[np.bool_]  # (N, H, W)


def of_images(x: Array) -> Blank | None:
    """Return True for each blank pixel of the images; None if x does not hold images."""
    blank: Blank = (x == 0).all(axis=-1)
    return blank if x.ndim == 4 else None


def windows(blank: Blank, geometry: Geometry) -> Blank:
    """Return True for each window with blank pixels only; computed over the rows first, then over the columns."""
    found = pad(blank, geometry.borders(blank.shape[1:]), outside=False)
    for axis, places in enumerate(geometry.count(blank.shape[1:])):
        parts = [
            found[(slice(None),) * (1 + axis) + (strided_slice(k * geometry.dilation[axis], places, geometry.stride[axis]),)]
            for k in range(geometry.window[axis])
        ]
        found = np.logical_and.reduce(parts) if len(parts) > 1 else parts[0]
    return found


def _of_windows(layer: Any, blank: Blank) -> Blank:
    return windows(blank, layer.geometry)


def _unchanged(_layer: object, blank: Blank) -> Blank:
    return blank


def _of_affine(layer: Any, blank: Blank) -> Blank | None:
    of_channels = all(set(array.shape[:-1]) <= {1} for array in (layer.scale, layer.shift))
    return blank if of_channels else None


def _of_padding(layer: Any, blank: Blank) -> Blank | None:
    if layer.mode != "constant" or any(layer.widths[2]):
        return None
    return np.pad(blank, ((0, 0), *layer.widths[:2]), constant_values=False)


for windowed in (Conv2d, MaxPool2d, AvgPool2d):
    add_rules(windowed, constant=_of_windows)
add_rules(Affine, constant=_of_affine)
add_rules(Pad, constant=_of_padding)
for each in (ReLU, LeakyReLU, Clip, BatchNorm2d):  # element by element, with the same function at all places of a channel
    add_rules(each, constant=_unchanged)
