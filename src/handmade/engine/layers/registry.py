"""Registry of layers, and of rules for exactly one type.

A rule is a faster way to compute a result of the equations of a type, or a fact about them. It holds for this type only: a
subclass with other equations does not inherit it. Code that uses a rule looks it up once for each network.

    channel           (layer, channel, shape) -> channel   channel of the output; `delta` accepts channels and many nudges
    join              (layer, xs, moved) -> Difference     difference of the output of a layer that reads several activations
    nudges            (layer, x, h) -> (channel, dy), ...  differences of the output for nudges of all weights, column by column
    input_gradient    (layer, x, gy) -> gx                 first part of `backward`
    weight_gradients  (layer, x, gy) -> gradients          second part of `backward`
    products          (layer, shapes) -> number            products of two activations for one image
    source            (layer, weight, at) -> place         place in the input that a weight reads for one output
    kinks, slope                                           places where two branches meet (check/kinks.py)
    mark, standard                                         a word beside its name in tables, and (layer) -> layer: for a
                                                           layer that stands in for one of the engine with the same equations
    rectifies, reorders, takes_one                         facts: negative numbers become 0; the numbers keep their order, in
                                                           another shape; each output is one of its inputs, the largest
    sources, targets, derivatives                          where numbers come from and go to (connections.py)

Backends, losses and checks add their own rules in their own files.
"""

from collections.abc import Iterable
from typing import Any

from handmade.engine.errors import HandmadeError
from handmade.engine.layers.layer import Layer

KINDS: dict[str, type[Layer]] = {}  # layers that a description may contain, by name
_RULES: dict[type, dict[str, Any]] = {}
_SHARED: dict[type, tuple[type, frozenset[str]]] = {}  # another type, and the names of its rules that hold as well


def register(kind: type[Layer], **rules: Any) -> None:
    """Register a layer under the name of its class, with its rules."""
    KINDS[kind.__name__] = kind
    add_rules(kind, **rules)


def check_known(layer: Layer) -> None:
    """Raise HandmadeError unless the exact type of a layer is registered, so that a description can contain it."""
    if KINDS.get(layer.kind) is not type(layer):
        raise HandmadeError(f"expected a registered layer; got {layer.kind}. Try handmade.engine.layers.register({layer.kind})")


def add_rules(kind: type, **rules: Any) -> None:
    """Add rules for one exact type, a layer or a loss."""
    _RULES.setdefault(kind, {}).update(rules)


def share_rules(kind: type, parent: type, names: Iterable[str]) -> None:
    """Give a type some rules of another one, now and later: facts that stay true for a layer with the same equations."""
    _SHARED[kind] = parent, frozenset(names)


def rule(thing: object, name: str) -> Any:
    """Return the named rule for the exact type of a layer or a loss; None if there is none."""
    kind = type(thing)
    found = _RULES.get(kind, {}).get(name)
    if found is None and kind in _SHARED:
        parent, names = _SHARED[kind]
        return _RULES.get(parent, {}).get(name) if name in names else None
    return found


def standard(layer: Layer) -> Layer:
    """Return the layer of the engine that a layer stands in for, with the same arrays and equations; itself if there is none."""
    found = rule(layer, "standard")
    made: Layer = layer if found is None else found(layer)
    return made
