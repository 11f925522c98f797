"""Receipt: the number that a network stored at a place, and the tree of terms from which it is computed.

The fast code adds in another order, and possibly in float32. So the stored number may differ from the tree in the last digits.
The receipt contains this difference, and its bound.
"""

from dataclasses import dataclass
from typing import Any

from handmade.engine.printable import Printable, ShortRepr
from handmade.engine.terms import Place, Term


@dataclass(frozen=True)
class Receipt(Printable):
    """Number that the network stored at a place, and the tree of terms from which it is computed.

    Attributes
    ----------
    at : Place
        Place of the number.
    kind : str
        Operation that computed it: "Conv2d", "cross-entropy", ...; or "pixel" or "weight" for a number that was given.
    value : float
        Stored number.
    total : Term or None
        Tree of terms with this number as its value; None for a pixel or a weight.
    bound : float
        Largest difference between `value` and `total` that rounding can explain.
    dtype : str
        Precision in which the number was stored.
    inputs : tuple of Receipt
        Receipts of activations and pixels among the terms, up to the requested depth; the largest contributions first.
    story : tuple of Step
        Effect of a nudge in each layer, for a receipt by differences.
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
        """Value of the tree: the exact sum of the terms."""
        return self.value if self.total is None else self.total.value

    @property
    def rounding(self) -> float:
        """Stored number minus the sum of the terms."""
        return self.value - self.sum

    def all(self) -> list["Receipt"]:
        """Return the receipt and those below it, level by level, each place once."""
        found, level = {self.at: self}, [self]
        while level:
            below = {each.at: each for above in level for each in above.inputs if each.at not in found}
            found |= below
            level = list(below.values())
        return list(found.values())

    def to_json(self) -> dict[str, Any]:
        """Return the receipt as plain data for `json.dumps`, with Python floats.

        "inputs" contains names of places; their receipts are in "receipts", level by level, each place once.
        """
        first, *others = (_alone(each) for each in self.all())
        return first | ({"receipts": others} if others else {})


@dataclass(frozen=True)
class Step(ShortRepr):
    """Effect of a nudge on one activation: the count of numbers that change, and the largest change."""

    layer: str
    moved: int
    numbers: int
    largest: float
    at: Place | None

    def _summary(self) -> str:
        return f"{self.layer}, {self.moved:,} of {self.numbers:,} changed, largest {self.largest:+.4g} at {self.at}"

    def to_json(self) -> dict[str, Any]:
        """Return the step as plain data."""
        place = str(self.at) if self.at else None
        return {"layer": self.layer, "moved": self.moved, "numbers": self.numbers, "largest": self.largest, "at": place}


def _alone(receipt: Receipt) -> dict[str, Any]:
    """Return one receipt as plain data, without those below it."""
    plain: dict[str, Any] = {"at": str(receipt.at), "kind": receipt.kind, "dtype": receipt.dtype, "value": receipt.value}
    if receipt.total is not None:
        arithmetic = {"sum": receipt.sum, "rounding": receipt.rounding, "bound": receipt.bound}
        plain |= arithmetic | {"total": receipt.total.to_json()}
    if receipt.story:
        plain["story"] = [step.to_json() for step in receipt.story]
    return plain | ({"inputs": [str(each.at) for each in receipt.inputs]} if receipt.inputs else {})
