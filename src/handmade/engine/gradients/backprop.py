"""Backpropagation: the derivative itself, for all weights at once, by going through the tape from back to front.

    gz = loss.backward(z, y),   then   gx, gW = layer.backward(x, gy)   for the last layer, the one before it, ...

As h goes to 0, the finite chain rule carries derivatives forward, one direction at a time. Each of its steps is linear then, and
its transpose carries the gradient of the one loss back to all weights. On a kink there is no derivative; the conventions of the
layers decide: relu'(0) = 0, and the first winner of a tie takes all. The backend does the work (engine/backend.py).

Rumelhart, Hinton & Williams (1986), "Learning representations by back-propagating errors", Nature 323.
"""

from concurrent.futures import Executor

from numpy.typing import ArrayLike

from handmade.engine import backend
from handmade.engine.arguments import check_executor
from handmade.engine.arrays import Array
from handmade.engine.gradients.arguments import as_batch, as_loss
from handmade.engine.losses import Loss
from handmade.engine.network import Network


def backprop(
    network: Network, x: ArrayLike, y: ArrayLike, *, loss: Loss | None = None, executor: Executor | None = None
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
    x, y = as_batch(network, x, y, "handmade.gradients.backprop(network, x, y)")
    check_executor(executor)
    return backend.current().backprop(network, x, y, as_loss(loss), executor)


def input_gradient(
    network: Network, x: ArrayLike, y: ArrayLike, *, loss: Loss | None = None, executor: Executor | None = None
) -> tuple[float, Array]:
    """Differentiate the loss with respect to every pixel: the same arguments, and gx in the shape of x.

    The loss is the mean over the batch here too; times N, a row of gx is the gradient of that image's own loss.
    """
    x, y = as_batch(network, x, y, "handmade.gradients.input_gradient(network, x, y)")
    check_executor(executor)
    return backend.current().input_gradient(network, x, y, as_loss(loss), executor)
