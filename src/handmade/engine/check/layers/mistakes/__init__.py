"""Mistakes by name, each with the gradient that a layer with that mistake computes.

relations.py      a factor, a sign, or another order of the right gradient
terms.py          terms of the product with the Jacobian that are missing, or have other factors
upstream.py       the upstream gradient is ignored or read in another order
elementwise.py    derivatives of activations
windows.py        convolutions and pools
moved_inputs.py   gradients of weights that are right for another input
normalisation.py  softmax, layer and batch normalisation
positions.py      the positions of the errors, if no formula explains them
"""

from collections.abc import Callable
from typing import TypeAlias

from handmade.engine.check.layers.comparison import Comparison, Guess
from handmade.engine.check.layers.mistakes import (
    elementwise,
    moved_inputs,
    normalisation,
    positions,
    relations,
    terms,
    upstream,
    windows,
)

Mistake: TypeAlias = Callable[[Comparison], Guess]


def _first_of(*mistakes: Mistake) -> Mistake:
    return lambda c: next((words for mistake in mistakes if (words := mistake(c))), None)


def _member(family: Callable[[Comparison], dict[str, Guess]], name: str) -> Mistake:
    return lambda c: family(c).get(name)


FORMULAS: dict[str, Mistake] = {  # the most specific first
    "unused": relations.unused,
    "zero": relations.zero,
    "wrong sign": relations.wrong_sign,
    "ratio": relations.ratio,
    "swapped": terms.swapped,
    "softmax diagonal": _member(normalisation.softmax, "softmax diagonal"),
    "softmax axis": _first_of(_member(normalisation.softmax, "softmax axis"), _member(normalisation.log_softmax, "softmax axis")),
    "log-softmax sum": _member(normalisation.log_softmax, "log-softmax sum"),
    "derivative forgotten": _first_of(elementwise.derivative_forgotten, terms.x_forgotten, terms.factor_forgotten),
    "derivative elsewhere": _first_of(elementwise.derivative_elsewhere, terms.factor_of_output),
    "sign lost": _first_of(relations.sign_lost, relations.weights_without_sign),
    "product rule": terms.product_rule,
    "shortcut": terms.shortcut,
    "ignores gy": upstream.ignores_gy,
    "flipped": relations.flipped,
    "transposed": _first_of(relations.transposed, terms.jacobian_transposed),
    "misread gy": upstream.misread_gy,
    "groups": _first_of(relations.groups, moved_inputs.groups_of_x),
    "overwritten": windows.overwritten,
    "winner ignored": windows.winner_ignored,
    "wrong winner": windows.wrong_winner,
    "weight decay": relations.weight_decay,
    "mean held constant": _member(normalisation.normalisation, "mean held constant"),
    "variance held constant": _member(normalisation.normalisation, "variance held constant"),
    "norm held constant": _member(normalisation.normalisation, "norm held constant"),
    "epsilon": _first_of(normalisation.epsilon, normalisation.epsilon_of_layer),
    "axis": terms.wrong_axis,
    "summed too far": terms.summed_too_far,
    "truncated": _first_of(terms.truncated, relations.weights_of_integers),
    "loop bounds": _first_of(upstream.slice_left_out, relations.slice_of_weights_left_out),
    "stride": _first_of(windows.stride, moved_inputs.stride_in_weights),
    "dilation": _first_of(moved_inputs.dilation_in_weights, moved_inputs.dilation_in_x),
    "neighbour": terms.neighbour,
    "wrong side": _first_of(terms.other_branch, terms.mask_forgotten, elementwise.wrong_side),
    "permuted": _first_of(relations.permuted, moved_inputs.order_of_x, terms.other_order),
    "crop": positions.crop,
}
PLACES: dict[str, Mistake] = {
    "one channel": positions.one_channel,
    "edge": positions.edge,
    "one image": positions.one_image,
    "one place": positions.one_place,
}
NAMES = frozenset(
    {
        *FORMULAS,
        *PLACES,
        *("ties", "kink", "condition on x", "not linear", "batch size", "not summed", "shape", "missing", "constant in delta"),
        *("input mutated", "weights mutated", "state", "buffer", "float32", "dtype", "layout", "not finite"),
    }
)
"""Names of mistakes that a report may contain."""
