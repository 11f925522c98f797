"""trace: the exact effect of one nudge on every layer.

The difference of each activation is computed layer by layer as in the finite chain rule (`gradients/difference.py`), for one
image and one nudge, and stored.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from handmade.engine.arguments import described, refused
from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.gradients.arguments import as_loss
from handmade.engine.graph import propagate_differences
from handmade.engine.losses import Loss
from handmade.engine.network import Network
from handmade.engine.printable import Printable
from handmade.engine.receipts import places
from handmade.engine.receipts.receipt import Step
from handmade.engine.receipts.work import Work
from handmade.engine.terms import Place


@dataclass(frozen=True, eq=False)
class Trace(Printable):
    """Differences that one nudge causes in a network for one image.

    Attributes
    ----------
    at : Place
        Place of the nudged number.
    step : float
        Size of the nudge.
    before : float
        Nudged number before the nudge.
    activations, differences : dict of Array
        Outputs of the layers and their exact differences by name, from the nudge to the logits, without the batch axis.
    loss, dL : float or None
        Loss before the nudge and its exact difference, if the image has a label.
    """

    at: Place
    step: float
    before: float
    activations: dict[str, Array]
    differences: dict[str, Array]
    loss: float | None
    dL: float | None

    def _summary(self) -> str:
        loss = "" if self.dL is None else f", loss {self.dL:+.4g}"
        return f"{self.at} {self.step:+.4g}, {len(self.differences)} layers{loss}"

    @property
    def dtype(self) -> str:
        """Precision of the activations."""
        return str(next(iter(self.activations.values())).dtype)

    @property
    def steps(self) -> tuple[Step, ...]:
        """Effect of the nudge as a few numbers for each layer."""
        return tuple(_step(name, dx) for name, dx in self.differences.items())

    def to_json(self) -> dict[str, Any]:
        """Return the nudge and the steps as plain data, without the arrays."""
        steps = [step.to_json() for step in self.steps]
        return {
            "at": str(self.at),
            "step": self.step,
            "before": self.before,
            "steps": steps,
            "loss": self.loss,
            "dL": self.dL,
        }


def trace(network: Network, image: Array, nudge: str, *, label: int | None = None, loss: Loss | None = None) -> Trace:
    """Follow a nudge of one weight, pixel or activation through the network.

    Parameters
    ----------
    network : Network
    image : Array, network.input_shape
        One prepared image.
    nudge : str
        Place and size of the nudge: "conv1.W[1,2,0,5]=+0.1".
    label : int, optional
        Class of the image; with it, the difference of the loss is computed, too.
    loss : Loss, optional
        Cross-entropy if left out.

    Raises
    ------
    HandmadeError
        If the nudge cannot be parsed, there is no such place, or image or label do not fit.
    """
    if not isinstance(nudge, str):
        raise refused("nudge", "text such as conv1.W[1,2,0,5]=+0.1", described(nudge))
    text, _, amount = nudge.partition("=")
    at, step = places.place(network, text), _number(amount, nudge)
    work = Work.of(network, image, label, as_loss(loss))
    return follow(work, at, step)


def follow(work: Work, at: Place, step: float) -> Trace:
    """Propagate the difference from the nudge to the logits and the loss."""
    network, loss, tape = work.network, work.loss, work.tape
    if work.is_activation(at.name):
        start = work.name_of(at.name)
        before = float(tape[start][0][at.index])
        dx = np.zeros_like(tape[start])
        dx[(0, *at.index)] = step
    elif at.name in places.weights(network):
        key = places.key_of(network, at.name)
        start, array = network.owners[key]
        before = float(network.parameters()[key][at.index])
        dx = work.nudged(start, array, at.index, network.dtype.type(step))
    else:
        raise HandmadeError(f"nudge: expected a weight, a pixel or an activation; got {at}")
    with np.errstate(over="ignore", invalid="ignore"):  # an overflow is visible in the result
        moved = propagate_differences(network.nodes, tape, start, dx, lambda node, x, dx: node.layer.delta(x, dx))
        dz = moved.get(network.logits_name, np.zeros_like(work.z))
        dL = None if work.label is None else float(loss.delta(work.z, dz, work.y)[0])
    L = None if work.label is None else float(loss.forward(work.z, work.y)[0])
    seen = {work.title(name): tape[name][0] for name in moved}
    return Trace(at, step, before, seen, {work.title(name): dx[0] for name, dx in moved.items()}, L, dL)


def _step(name: str, dx: Array) -> Step:
    index = np.unravel_index(int(np.abs(dx).argmax()), dx.shape)
    moved = int(np.count_nonzero(dx))
    return Step(name, moved, dx.size, float(dx[index]), Place(name, tuple(map(int, index))) if moved else None)


def _number(text: str, nudge: str) -> float:
    try:
        number = float(text.replace("\N{MINUS SIGN}", "-"))
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or number == 0:
        raise HandmadeError(
            f"nudge: expected a text such as conv1.W[1,2,0,5]=+0.1, with a finite step that is not 0; got {nudge!r:.80}"
        )
    return number
