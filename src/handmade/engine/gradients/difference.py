"""The finite chain rule: the same quotients as `definition`, without running the network again for each.

    dy = layer.delta(x, dx),   then dy is the next layer's dx,   ...,   at last   dL = loss.delta(z, dz, y),   g = dL / h

Every layer hands on its exact difference instead of its value. So nothing is repeated (the layers before the nudge, the
channels beside it) and nothing cancels: dL is right to the last digits at any h, on both sides of every kink.

Reps & Rall (2003), "Computational Divided Differencing and Divided-Difference Arithmetics", Higher-Order and Symbolic
Computation 16.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor
from functools import partial, reduce
from typing import Any, TypeAlias

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.gradients.hops import Hop, Moved, hops
from handmade.engine.gradients.settings import Scheme, checked, mapped
from handmade.engine.layers import EVERY, Channelwise, Weighted
from handmade.engine.losses import CrossEntropy, Loss
from handmade.engine.memory import keep_freed_memory
from handmade.engine.network import Network

IMAGES_A_TASK = 16  # enough to outweigh the way to a worker and back
IMAGES_AT_ONCE = 8  # enough to outweigh the calls
CACHE = 2**20  # bytes; a common L2 cache
LARGEST = 2**22  # bytes that an array of differences may take; it is written once, and a part of it read once

Batch: TypeAlias = tuple[Array, Array]  # images and labels
Sums: TypeAlias = tuple[float, dict[int, Array]]  # over images: the loss, and the quotients of each layer's columns


def difference(
    network: Network,
    x: Array,
    y: Array,
    *,
    h: float = 1e-3,
    scheme: Scheme = "forward",
    loss: Loss | None = None,
    executor: Executor | None = None,
) -> tuple[float, dict[str, Array]]:
    """Follow every nudge through the rest of the network as an exact difference.

    Parameters
    ----------
    network : Network
    x : Array, (N, *network.input_shape)
        Prepared images.
    y : Array, (N,)
        Their classes.
    h : float
        How far each weight is moved. No digit is lost to a small one.
    scheme : {"forward", "central"}
        (L(w + h) - L(w)) / h, or (L(w + h) - L(w - h)) / 2h at twice the work.
    loss : Loss, optional
        The loss of one image, cross-entropy if left out; the gradient is that of its mean over the batch.
    executor : concurrent.futures.Executor, optional
        Where blocks of images are shared out; this thread if left out. The result has the same bits with any executor.

    Returns
    -------
    L : float
        The loss at the weights as they are.
    gradients : dict of Array
        One quotient a weight, named and shaped as in `network.parameters()`.

    Raises
    ------
    HandmadeError
        If images, labels, h or scheme are not usable.
    """
    step = checked(network, x, y, h, scheme)
    loss = loss or CrossEntropy()
    L, columns = _added(mapped(executor, partial(_task, network, step, scheme, loss), _blocks((x, y), IMAGES_A_TASK)))
    return L / len(x), _named(network, {i: total / len(x) for i, total in columns.items()})


def _blocks(batch: Batch, size: int) -> Iterator[Batch]:
    """The batch in pieces of so many images."""
    x, y = batch
    return ((x[first : first + size], y[first : first + size]) for first in range(0, len(x), size))


def _added(parts: Iterable[Sums]) -> Sums:
    """What several pieces of a batch come to, added up in their order."""
    losses, columns = zip(*parts, strict=True)
    return sum(losses), {i: reduce(np.add, [part[i] for part in columns]) for i in columns[0]}


def _task(network: Network, h: Any, scheme: Scheme, loss: Loss, batch: Batch) -> Sums:
    """What one worker does at a time."""
    keep_freed_memory()
    return _added(_sums(network, h, scheme, loss, *block) for block in _blocks(batch, _images_at_once(network)))


def _images_at_once(network: Network) -> int:
    """So many that no array of differences outgrows LARGEST."""
    numbers = [1]
    for i, layer in enumerate(network.layers):
        if isinstance(layer, Weighted):
            output = network.shapes[i + 1]
            column = sum(array.size for array in layer.parameters().values()) // output[-1]
            numbers.append(column * math.prod(output[:-1]))
            spread_out = False
            for later, shape in zip(network.layers[i + 1 :], network.shapes[i + 2 :], strict=True):
                spread_out |= isinstance(later, Weighted) or not isinstance(later, Channelwise)
                numbers.append(column * math.prod(shape) if spread_out else 0)
    return max(1, min(IMAGES_AT_ONCE, LARGEST // (max(numbers) * network.dtype.itemsize)))


def _sums(network: Network, h: Any, scheme: Scheme, loss: Loss, x: Array, y: Array) -> Sums:
    """The loss of some images and, for each layer with weights, the quotients of its columns; sums over the images."""
    columns = {}
    with np.errstate(over="ignore", invalid="ignore"):  # an overflow shows in the result, where training looks for it
        tape = network.forward(x)
        over = hops(network.layers, tape)
        for i, layer in enumerate(network.layers):
            if isinstance(layer, Weighted):
                dL = partial(_losses, layer, tape[i], over=over[i + 1 :], logits=tape[-1], y=y, loss=loss)
                columns[i] = (dL(h=h) - dL(h=-h)) / (2 * h) if scheme == "central" else dL(h=h) / h
        return float(loss.forward(tape[-1], y).sum()), columns


def _losses(layer: Weighted, x: Array, *, h: Any, over: Sequence[Hop], logits: Array, y: Array, loss: Loss) -> Array:
    """dL for every weight of one layer: (weights in a column, channels)."""
    dL: list[Array] = []
    waiting: list[Array] = []  # differences of all logits: the loss takes them together, as many as the cache holds
    for nudged in _nudges(layer, x, h):
        dz = reduce(lambda moved, hop: hop(moved), over, nudged)
        if dz.channel == EVERY:
            waiting.append(dz.dx)
            if sum(part.nbytes for part in waiting) >= CACHE:
                dL += _together(waiting, logits, y, loss)
                waiting.clear()
        else:
            dL.append(loss.delta(logits, dz.dx, y, dz.channel).sum(axis=0))
    return np.stack(dL + _together(waiting, logits, y, loss), axis=-1)


def _nudges(layer: Weighted, x: Array, h: Any) -> Iterator[Moved]:
    """What each column's nudges move in the layer's output."""
    first: Moved | None = None
    for channel, dy in layer.nudges(x, h):
        if first is None or dy is not first.dx:  # channels may share it, and then its bound
            first = Moved(dy, channel)
        yield Moved(dy, channel, first.largest)


def _together(differences: Sequence[Array], logits: Array, y: Array, loss: Loss) -> list[Array]:
    """The losses of several blocks of nudges, from one call."""
    if not differences:
        return []
    dL = loss.delta(logits, np.concatenate(differences, axis=-1), y).sum(axis=0)
    return np.split(dL, len(differences))


def _named(network: Network, columns: dict[int, Array]) -> dict[str, Array]:
    """Cut each layer's columns back into its weight arrays."""
    gradients = {}
    for i, matrix in columns.items():
        layer = network.layers[i]
        assert isinstance(layer, Weighted)
        row = 0
        for name, array in layer.parameters().items():
            rows = array.size // array.shape[-1]
            gradients[f"{i}.{name}"] = matrix[row : row + rows].reshape(array.shape)
            row += rows
    return gradients
