"""Report of the check of a network, as data and as text."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from handmade.engine.check.networks.kinks import Kink
from handmade.engine.printable import Printable, ShortRepr

Verdict: TypeAlias = Literal["agree", "kink", "not tested", "bug"]
DISAGREE = 1e-4  # between definition and difference at the same h: both have errors of at most 1e-9
VERDICTS: tuple[Verdict, ...] = ("agree", "kink", "not tested", "bug")  # from the best to the worst


@dataclass(frozen=True)
class ArrayReport(ShortRepr):
    """Findings for one array of weights.

    Attributes
    ----------
    name : str
        Display name: conv1.W.
    entries, kinks, bugs : int
        Number of compared weights, of those on a kink (two one-sided derivatives), and of those with a wrong value.
    error : float
        Largest error among weights without a kink, relative to the value, or to 1e9 times its rounding if that is larger.
    at : tuple of int
        Position of the worst bug; without bugs, of the widest kink; else, of the largest error.
    analytic, left, right : float
        Values at that position.
    kink : Kink or None
        Kink that the nudge of that weight crosses, if any.
    definition : float
        Largest disagreement between the definition and the difference, for the same nudge, among the weights that were tried:
        relative to the array's largest quotient, or to 1e9 times the rounding of the definition if that is larger.
    tried : int
        Number of these weights.
    untested : str
        Reason why nothing was tested; empty if something was.
    """

    name: str
    entries: int
    kinks: int
    bugs: int
    error: float
    at: tuple[int, ...]
    analytic: float
    left: float
    right: float
    kink: Kink | None
    definition: float
    tried: int
    untested: str = ""

    def _summary(self) -> str:
        return f"{self.name}, {self.verdict}, {self.entries:,} weights, {self.kinks:,} on a kink, {self.bugs:,} wrong"

    @property
    def verdict(self) -> Verdict:
        """Verdict on all weights of the array together."""
        if self.bugs or self.disagrees:
            return "bug"
        return "not tested" if self.untested else "kink" if self.kinks else "agree"

    @property
    def disagrees(self) -> bool:
        """True if exact quotients and the definition differ: then a layer's delta is wrong, and the quotients prove nothing."""
        return not self.definition <= DISAGREE  # written so that NaN disagrees

    @property
    def central(self) -> float:
        """The mean of left and right."""
        return (self.left + self.right) / 2

    def story(self) -> str:
        """Return the details of an array that does not agree: its worst weight, or the reason why it was not tested."""
        if self.verdict == "not tested":
            return f"{self.name}: {self.untested}"
        if self.disagrees:
            off = f"exact quotients and the definition differ by {self.definition:.0e} of the largest quotient"
            return f"{self.name}: {off}. Try check_layer, or compare delta with forward, for this layer and those after it"
        place = f"{self.name}[{','.join(map(str, self.at))}]"
        left, central, right = (f"{value:+.6g}" for value in (self.left, self.central, self.right))
        values = f"{place}: left {left}, central {central}, right {right}; backpropagation {self.analytic:+.6g}"
        kink = "a unit lies on its kink, or on a tie, up to rounding" if self.verdict == "kink" else ""
        kink = str(self.kink) if self.kink else kink
        return values + (f"\n    {kink}" if kink else "")


@dataclass(frozen=True)
class Report(Printable):
    """Findings for every array, in the order of the network; true if every gradient was tested and is right.

    Attributes
    ----------
    arrays : tuple of ArrayReport
        One for each array of weights.
    notes : tuple of str
        Remarks that are no errors, such as units that are 0 for all images.
    """

    arrays: tuple[ArrayReport, ...]
    notes: tuple[str, ...] = ()

    def _summary(self) -> str:
        entries = sum(array.entries for array in self.arrays)
        return f"{self.verdict}, {len(self.arrays)} arrays, {entries:,} weights, {self.bugs:,} wrong"

    @property
    def bugs(self) -> int:
        """Number of weights with a wrong gradient."""
        return sum(array.bugs for array in self.arrays)

    @property
    def verdict(self) -> Verdict:
        """Worst verdict of all arrays; "not tested" if there are none."""
        return max((array.verdict for array in self.arrays), key=VERDICTS.index, default="not tested")

    @property
    def untested(self) -> tuple[ArrayReport, ...]:
        """Arrays that were not tested."""
        return tuple(array for array in self.arrays if array.verdict == "not tested")

    @property
    def ok(self) -> bool:
        """True if every array was tested and is right: all agree, or differ from their quotients only on kinks."""
        return self.verdict in {"agree", "kink"}

    def __bool__(self) -> bool:
        return self.ok

    def expect_ok(self) -> None:
        """Raise AssertionError, with the complete report as its text, unless the report is `ok`."""
        if not self.ok:
            raise AssertionError(f"expected right gradients; got\n{self}")

    def summary(self) -> str:
        """Return the result in a few sentences."""
        untested = ", ".join(array.name for array in self.untested)
        disagree = ", ".join(array.name for array in self.arrays if array.disagrees)
        sentences = []
        if self.bugs:
            sentences.append(f"{self.bugs:,} weight{'s have' if self.bugs > 1 else ' has'} a wrong gradient.")
        if disagree:
            sentences.append(f"The exact quotients of {disagree} differ from the definition: a delta is wrong.")
        if not sentences:
            sentences.append(self._success())
        if untested:
            sentences.append(f"Not tested: {untested}. Try other images, or other weights.")
        return " ".join(sentences)

    def _success(self) -> str:
        kinks = sum(array.kinks for array in self.arrays)
        if len(self.untested) == len(self.arrays):
            return "Nothing was tested: all slopes are 0." if self.arrays else "Nothing was tested: the network has no weights."
        first = "All gradients that were tested are right" if self.untested else "All gradients are right"
        if not kinks:
            return f"{first}, up to rounding."
        return (
            f"{first}. {kinks:,} weight{'s lie' if kinks > 1 else ' lies'} on a kink: left and right quotients differ there, "
            "and the analytic value is within the range that they allow."
        )
