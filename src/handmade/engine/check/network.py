"""Who is right: backpropagation against exact difference quotients, weight by weight, and which kink is to blame.

    right  (L(w + h) - L(w)) / h        left  (L(w) - L(w - h)) / h        at h = 1e-30

With exact differences, h may be so small that no unit changes its branch but those that stand exactly on a kink: left and right
are the one-sided derivatives. Where they are equal, the analytic value must be that number; where they differ, the weight moves
something across a kink, and any value between them is as good a convention as another. A kink is found, not guessed: the nudge
is followed through the tape, and the unit or window that switches is named.
"""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from handmade.engine.arrays import Array, check_finite
from handmade.engine.check.kinks import Kink, by_convention, kinks
from handmade.engine.errors import HandmadeError
from handmade.engine.gradients.arguments import Gradient, check_batch
from handmade.engine.gradients.backprop import backprop
from handmade.engine.gradients.definition import quotients
from handmade.engine.gradients.difference import difference
from handmade.engine.losses import CrossEntropy, Loss
from handmade.engine.network import Network

H = 1e-30  # of the one-sided derivatives
DEFINITION_H = 1e-4  # of the definition, whose subtraction has digits left there
TOLERANCE = 1e-9  # of the larger of both values, or of a thousandth of the array's largest: rounding is a thousand times less
NOISE = 1e-14  # of the network's largest gradient: what rounding leaves where the true value is zero
NOISE_OF_A_BATCH = 1e-12  # the same under a BatchNorm2d in training, which takes away what the biases before it add
SEVERAL = 2000  # weights for which it is looked at whether several kinks meet: far more than stand on any
WHOLE = 1500  # weights of an array for which the definition is run for every one, unless it is said otherwise
SAMPLE = 100  # of a larger array
LOST = 1e-10  # what the definition's subtraction may lose: some roundings of a loss of order 1, divided by its h

Verdict: TypeAlias = Literal["agree", "kink", "bug"]


@dataclass(frozen=True)
class ArrayReport:
    """What was found for one array of weights.

    Attributes
    ----------
    name : str
        As people call it: conv1.W.
    entries, kinks, bugs : int
        How many weights were compared; how many of them have two one-sided derivatives; how many have a wrong value.
    error : float
        The worst error among weights without a kink, relative to the value (or to a thousandth of the largest, if that is more).
    at : tuple of int
        Where that is, or the worst of the bugs if there are any, or else of the kinks.
    analytic, left, right : float
        The values there.
    kink : Kink or None
        What the nudge of that weight pushes across a kink, if anything.
    definition : float
        The worst disagreement of the definition with the difference, for the same nudge, among the weights that were tried:
        relative to the array's largest quotient.
    tried : int
        How many those were.
    """

    name: str
    entries: int
    kinks: int
    bugs: int
    error: float
    at: tuple[int, ...]
    analytic: float
    left: float
    right: float
    kink: Kink | None
    definition: float
    tried: int

    @property
    def verdict(self) -> Verdict:
        """In one word."""
        return "bug" if self.bugs else "kink" if self.kinks else "agree"

    @property
    def central(self) -> float:
        """The mean of left and right."""
        return (self.left + self.right) / 2


@dataclass(frozen=True)
class Report:
    """One report an array, in the order of the network."""

    arrays: tuple[ArrayReport, ...]

    @property
    def bugs(self) -> int:
        """How many weights have a wrong gradient."""
        return sum(array.bugs for array in self.arrays)

    @property
    def verdict(self) -> Verdict:
        """The worst of all arrays."""
        verdicts = {array.verdict for array in self.arrays}
        return "bug" if "bug" in verdicts else "kink" if "kink" in verdicts else "agree"


