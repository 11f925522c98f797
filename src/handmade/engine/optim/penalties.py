"""Penalties on large weights, added to the loss of the data, with exact differences so that difference quotients stay exact.

    L2   P = strength * sum of w^2,    delta = strength h (2 w + h)
    L1   P = strength * sum of |w|,    delta = strength (|w + h| - |w|) = strength max(s h, -s h - 2 |w|),  s the sign of w

delta is P(w + h) - P(w) for one weight nudged by h, without subtracting two penalties. It is accurate to the last digits at any
h, and on both sides of 0. Only weight arrays, named "...W", are penalised. Biases are not: they shift the output, and large
biases do not make a network more sensitive to its input.

Krogh & Hertz (1992), "A Simple Weight Decay Can Improve Generalization", NIPS; Tibshirani (1996), "Regression Shrinkage and
Selection via the Lasso".
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from handmade.engine.arguments import check_methods, described, refused
from handmade.engine.arrays import Array
from handmade.engine.gradients.arguments import Gradient, Scheme, as_result, as_step, check_gradient, check_scheme, with_weights
from handmade.engine.network import Network
from handmade.engine.optim.checks import NOT_NEGATIVE, check
from handmade.engine.printable import ShortRepr


class Penalty(Protocol):
    """Term that is added to the loss of the data, and to its gradient, for gradients of any kind."""

    def loss(self, parameters: dict[str, Array]) -> float:
        """Return P, to be added to the loss."""
        ...

    def gradient(self, parameters: dict[str, Array]) -> dict[str, Array]:
        """Return dP / dw for every weight, to be added to a gradient by backpropagation; 0 for biases."""
        ...

    def delta(self, w: Array, h: float) -> Array:
        """Return P(w + h) - P(w) for each number in w, exactly; h may be positive or negative."""
        ...

    def quotient(self, parameters: dict[str, Array], h: float, scheme: Scheme = "forward") -> dict[str, Array]:
        """Return the difference quotient of P for every weight, to be added to a gradient by differences; 0 for biases.

        Parameters
        ----------
        parameters : dict of Array
            Weights, named as in `Network.parameters()`.
        h : float
            Step size of each nudge, above 0.
        scheme : {"forward", "central"}
            (P(w + h) - P(w)) / h, or (P(w + h) - P(w - h)) / 2h.

        Raises
        ------
        HandmadeError
            If h or the scheme is not usable.
        """
        ...


@dataclass(frozen=True)
class L2:
    """L2 penalty: strength * sum of w^2. Its gradient is 2 strength w, so PyTorch's `weight_decay` is twice the strength.

    Parameters
    ----------
    strength : float
        Of at least 0.

    Raises
    ------
    HandmadeError
        If it is outside its range.
    """

    strength: float

    def __post_init__(self) -> None:
        check(self, strength=NOT_NEGATIVE)

    def loss(self, parameters: dict[str, Array]) -> float:
        return self.strength * sum(float(np.square(w, dtype=np.float64).sum()) for w in _penalised(parameters))

    def gradient(self, parameters: dict[str, Array]) -> dict[str, Array]:
        return _for_each(parameters, lambda w: 2 * self.strength * w)

    def delta(self, w: Array, h: float) -> Array:
        return self.strength * (float(h) * (2 * w + float(h)))

    def quotient(self, parameters: dict[str, Array], h: float, scheme: Scheme = "forward") -> dict[str, Array]:
        check_scheme(scheme)
        step = as_step(h, *{w.dtype for w in parameters.values()})
        if scheme == "central":  # ((w + h)^2 - (w - h)^2) / 2h = 2 w: h drops out
            return self.gradient(parameters)
        return _for_each(parameters, lambda w: self.strength * (2 * w + step))


@dataclass(frozen=True)
class L1:
    """L1 penalty: strength * sum of |w|, which moves weights to exactly 0. At 0 its gradient is 0, by convention.

    Parameters
    ----------
    strength : float
        Of at least 0.

    Raises
    ------
    HandmadeError
        If it is outside its range.
    """

    strength: float

    def __post_init__(self) -> None:
        check(self, strength=NOT_NEGATIVE)

    def loss(self, parameters: dict[str, Array]) -> float:
        return self.strength * sum(float(np.abs(w).sum(dtype=np.float64)) for w in _penalised(parameters))

    def gradient(self, parameters: dict[str, Array]) -> dict[str, Array]:
        return _for_each(parameters, lambda w: self.strength * np.sign(w))

    def delta(self, w: Array, h: float) -> Array:
        return self.strength * _longer(w, float(h))

    def quotient(self, parameters: dict[str, Array], h: float, scheme: Scheme = "forward") -> dict[str, Array]:
        check_scheme(scheme)
        step = as_step(h, *{w.dtype for w in parameters.values()})
        if scheme == "central":  # |w + h| - |w - h| = 2 w within h of 0, and 2 h or -2 h beyond
            return _for_each(parameters, lambda w: self.strength * (np.clip(w, -step, step) / step))
        return _for_each(parameters, lambda w: self.strength * (_longer(w, step) / step))


@dataclass(frozen=True)
class Penalised(ShortRepr):
    """Gradient of the loss and the penalties together, with the same arguments as the gradient of the loss.

    Parameters
    ----------
    gradient : callable
        (network, x, y) -> (loss, gradients), such as `gradients.difference`.
    penalties : tuple of Penalty
        Penalties that are added.
    h : float, optional
        Step size of difference quotients of the penalties, for numerical gradients; if left out, derivatives are added.
    scheme : {"forward", "central"}
        One-sided or central quotients.
    """

    gradient: Gradient
    penalties: tuple[Penalty, ...]
    h: float | None = None
    scheme: Scheme = "forward"

    def __post_init__(self) -> None:
        check_gradient(self.gradient)
        if not isinstance(self.penalties, list | tuple):
            raise refused("penalties", "a tuple of penalties", described(self.penalties), "(penalties,)")
        for penalty in self.penalties:
            check_methods(penalty, "penalties", "penalties", ("loss", "gradient", "quotient"), "(handmade.optim.L2(1e-4),)")
        object.__setattr__(self, "penalties", tuple(self.penalties))
        check_scheme(self.scheme)
        if self.h is not None:
            object.__setattr__(self, "h", as_step(self.h))

    def __call__(self, network: Network, x: Array, y: Array, *, weights: Array | None = None) -> tuple[float, dict[str, Array]]:
        gradient = with_weights(self.gradient, weights)
        L, gradients = as_result(gradient(network, x, y), "gradient")
        parameters = network.parameters()
        for penalty in self.penalties:
            L += penalty.loss(parameters)
            own = penalty.gradient(parameters) if self.h is None else penalty.quotient(parameters, self.h, self.scheme)
            gradients = {name: g + own[name] for name, g in gradients.items()}
        return L, gradients


def _longer(w: Array, h: float) -> Array:
    """Return |w + h| - |w|."""
    outwards = np.copysign(1, w) * h  # s h: positive if w moves away from 0
    longer: Array = np.maximum(outwards, -outwards - 2 * np.abs(w))
    return longer


def _is_penalised(name: str) -> bool:
    return name.rpartition(".")[2] == "W"


def _penalised(parameters: dict[str, Array]) -> list[Array]:
    return [w for name, w in parameters.items() if _is_penalised(name)]


def _for_each(parameters: dict[str, Array], function: Callable[[Array], Array]) -> dict[str, Array]:
    """Return the function of every array that is penalised, and zeros for the others."""
    return {name: function(w) if _is_penalised(name) else np.zeros_like(w) for name, w in parameters.items()}
