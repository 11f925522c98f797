"""Edits: weights of a network moved by steps, one after the other."""

from collections.abc import Sequence

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.network import Network
from handmade.engine.receipts import places
from handmade.lab.schemas import Edit


def edited(network: Network, edits: Sequence[Edit]) -> Network:
    """Return the network with all edits made, in order.

    Raises
    ------
    HandmadeError
        If one names no weight, or makes one that its dtype cannot hold.
    """
    arrays: dict[str, Array] = {}
    weights, now = places.weights(network), network.parameters()
    for edit in edits:
        at = places.place(network, edit.at)
        if at.name not in weights:
            raise HandmadeError(f"edit: expected a weight such as {next(iter(weights), 'conv1.W')}[...]; got {edit.at!r:.80}")
        key = places.key_of(network, at.name)
        array = arrays.setdefault(key, now[key].copy())
        with np.errstate(over="ignore"):
            array[at.index] += array.dtype.type(edit.step)
        if not np.isfinite(array[at.index]):
            raise HandmadeError(f"edit: expected a step that {array.dtype} can hold; {at} becomes {array[at.index]}")
    return network.replace(arrays) if arrays else network
