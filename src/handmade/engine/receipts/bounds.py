"""How far rounding may take a computed number from the tree that says how it is made.

Let a machine work through the tree in its own precision, each operation right to eps relative to its result (eps is twice the
unit roundoff; exp, expm1, log1p and tanh: 4 eps), n numbers being added in any order whatever:

    e(sum)       <= sum of e_k + n eps sum of (|v_k| + e_k)        the n numbers of sums within sums together
    e(product)   <= (|a| + e_a) (|b| + e_b) (1 + eps) - |a b|      and so on, worst case by worst case        (1)

Every operation may besides lose what is too small to be held. The tree itself is rounded too, in float64: eps in (1) leaves name
for that, being twice what one machine needs.

Higham (2002), "Accuracy and Stability of Numerical Algorithms", second edition, sections 3.1 and 4.2.
"""

import math

import numpy as np
from numpy.typing import DTypeLike

from handmade.engine.terms import Products, Term

CURVED = 4  # eps of the library's exp, expm1, log1p and tanh


def bound(term: Term, dtype: DTypeLike) -> float:
    """The largest difference between the term's value and what a computation in `dtype` may make of it."""
    precision = np.finfo(dtype)
    return _error(term, float(precision.eps), float(precision.tiny))


def _error(term: Term, eps: float, tiny: float) -> float:
    v = abs(term.value)
    if term.how == "stored":
        return 0.0
    if term.how == "constant":
        return eps * v
    if term.how == "sum":
        sizes, errors = _addends(term, eps, tiny)
    else:
        sizes, errors = [abs(part.value) for part in term.parts], [_error(part, eps, tiny) for part in term.parts]
    match term.how:
        case "sum" | "difference":
            reach = math.fsum(sizes) + math.fsum(errors)
            error = math.fsum(errors) + len(sizes) * eps * reach
        case "product":
            error = errors[0] * sizes[1] + sizes[0] * errors[1] + errors[0] * errors[1] + eps * v
        case "quotient":
            name = sizes[1] - errors[1]
            error = (errors[0] + v * errors[1]) / name + eps * v if name > 0 else math.inf
        case "root":
            error = math.sqrt(errors[0]) if errors[0] >= sizes[0] else errors[0] / math.sqrt(sizes[0])
            error += eps * v
        case "exp" | "expm1" | "log1p" | "tanh":
            error = _moved(term, errors[0], tiny) + CURVED * eps * v
        case _:  # a choice, or a change of sign
            error = max(errors)
    return error + tiny


def _moved(term: Term, e: float, tiny: float) -> float:
    """How far a curve may move when its argument does, by e."""
    if term.how == "tanh":
        return e
    if term.how == "log1p":
        return e / max(1 + term.parts[0].value - e, tiny)
    return math.exp(term.parts[0].value) * math.expm1(min(e, 1e2))


def _addends(term: Term, eps: float, tiny: float) -> tuple[list[float], list[float]]:
    """The sizes of the numbers that a sum adds up, those of sums within it too, and their errors."""
    if isinstance(term.parts, Products):
        sizes = [abs(value) for value in term.parts.values]
        return sizes, [eps * size + tiny for size in sizes]
    sizes, errors = list[float](), list[float]()
    for part in term.parts:
        more = _addends(part, eps, tiny) if part.how == "sum" else ([abs(part.value)], [_error(part, eps, tiny)])
        sizes += more[0]
        errors += more[1]
    return sizes, errors
