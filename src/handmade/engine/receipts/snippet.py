"""Receipt as a few lines of plain NumPy that print its number.

The lines use only the tree. Many terms of one form, such as the products of a convolution, become arrays. The small terms of a
long sum stay combined in one number.
"""

import keyword
import re
import textwrap
from collections import defaultdict
from collections.abc import Iterator
from itertools import chain, count

from handmade.engine.arguments import described, refused
from handmade.engine.receipts.places import INPUT
from handmade.engine.receipts.receipt import Receipt
from handmade.engine.terms import Term

BETWEEN = {"sum": " + ", "difference": " - ", "product": " * ", "quotient": " / "}
CALLED = {"absolute": "np.abs", "root": "np.sqrt", "erfc": "np.vectorize(math.erfc)"}
CALLED |= {name: f"np.{name}" for name in ("exp", "expm1", "log", "log1p", "tanh")}
CHOSEN = {"largest": "max", "smallest": "min"}
FEW = 3  # terms of one form that are written one by one
WIDTH = 100


def snippet(receipt: Receipt) -> str:
    """Return lines of Python that need only NumPy and print `receipt.sum`, up to rounding."""
    if not isinstance(receipt, Receipt):
        raise refused("receipt", "a Receipt", described(receipt), "handmade.explain(network, image, at)")
    if receipt.total is None:
        return f"print({receipt.value!r})  # {receipt.at}: a {receipt.kind}\n"
    writer = Writer()
    result = _bare(writer.code(receipt.total))
    folded = [f"# {term.value!r}: {term.label}" for term in _folded(receipt.total)]
    imports = ["import math", ""] * ("math." in result) + ["import numpy as np", ""]  # NumPy has no erfc
    lines = [*imports, *writer.lines, *folded, f"print({result})  # {receipt.at}"]
    return "\n".join(lines) + "\n"


class Writer:
    """Writer of an expression and of the arrays that it needs."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._names: set[str] = {"np", "math"}

    def code(self, term: Term) -> str:
        """Return the expression of a term."""
        if _form(term) == "leaf":
            return repr(term.value)
        if term.how == "sum":
            return self._sum(term)
        parts = [self.code(part) for part in term.parts]
        return _written(term, parts)

    def _sum(self, term: Term) -> str:
        """Return the expression of a sum, with terms of one form together."""
        groups: defaultdict[object, list[Term]] = defaultdict(list)
        for part in _addends(term):
            groups[_form(part)].append(part)
        written = []
        for parts in groups.values():
            written += [self._many(parts)] if len(parts) > FEW else [self.code(part) for part in parts]
        return f"({' + '.join(written)})"

    def _many(self, terms: list[Term]) -> str:
        """Return the expression of the sum of many terms of one form."""
        arrays = len(self.lines)
        together = self._together(terms)
        return f"{together}.sum()" if len(self.lines) > arrays else f"{len(terms)} * {together}"

    def _together(self, terms: list[Term]) -> str:
        """Return the expression of many terms of one form, as an array."""
        first = terms[0]
        if _form(first) == "leaf":
            if all(term.value == first.value and term.place == first.place for term in terms):
                return repr(first.value)
            return self._array(terms)
        return _written(first, [self._together(list(parts)) for parts in zip(*(term.parts for term in terms), strict=True)])

    def _array(self, leaves: list[Term]) -> str:
        places = [leaf.place.name for leaf in leaves if leaf.place]
        plain = re.sub(r"\W+", "_", places[0].replace(INPUT, "image"), flags=re.ASCII) if places else "terms"
        plain = plain if plain.isidentifier() and not keyword.iskeyword(plain) else f"_{plain}"
        names = chain([plain], (f"{plain}_{k}" for k in count(2)))
        name = next(name for name in names if name not in self._names)
        self._names.add(name)
        numbers = textwrap.wrap(", ".join(repr(leaf.value) for leaf in leaves), WIDTH - 4)
        self.lines += [f"{name} = np.array([", *(f"    {line}" for line in numbers), "])"]
        return name


def _written(term: Term, parts: list[str]) -> str:
    if term.how in BETWEEN:
        return f"({BETWEEN[term.how].join(parts)})"
    if term.how == "negative":
        return f"(-{parts[0]})"
    if term.how in CHOSEN and len(parts) == 1:
        return parts[0]  # Python's max of one number is an error
    return f"{(CALLED | CHOSEN).get(term.how, '')}({', '.join(map(_bare, parts))})"


def _bare(expression: str) -> str:
    """Return the expression without outer brackets."""
    depth = 0
    for k, letter in enumerate(expression):
        depth += (letter == "(") - (letter == ")")
        if depth == 0 and k < len(expression) - 1:
            return expression
    return expression[1:-1] if expression.startswith("(") else expression


def _folded(term: Term) -> Iterator[Term]:
    """Yield the terms that combine many small ones."""
    if term.folded:
        yield term
        return
    for part in term.parts:
        yield from _folded(part)


def _addends(term: Term) -> list[Term]:
    """Return the terms of a sum, including those of nested sums, but not the terms inside a folded sum."""
    parts: list[Term] = []
    for part in term.parts:
        parts += _addends(part) if part.how == "sum" and not part.folded else [part]
    return parts


def _form(term: Term) -> object:
    """Return the form of a term: its operations, down to the leaves. Terms of equal form can be written as one array."""
    if not term.parts or term.folded:
        return "leaf"
    return (term.how, *map(_form, term.parts))
