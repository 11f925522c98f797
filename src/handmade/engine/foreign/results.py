"""Results of backward, split into gx and the gradient of each weight.

gx;   (gx, {name: gradient});   (gx, gW, gb) in the order of the weights;   {"x": gx, name: gradient}
"""

from typing import Any

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.foreign import gradients
from handmade.engine.foreign.objects import Path, values

RETURNS = "gx, (gx, {name: gradient}), (gx, gW, gb) in the order of the weights, or {'x': gx, name: gradient}"


def read(layer: Any, made: Any, places: dict[str, Path], weights: dict[str, Array]) -> tuple[Array | None, dict[str, Array]]:
    """Return gx and the gradients of weights: returned ones, and ones that are stored in the layer.

    Raises
    ------
    HandmadeError
        If gx is not an array of numbers.
    """
    gx, found = split_result(made, places, weights)
    missing = {places[name]: array for name, array in weights.items() if name not in found}
    names = {path: name for name, path in places.items()}
    found |= {names[path]: g for path, g in gradients.stored(layer, missing).items()}
    if gx is None:
        held = [value for path, value in values(layer) if _holds_gx(path) and isinstance(value, np.ndarray)]
        gx = held[0] if held else None
    if gx is not None and not isinstance(gx, np.ndarray):
        gx = np.asarray(gx)
        if gx.dtype.kind not in "fiub":
            raise HandmadeError(f"{type(layer).__name__}.backward: expected {RETURNS}; got {type(made).__name__}")
    return gx, found


def split_result(made: Any, places: dict[str, Path], weights: dict[str, Array]) -> tuple[Any, dict[str, Array]]:
    """Return gx and the gradients of weights in a result of backward."""
    several = isinstance(made, tuple) or (isinstance(made, list) and bool(made) and isinstance(made[0], np.ndarray | None))
    gx, rest = (made[0], list(made[1:])) if several and len(made) > 0 else (made, [])
    found: dict[str, Array] = {}
    if isinstance(gx, dict):
        gx, rest = next((g for name, g in gx.items() if gradients.is_input(str(name)) and name not in weights), None), [gx]
    for each in rest if len(rest) == 1 else [rest]:
        if isinstance(each, dict):
            found |= _by_name(each, places)
        elif isinstance(each, tuple | list) and each:
            found |= _by_order(list(each), weights)
        elif each is not None and not isinstance(each, tuple | list):
            found |= _by_order([each], weights)
    return gx, found


def _by_name(given: dict[Any, Any], places: dict[str, Path]) -> dict[str, Array]:
    names = {path: name for name, path in places.items()}
    found = {}
    for name, g in given.items():
        path = gradients.match(str(name), names)
        if g is not None and not (path is None and gradients.is_input(str(name))):
            found[names[path] if path is not None else str(name)] = np.asarray(g)
    return found


def _by_order(given: list[Any], weights: dict[str, Array]) -> dict[str, Array]:
    """Match gradients with weights by their order, or by their shapes if the order does not fit."""
    arrays = [np.asarray(each) for each in given if each is not None]
    if len(arrays) == len(weights):
        in_order = dict(zip(weights, arrays, strict=True))
        if all(g.shape == weights[name].shape for name, g in in_order.items()):
            return in_order
    found: dict[str, Array] = {}
    rest = []
    for n, g in enumerate(arrays):
        fitting = [name for name, array in weights.items() if array.shape == g.shape and name not in found]
        if fitting:
            found[fitting[0]] = g
        else:
            rest.append((f"result[{n + 1}]", g))
    left = [name for name in weights if name not in found]
    if len(left) == len(rest):
        return found | {name: g for name, (_, g) in zip(left, rest, strict=True)}
    return found | dict(rest)


def _holds_gx(path: Path) -> bool:
    name = str(path[-1].key)
    return len(path) <= 2 and gradients.is_input(name) and gradients.stripped(name) != name
