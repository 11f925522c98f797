"""Views of values in a notebook, as HTML: what `print()` shows as text, `_repr_html_` shows here.

A view is one element with its own style. It holds no script and no address of another file, its texts are escaped, and its size
is bounded: a part that is left out is counted. `engine/printable.py` calls `to_html`.
"""

from importlib import import_module

from handmade.html.markup import Markup, joined, tag
from handmade.html.style import STYLE

VIEWS = {  # the module of each class; imported when such a value is first shown
    "handmade.data.dataset.Dataset": "data_set",
    "handmade.data.dataset.Images": "data_set",
    "handmade.data.picture.decision.Answer": "digit",
    "handmade.data.picture.digit.Digit": "digit",
    "handmade.engine.check.layers.report.LayerReport": "layer_report",
    "handmade.engine.evaluation.Evaluation": "evaluation",
    "handmade.engine.receipts.receipt.Receipt": "receipt",
    "handmade.engine.receipts.trace.Trace": "trace",
    "handmade.engine.structure.Structure": "network",
    "handmade.engine.terms.Term": "term",
    "handmade.learn.verdict.Verdict": "verdict",
    "handmade.runs.comparison.Comparison": "runs",
    "handmade.runs.history.RunList": "runs",
    "handmade.runs.history.RunRecord": "runs",
}


def to_html(value: object) -> str | None:
    """Return the view of a value; None if it has none, so that a notebook shows its `repr()`.

    A class that has a layout as text, and no view of its own, is shown by that layout.
    """
    names = [f"{kind.__module__}.{kind.__qualname__}" for kind in type(value).__mro__]
    module = next((VIEWS[name] for name in names if name in VIEWS), None)
    if module is not None:
        return framed(import_module(f"handmade.html.{module}").view(value))
    from handmade.text import layout_of  # noqa: PLC0415  a value with a view of its own may need no text

    parts = layout_of(value)
    if parts is None:
        return None
    return framed(import_module("handmade.html.rich_parts").from_rich(parts))


def framed(*parts: Markup) -> Markup:
    """Return one element that holds the parts and their style."""
    return tag("div", tag("style", Markup(STYLE)), joined(parts), kind="handmade")
