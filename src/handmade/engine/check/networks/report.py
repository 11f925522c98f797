"""Report of the check of a network, as data and in words."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from handmade.engine.check.networks.kinks import Kink
from handmade.engine.printable import Printable, ShortRepr

Verdict: TypeAlias = Literal["agree", "kink", "not tested", "bug"]
DISAGREE = 1e-4  # of definition and difference, at the same h: both are right to 1e-9 and better
VERDICTS: tuple[Verdict, ...] = ("agree", "kink", "not tested", "bug")  # from the best to the worst


@dataclass(frozen=True)
class ArrayReport(ShortRepr):
    """Findings for one array of weights.

    Attributes
    ----------
    name : str
        As people call it: conv1.W.
    entries, kinks, bugs : int
        How many weights were compared; how many of them have two one-sided derivatives; how many have a wrong value.
    error : float
        The worst error among weights without a kink, relative to the value, or to 1e9 times its rounding if that is more.
    at : tuple of int
        Where that is, or the worst of the bugs if there are any, or else of the kinks.
    analytic, left, right : float
        The values there.
    kink : Kink or None
        What the nudge of that weight pushes across a kink, if anything.
    definition : float
        The worst disagreement of the definition with the difference, for the same nudge, among the weights that were tried:
        relative to the array's largest quotient, or to 1e9 times what the definition loses by rounding, if that is more.
    tried : int
        How many those were.
    untested : str
        The reason why nothing was tested; empty if something was.
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
        """The verdict on all weights of the array together."""
        if self.bugs or self.disagrees:
            return "bug"
        return "not tested" if self.untested else "kink" if self.kinks else "agree"

    @property
    def disagrees(self) -> bool:
        """True if the exact quotients are not those of the definition: then a layer's delta is wrong, and they prove nothing."""
        return not self.definition <= DISAGREE  # so written that NaN disagrees

    @property
    def central(self) -> float:
        """The mean of left and right."""
        return (self.left + self.right) / 2

    def story(self) -> str:
        """Return what is to be said about an array that does not simply agree: its worst weight, or why it was not tested."""
        if self.verdict == "not tested":
            return f"{self.name}: {self.untested}"
        if self.disagrees:
            off = f"exact quotients and the definition differ by {self.definition:.0e} of the largest"
            return f"{self.name}: {off}. Try check_layer, or compare delta with forward, for this layer and those after it"
        place = f"{self.name}[{','.join(map(str, self.at))}]"
        left, central, right = (f"{value:+.6g}" for value in (self.left, self.central, self.right))
        values = f"{place}: left {left}, central {central}, right {right}; backpropagation says {self.analytic:+.6g}"
        kink = "a unit is within rounding of its kink, or of a tie" if self.verdict == "kink" else ""
        kink = str(self.kink) if self.kink else kink
        return values + (f"\n    {kink}" if kink else "")


@dataclass(frozen=True)
class Report(Printable):
    """Findings for every array, in the order of the network; true if every gradient is right, and was tested.

    Attributes
    ----------
    arrays : tuple of ArrayReport
        One for each array of weights.
    notes : tuple of str
        What is worth knowing and is no error, such as units that are 0 for all images.
    """

    arrays: tuple[ArrayReport, ...]
    notes: tuple[str, ...] = ()

    def _summary(self) -> str:
        entries = sum(array.entries for array in self.arrays)
        return f"{self.verdict}, {len(self.arrays)} arrays, {entries:,} weights, {self.bugs:,} wrong"

    @property
    def bugs(self) -> int:
        """The number of weights with a wrong gradient."""
        return sum(array.bugs for array in self.arrays)

    @property
    def verdict(self) -> Verdict:
        """The worst of all arrays; "not tested" if there are none."""
        return max((array.verdict for array in self.arrays), key=VERDICTS.index, default="not tested")

    @property
    def untested(self) -> tuple[ArrayReport, ...]:
        """The arrays that were not tested."""
        return tuple(array for array in self.arrays if array.verdict == "not tested")

    @property
    def ok(self) -> bool:
        """True if every array was tested and is right: all agree, or differ from their quotients on kinks alone."""
        return self.verdict in {"agree", "kink"}

    def __bool__(self) -> bool:
        return self.ok

    def expect_ok(self) -> None:
        """Raise AssertionError, with the whole report as its text, unless the report is `ok`."""
        if not self.ok:
            raise AssertionError(f"expected right gradients; got\n{self}")

    def summary(self) -> str:
        """Return the result in a few sentences."""
        untested = ", ".join(array.name for array in self.untested)
        disagree = ", ".join(array.name for array in self.arrays if array.disagrees)
        said = []
        if self.bugs:
            said.append(f"{self.bugs:,} weight{'s have' if self.bugs > 1 else ' has'} a wrong gradient.")
        if disagree:
            said.append(f"The exact quotients of {disagree} are not those of the definition: a delta is wrong.")
        if not said:
            said.append(self._praise())
        if untested:
            said.append(f"Not tested: {untested}. Try other images, or other weights.")
        return " ".join(said)

    def _praise(self) -> str:
        kinks = sum(array.kinks for array in self.arrays)
        if len(self.untested) == len(self.arrays):
            return "Nothing was tested: all slopes are 0." if self.arrays else "Nothing was tested: the network has no weights."
        first = "All gradients that were tested are right" if self.untested else "All gradients are right"
        if not kinks:
            return f"{first}, to rounding."
        return (
            f"{first}. {kinks:,} weights push something across a kink: left and right quotients differ there, "
            "and the analytic value lies between what they allow."
        )
