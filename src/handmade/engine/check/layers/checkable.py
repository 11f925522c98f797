"""A layer prepared for the check: an object made from its class, its weights found, its input in the right dtype."""

import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.foreign import CallFailed, Foreign, Found, find


@dataclass(frozen=True)
class Checkable:
    """Layer and input of a check.

    Attributes
    ----------
    found : Found
        Layer with its weights.
    x : Array
        Input.
    continuous : bool
        False if the layer needs an input of integers: then there is no gradient of x.
    title : str
        Name of the layer in the report.
    function : bool
        True if the layer stands for a function.
    needs : tuple of str
        Requirements for use in a network that the layer does not meet.
    """

    found: Found
    x: Array
    continuous: bool
    title: str
    function: bool = False
    needs: tuple[str, ...] = ()

    @property
    def foreign(self) -> Foreign:
        """The layer behind one uniform interface."""
        return self.found.foreign


def checkable(
    layer: Any,
    x: Array,
    dtype: Any,
    weights: Iterable[str] | None = None,
    settings: Iterable[str] | None = None,
    function: str = "",
) -> Checkable:
    """Return a prepared layer; `function` is the name of the function if the layer stands for one.

    Raises
    ------
    HandmadeError
        If it has no forward or backward, or one of them raises an error for x.
    """
    made = _instance(layer)
    notes = [f"an object was made of the class: {layer.__name__}()"] if made is not layer else []
    continuous, found = True, None
    if x.dtype.kind in "iub":
        found = _with_integers(made, x, dtype, weights, settings)
        continuous = found is None
    if found is None:
        given, x = x, x.astype(dtype)
        try:
            found = find(made, x, dtype, weights, settings)
        except CallFailed:
            if given.dtype.kind != "f" or given.dtype == x.dtype:
                raise
            x, found = given, find(made, given, given.dtype, weights, settings)
            notes.append(f"the layer does not accept {np.dtype(dtype)}: it is checked in {x.dtype}.")
    found.notes += notes
    if found.foreign.shared:
        found.notes.append(f"not copied, so the check uses your layer's own: {', '.join(found.foreign.shared)}")
    needs = [] if continuous else ["forward must accept images of floats"]
    needs += ["use an object with forward and backward as methods"] if isinstance(made, type) else []
    needs += ["write a class with forward and backward for it"] if function else []
    return Checkable(found, x, continuous, function or found.foreign.name, bool(function), tuple(needs))


def _with_integers(
    layer: Any, x: Array, dtype: Any, weights: Iterable[str] | None, settings: Iterable[str] | None
) -> Found | None:
    """Return the layer if it needs integers, or has no gradient for them; None if it accepts floats."""
    try:
        found = find(layer, x, dtype, weights, settings)
        trial = found.foreign.fresh()
        y = trial.forward(x.copy())
        gx, _ = trial.backward(x.copy(), np.ones(y.shape))
    except CallFailed:
        return None
    if gx is None:
        return found
    try:
        trial = found.foreign.fresh()
        trial.forward(x.astype(dtype))
    except CallFailed:
        return found
    return None


def _instance(layer: Any) -> Any:
    """Return an object of a class that needs no arguments; return a class with a static forward unchanged."""
    if not isinstance(layer, type) or isinstance(inspect.getattr_static(layer, "forward", None), staticmethod | classmethod):
        return layer
    try:
        return layer()
    except TypeError as error:
        raise HandmadeError(
            f"layer: expected an object; got the class {layer.__name__}: {error}. Try {layer.__name__}(...)"
        ) from None
