"""Weights whose slopes are all zero: the loss does not depend on them, or the images do not activate them.

A slope of zero is correct if the loss does not depend on the weight at all, as for a bias before a BatchNorm2d in training.
If the loss would change for very different weights, as before a dead ReLU, the zeros test nothing: a wrong gradient can be zero,
too. Therefore the weights of such an array are moved randomly, by their own size and by much more, and the loss is observed.
"""

from collections.abc import Iterator

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.check.networks.rounding import loss_rounding
from handmade.engine.gradients.definition import mean_loss
from handmade.engine.graph import downstream
from handmade.engine.layers import rule
from handmade.engine.losses import Loss
from handmade.engine.network import Network

SIZES = (1.0, 10.0, 1e3, 1e5, 1e8)  # sizes of the moves, relative to the largest weight of the network, at least 1
MOVES = 4  # random moves of each size
ELSEWHERE = "all slopes are 0 here, but far from these values the loss depends on the weights"


def reason_untested(network: Network, x: Array, y: Array, loss: Loss, name: str) -> str:
    """Return the reason why an array whose slopes are all zero was not tested; an empty text if its gradient is correct."""
    if not _moves_loss(network, x, y, loss, name):
        return ""
    start, _ = network.owners[name]
    after = {node.name for node in downstream(network.nodes, start)} & network.below_logits
    dead = next((title for node, title, alive, _ in _units(network, x) if node in after and not alive), None)
    return f"all units of {dead} are 0 for all images, so all slopes are 0" if dead else ELSEWHERE


def inactive_units(network: Network, x: Array) -> tuple[str, ...]:
    """Return a sentence for each ReLU with units, or channels, that are 0 for all images."""
    return tuple(
        f"{count - alive:,} of {count:,} units of {title} are 0 for all images"
        for _, title, alive, count in _units(network, x)
        if alive < count
    )


def _units(network: Network, x: Array) -> Iterator[tuple[str, str, int, int]]:
    """Yield for each ReLU: name, title, number of units (channels) that are not 0 everywhere, and number of all units."""
    tape = network.tape(x)
    for node in network.nodes:
        if rule(node.layer, "rectifies"):
            y = tape[node.name]
            yield node.name, network.titles[node.name], int((y != 0).reshape(-1, y.shape[-1]).any(axis=0).sum()), y.shape[-1]


def _moves_loss(network: Network, x: Array, y: Array, loss: Loss, name: str) -> bool:
    """Return True if a large move of an array moves the loss by more than its rounding."""
    array, rng = network.parameters()[name], np.random.default_rng(0)
    size = max(1.0, *(float(np.abs(each).max()) for each in network.parameters().values()))
    L, rounded = mean_loss(network, x, y, loss), loss_rounding(network, x, y, loss)
    for factor in SIZES:
        for _ in range(MOVES):
            other = network.replace({name: array + factor * size * rng.standard_normal(array.shape)})
            moved = abs(mean_loss(other, x, y, loss) - L)
            if moved > 2 * rounded and moved > 2 * (rounded + loss_rounding(other, x, y, loss)):
                return True
    return False
