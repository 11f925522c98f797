"""Text of a trace: the nudge, its effect on every layer as a table, and the change of the loss."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from handmade.engine.receipts.trace import Trace
from handmade.text.number_format import signed, useful_digits
from handmade.text.receipt_tables import DIGITS, steps_table


def layout(trace: Trace, digits: int = DIGITS) -> Iterator[RenderableType]:
    """Yield the nudge, the table of the layers, and the change of the loss."""
    digits = useful_digits(digits, trace.dtype)
    before, after = signed(trace.before, digits), signed(trace.before + trace.step, digits)
    yield Text.assemble((str(trace.at), "bold"), ": ", before, " becomes ", after)
    yield steps_table(trace.steps, digits)
    if trace.loss is not None and trace.dL is not None:
        yield Text.assemble("  loss ", signed(trace.loss, digits), ", changes by ", signed(trace.dL, digits))
