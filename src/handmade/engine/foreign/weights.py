"""Weights of an object, found by their influence on the output of forward.

weight      an array of floats that influences the output, or a number with a weight's name or a gradient
statistic   an array that forward itself changes, or an array with a name like running_mean
setting     another number, such as a slope or an epsilon
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.foreign import gradients
from handmade.engine.foreign.calls import Foreign, named_parameters
from handmade.engine.foreign.influence import (
    created_by_forward,
    differs,
    has_weight_name,
    influences,
    integers_to_floats,
    lists_of_numbers,
)
from handmade.engine.foreign.objects import MOST, Path, arrays, numbers, path_text, short_names, value_at, values

_STATISTIC = re.compile(r"(running|moving|ema|population|pop)_?|^(mean|var|variance|std)s?_?$|_?(mask|buffer)$", re.IGNORECASE)


@dataclass
class Found:
    """Layer with its weights, statistics and settings.

    Attributes
    ----------
    foreign : Foreign
        Layer with its weights.
    declared : set of str
        Names of weights that `parameters()` returns.
    with_gradient : set of str
        Names of weights for which backward has a gradient.
    statistics, settings : list of str
        Arrays that forward changes, and numbers without a gradient.
    notes : list of str
        Remarks for the user.
    unknown : dict of str to str
        Values that may influence the output but cannot be compared, each with the reason.
    """

    foreign: Foreign
    declared: set[str] = field(default_factory=set)
    with_gradient: set[str] = field(default_factory=set)
    statistics: list[str] = field(default_factory=list)
    settings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unknown: dict[str, str] = field(default_factory=dict)

    def with_gradients(self) -> Foreign:
        """Return the layer with only those weights that have a gradient: a network can train these."""
        other = self.foreign.fresh()
        other.places = {name: path for name, path in self.foreign.places.items() if name in self.with_gradient}
        return other


def find(
    layer: Any, x: Array, dtype: Any = np.float64, weights: Iterable[str] | None = None, settings: Iterable[str] | None = None
) -> Found:
    """Find the weights of an object by their influence on the output.

    Parameters
    ----------
    layer : object
        Object with forward and backward.
    x : Array, (N, ...)
        Input.
    dtype : dtype
        Dtype of the copy's weights.
    weights, settings : iterable of str, optional
        Names of values that are always weights, or never.

    Raises
    ------
    HandmadeError
        If there is no forward or backward, a name is unknown, or a method raises an error for x.
    """
    check_methods(layer)
    cold = Foreign(layer, dtype)
    integers_to_floats(cold, x)
    given = named_parameters(cold.layer)
    before = {path: np.array(array) for path, array in arrays(cold.layer)}
    warm = cold.fresh()
    y = np.array(warm.forward(x.copy()))
    cold.backward_call = warm.backward_call
    found = Found(cold, declared=set(given))
    made = {path: array for path, array in arrays(warm.layer) if path not in before}
    changed = {path for path, array in before.items() if differs(warm.layer, path, array)}
    complete = _is_complete(cold.layer, given)
    floats = [path for path, array in before.items() if array.dtype.kind == "f" and path not in given.values()]
    moving = [] if complete else [path for path in floats if influences(cold, path, x, y)]
    late = [] if complete else created_by_forward(warm, [path for path in made if path not in given.values()], x)
    if late:
        found.foreign = cold = warm.fresh(dtype)
        found.notes.append(f"created by the first forward: {_listed(late)}")
    places = dict(given)
    for path in _without_aliases(cold, [*moving, *late], x, y):
        if path not in changed and not _STATISTIC.search(gradients.last_name(path)):
            places[_short(path, places)] = path
        else:
            found.statistics.append(_short(path, places))
    if not complete:
        _add_others(found, places, x, y, [path for path in before if path not in changed])
        found.unknown |= lists_of_numbers(cold, places, x, y)
    if sum(1 for _ in values(cold.layer)) >= MOST:
        found.unknown["the rest"] = f"the layer holds more than {MOST:,} values. Try a layer without its data"
    _override(cold, found, places, weights, settings)
    cold.places = _in_order(places, [path for path, _ in values(cold.layer)])
    found.with_gradient = _with_gradients(cold, x, y, cold.places)
    return found


def check_methods(layer: Any) -> None:
    """Raise HandmadeError unless the object has the methods of a layer."""
    kind = layer.__name__ if isinstance(layer, type) else type(layer).__name__
    if not callable(getattr(layer, "forward", None)) and (isinstance(layer, type) or not callable(layer)):
        raise HandmadeError(
            f"layer: expected an object with a method forward; {kind} has none. Try check_function(f, vjp, x) for functions"
        )
    if not callable(getattr(layer, "backward", None)):
        raise HandmadeError(
            f"layer: expected an object with a method backward; {kind} has none. Try check_function(f, vjp, x) for functions"
        )


def _is_complete(layer: Any, given: dict[str, Path]) -> bool:
    """Return True for a layer whose `parameters()` names all its weights: a layer of handmade, or of a framework."""
    return (
        callable(getattr(layer, "parameters", None))
        and (bool(given) or callable(getattr(layer, "replace", None)))
        and (callable(getattr(layer, "replace", None)) or bool(getattr(layer, "names_all_weights", False)))
    )


def _with_gradients(foreign: Foreign, x: Array, y: Array, places: dict[str, Path]) -> set[str]:
    """Return the names of all gradients of backward, also of those that belong to no known weight."""
    trial = foreign.fresh()
    trial.places = dict(places)
    trial.forward(x.copy())
    return set(trial.backward(x.copy(), np.random.default_rng(1).standard_normal(y.shape))[1])


def _add_others(found: Found, places: dict[str, Path], x: Array, y: Array, still: list[Path]) -> None:
    """Add numbers with a gradient or a weight's name, and arrays with a gradient that forward does not use."""
    trial = found.foreign.fresh()
    trial.places = dict(places)
    trial.forward(x.copy())
    scalars = [path for path, _ in numbers(found.foreign.layer)]
    before = {path: np.array(value_at(trial.layer, path)) for path in [*still, *scalars]}
    _, given = trial.backward(x.copy(), np.random.default_rng(1).standard_normal(y.shape))
    scalars = [
        path for path in scalars if not differs(trial.layer, path, before[path])
    ]  # a value that backward changes is a gradient, not a weight
    rest = [*(path for path in still if path not in places.values() and not differs(trial.layer, path, before[path])), *scalars]
    for name in [name for name in given if name not in places]:
        path = gradients.match(name, rest)
        if path is not None:
            places[_short(path, places)] = path
    left = [path for path in rest if path not in places.values() and not isinstance(path[-1].key, int)]
    unused = {path: np.asarray(value_at(trial.layer, path)) for path in left}
    taken = {id(g) for g in given.values()}
    for path, g in gradients.stored(trial.layer, unused).items():
        if id(g) in taken:
            continue  # momenta["W"] is not a weight, although grads["W"] fits it by name
        if len(path) == 1 and found.foreign.reads_class_array(str(path[0].key)):
            found.unknown[path_text(path)] = "the class holds it. Try a weight of the object: self." + path_text(path)
        else:
            places[_short(path, places)] = path
    for path in [path for path in scalars if path not in places.values()]:
        if has_weight_name(path) and influences(found.foreign, path, x, y):
            places[_short(path, places)] = path
        else:
            found.settings.append(path_text(path))
    extra = [name for name, g in given.items() if name.startswith("result[") and g.size == 1]
    moving = [path for path in scalars if path not in places.values() and influences(found.foreign, path, x, y)] if extra else []
    if len(extra) == len(moving) == 1:
        places[_short(moving[0], places)] = moving[0]
        found.settings.remove(path_text(moving[0]))


