"""Terms: a number as a tree of the numbers that it is computed from, so that every reader can verify it.

    value of a term = OPERATIONS[term.how](values of its parts)        exactly, in float64        (1)

A term is a tree. Its leaves are constants and numbers that are stored at a place: pixels, weights, activations. "sum" is
`math.fsum`: the exact sum, rounded once, in any order of its parts. So the tree alone is enough to verify (1) to the last bit.

Terms support arithmetic, as numbers do: `a * b + c` is a term of the product and the sum.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, overload

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.printable import ShortRepr

MOST = 10  # terms of a long sum that are shown individually

OPERATIONS: dict[str, Callable[..., float]] = {
    "sum": lambda *parts: math.fsum(parts),
    "difference": lambda a, b: a - b,
    "product": lambda a, b: a * b,
    "quotient": lambda a, b: a / b,
    "negative": lambda a: -a,
    "absolute": abs,
    "root": math.sqrt,
    "exp": math.exp,
    "expm1": math.expm1,
    "log": math.log,
    "log1p": math.log1p,
    "erfc": math.erfc,
    "tanh": math.tanh,
    "largest": lambda *parts: max(parts),  # a window may contain a single pixel
    "smallest": lambda *parts: min(parts),
    "same": lambda a: a,
}


@dataclass(frozen=True)
class Place:
    """Place of a number: `conv2[12,10,3]` is row 12, column 10, channel 3 of the output of conv2."""

    name: str
    index: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}[{','.join(map(str, self.index))}]" if self.index else self.name


class Products(Sequence["Term"]):
    """Products of pairs of stored numbers, which become terms when they are looked at: a long sum has thousands.

    Parameters
    ----------
    values : Sequence of float
        The products, exact in float64.
    make : callable
        Return product number k as a term.
    """

    def __init__(self, values: Sequence[float], make: Callable[[int], "Term"]) -> None:
        self.values, self._make = values, make

    def __len__(self) -> int:
        return len(self.values)

    @overload
    def __getitem__(self, k: int) -> "Term": ...

    @overload
    def __getitem__(self, k: slice) -> Sequence["Term"]: ...

    def __getitem__(self, k: int | slice) -> "Term | Sequence[Term]":
        if isinstance(k, slice):
            return tuple(map(self._make, range(*k.indices(len(self)))))
        return self._make(range(len(self))[k])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def placed(self, change: Callable[[Place], Place]) -> "Products":
        """Return the same products with other places."""
        return Products(self.values, lambda k: self._make(k).placed(change))


@dataclass(frozen=True)
class Term(ShortRepr):
    """Number and its computation.

    Attributes
    ----------
    value : float
        Value of the number.
    how : str
        Operation: a key of OPERATIONS; or "stored" or "constant", for a leaf.
    parts : sequence of Term
        Operands, in order.
    place : Place or None
        Place of a stored number.
    label : str
        Name for readers: "bias", "channel 0".
    note : str
        Remark for readers: "padding", "wins".
    folded : bool
        True if its parts are too many and too small to be shown individually.
    """

    value: float
    how: str = "constant"
    parts: Sequence["Term"] = ()
    place: Place | None = None
    label: str = ""
    note: str = ""
    folded: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the tree as plain data, without empty fields."""
        plain: dict[str, Any] = {"value": self.value, "how": self.how}
        if self.place:
            plain["place"] = str(self.place)
        optional = {"label": self.label, "note": self.note, "folded": self.folded}
        plain |= {name: value for name, value in optional.items() if value}
        return plain | ({"parts": [part.to_json() for part in self.parts]} if self.parts else {})

    def leaves(self) -> Iterator["Term"]:
        """Yield the constants and stored numbers at the ends of the tree, from left to right."""
        if not self.parts:
            yield self
        for part in self.parts:
            yield from part.leaves()

    def mapped(self, change: Callable[["Term"], "Term"]) -> "Term":
        """Return the tree with leaves replaced by `change`, and all values above them computed again.

        A term that occurs twice in the tree is computed once.
        """
        done: dict[int, Term] = {}

        def other(old: Term) -> Term:
            new = done.get(id(old))
            if new is None:
                new = done[id(old)] = old._of(tuple(map(other, old.parts))) if old.parts else change(old)
            return new

        return other(self)

    def placed(self, change: Callable[[Place], Place]) -> "Term":
        """The same tree with other places; its numbers stay. What stands in it twice is made once."""
        done: dict[int, Term] = {}

        def other(old: Term) -> Term:
            new = done.get(id(old))
            if new is None:
                place, parts = old.place and change(old.place), old.parts
                others = parts.placed(change) if isinstance(parts, Products) else tuple(map(other, parts))
                new = done[id(old)] = Term(old.value, old.how, others, place, old.label, old.note, old.folded)
            return new

        return other(self)

    def _of(self, parts: tuple["Term", ...]) -> "Term":
        """The same term, made of other parts."""
        value = OPERATIONS[self.how](*[part.value for part in parts])
        return Term(value, self.how, parts, self.place, self.label, self.note, self.folded)  # `replace` takes ten times as long

    def _summary(self) -> str:
        place = f" at {self.place}" if self.place else ""
        parts = f" of {len(self.parts)}" if self.parts else ""
        return f"{self.value:+.6g}, {self.how}{parts}{place}"

    def named(self, label: str, note: str = "") -> "Term":
        """Return the same term with a label and a note."""
        return replace(self, label=label, note=note or self.note)

    def __add__(self, other: "Term | float") -> "Term":
        return made("sum", self, term(other))

    def __radd__(self, other: float) -> "Term":
        return made("sum", term(other), self)

    def __sub__(self, other: "Term | float") -> "Term":
        return made("difference", self, term(other))

    def __rsub__(self, other: float) -> "Term":
        return made("difference", term(other), self)

    def __mul__(self, other: "Term | float") -> "Term":
        return made("product", self, term(other))

    def __rmul__(self, other: float) -> "Term":
        return made("product", term(other), self)

    def __truediv__(self, other: "Term | float") -> "Term":
        return made("quotient", self, term(other))

    def __pow__(self, exponent: int) -> "Term":
        assert exponent == 2
        return made("product", self, self, label="squared")

    def __neg__(self) -> "Term":
        return made("negative", self)

    def sqrt(self) -> "Term":
        """Return the square root; `numpy.sqrt` of an array of terms calls this method."""
        return made("root", self)


