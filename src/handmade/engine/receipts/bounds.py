"""Bound of the rounding error of a computed number, derived from its tree of terms.

Assume that the tree is computed in some precision, and that each operation has a relative error of at most eps (twice the unit
roundoff; 4 eps for exp, expm1, log, log1p, tanh and erfc). The n numbers of a sum may be added in any order. Then the error e is
bounded by:

    e(sum)       <= sum of e_k + n eps sum of (|v_k| + e_k)        with the n numbers of nested sums together
    e(product)   <= (|a| + e_a) (|b| + e_b) (1 + eps) - |a b|      and similar worst cases for other operations        (1)

In addition, underflow may change each result by a number of the size of `tiny`. The tree itself is rounded in float64, too: for
this reason, eps in (1) is twice the unit roundoff.

Higham (2002), "Accuracy and Stability of Numerical Algorithms", second edition, sections 3.1 and 4.2.
"""

import math

import numpy as np
from numpy.typing import DTypeLike

from handmade.engine.terms import Products, Term

CURVED = 4  # error of the library's exp, expm1, log, log1p, tanh and erfc, in eps


def bound(term: Term, dtype: DTypeLike) -> float:
    """Return the largest possible difference between the term's value and its computation in `dtype`."""
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
        case "exp" | "expm1" | "log" | "log1p" | "tanh" | "erfc":
            error = _moved(term, errors[0], tiny) + CURVED * eps * v
        case _:  # a choice of a part, or a change of sign
            error = max(errors)
    return error + tiny


def _moved(term: Term, e: float, tiny: float) -> float:
    """Return the largest change of a function's value if its argument changes by e."""
    if term.how == "tanh":
        return e
    x = term.parts[0].value
    if term.how == "erfc":
        return 2 / math.sqrt(math.pi) * math.exp(-(max(abs(x) - e, 0) ** 2)) * e
    if term.how in {"log", "log1p"}:
        return e / max((term.how == "log1p") + x - e, tiny)
    return math.exp(x) * math.expm1(min(e, 1e2))


def _addends(term: Term, eps: float, tiny: float) -> tuple[list[float], list[float]]:
    """Return the sizes of the terms of a sum, including those of nested sums, and their errors."""
    if isinstance(term.parts, Products):
        sizes = [abs(value) for value in term.parts.values]
        return sizes, [eps * size + tiny for size in sizes]
    sizes, errors = list[float](), list[float]()
    for part in term.parts:
        more = _addends(part, eps, tiny) if part.how == "sum" else ([abs(part.value)], [_error(part, eps, tiny)])
        sizes += more[0]
        errors += more[1]
    return sizes, errors
