"""Direction of a record's steps: the gradient by differences beside that by backpropagation, and the share of contested windows.

    relative difference   |g_differences - g_backpropagation| / |g_backpropagation|, over all weights together
    cosine                of the angle between both
    contested             windows of a ReLU or a pool that some nudge may switch, by the upper bound of `compiled/differences`

Both gradients are taken for the first batch of the run with its first weights, and for its last batch with its last weights,
in the precision of the run and in float64, where far fewer numbers are equal by rounding.
"""

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from handmade.data import prepare_for
from handmade.engine import backend
from handmade.engine.arrays import Array
from handmade.engine.network import Network
from handmade.engine.randomness import STAGE, generator
from handmade.engine.training.batches import Batches
from handmade.files.network import MODEL, load_model
from handmade.gradients import backprop, difference
from handmade.runs.job import Job
from handmade.runs.parts import make_augmentation, make_loss


@dataclass(frozen=True)
class Direction:
    """Both gradients of one batch.

    Attributes
    ----------
    step : int
        Number of the step whose batch it is.
    dtype : str
        Precision.
    relative, cosine : float
        See the head of this file.
    contested, windows : int
        Number of contested windows and of all windows; both 0 if no compiled differences are used.
    """

    step: int
    dtype: str
    relative: float
    cosine: float
    contested: int
    windows: int


def directions(job: Job, folder: Path) -> list[dict[str, Any]]:
    """Compare both gradients at the first and at the last step of a finished run; as plain data."""
    settings, found = job.settings, []
    augment, loss = make_augmentation(settings), make_loss(settings)
    for step, network in ((1, job.network), (job.total, load_model(folder / MODEL))):
        for dtype in dict.fromkeys((settings.dtype, "float64")):
            batches = Batches(
                *(job.training.images, job.training.labels, settings.batch_size, settings.seed),
                *(prepare_for(network, dtype), augment),
            )
            x, y, _ = batches.make(step)
            stage = in_dtype(network, dtype).in_training(len(x), generator(settings.seed, STAGE, step))
            _, by_differences = difference(stage, x, y, h=settings.step_size, scheme=settings.scheme, loss=loss)
            _, by_backprop = backprop(stage, x, y, loss=loss)
            found.append(
                asdict(Direction(step, dtype, *compared(by_differences, by_backprop), *contested(stage, x, settings.step_size)))
            )
    return found


def in_dtype(network: Network, dtype: str) -> Network:
    """Return the network with its arrays in another precision."""
    arrays = network.parameters() | network.statistics()
    return network.replace({name: array.astype(dtype) for name, array in arrays.items()})


def compared(one: dict[str, Array], other: dict[str, Array]) -> tuple[float, float]:
    """Return the relative difference of two gradients, and the cosine of the angle between them."""
    a, b = (np.concatenate([g[name].reshape(-1).astype(np.float64) for name in other]) for g in (one, other))
    lengths = float(np.linalg.norm(a)), float(np.linalg.norm(b))
    return float(np.linalg.norm(a - b)) / lengths[1], float(a @ b) / math.prod(lengths)


def contested(network: Network, x: Array, h: float) -> tuple[int, int]:
    """Return the number of contested windows of a batch, and that of all windows; 0 and 0 without compiled differences."""
    if backend.current().name != "compiled":
        return 0, 0
    from handmade.compiled.differences.block import _limits  # noqa: PLC0415  Numba may be absent; a measurement
    from handmade.compiled.differences.bounds import bounds  # noqa: PLC0415
    from handmade.compiled.differences.records import largest, record  # noqa: PLC0415
    from handmade.compiled.differences.units import units_of  # noqa: PLC0415

    units = units_of(network)
    computing: Any = backend.current()
    records, _ = record(network, units, computing._unfused, x)  # noqa: SLF001  as the backend calls it
    reach = bounds(network, units, {name: largest(records[name]) for name in units.supported}, h)
    some = total = 0
    for unit in units.all:
        made = records.get(unit.node.name)
        if unit.chooses and made is not None and unit.before_choice in reach:
            limit, _ = _limits(unit, reach, made)
            some += int((~(made.lead.reshape(-1, len(limit)) > limit)).sum())
            total += made.lead.size
    return some, total
