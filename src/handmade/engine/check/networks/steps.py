"""Error of a difference quotient for each step size h: the textbook's subtraction compared with the exact difference.

    error(h) = |quotient(h) - dL/dw| / |dL/dw|        for h = 0.1, 0.01, ..., 1e-30

A quotient has two sources of error. The first is curvature: it shrinks with h, or with h^2 for the central scheme. The second is
cancellation: the difference of two nearly equal losses has few correct digits, and this error grows as eps / h. The textbook's
quotient has both: its curve is a V with the minimum near h = sqrt(eps), or eps^(1/3) for the central scheme. The exact difference
has only the first.

Press, Teukolsky, Vetterling & Flannery, "Numerical Recipes", section 5.7.
"""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike

from handmade.engine.arguments import check_executor, integer
from handmade.engine.arrays import Array
from handmade.engine.check.networks.check import as_comparable
from handmade.engine.errors import HandmadeError
from handmade.engine.gradients.arguments import Scheme, as_loss
from handmade.engine.gradients.backprop import backprop
from handmade.engine.gradients.definition import mean_loss, quotient
from handmade.engine.gradients.difference import difference
from handmade.engine.losses import Loss
from handmade.engine.network import Network
from handmade.engine.printable import Printable, ShortRepr
from handmade.engine.receipts import places
from handmade.engine.receipts.trace import follow
from handmade.engine.receipts.work import Work
from handmade.engine.terms import Place

STEPS = tuple(float(f"1e-{n}") for n in range(1, 31))
SAME = 1e-9  # relative: if two one-sided derivatives are closer, the weight is not on a kink
FLAT = 1e-3  # of an array's largest derivative: for a smaller one, a relative error says little

Method: TypeAlias = Literal["textbook", "exact"]
Precision: TypeAlias = Literal["float32", "float64"]
Sample: TypeAlias = list[tuple[str, int]]  # weights: the name of an array and the number in it
METHODS: tuple[tuple[Method, Precision, Scheme], ...] = tuple(
    product(("textbook", "exact"), ("float32", "float64"), ("forward", "central"))
)


@dataclass(frozen=True)
class Curve(ShortRepr):
    """Error of one method to compute a quotient, for every h.

    Attributes
    ----------
    method : {"textbook", "exact"}
        Two losses subtracted, or the exact difference.
    dtype : {"float32", "float64"}
        Precision of the computation.
    scheme : {"forward", "central"}
        One-sided or two-sided nudge.
    median, worst : tuple of float
        Relative error over the weights of the sample, one number for each h.
    """

    method: Method
    dtype: Precision
    scheme: Scheme
    median: tuple[float, ...]
    worst: tuple[float, ...]

    @property
    def best(self) -> int:
        """Number of the largest h whose median is within a factor of two of the smallest; smaller differences are random."""
        return next(n for n, error in enumerate(self.median) if error <= 2 * min(self.median))


@dataclass(frozen=True)
class StepErrors(Printable):
    """Errors of all methods for each h.

    Attributes
    ----------
    h : tuple of float
        Step sizes, from the largest to the smallest.
    curves : tuple of Curve
        One for each method.
    weights : dict of int
        Number of weights of each array in the sample, by display name: conv1.W.
    on_kinks : dict of int
        Number of weights of each array on a kink. They have no derivative, so they are not in the sample.
    """

    h: tuple[float, ...]
    curves: tuple[Curve, ...]
    weights: dict[str, int]
    on_kinks: dict[str, int]

    def _summary(self) -> str:
        weights = sum(self.weights.values())
        return f"{len(self.curves)} methods, {len(self.h)} step sizes, {weights} weights"

    def curve(self, method: Method, dtype: Precision, scheme: Scheme) -> Curve:
        """Return the curve of one method."""
        return next(c for c in self.curves if (c.method, c.dtype, c.scheme) == (method, dtype, scheme))