def check(
    network: Network,
    x: Array,
    y: Array,
    *,
    analytic: Gradient | None = None,
    loss: Loss | None = None,
    tries: int | None = None,
    executor: Executor | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Compare the analytic gradient with the exact quotients, for every weight, in float64.

    Parameters
    ----------
    network : Network
        Its weights are taken to float64.
    x : Array, (N, *network.input_shape)
        Prepared images; a few are enough.
    y : Array, (N,)
        Their classes.
    analytic : callable, optional
        The gradient to be checked, (network, x, y) -> (loss, gradients); backpropagation if left out.
    loss : Loss, optional
        What the quotients are taken of, cross-entropy if left out; `analytic` has to be of the same loss.
    tries : int, optional
        Number of weights of an array, drawn by chance, for which the definition is run as well, at one forward pass a weight.
        If left out, for all weights of an array of up to 1,500, and for 100 of a larger one.
    executor : concurrent.futures.Executor, optional
        Where the work is shared out; this thread if left out.
    progress : callable, optional
        Is told now and then how many passes of the definition are done, and how many there are.

    Raises
    ------
    HandmadeError
        If images or labels are not usable, a weight is not finite, or `tries` is negative.
    """
    check_comparable(network, x, y)
    if tries is not None and tries < 0:
        raise HandmadeError(f"tries: expected a whole number of at least 0; got {tries}")
    loss = loss or CrossEntropy()
    arrays = network.parameters() | network.statistics()
    exact = network.replace({name: array.astype(np.float64) for name, array in arrays.items()})
    x = x.astype(np.float64)
    _, gradients = backprop(exact, x, y, loss=loss) if analytic is None else analytic(exact, x, y)
    _, right = difference(exact, x, y, h=H, loss=loss, executor=executor)
    _, central = difference(exact, x, y, h=H, scheme="central", loss=loss, executor=executor)
    _, finite = difference(exact, x, y, h=DEFINITION_H, loss=loss, executor=executor)
    chosen = _tried(exact, tries)
    textbook = quotients(exact, x, y, chosen, h=DEFINITION_H, loss=loss, executor=executor, progress=progress)
    largest = max((float(np.abs(quotients).max()) for quotients in right.values()), default=0.0)
    noise = (NOISE_OF_A_BATCH if network.mixes_batch else NOISE) * largest + float(np.finfo(float).tiny)
    reports = []
    for name, g in gradients.items():
        left = 2 * central[name] - right[name]
        scale = max(float(np.abs(finite[name]).max()), LOST / TOLERANCE)
        lost = float(np.abs(textbook[name] - finite[name].flat[chosen[name]]).max(initial=0)) / scale
        margin = TOLERANCE * np.maximum(np.abs(left), np.maximum(np.abs(right[name]), 1e-3 * np.abs(right[name]).max())) + noise
        low, high = _between(exact, x, y, loss, name, g, left, right[name], margin)
        reports.append(_compare(exact, x, name, g, left, right[name], low, high, margin, lost, len(chosen[name])))
    return Report(tuple(reports))


def check_comparable(network: Network, x: Array, y: Array) -> None:
    """Raise HandmadeError unless images, labels and weights are such that gradients can be compared."""
    check_batch(network, x, y)
    check_finite(x)
    for name, array in network.parameters().items():
        if not np.isfinite(array).all():
            raise HandmadeError(f"{network.display_name(name)}: expected finite weights; it holds NaN or infinity")


def _tried(network: Network, tries: int | None) -> dict[str, Array]:
    """The weights of each array for which the definition is run."""
    rng = np.random.default_rng(0)
    sizes = {name: array.size for name, array in network.parameters().items()}
    usual = {name: size if size <= WHOLE else SAMPLE for name, size in sizes.items()}
    wanted = usual if tries is None else dict.fromkeys(sizes, tries)
    return {name: np.sort(rng.choice(size, min(wanted[name], size), replace=False)) for name, size in sizes.items()}


def _between(
    network: Network, x: Array, y: Array, loss: Loss, name: str, g: Array, left: Array, right: Array, margin: Array
) -> tuple[Array, Array]:
    """What the analytic value may be: from the lesser to the larger of left and right.

    Where several kinks meet, the value by convention need not lie there: then it may be that number, worked out forwards.
    """
    low, high = np.minimum(left, right), np.maximum(left, right)
    for at in map(tuple, np.argwhere((g < low - margin) | (g > high + margin))[:SEVERAL].tolist()):
        if next(kinks(network, x, name, at, H), None):
            usual = by_convention(network, x, y, loss, name, at)
            if abs(g[at] - usual) <= margin[at]:
                low[at], high[at] = min(low[at], usual), max(high[at], usual)
    return low, high


def _compare(
    network: Network,
    x: Array,
    name: str,
    g: Array,
    left: Array,
    right: Array,
    low: Array,
    high: Array,
    margin: Array,
    lost: float,
    tried: int,
) -> ArrayReport:
    on_kink = high - low > margin
    outside = np.maximum(np.maximum(low - g, g - high), 0)
    wrong = ~(outside <= margin)  # so written that NaN is wrong
    relative = np.where(on_kink, 0, outside / (margin / TOLERANCE))
    ranked = np.where(np.isnan(outside), np.inf, outside) if wrong.any() else high - low if on_kink.any() else relative
    at = tuple(int(i) for i in np.unravel_index(ranked.argmax(), g.shape))
    return ArrayReport(
        name=network.display_name(name),
        entries=g.size,
        kinks=int((on_kink & ~wrong).sum()),
        bugs=int(wrong.sum()),
        error=float(relative[~on_kink].max(initial=0)),
        at=at,
        analytic=float(g[at]),
        left=float(left[at]),
        right=float(right[at]),
        kink=next(kinks(network, x, name, at, H), None) if on_kink[at] else None,
        definition=lost,
        tried=tried,
    )
