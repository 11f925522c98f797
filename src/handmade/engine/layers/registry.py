"""Registry of layers, and of rules that hold for exactly one type.

A rule is a second way to what the equations of a type give already, or a fact about them: it is known for this type alone. A
subclass with other equations does not inherit it. Whoever needs a rule looks it up once for each network.

    channel           (layer, channel, shape) -> channel   the channel of the output; `delta` takes channels and many nudges
    join              (layer, xs, moved) -> Difference     the same for a layer that reads several activations
    nudges            (layer, x, h) -> (channel, dy), ...  differences of the output for nudges of all weights, column by column
    input_gradient    (layer, x, gy) -> gx                 one half of `backward`
    weight_gradients  (layer, x, gy) -> gradients          the other half
    source            (layer, weight, at) -> place         the input that a weight reads for one output
    kinks, slope                                           places where two branches meet (check/kinks.py)
    rectifies, reorders                                    facts: it cuts off at zero; it moves numbers and changes none

Backends, losses and checks add rules of their own beside their code.
"""

from typing import Any

from handmade.engine.errors import HandmadeError
from handmade.engine.layers.layer import Layer

KINDS: dict[str, type[Layer]] = {}  # by name: the layers that a description may hold
_RULES: dict[type, dict[str, Any]] = {}


def register(kind: type[Layer], **rules: Any) -> None:
    """Make a layer known by the name of its class, with the rules that hold for it."""
    KINDS[kind.__name__] = kind
    add_rules(kind, **rules)


def check_known(layer: Layer) -> None:
    """Raise HandmadeError unless the exact type of a layer is in the table, so that a description can hold it."""
    if KINDS.get(layer.kind) is not type(layer):
        raise HandmadeError(f"expected a layer of the table; got {layer.kind}. Try handmade.engine.layers.register({layer.kind})")


def add_rules(kind: type, **rules: Any) -> None:
    """Add rules for one exact type, a layer or a loss."""
    _RULES.setdefault(kind, {}).update(rules)


def rule(thing: object, name: str) -> Any:
    """Return the rule of that name for the exact type of a layer or a loss; None if there is none."""
    return _RULES.get(type(thing), {}).get(name)
