"""Comparison of backpropagation with exact difference quotients, weight by weight, with the kink that explains a difference.

    right  (L(w + h) - L(w)) / h        left  (L(w) - L(w - h)) / h        at h = 1e-30

With exact differences, h may be very small. Then only units that lie exactly on a kink change their branch, and left and right
are the one-sided derivatives. Where they are equal, the analytic value must be that number. Where they differ, the weight moves
something across a kink, and any value between them is a valid convention. A kink is found, not guessed: the nudge is followed
through the tape, and the unit or window that switches is named.
"""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from handmade.engine.arguments import check_executor, check_finite, integer
from handmade.engine.arrays import Array
from handmade.engine.check.networks.inactive import inactive_units, reason_untested
from handmade.engine.check.networks.kinks import by_convention, kinks
from handmade.engine.check.networks.report import DISAGREE, ArrayReport, Report
from handmade.engine.check.networks.rounding import Rounding, branches, rounding
from handmade.engine.check.networks.subtracted import sides, subtracts
from handmade.engine.errors import HandmadeError
from handmade.engine.gradients.arguments import Gradient, as_batch, as_loss, as_result, check_gradient
from handmade.engine.gradients.backprop import backprop
from handmade.engine.gradients.definition import mean_loss, quotients
from handmade.engine.gradients.difference import difference
from handmade.engine.losses import Loss
from handmade.engine.network import Network

__all__ = ["ArrayReport", "Report", "as_comparable", "check"]

H = 1e-30  # step size of the one-sided derivatives
DEFINITION_H = 1e-4  # step size of the definition: its subtraction still has correct digits there
SMALLER_H = 1e-7  # second step size of the definition, used where the first one disagrees
TOLERANCE = 1e-9  # relative to the larger value: far above the rounding of a sum without cancellation; for others see rounding.py
UNKNOWN = 1e-12  # of the network's largest quotient: assumed rounding if it cannot be computed, as without a backward
LEAST = float(np.finfo(float).tiny) / H  # smaller quotients may be lost, because their dL is too small for float64
SEVERAL = 2000  # largest number of weights that are tested for several kinks at one place: usually far fewer lie on a kink
ROUNDING_DECIDES = "rounding decides the numbers of this network: changes of its weights by a few eps change the logits visibly"
COMPLETE = 1500  # largest array for which the definition is run for every weight, if `tries` is left out
SAMPLE = 100  # weights of a larger array


