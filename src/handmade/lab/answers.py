"""Receipts as plain data for the page."""

import math
from collections.abc import Sequence
from typing import Any

from handmade.engine.errors import HandmadeError
from handmade.engine.receipts.receipt import Receipt
from handmade.engine.receipts.snippet import snippet
from handmade.engine.terms import Term

MOST_PARTS = 20_000  # of a folded term that is opened


def receipt_answer(
    receipt: Receipt, reach: dict[str, Any] | None, loop: str | None, expand: Sequence[int] | None
) -> dict[str, Any]:
    """Return a receipt as plain data; `loop` names the function of its loops.

    With `expand`, the folded term at that path of parts stands in the place of the tree.
    """
    total: dict[str, Any] | None
    if expand is not None:
        opened = _at(receipt.total, expand)
        total = _alone(opened) | {"parts": [plain(part) for part in opened.parts[:MOST_PARTS]]}
    else:
        total = None if receipt.total is None else plain(receipt.total)
    return {
        "at": str(receipt.at),
        "kind": receipt.kind,
        "value": receipt.value,
        "dtype": receipt.dtype,
        "sum": receipt.sum,
        "rounding": receipt.rounding,
        "bound": receipt.bound if math.isfinite(receipt.bound) else None,
        "total": total,
        "story": [step.to_json() for step in receipt.story],
        "reach": reach,
        "snippet": "" if expand is not None else snippet(receipt),
        "loop": loop,
    }


def plain(term: Term) -> dict[str, Any]:
    """Return a term as plain data; a folded one has the number of its parts in their place."""
    found = _alone(term)
    if term.folded:
        return found | {"count": len(term.parts)}
    return found | ({"parts": [plain(part) for part in term.parts]} if term.parts else {})


def _alone(term: Term) -> dict[str, Any]:
    found: dict[str, Any] = {"value": term.value, "how": term.how}
    if term.place:
        found["place"] = str(term.place)
    if term.label:
        found["label"] = term.label
    if term.note:
        found["note"] = term.note
    if term.folded:
        found["folded"] = True
    return found


def _at(tree: Term | None, path: Sequence[int]) -> Term:
    term = tree
    for k in path:
        if term is None or k >= len(term.parts):
            raise HandmadeError(f"expand: expected the path of a term; there is none at {list(path)!r:.80}")
        term = term.parts[k]
    if term is None or not term.parts:
        raise HandmadeError(f"expand: expected the path of a term with parts; got {list(path)!r:.80}")
    return term
