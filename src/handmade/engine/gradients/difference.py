"""Finite chain rule: the same quotients as `definition`, without a complete forward pass for each weight.

    dy = layer.delta(x, dx),   then dy is the next layer's dx,   ...,   at last   dL = loss.delta(z, dz, y),   g = dL / h

Every layer passes on its exact difference instead of its value. So nothing is computed twice (the layers before the nudge, the
other channels), and nothing cancels: dL is correct to the last digits at any h, on both sides of every kink.

The work is divided by images. If these depend on one another (BatchNorm2d in training), all of them are processed together, for
some columns of weights at a time; the memory limits the number of nudges of a column that are processed together.

Reps & Rall (2003), "Computational Divided Differencing and Divided-Difference Arithmetics", Higher-Order and Symbolic
Computation 16.
"""

from concurrent.futures import Executor

from numpy.typing import ArrayLike

from handmade.engine import backend
from handmade.engine.arrays import Array
from handmade.engine.gradients.arguments import Scheme, as_batch, as_weighted, checked_executor, checked_step
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
    weights: ArrayLike | None = None,
    executor: Executor | None = None,
) -> tuple[float, dict[str, Array]]:
    """Propagate every nudge through the rest of the network as an exact difference.

    Parameters
    ----------
    network : Network
    x : Array, (N, *network.input_shape)
        Prepared images.
    y : Array, (N,)
        Their classes.
    h : float
        Step size of each nudge. A small h loses no digits.
    scheme : {"forward", "central"}
        (L(w + h) - L(w)) / h, or (L(w + h) - L(w - h)) / 2h, which takes twice the work.
    loss : Loss, optional
        Loss of one image, cross-entropy if left out; the gradient is that of its mean over the batch.
    weights : Array, (N,), optional
        Weights of the images: each term of the mean is multiplied by its weight.
    executor : concurrent.futures.Executor, optional
        Executor that processes blocks of images; the calling thread if left out. The result has the same bits with any executor.

    Returns
    -------
    L : float
        Mean loss without a nudge.
    gradients : dict of Array
        One quotient for each weight, named and shaped as in `network.parameters()`.

    Raises
    ------
    HandmadeError
        If images, labels, weights, h or scheme are not usable.
    """
    x, y = as_batch(network, x, y, "handmade.gradients.difference(network, x, y)")
    used = checked_executor(scheme, executor)
    return backend.current().differences(
        network, x, y, checked_step(h, network), scheme, as_weighted(loss, weights, len(x)), used
    )