def check(
    network: Network,
    x: ArrayLike,
    y: ArrayLike,
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
        Its weights are converted to float64.
    x : Array, (N, *network.input_shape)
        Prepared images; a few are enough.
    y : Array, (N,)
        Their classes.
    analytic : callable, optional
        The gradient to check, (network, x, y) -> (loss, gradients); backpropagation if left out.
    loss : Loss, optional
        Loss of the quotients, cross-entropy if left out; `analytic` must be a gradient of the same loss.
    tries : int, optional
        Number of randomly drawn weights of each array for which the definition is run as well, with one forward pass per weight.
        If left out: all weights of an array of up to 1,500, and 100 weights of a larger one.
    executor : concurrent.futures.Executor, optional
        Pool that shares the work; this thread if left out.
    progress : callable, optional
        Called from time to time with the number of finished passes of the definition, and with the number of all passes.

    Raises
    ------
    HandmadeError
        If images or labels cannot be used, a weight or the loss is not finite, or `tries` is negative.
    """
    x, y = as_comparable(network, x, y, "handmade.gradients.check(network, x, y)")
    if tries is not None:
        tries = integer(tries, "tries", 0)
    if analytic is not None:
        check_gradient(analytic, "analytic")
    check_executor(executor)
    loss = as_loss(loss)
    arrays = network.parameters() | network.statistics()
    exact = network.replace({name: array.astype(np.float64) for name, array in arrays.items()})
    x = x.astype(np.float64)
    if not np.isfinite(L := mean_loss(exact, x, y, loss)):
        raise HandmadeError(f"check: expected a finite loss; got {L}. Try smaller weights or images")
    _, gradients = backprop(exact, x, y, loss=loss) if analytic is None else as_result(analytic(exact, x, y), "analytic")
    rounded = rounding(exact, x, y, loss)
    lossy = subtracts(exact, x)
    if lossy:
        left, right, floors = sides(exact, x, y, loss, rounded.loss, executor)
    else:
        _, right = difference(exact, x, y, h=H, loss=loss, executor=executor)
        _, central = difference(exact, x, y, h=H, scheme="central", loss=loss, executor=executor)
        left, floors = {name: 2 * central[name] - right[name] for name in right}, _floors(rounded, right)
    judged = [_ArrayCheck.of(name, g, left[name], right[name], floors[name]) for name, g in gradients.items()]
    if not lossy:
        judged = [each.allowing_convention(exact, x, y, loss) for each in judged]
    if any(each.wrong.any() for each in judged) and rounded.gradients is not None:
        chance = branches(exact, x, y, loss)
        judged = [each.allowing_other_branches(*chance[each.name]) for each in judged]
    _, finite = difference(exact, x, y, h=DEFINITION_H, loss=loss, executor=executor)
    chosen = _tried(exact, tries)
    textbook = quotients(exact, x, y, chosen, h=DEFINITION_H, loss=loss, executor=executor, progress=progress)
    reports = []
    for each in judged:
        error = _definition_error(
            exact, x, y, loss, each.name, finite[each.name], chosen[each.name], textbook[each.name], rounded.loss
        )
        unclear = bool(rounded.decides and each.wrong.any() and np.isfinite(each.g).all())
        untested = ROUNDING_DECIDES if unclear else reason_untested(exact, x, y, loss, each.name) if each.zero else ""
        found = replace(each, floor=np.full_like(each.g, np.inf)) if unclear else each
        reports.append(found.report(exact, x, error, len(chosen[each.name]), untested))
    return Report(tuple(reports), inactive_units(exact, x))


def _definition_error(
    network: Network, x: Array, y: Array, loss: Loss, name: str, finite: Array, chosen: Array, textbook: Array, rounded: float
) -> float:
    """Return the largest disagreement between the definition and the difference, relative to the array's largest quotient.

    The definition subtracts two losses, so its error is at least their rounding divided by h. Where a nudge by h is much larger
    than the number that it moves, both values are unreliable: there, a wrong delta must also be visible at a smaller h.
    """
    apart = np.abs(textbook - finite.flat[chosen])
    scale = max(float(np.abs(finite).max()), 2 * rounded / DEFINITION_H / TOLERANCE)
    doubtful = apart > DISAGREE * scale
    if doubtful.any():
        some = {name: chosen[doubtful]}
        _, near = difference(network, x, y, h=SMALLER_H, loss=loss)
        differ = np.abs(quotients(network, x, y, some, h=SMALLER_H, loss=loss)[name] - near[name].flat[some[name]])
        apart[doubtful] *= differ > DISAGREE * float(np.abs(near[name]).max()) + 2 * rounded / SMALLER_H
    return float(apart.max(initial=0)) / scale if scale else 0.0


def as_comparable(network: Network, x: ArrayLike, y: ArrayLike, call: str) -> tuple[Array, Array]:
    """Return images and labels as arrays; raise HandmadeError unless gradients can be compared on them."""
    x, y = as_batch(network, x, y, call)
    check_finite(x, "x")
    for name, array in network.parameters().items():
        if not np.isfinite(array).all():
            raise HandmadeError(f"{network.display_name(name)}: expected finite weights; it holds NaN or infinity")
    return x, y


def _tried(network: Network, tries: int | None) -> dict[str, Array]:
    """Return the weights of each array for which the definition is run."""
    rng = np.random.default_rng(0)
    sizes = {name: array.size for name, array in network.parameters().items()}
    usual = {name: size if size <= COMPLETE else SAMPLE for name, size in sizes.items()}
    counts = usual if tries is None else dict.fromkeys(sizes, tries)
    return {name: np.sort(rng.choice(size, min(counts[name], size), replace=False)) for name, size in sizes.items()}


def _floors(rounded: Rounding, right: dict[str, Array]) -> dict[str, Array]:
    """Return the largest value that rounding may leave of each derivative if its true value is zero."""
    if rounded.gradients is not None:
        return {name: array + LEAST for name, array in rounded.gradients.items()}
    largest = max((float(np.abs(quotients).max()) for quotients in right.values()), default=0.0)
    return {name: np.full(array.shape, UNKNOWN * largest + LEAST) for name, array in right.items()}


@dataclass(frozen=True, eq=False)
class _ArrayCheck:
    """Analytic gradient g of an array, its one-sided quotients, their rounding, and the allowed interval of g: low to high."""

    name: str
    g: Array
    left: Array
    right: Array
    floor: Array
    low: Array
    high: Array

    @classmethod
    def of(cls, name: str, g: Array, left: Array, right: Array, floor: Array) -> Self:
        """Return the comparison that allows g between the smaller and the larger of left and right."""
        return cls(name, g, left, right, floor, np.minimum(left, right), np.maximum(left, right))

    @property
    def margin(self) -> Array:
        margin: Array = TOLERANCE * np.maximum(np.abs(self.left), np.abs(self.right)) + self.floor
        return margin

    @property
    def outside(self) -> Array:
        outside: Array = np.maximum(np.maximum(self.low - self.g, self.g - self.high), 0)
        return outside

    @property
    def wrong(self) -> Array:
        wrong: Array = ~(self.outside <= self.margin)  # written so that NaN counts as wrong
        return wrong

    @property
    def zero(self) -> bool:
        """True if all slopes are zero up to rounding."""
        return all(bool((np.abs(array) <= self.floor).all()) for array in (self.left, self.right, self.g))

    def allowing_convention(self, network: Network, x: Array, y: Array, loss: Loss) -> Self:
        """Allow the value by convention where several kinks meet: it need not lie between left and right."""
        low, high, margin = self.low.copy(), self.high.copy(), self.margin
        for at in map(tuple, np.argwhere(self.wrong)[:SEVERAL].tolist()):
            if next(kinks(network, x, self.name, at, H), None):
                usual = by_convention(network, x, y, loss, self.name, at)
                if abs(self.g[at] - usual) <= margin[at]:
                    low[at], high[at] = min(low[at], usual), max(high[at], usual)
        return replace(self, low=low, high=high)

    def allowing_other_branches(self, least: Array, largest: Array) -> Self:
        """Allow the values of other branches where rounding decides the branch, and the same distance again on both sides."""
        low, high = np.fmin(self.low, least), np.fmax(self.high, largest)
        width = high - low
        free = self.wrong & (largest - least > self.margin)
        return replace(self, low=np.where(free, low - width, self.low), high=np.where(free, high + width, self.high))

    def report(self, network: Network, x: Array, definition: float, tried: int, untested: str) -> ArrayReport:
        """Count the weights of each verdict, and find the worst weight."""
        outside, wrong, margin = self.outside, self.wrong, self.margin
        on_kink = self.high - self.low > margin
        with np.errstate(over="ignore", invalid="ignore"):  # infinite gradients, and right ones of 0
            relative = np.where(on_kink, 0, outside / margin * TOLERANCE)
        spread = self.high - self.low
        ranked = np.where(np.isnan(outside), np.inf, outside) if wrong.any() else spread if on_kink.any() else relative
        at = tuple(int(i) for i in np.unravel_index(ranked.argmax(), self.g.shape))
        return ArrayReport(
            name=network.display_name(self.name),
            entries=self.g.size,
            kinks=int((on_kink & ~wrong).sum()),
            bugs=int(wrong.sum()),
            error=float(relative[~on_kink].max(initial=0)),
            at=at,
            analytic=float(self.g[at]),
            left=float(self.left[at]),
            right=float(self.right[at]),
            kink=next(kinks(network, x, self.name, at, H), None) if on_kink[at] else None,
            definition=definition,
            tried=tried,
            untested="" if wrong.any() else untested,
        )
