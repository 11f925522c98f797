"""View of a tree of terms: each sum unfolds into its parts, with the numbers of all levels below each other.

The number of rows is bounded. Parts that are left out are counted, and those of a sum are added up.
"""

import math
from collections.abc import Iterator
from itertools import islice

from handmade.engine.terms import Products, Term
from handmade.html.markup import Markup, joined, shortened, tag
from handmade.html.numbers import signed_number
from handmade.html.rich_parts import from_table, inline
from handmade.text.receipt_tables import DIGITS, SIGNS, channel_grids, inner_digits, pair_of, row_name

MOST_ROWS = 1000  # of a view
MOST_PARTS = 60  # of one term
FEW_SMALL = 20  # parts of a sum of small terms
DEEPEST = 30  # levels of terms


def view(term: Term) -> Markup:
    """Return a term, and its parts to unfold."""
    return Tree(DIGITS).of(term)


class Tree:
    """Rows of trees of terms in one view, which share a limit.

    Parameters
    ----------
    digits : int
        Significant digits of the numbers.
    """

    def __init__(self, digits: int) -> None:
        self.digits = digits
        self.rows_left = MOST_ROWS
        self._shown: set[int] = set()

    def of(self, total: Term) -> Markup:
        """Return the parts of a term, and the term itself below them."""
        parts = joined(self._parts(total, 0, self.digits))
        return tag("div", parts, row(total.how, signed_number(total.value, self.digits), kind="row total"), kind="tree")

    def _parts(self, term: Term, depth: int, digits: int) -> Iterator[Markup]:
        """Yield a row for each part of a term, until there are too many."""
        grids = dict(channel_grids(term, digits)) if depth == 0 else {}
        most = FEW_SMALL if term.folded else MOST_PARTS
        shown = 0
        for part in islice(term.parts, most):
            if self.rows_left <= 0:
                break
            shown += 1
            self.rows_left -= 1
            if shown - 1 in grids:
                title, grid = grids[shown - 1]
                content = joined([tag("div", inline(title), kind="line"), from_table(grid)])
                yield unfolding(self._row(part, digits), content)
            else:
                yield self._part(part, depth, digits)
        if shown < len(term.parts):
            yield self._rest(term, shown)

    def _part(self, part: Term, depth: int, digits: int) -> Markup:
        pair = part.how in SIGNS and not any(each.parts for each in part.parts)
        again = bool(part.parts) and id(part) in self._shown
        self._shown.add(id(part))
        if pair or again or not part.parts or depth >= DEEPEST:
            return self._row(part, digits, pair=pair, again=again)
        return unfolding(self._row(part, digits), joined(self._parts(part, depth + 1, inner_digits(part, digits))))

    def _row(self, part: Term, digits: int, *, pair: bool = False, again: bool = False) -> Markup:
        made = [inline(pair_of(part, inner_digits(part, digits)))] if pair else []
        made += [tag("span", shortened(remark), kind="dim") for remark in (part.note, "as above" * again) if remark]
        number = signed_number(part.value, digits)
        return row(shortened(row_name(part)), number, joined(each for mark in made for each in (mark, "  ")))

    def _rest(self, term: Term, shown: int) -> Markup:
        """Return a row for the parts that are left out."""
        left_out = len(term.parts) - shown
        text = f"… {left_out:,} more term{'' if left_out == 1 else 's'}"
        if term.how != "sum":
            return row(text)
        numbers = term.parts.values if isinstance(term.parts, Products) else [part.value for part in term.parts]
        return row(f"{text}, together", signed_number(math.fsum(numbers[shown:]), self.digits))


def row(name: str, number: Markup | None = None, made: Markup | None = None, *, kind: str = "row") -> Markup:
    """Return a row: a name, its number at the right, and how the number is made."""
    return tag("div", tag("span", name), tag("span", number, kind="n"), tag("span", made), kind=kind)


def unfolding(summary: Markup, content: Markup, *, unfolded: bool = False) -> Markup:
    """Return a line that unfolds."""
    return tag("details", tag("summary", summary), content, open=unfolded)
