"""One-sided slopes of a network in which a layer's difference is a subtraction, as in a user's layer without a delta.

There, h = 1e-30 cannot be used: f(x + dx) - f(x) is lost in rounding. So quotients are taken at a series of step sizes, and two
neighbours are combined, which removes the error of first order in h (Richardson extrapolation):

    q_j = (L(w + h_j) - L(w)) / h_j,   h_j = h_0 / 8^j,   s_j = (8 q_(j+1) - q_j) / 7        (1)

The error of s_j is estimated as its difference from its neighbour, plus 9/7 of the rounding of four losses divided by h_(j+1).
For each weight, the step with the smallest error is used. So a kink that is closer than one step is excluded by a smaller step.
"""

from collections.abc import Sequence
from concurrent.futures import Executor
from itertools import pairwise

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.gradients.difference import difference
from handmade.engine.layers import Layer, rule
from handmade.engine.layers.layer import Input
from handmade.engine.losses import Loss
from handmade.engine.network import Network

STEPS = tuple(2.0**-k for k in range(5, 29, 3))
TINY, LARGER = 1e-30, 2.0**-20
UNSURE = 4  # error estimate: this factor times the difference of neighbours


def subtracts(network: Network, x: Array) -> bool:
    """Return True if a layer's delta is 0 for a very small step, though not for a larger one."""
    tape = network.tape(x)
    with np.errstate(all="ignore"):
        return any(
            _loses(node.layer, node.inputs(tape))
            for node in network.nodes
            if not (rule(node.layer, "channel") or rule(node.layer, "join"))
        )


def _loses(layer: Layer, x: Input) -> bool:
    given = x if layer.joins else (x,)
    size = max(1.0, *(float(np.abs(each).max()) for each in given))
    rng = np.random.default_rng(0)
    v = [size * rng.standard_normal(each.shape) for each in given]
    moved = []
    for step in (TINY, LARGER):
        dx = tuple(step * each for each in v)
        moved.append(np.asarray(layer.delta(x, dx if layer.joins else dx[0])))
    return bool(((moved[0] == 0) & (moved[1] != 0)).any())


def sides(
    network: Network, x: Array, y: Array, loss: Loss, rounding: float, executor: Executor | None
) -> tuple[dict[str, Array], dict[str, Array], dict[str, Array]]:
    """Return the left and right slopes of all weights and their error bounds; `rounding` is the rounding of the loss."""
    right = [difference(network, x, y, h=h, loss=loss, executor=executor)[1] for h in STEPS]
    both = [difference(network, x, y, h=h, scheme="central", loss=loss, executor=executor)[1] for h in STEPS]
    left = [{name: 2 * c[name] - r[name] for name in c} for c, r in zip(both, right, strict=True)]
    found: tuple[dict[str, Array], dict[str, Array], dict[str, Array]] = ({}, {}, {})
    for name in network.parameters():
        slopes = [_best([q[name] for q in quotients], rounding) for quotients in (left, right)]
        found[0][name], found[1][name] = (slope for slope, _ in slopes)
        found[2][name] = np.maximum(slopes[0][1], slopes[1][1])
    return found


def _best(q: Sequence[Array], rounding: float) -> tuple[Array, Array]:
    """Return the slope by (1) at the step with the smallest error, and that error."""
    s = np.stack([(8 * later - each) / 7 for each, later in pairwise(q)])
    lost = np.array([9 / 7 * 4 * rounding / h for h in STEPS[2:]]).reshape(-1, *(1,) * q[0].ndim)
    error = UNSURE * np.abs(s[1:] - s[:-1]) + lost
    best = error.argmin(axis=0)[None]
    return np.take_along_axis(s[1:], best, axis=0)[0], np.take_along_axis(error, best, axis=0)[0]
