"""One weight: the same derivative by the definition, by the exact difference and by backpropagation.

definition        (L(w + h) - L(w)) / h, by running the network twice; the subtraction cancels digits
difference        dL / h, dL carried through the layers; no digit is lost
backpropagation   dL / dw, the limit for h -> 0
update            w <- w - lr dL / dw, gradient descent's
"""

import math
from dataclasses import dataclass

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.gradients import backprop
from handmade.engine.gradients.definition import mean_loss
from handmade.engine.losses import CrossEntropy
from handmade.engine.network import Network
from handmade.engine.receipts.trace import Trace, trace
from handmade.pictures.sensitivity import in_double


@dataclass(frozen=True, eq=False)
class Story:
    """Numbers of one weight on one image, all in float64.

    Attributes
    ----------
    place : str
        Name of the weight: "conv1.W[1,2,0,5]".
    weight, h, learning_rate : float
        The weight, the step of its nudge, and the learning rate of its update.
    loss, nudged : float
        L(w) and L(w + h).
    derivative : float
        By backpropagation.
    trace : Trace
        The nudge, layer by layer.
    """

    place: str
    weight: float
    h: float
    learning_rate: float
    loss: float
    nudged: float
    derivative: float
    trace: Trace

    @property
    def by_definition(self) -> float:
        """(L(w + h) - L(w)) / h."""
        return (self.nudged - self.loss) / self.h

    @property
    def by_difference(self) -> float:
        """dL / h."""
        assert self.trace.dL is not None
        return self.trace.dL / self.h

    @property
    def lost(self) -> int:
        """Number of the sixteen digits that cancelled in L(w + h) - L(w)."""
        change = abs(self.nudged - self.loss)
        return 16 if change == 0 else min(16, max(0, round(math.log10(max(abs(self.loss), abs(self.nudged)) / change))))

    @property
    def update(self) -> float:
        """Change of the weight by gradient descent."""
        return -self.learning_rate * self.derivative


def story(network: Network, image: Array, label: int, *, h: float, learning_rate: float) -> Story:
    """Compute all numbers of the weight in the first layer with the largest derivative of an image's loss.

    Parameters
    ----------
    network : Network
        With at least one weight.
    image : Array, network.input_shape
        One prepared image.
    label : int
        Its class.
    h : float
        Step of the weight.
    learning_rate : float
        Of the update.
    """
    network, x, y = in_double(network), image[None].astype(np.float64), np.array([label])
    _, gradients = backprop(network, x, y)
    name, g = next(iter(gradients.items()))
    index = tuple(int(i) for i in np.unravel_index(int(np.abs(g).argmax()), g.shape))
    place = f"{network.display_name(name)}[{','.join(map(str, index))}]"
    W = network.parameters()[name].copy()
    weight = float(W[index])
    W[index] += h
    loss, nudged = (mean_loss(each, x, y, CrossEntropy()) for each in (network, network.replace({name: W})))
    traced = trace(network, x[0], f"{place}={h!r}", label=label)
    return Story(place, weight, h, learning_rate, loss, nudged, float(g[index]), traced)
