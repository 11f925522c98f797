"""Backpropagation: the derivative itself, for all weights at once, by going through the tape from back to front.

    gz = loss.backward(z, y),   then   gx, gW = layer.backward(x, gy)   for the last layer, the one before it, ...

As h goes to 0, the finite chain rule carries derivatives forward, one direction at a time. Each of its steps is linear then, and
its transpose carries the gradient of the one loss back to all weights. On a kink there is no derivative; the conventions of the
layers decide: relu'(0) = 0, and the first winner of a tie takes all. Layers in a row are taken together where that saves work
(`engine/fused`): what a link kept of its pass stands for the tape.

Rumelhart, Hinton & Williams (1986), "Learning representations by back-propagating errors", Nature 323.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial, reduce
from typing import TypeAlias

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.fused import Alone
from handmade.engine.gradients.arguments import check_batch
from handmade.engine.layers import Weighted, chain, is_halved
from handmade.engine.losses import CrossEntropy, Loss
from handmade.engine.memory import keep_freed_memory
from handmade.engine.network import Network
from handmade.engine.sharing import Batch, blocks, mapped

FEWEST, MOST = 16, 64  # images of a task: enough to outweigh the calls, few enough for the cache
TASKS = 4  # of a batch, if that gives neither too few nor too many

Factors: TypeAlias = tuple[Array, Array]  # a layer's x and gy: what its gW is made of


@dataclass(frozen=True, eq=False)
class Part:
    """What some images of a batch contribute: their losses' sum, gx, gradients by name, and factors by the layer's number."""

    loss: float
    gx: Array | None
    gradients: dict[str, Array]
    factors: dict[int, Factors]


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
    parts = list(_parts(network, x, y, loss, executor, to_pixels=False))
    gradients = {name: reduce(np.add, [part.gradients[name] for part in parts]) for name in parts[0].gradients}
    with np.errstate(over="ignore", invalid="ignore"):
        for i in parts[0].factors:
            gradients |= _of_all(network, i, [part.factors[i] for part in parts])
    return sum(part.loss for part in parts) / len(x), {name: gradients[name] for name in network.parameters()}


def input_gradient(
    network: Network, x: Array, y: Array, *, loss: Loss | None = None, executor: Executor | None = None
) -> tuple[float, Array]:
    """Differentiate the loss with respect to every pixel: the same arguments, and gx in the shape of x.

    The loss is the mean over the batch here too; times N, a row of gx is the gradient of that image's own loss.
    """
    parts = list(_parts(network, x, y, loss, executor, to_pixels=True))
    gx = [part.gx for part in parts if part.gx is not None]
    return sum(part.loss for part in parts) / len(x), np.concatenate(gx)


def _parts(
    network: Network, x: Array, y: Array, loss: Loss | None, executor: Executor | None, *, to_pixels: bool
) -> Iterator[Part]:
    check_batch(network, x, y)
    for name, layer in chain.leaves(network.layers):
        if not callable(getattr(layer, "backward", None)):
            raise HandmadeError(f"backpropagation wants every layer to have a method backward; {name} has none. Try difference")
    work = partial(_part, loss or CrossEntropy(), len(x), to_pixels)
    return mapped(executor, work, blocks((network, x, y), _images_a_task(len(x))))


def _part(loss: Loss, images: int, to_pixels: bool, block: Batch) -> Part:  # noqa: FBT001  a partial fills it in
    """Go through some images and back; gx is worked out only as far as somebody wants it."""
    keep_freed_memory()
    network, x, y = block
    gradients: dict[str, Array] = {}
    factors: dict[int, Factors] = {}
    links, passes = network.links, {}
    first = 0 if to_pixels else _first_with_weights(network)
    with np.errstate(over="ignore", invalid="ignore"):  # an overflow shows in the result, where training looks for it
        z = x
        for i, link in links.items():
            z, passes[i] = link.record(z)
        g: Array | None = loss.backward(z, y) / images
        for i, link in reversed(links.items()):
            if g is None or i < first:
                break
            kept, to_input = passes.pop(i), to_pixels or i > first
            if isinstance(link, Alone) and is_halved(link.layer) and _is_heavy(link.layer, kept, g, _images_a_task(images)):
                factors[i] = kept, g
                g = link.layer.input_gradient(kept, g) if to_input else None
            else:
                g, own = link.backward(kept, g, to_input=to_input)
                gradients |= {f"{i}.{name}": array for name, array in own.items()}
        return Part(float(loss.forward(z, y).sum()), g, gradients, factors)


def _images_a_task(images: int) -> int:
    """However many workers there are: the bits of the result must not depend on them."""
    return min(max(-(-images // TASKS), FEWEST), MOST)


def _first_with_weights(network: Network) -> int:
    return next((i for i, layer in enumerate(network.layers) if hasattr(layer, "parameters")), 0)


def _is_heavy(layer: Weighted, x: Array, gy: Array, images: int) -> bool:
    """Whether a gW for each task of so many images would be more to write down and add up than what it is made of."""
    weights = sum(array.size for array in layer.parameters().values())
    return bool(weights > images * (x[0].size + gy[0].size))


def _of_all(network: Network, i: int, factors: Sequence[Factors]) -> dict[str, Array]:
    """The gradients of a heavy layer's weights, from all images at once."""
    layer = network.layers[i]
    assert is_halved(layer)
    x, gy = (np.concatenate(parts) for parts in zip(*factors, strict=True))
    return {f"{i}.{name}": array for name, array in layer.weight_gradients(x, gy).items()}
