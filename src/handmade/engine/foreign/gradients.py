"""Gradient of each weight, wherever backward stored it: in its result, next to the weight, or in a dict or list of gradients.

The gradient of W may be named dW, gW, grad_W, W_grad or W, or be the entry "W" of `grads`. The gradient of params[2] is grads[2].
The gradient of an object with `data` is its `grad`.
"""

import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.foreign.objects import Path, path_text, values

SYNONYMS = (
    {"w", "weight", "weights", "kernel", "kernels", "filter", "filters", "ws"},
    {"b", "bias", "biases", "offset", "bs"},
    {"gamma", "scale", "g"},
    {"beta", "shift"},
)
WEIGHT_NAMES = {*SYNONYMS[1], *SYNONYMS[2], *SYNONYMS[3], "w", "weight", "alpha_weight"} - {"g"}
INPUT_NAMES = {"x", "input", "inputs", "inp", "a_prev", "aprev"}
HOLDERS = {
    "data",
    "value",
    "values",
    "val",
    "array",
    "tensor",
    "param",
    "numpy",
}  # attributes with the array of a parameter object
GRADIENT_ATTRIBUTES = {"grad", "gradient", "grads", "g", "diff", "dvalue", "d", "delta", "grad_value", "gradients"}
GROUPS = {"grads", "gradients", "grad", "gradient", "dparams", "d_params", "grad_params", "param_grads", "g", "d", "derivatives"}
_PREFIX = re.compile(r"^(?:grad_?|gradient_?|gradients_|dl_?d_?|dloss_?d?_?|d_|d|g)(?=.)", re.IGNORECASE)
_SUFFIX = re.compile(r"(?<=.)(?:_?gradients?|_grads?|_?grad|_g|_d)$", re.IGNORECASE)


def stripped(name: str) -> str:
    """Return the name of the weight in the name of a gradient: W for dW, _dW, grad_W, W_grad; else the name itself."""
    plain = name.lstrip("_") or name
    weight = _SUFFIX.sub("", plain) if _SUFFIX.search(plain) else _PREFIX.sub("", plain)
    return name if weight == plain else weight


def same_weight(one: str, other: str) -> bool:
    """Return True if two names mean the same weight, for example b, bias and biases."""
    one, other = one.lower().strip("_"), other.lower().strip("_")
    return one == other or any(one in group and other in group for group in SYNONYMS)


def last_name(path: Path) -> str:
    """Return the name of a weight within its owner: W for inner.W, params for params[0], W for W.data."""
    names = [str(step.key) for step in path]
    return names[-2] if len(names) > 1 and names[-1].lower().strip("_") in HOLDERS else names[-1]


def match(name: str, weights: Iterable[Path]) -> Path | None:
    """Return the weight to which a gradient of this name belongs."""
    paths = list(weights)
    for candidate in (stripped(name), name):  # dW is the gradient of W, even if the layer also holds a dW
        exact = [path for path in paths if candidate in {path_text(path), ".".join(str(step.key) for step in path)}]
        for found in (exact, [path for path in paths if last_name(path) == candidate]):
            if len(found) == 1:
                return found[0]
    for candidate in (stripped(name), name):
        found = [path for path in paths if same_weight(last_name(path), candidate.rpartition(".")[2])]
        if len(found) == 1:
            return found[0]
    return None


def is_input(name: str) -> bool:
    """Return True for names of the input's gradient: x, dx, grad_input."""
    return name.lower() in INPUT_NAMES or stripped(name).lower().strip("_") in INPUT_NAMES


def stored(layer: Any, weights: dict[Path, Array]) -> dict[Path, Array]:
    """Return the gradients that a layer holds after backward, by the paths of the weights."""
    taken = {id(array): weight for weight, array in weights.items()}
    known: dict[Path, list[Path]] = {weight: [weight] for weight in weights}  # all paths of a weight: params[0] may also be W
    held = []
    for path, value in values(layer):
        if id(value) in taken:
            known[taken[id(value)]].append(path)
        elif _is_numeric(value):
            held.append((path, value))
    found: dict[Path, Array] = {}
    for weight, array in weights.items():
        candidates = [
            (path, value) for path, value in held if path not in weights and any(_belongs(path, each) for each in known[weight])
        ]
        if candidates:
            fitting = [value for _, value in candidates if np.shape(value) == np.shape(array)]
            found[weight] = np.asarray((fitting or [value for _, value in candidates])[0])
    return found


def searched_names(weight: Path) -> str:
    """Return the names under which the gradient of a weight was searched, as text."""
    name = last_name(weight)
    *above, last = weight
    if last.item and isinstance(last.key, int):
        return f"grads[{last.key}], gradients[{last.key}], the result of backward"
    prefix = path_text(tuple(above)) if above and str(last.key) not in HOLDERS else ""
    inside = f"{prefix}." if prefix and not last.item else ""
    return f"{inside}d{name}, {inside}grad_{name}, {inside}{name}_grad, grads[{name!r}], the result of backward"


def _belongs(path: Path, weight: Path) -> bool:
    """Return True if the name of the value at `path` means the gradient of the weight at `weight`."""
    *above, last = path
    *around, own = weight
    if last.item and isinstance(last.key, int):  # grads[2] of params[2]; not of W as the third weight: that would be a guess
        return own.item and own.key == last.key and len(path) == len(weight) and _is_group(above) and above[:-1] == around[:-1]
    name, expected = str(last.key), last_name(weight)
    if str(own.key).lower().strip("_") in HOLDERS and above == around:  # W.grad of W.data
        return name.lower().strip("_") in GRADIENT_ATTRIBUTES
    if _is_group(above):  # grads["W"] or grads["dW"] of params["W"] or W
        base = above[:-1]
        near = around[: len(base)] == base and len(around) - len(base) <= 2
        return near and (same_weight(name, expected) or same_weight(stripped(name), expected) or name == path_text(weight))
    near = above == around or (own.item and above == around[:-1])  # dW next to W, or next to the dict of W
    return near and stripped(name) != name and same_weight(stripped(name), expected)


def _is_group(above: list[Any]) -> bool:
    return bool(above) and str(above[-1].key).lower().strip("_") in GROUPS


def _is_numeric(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "fiu"
    return isinstance(value, float | int | np.floating | np.integer) and not isinstance(value, bool)
