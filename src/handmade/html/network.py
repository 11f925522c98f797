"""View of a network: the table of its layers, with settings, output shapes, and the shapes of their arrays."""

from typing import Any

from handmade.engine.printable import setting, sides
from handmade.engine.structure import Structure
from handmade.html.markup import Markup, cell, joined, shortened, table, tag
from handmade.text.network_table import DEFAULTS, facts, layer_rows
from handmade.text.number_format import TIMES

FIRST, LAST = 60, 10  # layers that are shown of a longer network
MOST = 200  # characters of the settings of a layer


def view(network: Structure) -> Markup:
    """Return the table of the layers, and what else tells networks apart."""
    rows = layer_rows(network)
    total = sum(row["weights"] for row in rows)
    arrays = ["", *(_arrays(node.layer.parameters()) for node in network.nodes)]
    cells = [_row(row, shapes) for row, shapes in zip(rows, arrays, strict=True)]
    if len(rows) > FIRST + LAST + 1:
        hidden = rows[FIRST:-LAST]
        weights = sum(row["weights"] for row in hidden)
        between = [cell(f"… {len(hidden):,} more layers, {weights:,} weights", colspan=5, kind="dim")]
        cells = [*cells[:FIRST], between, *cells[-LAST:]]
    heads = [cell(name, head=True) for name in ("layer", "settings", "output shape", "arrays")]
    title = f"{type(network).__name__}: {total:,} weights"
    layers = table(cells, head=[*heads, cell("weights", head=True, right=True)], caption=title)
    return joined([layers, *(tag("div", shortened(fact, 1000), kind="line") for fact in facts(network))])


def _row(row: dict[str, Any], shapes: str) -> list[Markup]:
    settings = [setting(key, value) for key, value in row["settings"].items() if (key, value) not in DEFAULTS]
    reads = [f"reads {' and '.join(row['reads'])}"] if "reads" in row else []
    text = shortened(", ".join([*settings, *reads]), MOST)
    weights = f"{row['weights']:,}" if row["weights"] else ""
    name = cell(shortened(row["name"]), head=True)
    return [name, cell(text), cell(_sides(row["shape"])), cell(shapes), cell(weights, right=True)]


def _arrays(arrays: dict[str, Any]) -> str:
    """Return the names and shapes of the weights of a layer: W 3 x 3 x 1 x 8, b 8."""
    return shortened(", ".join(f"{name} {_sides(array.shape) or '1'}" for name, array in arrays.items()), MOST)


def _sides(shape: object) -> str:
    return sides(shape).replace(" x ", f" {TIMES} ")