def made(how: str, *parts: Term, label: str = "", note: str = "") -> Term:
    """Return the term of an operation on other terms."""
    return Term(OPERATIONS[how](*(part.value for part in parts)), how, parts, label=label, note=note)


def total(parts: Iterable[Term], label: str = "") -> Term:
    """Return the sum of the terms."""
    return made("sum", *parts, label=label)


def term(number: Any) -> Term:
    """Return a term as it is, also from an array without axes; any other number as a constant."""
    number = number.item() if isinstance(number, np.ndarray) else number
    return number if isinstance(number, Term) else Term(float(number))


def stored(number: Any, name: str, *index: Any, note: str = "") -> Term:
    """Return the leaf of a number that is stored at a place. A layer names its input "input", and its weights by their names."""
    return Term(float(number), "stored", place=Place(name, tuple(map(int, index))), note=note)


def largest_first(parts: list[Term], what: str, most: int = MOST) -> list[Term]:
    """Return the largest terms of a long sum individually, and the sum of all others as one folded term."""
    if len(parts) <= most + 1:
        return parts
    order = sorted(range(len(parts)), key=lambda k: -abs(parts[k].value))
    rest = [parts[k] for k in sorted(order[most:])]
    return [*(parts[k] for k in order[:most]), replace(total(rest, f"{len(rest):,} smaller {what}"), folded=True)]


def largest_products(values: Array, make: Callable[[int], Term], what: str, most: int = MOST) -> list[Term]:
    """The same for products of pairs of stored numbers, whose values are known: the small ones are made when they are needed."""
    if len(values) <= most + 1:
        return [make(k) for k in range(len(values))]
    order = np.argsort(-np.abs(values), kind="stable")
    rest = np.sort(order[most:])
    small = Products(values[rest].tolist(), lambda k: make(int(rest[k])))
    folded = Term(math.fsum(small.values), "sum", small, label=f"{len(rest):,} smaller {what}", folded=True)
    return [*(make(int(k)) for k in order[:most]), folded]
