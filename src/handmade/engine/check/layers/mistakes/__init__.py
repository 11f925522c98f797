"""Mistakes by name, each with the gradient that a layer with that mistake computes.

relations.py      a factor, a sign, another order of the right gradient
terms.py          terms of the sum with the Jacobian left out, or with other factors
upstream.py       the gradient from above left out or read in another order
elementwise.py    derivatives of activations
windows.py        convolutions and pools
moved_inputs.py   gradients of weights that are right for another input
normalisation.py  softmax, layer and batch normalisation
where.py          the place of the errors, if no formula explains them
"""

from collections.abc import Callable
from typing import TypeAlias

from handmade.engine.check.layers.comparison import Comparison, Guess
from handmade.engine.check.layers.mistakes import (
    elementwise,
    moved_inputs,
    normalisation,
    relations,
    terms,
    upstream,
    where,
    windows,
)

Mistake: TypeAlias = Callable[[Comparison], Guess]


def _any(*mistakes: Mistake) -> Mistake:
    return lambda c: next((words for mistake in mistakes if (words := mistake(c))), None)


def _of(family: Callable[[Comparison], dict[str, Guess]], name: str) -> Mistake:
    return lambda c: family(c).get(name)


FORMULAS: dict[str, Mistake] = {  # the most specific first
    "unused": relations.unused,
    "zero": relations.zero,
    "wrong sign": relations.wrong_sign,
    "ratio": relations.ratio,
    "swapped": terms.swapped,
    "softmax diagonal": _of(normalisation.softmax, "softmax diagonal"),
    "softmax axis": _any(_of(normalisation.softmax, "softmax axis"), _of(normalisation.log_softmax, "softmax axis")),
    "log-softmax sum": _of(normalisation.log_softmax, "log-softmax sum"),
    "derivative forgotten": _any(elementwise.derivative_forgotten, terms.x_forgotten, terms.factor_forgotten),
    "derivative elsewhere": _any(elementwise.derivative_elsewhere, terms.factor_of_output),
    "sign lost": _any(relations.sign_lost, relations.weights_without_sign),
    "product rule": terms.product_rule,
    "shortcut": terms.shortcut,
    "ignores gy": upstream.ignores_gy,
    "flipped": relations.flipped,
    "transposed": _any(relations.transposed, terms.jacobian_transposed),
    "misread gy": upstream.misread_gy,
    "groups": _any(relations.groups, moved_inputs.groups_of_x),
    "overwritten": windows.overwritten,
    "winner ignored": windows.winner_ignored,
    "wrong winner": windows.wrong_winner,
    "weight decay": relations.weight_decay,
    "mean held constant": _of(normalisation.normalisation, "mean held constant"),
    "variance held constant": _of(normalisation.normalisation, "variance held constant"),
    "norm held constant": _of(normalisation.normalisation, "norm held constant"),
    "epsilon": _any(normalisation.epsilon, normalisation.epsilon_of_layer),
    "axis": terms.wrong_axis,
    "summed too far": terms.summed_too_far,
    "truncated": _any(terms.truncated, relations.weights_of_integers),
    "loop bounds": _any(upstream.slice_left_out, relations.slice_of_weights_left_out),
    "stride": _any(windows.stride, moved_inputs.stride_in_weights),
    "dilation": _any(moved_inputs.dilation_in_weights, moved_inputs.dilation_in_x),
    "neighbour": terms.neighbour,
    "wrong side": _any(terms.other_branch, terms.mask_forgotten, elementwise.wrong_side),
    "permuted": _any(relations.permuted, moved_inputs.order_of_x, terms.other_order),
    "crop": where.crop,
}
PLACES: dict[str, Mistake] = {
    "one channel": where.one_channel,
    "edge": where.edge,
    "one image": where.one_image,
    "one place": where.one_place,
}
NAMES = frozenset(
    {
        *FORMULAS,
        *PLACES,
        *("ties", "kink", "condition on x", "not linear", "batch size", "not summed", "shape", "missing", "constant in delta"),
        *("input mutated", "weights mutated", "state", "buffer", "float32", "dtype", "layout", "not finite"),
    }
)
"""All names that a report may give."""
