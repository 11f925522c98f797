"""Equal places: neighbouring places of an activation that read equal numbers, so that no nudge of a weight can tell them apart.

    image        neighbouring pixels are equal if they are equal in every channel
    convolution  neighbouring places are equal if all pairs of pixels that they read are: inside the image, or both in its padding
    pool         the same
    ReLU, ...    a layer that works element by element keeps equal places; an Affine, if its constants are those of channels

Two equal places are computed from equal numbers in the same way. They stay equal for any weights. A tie between them in a pool
can never be broken, on a constant background, in a stroke of one colour or along a border of the image.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handmade.compiled.differences.constant_regions import windows
from handmade.compiled.jit import loops
from handmade.engine.arrays import Array, Sides
from handmade.engine.layers import Affine, AvgPool2d, BatchNorm2d, Clip, Conv2d, LeakyReLU, MaxPool2d, ReLU, add_rules
from handmade.engine.layers.geometry import Geometry
from handmade.engine.layers.windows import pad

Pairs = NDArray[np.bool_]  # (N, H, W)


@dataclass(frozen=True, eq=False)
class Equal:
    """Equal neighbours.

    Attributes
    ----------
    right, below : Array of bool, (N, H, W)
        True if a place equals the next one in its row, or in its column; False for the last one.
    """

    right: Pairs
    below: Pairs

    @property
    def found(self) -> bool:
        """True if there are equal neighbours."""
        return bool(self.right.any() or self.below.any())


def equal_pixels(x: Array) -> Equal | None:
    """Return the equal neighbours of images; None if x does not hold images."""
    if x.ndim != 4:
        return None
    right, below = np.zeros(x.shape[:3], np.bool_), np.zeros(x.shape[:3], np.bool_)
    (x[:, :, 1:] == x[:, :, :-1]).all(axis=-1, out=right[:, :, :-1])
    (x[:, 1:] == x[:, :-1]).all(axis=-1, out=below[:, :-1])
    return Equal(right, below)


def labels(equal: Equal | None, blank: Pairs) -> NDArray[np.int32]:
    """Return a number for each place; only equal places have the same: (N, H * W). Blank places (N, H * W) have the number -1."""
    found = np.empty(blank.shape, np.int32)
    if equal is None or not equal.found:
        found[:] = np.where(blank, -1, np.arange(blank.shape[1]))
    else:
        _label(equal.right, equal.below, blank, found)
    return found


@loops
def _label(right: Any, below: Any, blank: Any, found: Any) -> None:
    """Compute the numbers of places: that of the place to the left or above if it is equal, else a new one."""
    N, H, W = right.shape
    for n in range(N):
        for h in range(H):
            for w in range(W):
                p = h * W + w
                found[n, p] = p
                if blank[n, p]:
                    found[n, p] = -1
                elif w > 0 and right[n, h, w - 1]:
                    found[n, p] = found[n, p - 1]
                elif h > 0 and below[n, h - 1, w]:
                    found[n, p] = found[n, p - W]


def _of_windows(layer: Any, equal: Equal, *, alike_outside: bool = True) -> Equal:
    geometry: Geometry = layer.geometry
    if not equal.found:
        count = geometry.count(equal.right.shape[1:])
        return Equal(*(np.zeros((len(equal.right), *count), np.bool_) for _ in range(2)))
    sides, inner = geometry.borders(equal.right.shape[1:]), Geometry(geometry.window, geometry.stride, dilation=geometry.dilation)
    found = []
    for axis, pairs in enumerate((equal.below, equal.right), start=1):
        joined = _with_padding(pairs, sides, axis, alike_outside=alike_outside)
        found.append(_without_last(windows(_over(joined, geometry.stride[axis - 1], axis), inner), axis))
    return Equal(found[1], found[0])


def _with_padding(pairs: Pairs, sides: Sides, axis: int, *, alike_outside: bool) -> Pairs:
    """Return the pairs along an axis in padded images; two places of the padding are equal as well."""
    joined = pad(pairs, sides, outside=False)
    if joined is pairs or not alike_outside:
        return joined
    outside = pad(np.zeros(pairs.shape[1:], np.bool_)[None], sides, outside=True)
    both = outside.copy()
    both[_cut(axis, 0, -1)] &= outside[_cut(axis, 1, None)]
    both[_cut(axis, -1, None)] = False
    return joined | both


def _over(pairs: Pairs, stride: int, axis: int) -> Pairs:
    """Return True for each place that equals the one `stride` places further, by a chain of equal neighbours."""
    found = pairs
    for k in range(1, stride):
        shifted = np.zeros_like(pairs)
        shifted[_cut(axis, 0, -k)] = pairs[_cut(axis, k, None)]
        found = found & shifted
    return found


def _without_last(pairs: Pairs, axis: int) -> Pairs:
    """Return the pairs with False for the last place along an axis."""
    pairs = pairs.copy()
    pairs[_cut(axis, -1, None)] = False
    return pairs


def _cut(axis: int, first: int, last: int | None) -> tuple[slice, ...]:
    return (*(slice(None),) * axis, slice(first, last))


def _of_average(layer: Any, equal: Equal) -> Equal:
    """Return the equal neighbours after an average pool: places outside may count differently for its divisor."""
    return _of_windows(layer, equal, alike_outside=False)


def _unchanged(_layer: object, equal: Equal) -> Equal:
    return equal


def _of_affine(layer: Any, equal: Equal) -> Equal | None:
    of_channels = all(set(array.shape[:-1]) <= {1} for array in (layer.scale, layer.shift))
    return equal if of_channels else None


for windowed in (Conv2d, MaxPool2d):
    add_rules(windowed, equal=_of_windows)
add_rules(AvgPool2d, equal=_of_average)
add_rules(Affine, equal=_of_affine)
for each in (ReLU, LeakyReLU, Clip, BatchNorm2d):  # element by element, with the same function at all places of a channel
    add_rules(each, equal=_unchanged)
