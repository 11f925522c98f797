"""Measured part of docs/own_digits.md: the text between two comments, and two pictures."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from handmade.pictures import style
from own_digits_pictures import calibration_picture, kinds_picture
from own_digits_reading import Record
from own_digits_report import Before, calibration_table, kinds_table, of, others_table, totals_table, transposed_line

DOCS = Path(__file__).parent.parent / "docs"
BEGIN, END = "<!-- written by benchmarks/own_digits.py --docs -->", "<!-- end of the written part -->"
KINDS, CALIBRATION = "pictures/own-digits-kinds.png", "pictures/own-digits-calibration.png"


def section(records: Sequence[Record], before: Before = None, more: Mapping[str, Sequence[Record]] | None = None) -> str:
    """Return the measured part as Markdown; arguments as those of `own_digits_report.report`."""
    digits, others, transposed = (of(records, what) for what in ("digit", "other", "transposed"))
    parts = [
        f"{len(digits):,} pictures of digits, and {len(others):,} that hold no single digit:",
        totals_table(digits, others, before, more),
        f"![Right, wrong and refused pictures by kind]({KINDS})",
        "A picture of several kinds counts for each of them.",
        kinds_table(digits, before),
        "The certainty of the answers, and how often they are right:",
        calibration_table(digits),
        f"![Certainty of the answers against how often they are right]({CALIBRATION})",
        "Pictures that hold no single digit. Characters that are held back were not used to train the verifier:",
        others_table(others, before),
        *([transposed_line(transposed)] if transposed else []),
    ]
    return "\n\n".join(parts)


def written(document: str, part: str) -> str:
    """Return a document with another text between the comments.

    Raises
    ------
    ValueError
        If the document does not have both comments, in this order.
    """
    first, begin, rest = document.partition(BEGIN)
    _, end, last = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"expected a document with {BEGIN} and {END}")
    return f"{first}{begin}\n\n{part}\n\n{end}{last}"


def write_docs(
    records: Sequence[Record],
    before: Before = None,
    more: Mapping[str, Sequence[Record]] | None = None,
    folder: Path = DOCS,
) -> None:
    """Write the measured part and its pictures; arguments as those of `own_digits_report.report`."""
    document = folder / "own_digits.md"
    document.write_text(written(document.read_text(encoding="utf-8"), section(records, before, more)), encoding="utf-8")
    digits = of(records, "digit")
    (folder / KINDS).write_bytes(style.encode(kinds_picture(digits, before), "png"))
    (folder / CALIBRATION).write_bytes(style.encode(calibration_picture(digits, before), "png"))
