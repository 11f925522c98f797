"""Rounding of a gradient: its size where the true value is zero, and units whose branch is decided by rounding.

A sum is only known up to the rounding of its terms. A computed sum of products is the exact sum for numbers that are changed by a
few eps each (Higham, section 3.1). The same holds for the outputs of layers, the loss and the backward pass. So the gradient is
computed again, and every weight and every input of a node, forwards and backwards, is changed randomly:

    a' = a (1 + s t),   s = 1 or -1 at random        E = max over some draws of |gW' - gW| / t        (1)

E is the sensitivity of the gradient to such changes, so the rounding of gW is about eps E. This also holds where gW is a sum with
cancellation, and after a BatchNorm2d over nearly equal images, which multiplies rounding by 1 / sqrt(v + epsilon).

- t = 2^-36 is 2^16 eps, so E itself has a relative error of about 2^-16. With an amplification of 10^6, t is still far below 1,
  so (1) is linear. With constant channels of very large numbers and a tiny epsilon, no t is small enough. Therefore there are as
  many draws in which only the backward pass is changed.
- The floor is ROUNDINGS eps E = 64 eps E. Each input stands for two roundings of at most eps / 2: its own product, and the
  addition. Random signs give sqrt(sum of a^2), while the worst case would be the sum of |a|: sqrt(n) times as much, for n
  numbers. 64 covers n = 4,000, all positions of a channel in a check of a few images; a batch rarely comes near this limit.
- Half of the draws use one sign for complete rows, columns, images or channels, since such numbers are often rounded together.
- A BatchNorm2d in training removes the effect of a shift and a scaling of gy, exactly. So changes of gy and x do not show the
  rounding of these subtractions. Its rule `added` gives the size of the terms inside; these are changed, too.

ReLUs and pools keep their branches in (1), because it measures rounding, not kinks. Where only rounding decides a branch, as in a
unit whose terms cancel, two methods for the same gradient may use different branches. `branches` measures this: the same draws
with changes as small as rounding, t = 8 eps, and free branches. If the logits change visibly, no verdict is possible.

Parker (1997), "Monte Carlo Arithmetic"; Higham (2002), "Accuracy and Stability of Numerical Algorithms", second edition.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.graph import INPUT, Node
from handmade.engine.layers import BatchNorm2d, Layer, add_rules, rule
from handmade.engine.losses import CrossEntropy, Loss, MeanSquaredError
from handmade.engine.network import Network

if TYPE_CHECKING:
    Rng = np.random.Generator

EPS = float(np.finfo(np.float64).eps)
MOVE = 2.0**-36  # t
ROUNDINGS = 64  # eps E
DRAWS = 8  # number of draws of each kind
NEAR = 8 * EPS  # t of `branches`
FREE_DRAWS = 24  # draws of `branches`: enough for most combinations of a few random branches
SMALL = 1e-30  # step along one branch
POLYNOMIAL = (
    2.0**17
)  # times eps |y| / max |w|: rounding of the slope of a layer that is run again (layers/propagate.py, NEAR and c_1)
VISIBLE = 1e-3  # of the largest logit, or of 1 if that is larger
LABELS = 10  # labels for which the terms of a user's loss are estimated


@dataclass(frozen=True)
class Rounding:
    """Rounding of a loss and of its gradient.

    Attributes
    ----------
    loss : float
        Rounding of the mean loss.
    gradients : dict of Array or None
        Rounding of every weight's derivative, in the shapes of the weights. None if it cannot be computed: a layer has no
        backward, or its backward gives another result in each call.
    decides : bool
        True if changes as small as rounding are visible in the logits: then rounding decides the numbers of the network.
    """

    loss: float
    gradients: dict[str, Array] | None
    decides: bool = False


def rounding(network: Network, x: Array, y: Array, loss: Loss) -> Rounding:
    """Return the rounding of the loss and its gradient, by (1); x and all weights are in float64."""
    with np.errstate(all="ignore"):
        base = Pass(network, x, y, loss)
        draws = [Pass(network, x, y, loss, RandomChanges(seed, MOVE), base) for seed in range(DRAWS)]
        near = [Pass(network, x, y, loss, RandomChanges(seed, NEAR)) for seed in range(DRAWS)]
        of_loss = _of_losses(base, draws, near)
        size = VISIBLE * max(1.0, float(np.abs(base.z).max()))
        decides = any(float(np.abs(z - base.z).max()) > size for z in (network.logits(x), *(each.z for each in near)))
        try:
            before = base.gradients()
            moved = [draw.gradients(draw.signs) for draw in draws]
            moved += [base.gradients(RandomChanges(DRAWS + seed, MOVE)) for seed in range(DRAWS)]  # only the backward pass
            again = Pass(network, x, y, loss).gradients()
        except HandmadeError:
            return Rounding(of_loss, None, decides)
        if not all(np.array_equal(before[name], again[name], equal_nan=True) for name in before):
            return Rounding(of_loss, None, decides)
        scale = ROUNDINGS * EPS / MOVE
        found = {}
        for name, g in before.items():
            largest = scale * np.max([np.abs(each[name] - g) for each in moved], axis=0)
            column = largest.max(axis=tuple(range(g.ndim - 1)), keepdims=True)  # largest of all weights that feed one channel
            found[name] = np.broadcast_to(column + base.of_quotients(name), g.shape)
    return Rounding(of_loss, found, decides)


def loss_rounding(network: Network, x: Array, y: Array, loss: Loss) -> float:
    """Return the rounding of the mean loss, by the forward half of (1)."""
    with np.errstate(all="ignore"):
        base = Pass(network, x, y, loss)
        draws = [Pass(network, x, y, loss, RandomChanges(seed, MOVE), base) for seed in range(DRAWS)]
        return _of_losses(base, draws, [Pass(network, x, y, loss, RandomChanges(seed, NEAR)) for seed in range(DRAWS)])


def _of_losses(base: "Pass", draws: list["Pass"], near: list["Pass"]) -> float:
    far, close = (
        max(abs(each.loss - base.loss) for each in passes) for passes in (draws, near)
    )  # close: used where t is too large
    return ROUNDINGS * (EPS * (far / MOVE + abs(base.loss)) + close * EPS / NEAR)


def branches(network: Network, x: Array, y: Array, loss: Loss) -> dict[str, tuple[Array, Array]]:
    """Return the smallest and the largest value of every derivative if rounding chooses branches at random."""
    with np.errstate(all="ignore"):
        passes = [Pass(network, x, y, loss, RandomChanges(seed, NEAR)) for seed in range(FREE_DRAWS)]
        draws = [each.gradients(each.signs) for each in passes]
        return {name: (np.min(each, axis=0), np.max(each, axis=0)) for name, each in _by_name(draws)}


def _by_name(draws: list[dict[str, Array]]) -> Iterator[tuple[str, list[Array]]]:
    for name in draws[0]:
        yield name, [draw[name] for draw in draws]


class RandomChanges:
    """Random relative changes by `t`, up or down, of every number of an array."""

    def __init__(self, seed: int, t: float) -> None:
        self.rng, self.t, self.together = np.random.default_rng(seed), t, bool(seed % 2)

    def moved(self, a: Array) -> Array:
        """Return a (1 + s t)."""
        return a + self.moves(a)

    def moves(self, a: Array) -> Array:
        """Return a s t; with `together`, s is the same along about half of the axes."""
        shape = [1 if self.together and self.rng.integers(2) else size for size in a.shape]
        s = 2.0 * self.rng.integers(0, 2, shape) - 1
        moves: Array = self.t * (s * a)
        return moves


class Pass:
    """Forward and backward pass in which every input of a node is changed randomly.

    Parameters
    ----------
    network, x, y, loss
        Arguments of the gradient.
    signs : RandomChanges, optional
        Random changes of the numbers; none if left out.
    base : Pass, optional
        Pass whose branches are kept; if left out, each unit chooses its branch from its own input.
    """

    def __init__(
        self, network: Network, x: Array, y: Array, loss: Loss, signs: RandomChanges | None = None, base: "Pass | None" = None
    ) -> None:
        self.network, self.y, self.loss_function, self.signs = network, y, loss, signs
        self.tape: dict[str, Any] = {INPUT: x}
        self.read: dict[str, tuple[Layer, Any]] = {}  # for each node: the layer and its input, as they were used
        for node in network.nodes:
            if node.name in network.below_logits:
                self.tape[node.name] = self._forward(node, base)
        self.z: Array = self.tape[network.logits_name]
        self.loss = float(loss.forward(self.z, y).mean())

    def _forward(self, node: Node, base: "Pass | None") -> Array:
        given = node.inputs(self.tape)
        if base and rule(node.layer, "slope"):  # it has branches, and is linear on each of them
            still = node.inputs(base.tape)
            self.read[node.name] = node.layer, still
            y: Array = base.tape[node.name] + node.layer.delta(still, SMALL * (given - still)) / SMALL
            return y
        layer, inputs = node.layer, given
        if self.signs:
            arrays = layer.parameters() | layer.statistics()
            layer = layer.replace({name: self.signs.moved(array) for name, array in arrays.items()}) if arrays else layer
            inputs = tuple(map(self.signs.moved, given)) if layer.joins else self.signs.moved(given)
        self.read[node.name] = layer, inputs
        return layer.forward(inputs)

    def gradients(self, signs: RandomChanges | None = None) -> dict[str, Array]:
        """Return the gradient, with changes in the backward pass, too; raise HandmadeError if a layer has no backward."""
        self.back = {self.network.logits_name: self._of_loss(signs)}
        found = {name: np.zeros_like(array) for name, array in self.network.parameters().items()}
        for node in reversed([node for node in self.network.nodes if node.name in self.read]):
            if node.name not in self.back:
                continue
            layer, inputs = self.read[node.name]
            gy = self.back[node.name]
            gx, own = layer.backward(inputs, signs.moved(gy) if signs else gy)
            if signs and (added := rule(layer, "added")):
                gx = gx + signs.moves(added(layer, inputs, gy))
            found |= {f"{node.name}.{name}": array for name, array in own.items() if f"{node.name}.{name}" in found}
            for name, part in zip(node.reads, gx if layer.joins else (gx,), strict=True):
                if part is not None:
                    self.back[name] = self.back[name] + part if name in self.back else part
        return found

    def _of_loss(self, signs: RandomChanges | None) -> Array:
        z, y = self.z, self.y
        if signs is None:
            return self.loss_function.backward(z, y) / len(y)
        gz = self.loss_function.backward(signs.moved(z), y)
        return (gz + signs.moves(self._added(z, gz))) / len(y)

    def _added(self, z: Array, gz: Array) -> Array:
        """Return the size of the terms that the loss adds for each gz."""
        if type(self.loss_function) is MeanSquaredError:
            return np.abs(gz)  # one subtraction, with a relative error of eps
        if type(self.loss_function) is CrossEntropy:
            return np.abs(gz) + self.loss_function.smoothing  # p and 1 - p have relative errors of a few eps
        labels = [(self.y + k) % z.shape[-1] for k in range(min(LABELS, z.shape[-1]))]
        sizes: Array = np.max([np.abs(self.loss_function.backward(z, each)) for each in labels], axis=0)
        return sizes

    def of_quotients(self, name: str) -> float:
        """Return the rounding of the exact quotients of an array if its layer is run again for each weight."""
        start, array = self.network.owners[name]
        layer = self.network.node(start).layer
        if rule(layer, "nudges") or start not in self.back:
            return 0.0
        size = float(np.abs(layer.parameters()[array]).max()) or 1.0
        return POLYNOMIAL * EPS * float((np.abs(self.back[start]) * np.abs(self.tape[start])).sum()) / size


def _added_up(norm: BatchNorm2d, x: Array, gy: Array) -> Array:
    """Return the size of the terms of gx: W r gy, its mean, and c r times the mean of W r gy c r, where c is x - m."""
    if not norm.training:
        return np.zeros_like(gy)
    axes = tuple(range(x.ndim - 1))
    m = x.mean(axis=axes)
    c = x - m
    r = 1 / np.sqrt((c * c).mean(axis=axes) + norm.epsilon)
    g = np.abs(norm.W * r * gy)
    size: Array = g + g.mean(axis=axes) + (np.abs(x) + np.abs(m)) * r * (g * np.abs(c * r)).mean(axis=axes)
    return size


add_rules(BatchNorm2d, added=_added_up)
