"""Arguments that all gradients have in common, and their checks at the public border."""

import math
from collections.abc import Callable
from numbers import Real
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.losses import check_labels
from handmade.engine.network import Network

Scheme: TypeAlias = Literal["forward", "central"]
Gradient: TypeAlias = Callable[[Network, Array, Array], tuple[float, dict[str, Array]]]  # network, x, y -> loss, gradients


def checked(network: Network, x: Array, y: Array, h: float, scheme: str) -> Any:
    """Check the arguments of a numerical gradient, and return h in the network's dtype.

    Raises
    ------
    HandmadeError
        If the scheme is unknown, h is not a positive number that the dtype can hold, or images or labels do not fit.
    """
    check_scheme(scheme)
    step = checked_step(h, network)
    check_batch(network, x, y)
    return step


def check_batch(network: Network, x: Array, y: Array) -> None:
    """Raise HandmadeError unless x are images for the network and y are their classes."""
    network.check_images(x)
    check_labels(y, len(x), network.classes)


def check_scheme(scheme: str) -> None:
    """Raise HandmadeError unless the scheme is a known one."""
    if scheme not in get_args(Scheme):
        raise HandmadeError(f"scheme: expected one of {', '.join(get_args(Scheme))}; got {scheme!r}")


def checked_step(h: float, network: Network) -> Any:
    """Return h in the network's dtype, or raise HandmadeError."""
    if not (isinstance(h, Real) and math.isfinite(h) and h > 0):
        raise HandmadeError(f"the step size h: expected a finite number above 0; got {h!r:.80}")
    with np.errstate(over="ignore"):  # what does not fit is refused below
        step = network.dtype.type(h)
    if not 0 < step < math.inf:
        raise HandmadeError(f"the step size h = {h} cannot be held in {network.dtype}; take a larger h, or float64")
    return step
