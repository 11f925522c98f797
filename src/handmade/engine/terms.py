"""Terms: how one number is made of others, so that anybody can add it up.

    value of a term = OPERATIONS[how](values of its parts)        exactly, in float64        (1)

A term is a tree. Its leaves are constants and numbers that are stored at a place: pixels, weights, activations. "sum" is
`math.fsum`, the exact sum rounded once, whatever the order of its parts. So (1) can be checked to the last bit by anybody who
has the tree and nothing else.

Terms can be calculated with, as numbers can: `a * b + c` is the term that says so.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, overload

import numpy as np

from handmade.engine.arrays import Array

MOST = 10  # terms of a long sum that are shown one by one

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
    "log1p": math.log1p,
    "tanh": math.tanh,
    "largest": lambda *parts: max(parts),  # a window may see a single pixel
    "smallest": lambda *parts: min(parts),
    "same": lambda a: a,
}


@dataclass(frozen=True)
class Place:
    """The place of a number: `conv2[12,10,3]` is row 12, column 10, channel 3 of what conv2 puts out."""

    room: str
    index: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.room}[{','.join(map(str, self.index))}]" if self.index else self.room


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
class Term:
    """A number and how it is made.

    Attributes
    ----------
    value : float
        The number.
    how : str
        A key of OPERATIONS; or "stored" or "constant", for a leaf.
    parts : sequence of Term
        What it is made of, in order.
    place : Place or None
        Where a stored number stands.
    label : str
        What people call it: "bias", "channel 0".
    note : str
        What is to be said about it: "padding", "wins".
    folded : bool
        Whether its parts are too many and too small to be looked at one by one.
    """

    value: float
    how: str = "constant"
    parts: Sequence["Term"] = ()
    place: Place | None = None
    label: str = ""
    note: str = ""
    folded: bool = False

    def to_json(self) -> dict[str, Any]:
        """As plain data; what is empty is left out."""
        plain: dict[str, Any] = {"value": self.value, "how": self.how}
        if self.place:
            plain["place"] = str(self.place)
        said = {"label": self.label, "note": self.note, "folded": self.folded}
        plain |= {name: value for name, value in said.items() if value}
        return plain | ({"parts": [part.to_json() for part in self.parts]} if self.parts else {})

    def leaves(self) -> Iterator["Term"]:
        """The constants and stored numbers at the ends of the tree, from left to right."""
        if not self.parts:
            yield self
        for part in self.parts:
            yield from part.leaves()

    def mapped(self, change: Callable[["Term"], "Term"]) -> "Term":
        """The tree with other leaves, every number on the way up made anew. What stands in it twice is made once."""
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

    def named(self, label: str, note: str = "") -> "Term":
        """The same term with something said about it."""
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
        """The root; `numpy.sqrt` of an array of terms calls this."""
        return made("root", self)


def made(how: str, *parts: Term, label: str = "", note: str = "") -> Term:
    """The term that an operation makes of others."""
    return Term(OPERATIONS[how](*(part.value for part in parts)), how, parts, label=label, note=note)


def total(parts: Iterable[Term], label: str = "") -> Term:
    """Their sum."""
    return made("sum", *parts, label=label)


def term(number: Any) -> Term:
    """A term as it is, also out of an array without axes; any other number as a constant."""
    number = number.item() if isinstance(number, np.ndarray) else number
    return number if isinstance(number, Term) else Term(float(number))


def stored(number: Any, room: str, *index: Any, note: str = "") -> Term:
    """A number that stands at a place. A layer calls its own input "input" and its weights by their names."""
    return Term(float(number), "stored", place=Place(room, tuple(map(int, index))), note=note)


def largest_first(parts: list[Term], what: str, most: int = MOST) -> list[Term]:
    """The terms of a long sum: the largest one by one, the rest folded into their own sum."""
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
