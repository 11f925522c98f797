"""Tables of a receipt, whose terms add up, and of the effect of a nudge."""

from collections.abc import Iterator

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from handmade.engine.receipts.receipt import Receipt, Step
from handmade.engine.terms import Term
from handmade.text.number_format import MINUS, OVER, TIMES, aligned, decimals_for, digits_before, percent, signed, useful_digits

SIGNS = {"product": TIMES, "difference": MINUS, "quotient": OVER}
DIGITS = 4
MOST_DIGITS = 17
WIDE = 80  # columns: the width of a usual terminal


def layout(receipt: Receipt, digits: int = DIGITS) -> Iterator[RenderableType]:
    """Yield a receipt and those below it."""
    for each in receipt.all():
        yield from _one(each, useful_digits(digits, each.dtype))


def _one(receipt: Receipt, digits: int) -> Iterator[RenderableType]:
    """Yield one receipt: the number, its terms, and the stored number beside their sum."""
    yield Text.assemble((f"{receipt.at} = ", "bold"), signed(receipt.value, digits), f"   ({receipt.kind})")
    if receipt.total is None:
        yield Text()
        return
    if receipt.story:
        yield steps_table(receipt.story, digits)
    remark = "; ".join(filter(None, (receipt.total.label, receipt.total.note)))
    if remark:
        yield Text(f"  {remark}")
    yield from window_grids(receipt.total, digits)
    yield _table(receipt.total, digits)
    yield stored_line(receipt)


def stored_line(receipt: Receipt) -> Text:
    """Return the stored number, and its distance from the sum of the terms."""
    stored = Text.assemble(f"  stored in {receipt.dtype}: ", signed(receipt.value, useful_digits(17, receipt.dtype)))
    if receipt.rounding:
        off = f"\n  the sum of the terms differs by {-receipt.rounding:+.1g}; rounding allows {receipt.bound:.1g}"
        return stored.append(off.replace("-", MINUS)).append("\n")
    return stored.append("\n  the sum of the terms is exactly that\n")


def steps_table(story: tuple[Step, ...], digits: int) -> Table:
    """Return the effect of a nudge, layer by layer, as a table."""
    table = Table(box=box.SIMPLE, title="  Changes after the nudge", title_justify="left")
    table.add_column("layer", overflow="fold")  # a name that is cut could be that of several layers
    for column in ("changed", "of", "share", "largest"):
        table.add_column(column, justify="right")
    table.add_column("at")
    for step in story:
        counts = (f"{step.moved:,}", f"{step.numbers:,}", percent(step.moved / step.numbers))
        place = Text(str(step.at).removeprefix(step.layer) if step.at else "")
        table.add_row(Text(step.layer), *counts, signed(step.largest, digits), place)
    return table


def window_grids(total: Term, digits: int) -> Iterator[RenderableType]:
    """Yield patch, kernel and products of every channel of a convolution, below its title."""
    for _, parts in channel_grids(total, digits):
        yield from parts


def channel_grids(total: Term, digits: int) -> Iterator[tuple[int, tuple[Text, Table]]]:
    """Yield number of the term, title and grids of every channel of a convolution, in the same decimals and widths."""
    channels = [(number, part) for number, part in enumerate(total.parts) if is_window(part)]
    grids = [{"patch": _factor(each, 1), "kernel": _factor(each, 0), "products": list(each.parts)} for _, each in channels]
    layout = {}
    for name in grids[0] if grids else ():
        terms = [term for grid in grids for term in grid[name]]
        decimals = decimals_for((term.value for term in terms), digits)
        layout[name] = decimals, max(len(_cell(term, decimals)) for term in terms)
    for (number, channel), grid in zip(channels, grids, strict=True):
        places = "  ".join(_place_of(grid[name]) for name in ("patch", "kernel"))
        yield number, (Text(f"  {channel.label}: {places}", "italic"), _grid(grid, layout))


def _factor(channel: Term, k: int) -> list[Term]:
    return [product.parts[k] for product in channel.parts]


