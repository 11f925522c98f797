"""Part: one layer in a PyTorch module, as constructor, call and arrays."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from handmade.engine.arrays import Array
from handmade.files.orders import Order

Turn = Callable[[Array], Array]


@dataclass(frozen=True)
class Weight:
    """Array of a layer in a state dict: its name with us, and the functions to PyTorch's order and back."""

    name: str
    there: Turn
    back: Turn


@dataclass(frozen=True)
class Part:
    """Part of a module that computes one layer.

    Attributes
    ----------
    module : str or None
        Constructor of a module of torch.nn; None if the call is all.
    call : str
        Expression of the output: {0}, {1}, ... are its inputs, {self} is the name of its module or buffers.
    weights : dict of str to Weight
        Arrays of the module by their names there.
    buffers : dict of str to Weight or Array
        Arrays that have no module: those of the layer, or constants.
    plain : bool
        True if the module alone computes the layer, so that it can be an entry of nn.Sequential.
    """

    module: str | None
    call: str = "self.{self}({0})"
    weights: dict[str, Weight] = field(default_factory=dict)
    buffers: dict[str, Any] = field(default_factory=dict)
    plain: bool = True


def only(call: str, **buffers: Any) -> Part:
    """Return a part without a module."""
    return Part(None, call, buffers=buffers, plain=False)


def same(array: Array) -> Array:
    """Return an array as it is."""
    return array


def in_order(order: Order) -> tuple[Turn, Turn]:
    """Return the functions that bring a row into an order and back."""
    places = order.places
    if places is None:
        return same, same
    inverse = np.argsort(places)
    return (lambda array: array[places]), (lambda array: array[inverse])


def pair_of(sides: Any) -> Any:
    """Return (3, 3) as 3."""
    return sides[0] if sides[0] == sides[1] else tuple(sides)


def unless(**values: tuple[Any, Any]) -> list[str]:
    """Return the arguments whose value is not the default."""
    return [f"{name}={value!r}" for name, (value, usual) in values.items() if value != usual]


def arguments_of(values: list[Any]) -> str:
    """Return the arguments of a call as code."""
    return ", ".join(map(str, values))
