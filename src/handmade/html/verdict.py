"""View of the verdict on an exercise: its text, line by line."""

from handmade.html.markup import Markup, joined, shortened, tag
from handmade.learn.texts import texts
from handmade.learn.verdict import Verdict

MOST = 60  # lines
LONGEST = 300  # characters of a line


def view(verdict: Verdict) -> Markup:
    """Return the lines of the verdict, and the name of the step."""
    lines = verdict.lines(texts(verdict.language))
    shown = [tag("div", _indent(line) + shortened(line, LONGEST), kind="line") for line in lines[:MOST]]
    rest = tag("div", f"… {len(lines) - MOST:,} more lines", kind="line dim") if len(lines) > MOST else None
    return joined([tag("div", tag("b", verdict.step), kind="line"), *shown, rest])


def _indent(line: str) -> str:
    return " " * min(8, len(line) - len(line.lstrip()))
