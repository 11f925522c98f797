"""A receipt as a few lines of plain NumPy, which print its number when they are run.

The lines are written from the tree alone. Many terms of one form, such as the products of a convolution, become arrays; the small
terms of a long sum stay folded into one number.
"""

import keyword
import re
import textwrap
from collections import defaultdict
from collections.abc import Iterator
from itertools import chain, count

from handmade.engine.receipts.places import INPUT
from handmade.engine.receipts.receipt import Receipt
from handmade.engine.terms import Term

BETWEEN = {"sum": " + ", "difference": " - ", "product": " * ", "quotient": " / "}
CALLED = {"absolute": "np.abs", "root": "np.sqrt", "exp": "np.exp", "expm1": "np.expm1", "log1p": "np.log1p", "tanh": "np.tanh"}
CHOSEN = {"largest": "max", "smallest": "min"}
FEW = 3  # terms of one form that are written out one by one
WIDTH = 100


def snippet(receipt: Receipt) -> str:
    """Lines of Python that need NumPy alone and print `receipt.sum`, up to rounding."""
    if receipt.total is None:
        return f"print({receipt.value!r})  # {receipt.at}: a {receipt.kind}\n"
    writer = Writer()
    result = _bare(writer.code(receipt.total))
    folded = [f"# {term.value!r}: {term.label}" for term in _folded(receipt.total)]
    lines = ["import numpy as np", "", *writer.lines, *folded, f"print({result})  # {receipt.at}"]
    return "\n".join(lines) + "\n"


class Writer:
    """Collects the arrays that an expression needs."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._names: set[str] = {"np"}

    def code(self, term: Term) -> str:
        """The expression of a term."""
        if _form(term) == "leaf":
            return repr(term.value)
        if term.how == "sum":
            return self._sum(term)
        parts = [self.code(part) for part in term.parts]
        return _written(term, parts)

    def _sum(self, term: Term) -> str:
        """Terms of one form together."""
        groups: defaultdict[object, list[Term]] = defaultdict(list)
        for part in _addends(term):
            groups[_form(part)].append(part)
        written = []
        for parts in groups.values():
            written += [self._many(parts)] if len(parts) > FEW else [self.code(part) for part in parts]
        return f"({' + '.join(written)})"

    def _many(self, terms: list[Term]) -> str:
        """The sum of many terms of one form."""
        arrays = len(self.lines)
        together = self._together(terms)
        return f"{together}.sum()" if len(self.lines) > arrays else f"{len(terms)} * {together}"

    def _together(self, terms: list[Term]) -> str:
        """The expression of many terms of one form, as an array."""
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
    """Without brackets around all of it."""
    depth = 0
    for k, letter in enumerate(expression):
        depth += (letter == "(") - (letter == ")")
        if depth == 0 and k < len(expression) - 1:
            return expression
    return expression[1:-1] if expression.startswith("(") else expression


def _folded(term: Term) -> Iterator[Term]:
    """The numbers that stand for many."""
    if term.folded:
        yield term
        return
    for part in term.parts:
        yield from _folded(part)


def _addends(term: Term) -> list[Term]:
    """The terms of a sum, those of sums within it too, but not those that are folded."""
    parts: list[Term] = []
    for part in term.parts:
        parts += _addends(part) if part.how == "sum" and not part.folded else [part]
    return parts


def _form(term: Term) -> object:
    """What terms have in common that can be written as one array: how they are made, down to the leaves."""
    if not term.parts or term.folded:
        return "leaf"
    return (term.how, *map(_form, term.parts))
