"""Images that compiled differences would leave out: too many choices far behind a weight could switch for nudges by h."""

from collections.abc import Sequence

import numpy as np

from handmade.compiled.differences.block import limits
from handmade.compiled.differences.bounds import bounds
from handmade.compiled.differences.far import most_outputs, windows_contested
from handmade.compiled.differences.records import largest, record
from handmade.compiled.differences.units import units_of
from handmade.compiled.fused import FLOATS, Convolution
from handmade.compiled.fusion import role_of
from handmade.engine.arrays import Array
from handmade.engine.network import Network
from handmade.engine.plain.operation import Operation


def left_out(network: Network, x: Array, steps: Sequence[float]) -> list[tuple[int, float]]:
    """Return for each h the number of images that are left out, and the mean number of additional outputs of an image.

    Both are 0 if the network cannot be crossed by lanes at all, or if no choice is far behind a weight.

    Exact ties and zeros do not count. They do not depend on h, and those of zero biases are gone after a step.
    """
    units = units_of(network)
    if x.dtype not in FLOATS or network.mixes_batch or not units.far:
        return [(0, 0.0)] * len(steps)
    found = []
    with np.errstate(all="ignore"):
        records, _ = record(
            network, units, lambda node: Convolution(node) if role_of(network, node) == "convolution" else Operation(node), x
        )
        inputs = {name: largest(records[name]) for name in units.supported}
        for h in steps:
            reach, total = bounds(network, units, inputs, h), np.zeros(len(x), np.int64)
            for unit in units.all:
                if unit.node.name in units.far:
                    made = records[unit.node.name]
                    _, earlier = limits(unit, reach, made)
                    contested = windows_contested(made, earlier) & (made.lead != 0).reshape(len(x), -1, len(earlier))
                    total += contested.sum(axis=(1, 2)) * made.pixels.shape[1]
            found.append((int((total > most_outputs(network, units)).sum()), float(total.mean())))
    return found