def is_window(term: Term) -> bool:
    """Return True for a sum of the products of a kernel and its patch."""
    if term.folded:
        return False  # its parts are not shown, and there can be thousands
    weights = [part.parts[0].place for part in term.parts if part.how == "product"]
    return term.how == "sum" and len(weights) == len(term.parts) and all(place and len(place.index) == 4 for place in weights)


def _grid(grid: dict[str, list[Term]], layout: dict[str, tuple[int, int]]) -> Table:
    """Return three grids side by side, or one below the other where they would be too wide."""
    kernel = grid["kernel"]
    across = 1 + max(term.place.index[1] for term in kernel if term.place)
    blocks = {name: _block(terms, across, *layout[name]) for name, terms in grid.items()}
    table = Table(box=None, padding=(0, 0, 0, 2))
    if sum(2 + across * (width + 1) for _, width in layout.values()) <= WIDE:
        for name in grid:
            table.add_column(name)
        table.add_row(*blocks.values())
    else:
        table.show_header = False
        for name, block in blocks.items():
            table.add_row(name)
            table.add_row(block)
    return table


def _cell(term: Term, decimals: int) -> Text:
    return Text("pad", "dim") if term.note == "padding" else aligned(term.value, decimals)


def _block(terms: list[Term], across: int, decimals: int, width: int) -> Table:
    block = Table.grid(padding=(0, 1, 0, 0))
    for _ in range(across):
        block.add_column(justify="right", min_width=width)
    for first in range(0, len(terms), across):
        block.add_row(*(_cell(term, decimals) for term in terms[first : first + across]))
    return block


def _place_of(terms: list[Term]) -> str:
    """Return the place of a grid in its activation: relu1[12..14,10..12,0]."""
    places = [term.place for term in terms if term.place]
    if not places:
        return "padding"
    spans = [(min(along), max(along)) for along in zip(*(place.index for place in places), strict=True)]
    return f"{places[0].name}[{','.join(f'{low}..{high}' if low < high else str(low) for low, high in spans)}]"


def _table(total: Term, digits: int) -> Table:
    """Return the tree of terms, indented by depth; a term that occurs again is shown once."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column()
    table.add_column(justify="right")
    table.add_column()
    shown: set[int] = set()

    def add(term: Term, depth: int, digits: int) -> None:
        pair = term.how in SIGNS and not any(part.parts for part in term.parts)
        again = bool(term.parts) and id(term) in shown
        inner = inner_digits(term, digits)
        made = [pair_of(term, inner)] if pair else []
        made += [Text(remark, "dim") for remark in (term.note, "as above" * again) if remark]
        table.add_row(Text("  " * (depth + 1) + row_name(term)), signed(term.value, digits), Text("  ").join(made))
        shown.add(id(term))
        if not (again or pair or term.folded or is_window(term)):
            for part in term.parts:
                add(part, depth + 1, inner)

    for part in total.parts:
        add(part, 0, digits)
    table.add_row(Text(f"  {total.how}", "bold"), signed(total.value, digits), "")
    return table


def inner_digits(term: Term, digits: int) -> int:
    """Return the number of digits for the parts of a term: more where a subtraction loses some."""
    if term.how != "difference":
        return digits
    a, b = (part.value for part in term.parts)
    return min(digits_before(a, b, digits), MOST_DIGITS)


def row_name(term: Term) -> str:
    """Return the name of a row: its label, its place, or the operation that makes it."""
    pair = term.how in SIGNS and not any(part.parts for part in term.parts)
    if pair and not term.label:
        return f" {SIGNS[term.how]} ".join(str(part.place or part.label or part.note or "constant") for part in term.parts)
    return " ".join(filter(None, (term.label, str(term.place) if term.place else ""))) or term.how


def pair_of(term: Term, digits: int) -> Text:
    """Return the numbers of a product, a difference or a quotient of two."""
    return Text(f" {SIGNS[term.how]} ").join(signed(part.value, digits) for part in term.parts)
