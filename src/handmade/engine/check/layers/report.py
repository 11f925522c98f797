"""Report of `check_layer`, as data and as text."""

from dataclasses import asdict, dataclass, field
from math import isfinite
from textwrap import fill
from typing import Any, Literal, TypeAlias

from handmade.engine.printable import ShortRepr

WIDTH = 80
FEW = 4  # numbers of a list that are printed one by one
Status: TypeAlias = Literal["correct", "wrong", "not tested"]


@dataclass(frozen=True)
class Finding(ShortRepr):
    """One error of a layer.

    Attributes
    ----------
    section : str
        Part of the check: "gradient of W", "side effects", "precision", "forward" or "difference".
    array : str
        Array with the error: "y", "x", "gy", "delta" or a weight; for a gradient, the array whose gradient is wrong.
    what : str
        Description of the error.
    name : str
        Name of the likely mistake, in a word or two; empty if none was recognised.
    guess : str
        Likely mistake, as a sentence.
    index : tuple of int or None
        Position of the largest error, if there is one.
    got, expected : float or None
        Actual and expected value there.
    """

    section: str
    array: str
    what: str
    name: str = ""
    guess: str = ""
    index: tuple[int, ...] | None = None
    got: float | None = None
    expected: float | None = None

    def _summary(self) -> str:
        return f"{self.section}, {self.array}: {self.name or self.what}"

    def __str__(self) -> str:
        lines = [fill(f"{self.section}: {self.what}", WIDTH, subsequent_indent="    ")]
        if self.got is not None and self.expected is not None:
            place = "" if self.index is None else f" at {self.array}[{', '.join(map(str, self.index))}]"
            lines.append(f"    the worst{place}: got {self.got:.6g}, expected {self.expected:.6g}")
        if self.guess:
            text = f"{self.name}: perhaps {self.guess}{'' if self.guess.endswith('?') else '.'}"
            lines.append(fill(text, WIDTH, initial_indent="    ", subsequent_indent="    "))
        return "\n".join(lines)


@dataclass(frozen=True)
class LayerReport(ShortRepr):
    """Printable result of `check_layer`; true only for a layer that is correct.

    Attributes
    ----------
    layer : str
        Name of the class.
    findings : tuple of Finding
        Errors; empty if there are none.
    notes : tuple of str
        Remarks that are no errors.
    compared : dict of str to int
        Number of values and directions of each array's gradient that were compared with numerical ones.
    not_compared : dict of str to str
        Reason why an array's gradient was not tested.
    settings : tuple of str
        Numbers of the layer that were treated as settings.
    needs : tuple of str
        Changes that the layer needs for use in a `Network`; empty if none.
    kinks : int
        Number of compared values on a kink or a tie. There, any value between the two one-sided slopes is right.
    """

    layer: str
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    compared: dict[str, int] = field(default_factory=dict)
    not_compared: dict[str, str] = field(default_factory=dict)
    settings: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    kinks: int = 0

    @property
    def verdict(self) -> Status:
        """One of "correct", "wrong" and "not tested"."""
        return "wrong" if self.findings else "not tested" if self.not_compared else "correct"

    @property
    def ok(self) -> bool:
        """True if the layer is correct, and all of it was tested."""
        return self.verdict == "correct"

    def __bool__(self) -> bool:
        return self.ok

    def _summary(self) -> str:
        count = len(self.findings)
        return f"{self.layer}: {self.verdict}" + (f", {count} error{'s' * (count > 1)}" if count else "")

    def expect_ok(self) -> None:
        """Raise AssertionError with the complete report unless the layer is correct."""
        if not self.ok:
            raise AssertionError(str(self))

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain data, for JSON; NaN and infinities, which JSON does not have, as text."""
        plain = {"verdict": self.verdict, **asdict(self)}
        for finding in plain["findings"]:
            for key in ("got", "expected"):
                value = finding[key]
                finding[key] = value if value is None or isfinite(value) else str(value)
        return plain

    def __str__(self) -> str:
        count = len(self.findings)
        errors = f", {count} error{'s' * (count > 1)}" if count else ""
        lines = [f"{self.layer}: {self.verdict}{errors}", *map(str, self.findings)]
        if self.compared:
            kinks = f"; {self.kinks:,} of these on a kink or a tie" if self.kinks else ""
            lines.append(_line("compared: " + ", ".join(f"{name} ({count:,})" for name, count in self.compared.items()) + kinks))
        lines += [_line(f"not tested: {name}, {why}") for name, why in self.not_compared.items()]
        if self.ok:
            lines.append(_line("in a Network: " + ("; ".join(self.needs) if self.needs else "no change needed")))
        if self.settings:
            lines.append(_line("settings: " + ", ".join(_shortened(self.settings))))
        return "\n".join([*lines, *(_line(f"note: {note}") for note in self.notes)])


def _shortened(names: tuple[str, ...]) -> list[str]:
    """Return names, with many numbers of one list combined: sizes[0..7]."""
    lists: dict[str, list[str]] = {}
    for name in names:
        lists.setdefault(name.rpartition("[")[0] if name[-2:-1].isdigit() else name, []).append(name)
    return [
        part
        for owner, held in lists.items()
        for part in (held if len(held) <= FEW else [f"{owner}[0..{held[-1].rpartition('[')[2]}"])
    ]


def _line(text: str) -> str:
    return fill(text, WIDTH, subsequent_indent="    ")
