"""Backpropagation: derivatives of the loss for all weights at once, computed from the last entry of the tape to the first.

    gz = loss.backward(z, y),   then   gx, gW = layer.backward(x, gy)   for the last layer, the one before it, ...

As h goes to 0, the finite chain rule becomes forward-mode differentiation, one direction at a time. Each of its steps is linear
then. The transposed steps carry the gradient of the loss back to all weights. On a kink there is no derivative, and the
conventions of the layers hold: relu'(0) = 0, and the first of several equal maxima gets the complete gradient. The backend does
the computation (engine/backend.py).

Rumelhart, Hinton & Williams (1986), "Learning representations by back-propagating errors", Nature 323.
"""

from concurrent.futures import Executor

from numpy.typing import ArrayLike

from handmade.engine import backend
from handmade.engine.arrays import Array
from handmade.engine.gradients.arguments import as_batch, as_weighted
from handmade.engine.losses import Loss
from handmade.engine.network import Network
from handmade.engine.parallel import as_executor


def backprop(
    network: Network,
    x: ArrayLike,
    y: ArrayLike,
    *,
    loss: Loss | None = None,
    weights: ArrayLike | None = None,
    executor: Executor | None = None,
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
        Loss of one image, cross-entropy if left out; the gradient is that of its mean over the batch.
    weights : Array, (N,), optional
        Weights of the images: each term of the mean is multiplied by its weight.
    executor : concurrent.futures.Executor, optional
        Executor that processes blocks of images; the calling thread if left out. The result has the same bits with any executor.

    Returns
    -------
    L : float
        Mean loss.
    gradients : dict of Array
        One derivative for each weight, named and shaped as in `network.parameters()`.

    Raises
    ------
    HandmadeError
        If images, labels or weights are not usable, or a layer has no `backward`.
    """
    x, y = as_batch(network, x, y, "handmade.gradients.backprop(network, x, y)")
    return backend.current().backprop(network, x, y, as_weighted(loss, weights, len(x)), as_executor(executor))


def input_gradient(
    network: Network,
    x: ArrayLike,
    y: ArrayLike,
    *,
    loss: Loss | None = None,
    weights: ArrayLike | None = None,
    executor: Executor | None = None,
) -> tuple[float, Array]:
    """Differentiate the loss with respect to every pixel: the same arguments; returns the loss and gx in the shape of x.

    Here too the loss is the mean over the batch. A row of gx times N is the gradient of the loss of that image.
    """
    x, y = as_batch(network, x, y, "handmade.gradients.input_gradient(network, x, y)")
    return backend.current().input_gradient(network, x, y, as_weighted(loss, weights, len(x)), as_executor(executor))
