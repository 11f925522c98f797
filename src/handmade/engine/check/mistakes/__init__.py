"""Mistakes by name, each with the gradient that a layer with that mistake computes.

relations.py      a factor, a sign, another order of the right gradient
upstream.py       the gradient from above left out or read in another order
elementwise.py    derivatives of activations
windows.py        convolutions and pools
normalisation.py  softmax, layer and batch normalisation
where.py          the place of the errors, if no formula explains them
"""

from collections.abc import Callable
from typing import TypeAlias

from handmade.engine.check.comparison import Comparison, Guess
from handmade.engine.check.mistakes.elementwise import derivative_elsewhere, derivative_forgotten, wrong_side
from handmade.engine.check.mistakes.normalisation import epsilon, log_softmax, normalisation, softmax
from handmade.engine.check.mistakes.relations import (
    flipped,
    groups,
    permuted,
    ratio,
    sign_lost,
    transposed,
    unused,
    weight_decay,
    wrong_sign,
    zero,
)
from handmade.engine.check.mistakes.upstream import ignores_gy, misread_gy
from handmade.engine.check.mistakes.where import condition_on_x, crop, edge, one_channel, one_image, one_place
from handmade.engine.check.mistakes.windows import overwritten, stride, winner_ignored

Mistake: TypeAlias = Callable[[Comparison], Guess]


def _of(family: Callable[[Comparison], dict[str, Guess]], name: str) -> Mistake:
    return lambda c: family(c).get(name)


FORMULAS: dict[str, Mistake] = {  # the most specific first
    "unused": unused,
    "zero": zero,
    "wrong sign": wrong_sign,
    "sign lost": sign_lost,
    "ratio": ratio,
    "softmax diagonal": _of(softmax, "softmax diagonal"),
    "softmax axis": lambda c: softmax(c).get("softmax axis") or log_softmax(c).get("softmax axis"),
    "log-softmax sum": _of(log_softmax, "log-softmax sum"),
    "derivative forgotten": derivative_forgotten,
    "derivative elsewhere": derivative_elsewhere,
    "ignores gy": ignores_gy,
    "flipped": flipped,
    "transposed": transposed,
    "misread gy": misread_gy,
    "groups": groups,
    "permuted": permuted,
    "overwritten": overwritten,
    "winner ignored": winner_ignored,
    "weight decay": weight_decay,
    "stride": stride,
    "mean held constant": _of(normalisation, "mean held constant"),
    "variance held constant": _of(normalisation, "variance held constant"),
    "epsilon": epsilon,
    "crop": crop,
    "wrong side": wrong_side,
}
PLACES: dict[str, Mistake] = {
    "edge": edge,
    "one channel": one_channel,
    "one image": one_image,
    "condition on x": condition_on_x,
    "one place": one_place,
}
NAMES = {  # of all that a report may name, beside the mistakes above
    *("ties", "transposed", "not summed", "crop", "shape", "missing", "unknown", "constant in delta", "not linear", "batch size"),
    *("input mutated", "weights mutated", "state", "buffer", "float32", "dtype", "layout", "not finite"),
}
