"""Backpropagation: the derivative itself, for all weights at once, by going through the tape from back to front.

    gz = loss.backward(z, y),   then   gx, gW = layer.backward(x, gy)   for the last layer, the one before it, ...

As h goes to 0, the finite chain rule carries derivatives forward, one direction at a time. Each of its steps is linear then, and
its transpose carries the gradient of the one loss back to all weights. On a kink there is no derivative; the conventions of the
layers decide: relu'(0) = 0, and the first winner of a tie takes all.

Rumelhart, Hinton & Williams (1986), "Learning representations by back-propagating errors", Nature 323.
"""

from collections.abc import Iterator
from concurrent.futures import Executor
from functools import partial, reduce
from typing import TypeAlias

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.gradients.settings import check_batch, mapped
from handmade.engine.losses import CrossEntropy, Loss
from handmade.engine.memory import keep_freed_memory
from handmade.engine.network import Network

IMAGES_A_TASK = 8  # whose patches stay in the cache between forward and backward

Part: TypeAlias = tuple[float, Array, dict[str, Array]]  # of some images: the loss, gx, and the gradients of the weights


def backprop(
    network: Network, x: Array, y: Array, *, loss: Loss | None = None, executor: Executor | None = None
) -> tuple[float, dict[str, Array]]:
    """Differentiate the loss with respect to every weight.

    Parameters
    ----------
    network : Network
    x : Array, (N, *network.input_shape)
        Prepared images.
    y : Array, (N,)
        Their classes.
    loss : Loss, optional
        The loss of one image, cross-entropy if left out; the gradient is that of its mean over the batch.
    executor : concurrent.futures.Executor, optional
        Where blocks of images are shared out; this thread if left out. The result has the same bits with any executor.

    Returns
    -------
    L : float
        The loss.
    gradients : dict of Array
        One derivative a weight, named and shaped as in `network.parameters()`.

    Raises
    ------
    HandmadeError
        If images or labels are not usable, or a layer has no `backward`.
    """
    losses, _, gradients = zip(*_parts(network, x, y, loss, executor), strict=True)
    return sum(losses) / len(x), {name: reduce(np.add, [part[name] for part in gradients]) for name in gradients[0]}


def input_gradient(
    network: Network, x: Array, y: Array, *, loss: Loss | None = None, executor: Executor | None = None
) -> tuple[float, Array]:
    """Differentiate the loss with respect to every pixel: the same arguments, and gx in the shape of x.

    The loss is the mean over the batch here too; times N, a row of gx is the gradient of that image's own loss.
    """
    losses, gx, _ = zip(*_parts(network, x, y, loss, executor), strict=True)
    return sum(losses) / len(x), np.concatenate(gx)


def _parts(network: Network, x: Array, y: Array, loss: Loss | None, executor: Executor | None) -> Iterator[Part]:
    check_batch(network, x, y)
    for name, layer in zip(network.names, network.layers, strict=True):
        if not callable(getattr(layer, "backward", None)):
            raise HandmadeError(f"backpropagation wants every layer to have a method backward; {name} has none. Try difference")
    blocks = [(x[first : first + IMAGES_A_TASK], y[first : first + IMAGES_A_TASK]) for first in range(0, len(x), IMAGES_A_TASK)]
    return mapped(executor, partial(_part, network, loss or CrossEntropy(), len(x)), blocks)


def _part(network: Network, loss: Loss, images: int, block: tuple[Array, Array]) -> Part:
    """What some images of the batch contribute."""
    keep_freed_memory()
    x, y = block
    gradients: dict[str, Array] = {}
    with np.errstate(over="ignore", invalid="ignore"):  # an overflow shows in the result, where training looks for it
        *tape, z = network.forward(x)
        g = loss.backward(z, y) / images
        for i, (layer, x_i) in reversed(list(enumerate(zip(network.layers, tape, strict=True)))):
            g, own = layer.backward(x_i, g)
            gradients |= {f"{i}.{name}": array for name, array in own.items()}
        L = float(loss.forward(z, y).sum())
    return L, g, {name: gradients[name] for name in network.parameters()}