def error_against_h(
    network: Network,
    x: ArrayLike,
    y: ArrayLike,
    *,
    loss: Loss | None = None,
    sample: int = 5,
    executor: Executor | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> StepErrors:
    """Compare both kinds of quotient with the derivative, over some weights of every array.

    The derivative is backpropagation in float64. All methods see the same weights and images, rounded to float32 once.

    Parameters
    ----------
    network : Network
    x : Array, (N, *network.input_shape)
        Prepared images; a few are enough.
    y : Array, (N,)
        Their classes.
    loss : Loss, optional
        The loss of one image, cross-entropy if left out.
    sample : int
        Number of weights drawn from each array: not on a kink, and with a derivative that is not close to 0.
    executor : concurrent.futures.Executor, optional
        Pool that computes the exact differences; this thread if left out.
    progress : callable, optional
        Called after each h with the number of finished step sizes, and with the number of all step sizes.

    Raises
    ------
    HandmadeError
        If images or labels cannot be used, a weight is not finite, or all derivatives are 0.
    """
    x, y = as_comparable(network, x, y, "handmade.gradients.error_against_h(network, x, y)")
    sample = integer(sample, "sample", 1)
    check_executor(executor)
    loss, x = as_loss(loss), x.astype(np.float32)
    precisions: dict[Precision, tuple[Network, Array]] = {
        "float32": (_as(network, np.float32), x),
        "float64": (_as(_as(network, np.float32), np.float64), x.astype(np.float64)),
    }
    exact, x = precisions["float64"]
    _, derivative = backprop(exact, x, y, loss=loss)
    chosen, on_kinks = _sample(exact, x, y, loss, derivative, sample)
    expected = np.array([derivative[name].flat[i] for name, i in chosen])
    errors: dict[tuple[Method, Precision, Scheme], list[Array]] = {key: [] for key in METHODS}
    base = {dtype: mean_loss(net, images, y, loss) for dtype, (net, images) in precisions.items()}
    for done, h in enumerate(STEPS, 1):
        for method, dtype, scheme in METHODS:
            net, images = precisions[dtype]
            if method == "exact":
                _, g = difference(net, images, y, h=h, scheme=scheme, loss=loss, executor=executor)
                got = [g[name].flat[i] for name, i in chosen]
            else:
                got = [_textbook(net, images, y, name, i, h, scheme, loss, base[dtype]) for name, i in chosen]
            errors[method, dtype, scheme].append(np.abs(np.array(got, np.float64) - expected) / np.abs(expected))
        if progress:
            progress(done, len(STEPS))
    curves = [
        Curve(*key, median=tuple(np.median(e, axis=1).tolist()), worst=tuple(np.max(e, axis=1).tolist()))
        for key, e in errors.items()
    ]
    counted = {network.display_name(name): sum(each == name for each, _ in chosen) for name in derivative}
    return StepErrors(STEPS, tuple(curves), counted, {network.display_name(name): count for name, count in on_kinks.items()})


@dataclass(frozen=True)
class WeightErrors:
    """Error against h, for one weight and one image.

    Attributes
    ----------
    h : tuple of float
        From the largest to the smallest.
    errors : dict
        Relative error at every h, by method and dtype, of quotients of one side; None if the derivative is 0.
    derivative : float
        Derivative by backpropagation in float64.
    on_kink : bool
        True if the derivatives of both sides differ, so that there is no derivative.
    """

    h: tuple[float, ...]
    errors: dict[tuple[Method, Precision], tuple[float | None, ...]]
    derivative: float
    on_kink: bool


def error_of_weight(work: Work, at: Place) -> WeightErrors:
    """Compare both kinds of quotient of one weight with its derivative, for the image of a network at work."""
    key, network = places.key_of(work.network, at.name), work.network
    number = int(np.ravel_multi_index(at.index, network.parameters()[key].shape))
    rounded, image = _as(network, np.float32), work.x[0].astype(np.float32)
    at_work: dict[Precision, Work] = {
        "float32": Work.of(rounded, image, work.label, work.loss),
        "float64": Work.of(_as(rounded, np.float64), image.astype(np.float64), work.label, work.loss),
    }
    exact = at_work["float64"]
    derivative = exact.upstream.weight(key, at.index)
    right, left = (_slope(exact, at, h) for h in (STEPS[-1], -STEPS[-1]))
    errors: dict[tuple[Method, Precision], tuple[float | None, ...]] = {}
    for method, dtype in product(get_args(Method), get_args(Precision)):
        here = at_work[dtype]
        base = mean_loss(here.network, here.x, here.y, work.loss)
        got = [
            _slope(here, at, h)
            if method == "exact"
            else _textbook(here.network, here.x, here.y, key, number, h, "forward", work.loss, base)
            for h in STEPS
        ]
        errors[method, dtype] = tuple(abs(each - derivative) / abs(derivative) if derivative else None for each in got)
    return WeightErrors(STEPS, errors, derivative, abs(right - left) > SAME * abs(right))


def _slope(work: Work, at: Place, h: float) -> float:
    """Return the exact difference quotient of one weight."""
    dL = follow(work, at, h).dL
    assert dL is not None
    return dL / float(work.network.dtype.type(h))


def _as(network: Network, dtype: type[np.floating[Any]]) -> Network:
    arrays = network.parameters() | network.statistics()
    return network.replace({name: array.astype(dtype) for name, array in arrays.items()})


def _sample(
    network: Network, x: Array, y: Array, loss: Loss, derivative: dict[str, Array], sample: int
) -> tuple[Sample, dict[str, int]]:
    """Return weights with a derivative that is not close to 0, and the number of weights of each array on a kink."""
    rng = np.random.default_rng(0)
    _, right = difference(network, x, y, h=STEPS[-1], loss=loss)
    _, central = difference(network, x, y, h=STEPS[-1], scheme="central", loss=loss)
    chosen, on_kinks = [], {}
    for name, g in derivative.items():
        smooth = 2 * np.abs(right[name] - central[name]) <= SAME * np.abs(right[name])
        usable = np.flatnonzero(smooth & (g != 0) & (np.abs(g) >= FLAT * np.abs(g).max(initial=0)))
        chosen += [(name, int(i)) for i in sorted(rng.choice(usable, min(sample, len(usable)), replace=False))]
        on_kinks[name] = int((~smooth).sum())
    if not chosen:
        raise HandmadeError(
            "network: expected a weight with a derivative other than 0; got only weights with derivative 0 or on a kink. "
            "Try other images, or other weights"
        )
    return chosen, on_kinks


def _textbook(
    network: Network, x: Array, y: Array, name: str, i: int, h: float, scheme: Scheme, loss: Loss, base: float
) -> float:
    step = network.dtype.type(h)
    w = network.parameters()[name].flat[i]
    if w + step == w and w - step == w:
        return 0.0  # the nudge is smaller than the weight's last digit: network and loss stay the same
    return quotient(network, x, y, name, i, step, scheme, loss, base)
