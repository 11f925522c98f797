"""The finite chain rule: the same quotients as `definition`, without running the network again for each.

    dy = layer.delta(x, dx),   then dy is the next layer's dx,   ...,   at last   dL = loss.delta(z, dz, y),   g = dL / h

Every layer hands on its exact difference instead of its value. So nothing is repeated (the layers before the nudge, the
channels beside it) and nothing cancels: dL is right to the last digits at any h, on both sides of every kink.

The work is shared out by images. Where these depend on one another (BatchNorm2d in training), all of them go together, some
columns of weights at a time, and of a column as many nudges as are good for the memory.

Reps & Rall (2003), "Computational Divided Differencing and Divided-Difference Arithmetics", Higher-Order and Symbolic
Computation 16.
"""

from concurrent.futures import Executor

from numpy.typing import ArrayLike

from handmade.engine import backend
from handmade.engine.arrays import Array
from handmade.engine.gradients.arguments import Scheme, as_batch, as_loss, check_call, checked_step
from handmade.engine.losses import Loss
from handmade.engine.network import Network


def difference(
    network: Network,
    x: ArrayLike,
    y: ArrayLike,
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
    x, y = as_batch(network, x, y, "handmade.gradients.difference(network, x, y)")
    check_call(scheme, executor)
    return backend.current().differences(network, x, y, checked_step(h, network), scheme, as_loss(loss), executor)
