"""HTML of lines and tables that were laid out for the terminal: most values need no other view than their text has.

A style of the terminal becomes a class: the colour of a positive number "plus", of a negative one "minus".
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise

from rich.table import Table
from rich.text import Text

from handmade.html.markup import Markup, cell, joined, table, tag
from handmade.text.number_format import BLUE, ORANGE

KINDS = {BLUE: "plus", ORANGE: "minus", "dim": "dim", "bold": "strong", "bold reverse": "alarm", "italic": "dim"}
MOST_ROWS = 200  # of a table
MOST_LINES = 200  # of a view
LONGEST = 2000  # characters of a line


def from_rich(parts: Iterable[object]) -> Markup:
    """Return lines and tables below each other; if there are too many, their number is in the last line."""
    every = list(parts)
    rest = tag("div", f"… {len(every) - MOST_LINES:,} more lines", kind="line dim") if len(every) > MOST_LINES else None
    return joined([*map(block, every[:MOST_LINES]), rest])


def block(part: object) -> Markup:
    """Return one line, or one table, as a block."""
    return from_table(part) if isinstance(part, Table) else tag("div", inline(part), kind="line")


def inline(part: object) -> Markup:
    """Return a text with its styles as classes."""
    if isinstance(part, Table):
        return from_table(part)
    if not isinstance(part, Text):
        return joined([_cut(str(part))])
    if len(part.plain) > LONGEST:
        return joined([_cut(part.plain)])
    base = KINDS.get(str(part.style))
    pieces = joined(_pieces(part))
    return tag("span", pieces, kind=base) if base else pieces


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} … {len(text) - LONGEST:,} more characters"


def _pieces(text: Text) -> Iterator[str]:
    """Yield the parts of a text between two changes of style."""
    ends = sorted({0, len(text.plain), *(place for span in text.spans for place in (span.start, span.end))})
    for start, end in pairwise(ends):
        kinds = [KINDS.get(str(span.style)) for span in text.spans if span.start <= start and end <= span.end]
        names = " ".join(dict.fromkeys(filter(None, kinds)))
        yield tag("span", text.plain[start:end], kind=names) if names else text.plain[start:end]


def from_table(given: Table) -> Markup:
    """Return a table with its caption and its head; a long one is cut, and says by how much."""
    columns = given.columns
    right = [column.justify == "right" for column in columns]
    rows = list(zip(*(column.cells for column in columns), strict=True))
    head = [cell(inline(column.header), head=True, right=n) for column, n in zip(columns, right, strict=True)]
    shown: list[list[Markup]] = [
        [cell(inline(part), right=n) for part, n in zip(row, right, strict=True)] for row in rows[:MOST_ROWS]
    ]
    if len(rows) > MOST_ROWS:
        shown.append([cell(f"… {len(rows) - MOST_ROWS:,} more rows", colspan=len(columns), kind="dim")])
    title = given.title.plain if isinstance(given.title, Text) else str(given.title or "")
    has_head = given.show_header and any(str(column.header) for column in columns)
    return table(shown, head=head if has_head else (), caption=title.strip(), kind=None if has_head else "grid")
