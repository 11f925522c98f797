"""The finite chain rule: the same quotients as `definition`, without running the network again for each.

    dy = layer.delta(x, dx),   then dy is the next layer's dx,   ...,   at last   dL = loss.delta(z, dz, y),   g = dL / h

Every layer hands on its exact difference instead of its value. So nothing is repeated (the layers before the nudge, the
channels beside it) and nothing cancels: dL is right to the last digits at any h, on both sides of every kink.

The work is shared out by images. Where these depend on one another (BatchNorm2d in training), all of them go together, some
columns of weights at a time, and of a column as many nudges as are good for the memory.

Reps & Rall (2003), "Computational Divided Differencing and Divided-Difference Arithmetics", Higher-Order and Symbolic
Computation 16.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial, reduce
from itertools import islice
from typing import Any, TypeAlias

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.gradients.arguments import Scheme, checked
from handmade.engine.gradients.blank import of_images
from handmade.engine.gradients.hops import Hop, Moved, Path, Straight, hopped
from handmade.engine.gradients.portions import images_at_once, nudges_at_once
from handmade.engine.layers import EVERY, Nudgeable, chain, is_nudgeable
from handmade.engine.losses import CrossEntropy, Loss, is_linewise
from handmade.engine.memory import keep_freed_memory
from handmade.engine.network import Network
from handmade.engine.sharing import Batch, blocks, mapped

IMAGES_A_TASK = 16  # enough to outweigh the way to a worker and back
COLUMNS_A_TASK = 4  # where images depend on one another
CACHE = 2**20  # bytes; a common L2 cache
ROWS = 3  # axes of a difference of rows: images, numbers, nudges

Sums: TypeAlias = tuple[float, dict[str, Array]]  # over images: the loss, and the quotients of each layer's columns


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
        If images, labels, h or scheme are not usable, or a layer has weights and no `nudges`.
    """
    step = checked(network, x, y, h, scheme)
    for name, layer in chain.leaves(network.layers):
        if hasattr(layer, "parameters") and not is_nudgeable(layer):
            raise HandmadeError(f"difference wants every layer with weights to have a method nudges; {name} has none")
    loss, batch = loss or CrossEntropy(), (network, x, y)
    if network.couples:
        L, columns = _by_columns(batch, step, scheme, loss, executor)
    else:
        L, columns = _added(mapped(executor, partial(_task, step, scheme, loss), blocks(batch, IMAGES_A_TASK)))
    return L / len(x), _named(network, {prefix: total / len(x) for prefix, total in columns.items()})


def _added(parts: Iterable[Sums]) -> Sums:
    """What several pieces of a batch come to, added up in their order."""
    losses, columns = zip(*parts, strict=True)
    return sum(losses), {i: reduce(np.add, [part[i] for part in columns]) for i in columns[0]}


def _task(h: Any, scheme: Scheme, loss: Loss, batch: Batch) -> Sums:
    """What one worker does at a time."""
    keep_freed_memory()
    return _added(_sums(h, scheme, loss, *block) for block in blocks(batch, images_at_once(batch[0])))


def _sums(h: Any, scheme: Scheme, loss: Loss, network: Network, x: Array, y: Array) -> Sums:
    """The loss of some images and, for each layer with weights, the quotients of its columns; sums over the images."""
    columns = {}
    with np.errstate(over="ignore", invalid="ignore"):  # an overflow shows in the result, where training looks for it
        path = Path.of(network.layers, x, of_images(x))
        logits = path.tape[-1]
        for prefix, layer, x_i, over in path.starts():
            dL = partial(_losses, over=over, logits=logits, y=y, loss=loss)
            columns[prefix] = _quotients(dL, partial(_nudges, layer, x_i), h, scheme)
        return float(loss.forward(logits, y).sum()), columns


def _quotients(dL: Callable[[Iterator[Moved]], Array], nudges: Callable[[Any], Iterator[Moved]], h: Any, scheme: Scheme) -> Array:
    quotients: Array = (dL(nudges(h)) - dL(nudges(-h))) / (2 * h) if scheme == "central" else dL(nudges(h)) / h
    return quotients


def _by_columns(batch: Batch, h: Any, scheme: Scheme, loss: Loss, executor: Executor | None) -> Sums:
    """The same for images that depend on one another: all together, shared out by columns."""
    network, x, y = batch
    tasks = [
        (prefix, range(first, first + COLUMNS_A_TASK))
        for prefix, layer in chain.nudgeable(network.layers)
        for first in range(0, next(iter(layer.parameters().values())).shape[-1], COLUMNS_A_TASK)
    ]
    columns: dict[str, list[Array]] = {prefix: [] for prefix, _ in tasks}
    for (prefix, _), some in zip(tasks, mapped(executor, partial(_some_columns, batch, h, scheme, loss), tasks), strict=True):
        columns[prefix].append(some)
    with np.errstate(over="ignore", invalid="ignore"):
        L = float(loss.forward(network.logits(x), y).sum())
    return L, {prefix: np.concatenate(parts, axis=-1) for prefix, parts in columns.items()}