def _without_aliases(foreign: Foreign, paths: list[Path], x: Array, y: Array) -> list[Path]:
    """Leave out arrays that share the memory of others: of a flat vector and its views, keep those with a gradient."""
    held = {path: np.asarray(value_at(foreign.layer, path)) for path in paths}
    near = {path: [other for other in paths if other != path and np.may_share_memory(held[path], held[other])] for path in paths}
    if not any(near.values()):
        return paths
    names = {path_text(path): path for path in paths}
    have = {names[name] for name in _with_gradients(foreign, x, y, names) if name in names}
    kept: list[Path] = []
    for path in sorted(paths, key=lambda path: (path not in have, held[path].size)):
        if not any(other in kept and np.shares_memory(held[path], held[other]) for other in near[path]):
            kept.append(path)
    return [path for path in paths if path in kept]


def _short(path: Path, places: dict[str, Path]) -> str:
    """Return a name for reports: the shortest end of a path that is unique."""
    inside = len(path) > 1 and not path[-1].item and str(path[-1].key) in gradients.HOLDERS
    for name in short_names(path[:-1] if inside else path):
        if name not in places or places[name] == path:
            return name
    return path_text(path)


def _override(
    foreign: Foreign, found: Found, places: dict[str, Path], weights: Iterable[str] | None, settings: Iterable[str] | None
) -> None:
    known = {path_text(path): path for path, _ in [*arrays(foreign.layer), *numbers(foreign.layer)]}
    known |= {_short(path, {}): path for path in known.values()} | dict(places)
    for name in [*(weights or ()), *(settings or ())]:
        if name not in known:
            listed = ", ".join(sorted(known)) or "none"
            raise HandmadeError(
                f"weights, settings: expected names of arrays and numbers of {foreign.name}; got {name!r}. It has {listed}"
            )
    if both := sorted(set(weights or ()) & set(settings or ())):
        raise HandmadeError(f"weights, settings: expected {both[0]} in only one of them; got it in both")
    for name in settings or ():
        for held in [each for each, path in places.items() if path == known[name]]:
            del places[held]
        if name not in found.settings:
            found.settings.append(name)
    if weights is not None:
        kept = {name: known[name] for name in weights}
        found.settings += [name for name, path in places.items() if path not in kept.values()]
        places.clear()
        places |= kept
        found.settings = [name for name in found.settings if name not in kept]


def _in_order(places: dict[str, Path], order: list[Path]) -> dict[str, Path]:
    """Return the weights in the order in which the object holds them."""
    rank = {path: n for n, path in enumerate(order)}
    return dict(sorted(places.items(), key=lambda item: rank.get(item[1], len(rank))))


def _listed(paths: list[Path]) -> str:
    return ", ".join(path_text(path) for path in paths)
