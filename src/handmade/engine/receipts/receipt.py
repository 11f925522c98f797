"""A receipt: the number that a network stored at a place, and the tree of terms that it is made of.

The fast code adds in an order of its own, and perhaps in float32: what it stored may differ from the tree in the last digits. The
receipt says by how much, and how large the difference may be.
"""

from dataclasses import dataclass
from typing import Any

from handmade.engine.printable import Printable, ShortRepr
from handmade.engine.terms import Place, Term


@dataclass(frozen=True)
class Receipt(Printable):
    """A number that the network stored at a place, and the tree of terms that it is made of.

    Attributes
    ----------
    at : Place
        Where the number stands.
    kind : str
        What made it: "Conv2d", "cross-entropy", ...; "pixel" or "weight" for what nothing made.
    value : float
        The stored number.
    total : Term or None
        The same number, made of others; None for a pixel or a weight.
    bound : float
        How far `value` and `total` may be apart by rounding alone.
    dtype : str
        In what precision it was stored.
    inputs : tuple of Receipt
        Receipts of activations and pixels among the terms, as far as they were asked for; the largest contributions first.
    story : tuple of Step
        Of a nudge that was followed through the network: what moved, layer by layer.
    """

    at: Place
    kind: str
    value: float
    total: Term | None = None
    bound: float = 0.0
    dtype: str = "float64"
    inputs: tuple["Receipt", ...] = ()
    story: tuple["Step", ...] = ()

    def _summary(self) -> str:
        return f"{self.at} = {self.value:+.6g}, {self.kind}"

    @property
    def sum(self) -> float:
        """The sum of the terms, exactly as they say."""
        return self.value if self.total is None else self.total.value

    @property
    def rounding(self) -> float:
        """The stored number, less the sum of the terms."""
        return self.value - self.sum

    def all(self) -> list["Receipt"]:
        """The receipt and those below it, level by level, each place once."""
        found, level = {self.at: self}, [self]
        while level:
            below = {each.at: each for above in level for each in above.inputs if each.at not in found}
            found |= below
            level = list(below.values())
        return list(found.values())

    def to_json(self) -> dict[str, Any]:
        """As plain data, ready for `json.dumps`; numbers are Python's own floats.

        "inputs" names places; their receipts are in "receipts", level by level, each place once.
        """
        first, *others = (_alone(each) for each in self.all())
        return first | ({"receipts": others} if others else {})


@dataclass(frozen=True)
class Step(ShortRepr):
    """One activation under a nudge: the count of its numbers that move, and the one that moves most."""

    layer: str
    moved: int
    numbers: int
    largest: float
    at: Place | None

    def _summary(self) -> str:
        return f"{self.layer}, {self.moved:,} of {self.numbers:,} changed, largest {self.largest:+.4g} at {self.at}"

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        place = str(self.at) if self.at else None
        return {"layer": self.layer, "moved": self.moved, "numbers": self.numbers, "largest": self.largest, "at": place}


def _alone(receipt: Receipt) -> dict[str, Any]:
    """One receipt as plain data, without those below it."""
    plain: dict[str, Any] = {"at": str(receipt.at), "kind": receipt.kind, "dtype": receipt.dtype, "value": receipt.value}
    if receipt.total is not None:
        arithmetic = {"sum": receipt.sum, "rounding": receipt.rounding, "bound": receipt.bound}
        plain |= arithmetic | {"total": receipt.total.to_json()}
    if receipt.story:
        plain["story"] = [step.to_json() for step in receipt.story]
    return plain | ({"inputs": [str(each.at) for each in receipt.inputs]} if receipt.inputs else {})