def _some_columns(batch: Batch, h: Any, scheme: Scheme, loss: Loss, task: tuple[str, range]) -> Array:
    """The quotients of some columns of one layer: (weights in a column, columns); sums over the images."""
    keep_freed_memory()
    network, x, y = batch
    wanted, columns = task
    at_once = nudges_at_once(network, wanted, len(x))
    with np.errstate(over="ignore", invalid="ignore"):
        path = Path.of(network.layers, x, of_images(x))
        layer, x_i, over = next((layer, x_i, over) for prefix, layer, x_i, over in path.starts() if prefix == wanted)

        def nudges(step: Any) -> Iterator[Moved]:
            return islice(_nudges(layer, x_i, step), columns.start, columns.stop)

        def dL(moved: Iterator[Moved]) -> Array:
            return np.concatenate([piecewise(column) for column in moved], axis=-1)

        def piecewise(column: Moved) -> Array:
            size = column.dx.shape[-1]
            pieces = [replace(column, dx=column.dx[..., first : first + at_once]) for first in range(0, size, at_once)]
            return np.concatenate([_losses([piece], over=over, logits=path.tape[-1], y=y, loss=loss) for piece in pieces])

        return _quotients(dL, nudges, h, scheme)


def _losses(moved: Iterable[Moved], *, over: Sequence[Hop], logits: Array, y: Array, loss: Loss) -> Array:
    """dL for every weight of one layer: (weights in a column, channels)."""
    dL: list[Array] = []
    waiting: list[Array] = []  # rows of numbers that all move: what is left goes together, as many as the cache holds
    late: Sequence[Hop] = ()
    along = loss.delta_along if is_linewise(loss) else None
    for start in moved:
        each, late = _early(start, over, stop_short=along is not None)
        if each.channel == EVERY:
            waiting.append(each.dx)
            if sum(part.nbytes for part in waiting) >= CACHE:
                dL += _together(waiting, late, logits, y, loss)
                waiting.clear()
        elif late and along:
            v, d = _line(each, late)
            dL.append(along(logits, v, d, y).sum(axis=0))
        else:
            dL.append(loss.delta(logits, each.dx, y, each.channel).sum(axis=0))
    return np.stack(dL + _together(waiting, late, logits, y, loss), axis=-1)


def _early(start: Moved, over: Sequence[Hop], *, stop_short: bool) -> tuple[Moved, Sequence[Hop]]:
    """What each column goes over by itself, and the hops that are left: to a row of numbers that all move, or to the logits.

    With `stop_short`, the hop is left that would spread a single number along a line of logits.
    """
    each = start
    for k, hop in enumerate(over):
        if stop_short and k == len(over) - 1 and isinstance(hop, Straight) and hop.line(each):
            return each, over[k:]
        each = hop(each)
        if each.channel == EVERY and each.dx.ndim == ROWS:
            return each, over[k + 1 :]
    return each, ()


def _line(each: Moved, late: Sequence[Hop]) -> tuple[Array, Array]:
    """The line that `_early` stopped short of."""
    (last,) = late
    assert isinstance(last, Straight)
    line = last.line(each)
    assert line
    return line


def _nudges(layer: Nudgeable, x: Array, h: Any) -> Iterator[Moved]:
    """What each column's nudges move in the layer's output."""
    first: Moved | None = None
    for channel, dy in layer.nudges(x, h):
        if first is None or dy is not first.dx:  # channels may share it, and then its bound
            first = Moved(dy, channel)
        yield Moved(dy, channel, first.largest)


def _together(differences: Sequence[Array], late: Sequence[Hop], logits: Array, y: Array, loss: Loss) -> list[Array]:
    """The losses of several blocks of nudges, over what hops are left."""
    if not differences:
        return []
    dz = reduce(hopped, late, Moved(np.concatenate(differences, axis=-1), EVERY))
    return np.split(loss.delta(logits, dz.dx, y, dz.channel).sum(axis=0), len(differences))


def _named(network: Network, columns: dict[str, Array]) -> dict[str, Array]:
    """Cut each layer's columns back into its weight arrays."""
    gradients = {}
    for prefix, layer in chain.nudgeable(network.layers):
        row = 0
        for name, array in layer.parameters().items():
            rows = array.size // array.shape[-1]
            gradients[prefix + name] = columns[prefix][row : row + rows].reshape(array.shape)
            row += rows
    return gradients
