"""View of a receipt: the number, its terms to unfold, the sum beside the stored number, and the receipts below it."""

from handmade.engine.receipts.receipt import Receipt
from handmade.engine.terms import Place
from handmade.html.markup import Markup, joined, tag
from handmade.html.numbers import signed_number
from handmade.html.rich_parts import from_table, inline
from handmade.html.term import Tree, unfolding
from handmade.text.number_format import useful_digits
from handmade.text.receipt_tables import DIGITS, steps_table, stored_line

MOST = 100  # receipts of a view


def view(receipt: Receipt) -> Markup:
    """Return a receipt that is unfolded. The receipts of numbers among its terms are within it, each place once."""
    every = receipt.all()
    shown = {each.at for each in every[:MOST]}
    parents: dict[Place, Place] = {}
    for above in every[:MOST]:
        for below in above.inputs:
            parents.setdefault(below.at, above.at)
    tree = Tree(useful_digits(DIGITS, receipt.dtype))

    def unfolded(each: Receipt) -> Markup:
        below = [
            unfolded(part) for part in each.inputs if part.at in shown and part.at != receipt.at and parents[part.at] == each.at
        ]
        line = [tag("div", "Receipts of numbers among these terms:", kind="line dim"), *below] if below else []
        return unfolding(_title(each), joined([_content(each, tree), *line]), unfolded=each is receipt)

    rest = f"… {len(every) - MOST:,} more receipts: print(receipt) shows them." if len(every) > MOST else ""
    return joined([unfolded(receipt), tag("div", rest, kind="line dim") if rest else None])


def _title(receipt: Receipt) -> Markup:
    number = signed_number(receipt.value, useful_digits(DIGITS, receipt.dtype))
    return joined([tag("b", f"{receipt.at} = "), number, tag("span", f"   ({receipt.kind})", kind="dim")])


def _content(receipt: Receipt, tree: Tree) -> Markup:
    """Return the effect of the nudge if there is one, the tree of terms, and the stored number."""
    if receipt.total is None:
        return tag("div", "A number that was given: it has no terms.", kind="line dim")
    remark = "; ".join(filter(None, (receipt.total.label, receipt.total.note)))
    return joined(
        [
            from_table(steps_table(receipt.story, DIGITS)) if receipt.story else None,
            tag("div", remark, kind="line") if remark else None,
            tree.of(receipt.total),
            tag("div", _stripped(stored_line(receipt)), kind="line"),
        ]
        if tree.rows_left > 0
        else [tag("div", "Not shown: the receipts above are long. Try a smaller depth, or print(receipt).", kind="line dim")]
    )


def _stripped(text: object) -> Markup:
    return Markup(inline(text).replace("\n  ", "\n").strip())
