"""What `check_layer` found, as data and in words."""

from dataclasses import dataclass
from textwrap import fill

WIDTH = 80


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes
    ----------
    law : str
        "manners", "difference" or "transpose".
    array : str
        "y", "x", "gy", "delta", or the name of a weight array; for the transpose law, the one whose gradient is wrong.
    what : str
        What was seen.
    name : str
        The mistake that this looks like, in a word or two; empty if none was recognised.
    guess : str
        The same in a sentence.
    index : tuple of int or None
        The worst place, if there is one.
    got, wanted : float or None
        What the layer has there, and what it should have.
    """

    law: str
    array: str
    what: str
    name: str = ""
    guess: str = ""
    index: tuple[int, ...] | None = None
    got: float | None = None
    wanted: float | None = None

    def __str__(self) -> str:
        lines = [fill(f"{self.law}: {self.what}", WIDTH, subsequent_indent="    ")]
        if self.got is not None and self.wanted is not None:
            place = "" if self.index is None else f" at [{', '.join(map(str, self.index))}]"
            lines.append(f"    the worst{place}: yours {self.got:.6g}, wanted {self.wanted:.6g}")
        if self.guess:
            lines.append(
                fill(
                    f"Perhaps {self.guess}{'' if self.guess.endswith('?') else '.'}",
                    WIDTH,
                    initial_indent="    ",
                    subsequent_indent="    ",
                )
            )
        return "\n".join(lines)


@dataclass(frozen=True)
class LayerReport:
    """What `check_layer` has to say; print it.

    Attributes
    ----------
    layer : str
        The name of the class.
    findings : tuple of Finding
        What is wrong; empty if nothing is.
    notes : tuple of str
        What is worth knowing and is no error.
    compared : int
        How many numbers and directions were compared with their numerical gradients.
    kinks : int
        How many of these lay on a kink or a tie. There, anything between the two one-sided slopes is right.
    """

    layer: str
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    compared: int
    kinks: int

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings

    def __str__(self) -> str:
        count = len(self.findings)
        head = "obeys the laws" if self.ok else f"{count} thing{'s' * (count > 1)} to mend"
        lines = [f"{self.layer}: {head}", *map(str, self.findings)]
        kinks = f", {self.kinks:,} of them on a kink or a tie" if self.kinks else ""
        notes = [f"{self.compared:,} slopes compared{kinks}.", *self.notes] if self.compared else self.notes
        return "\n".join([*lines, *(fill(f"note: {note}", WIDTH, subsequent_indent="    ") for note in notes)])
