"""Text of a network: the table of its layers, with settings, output shapes and numbers of weights."""

from collections.abc import Iterator, Sequence
from typing import Any

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from handmade.engine.printable import setting, sides
from handmade.engine.structure import Structure
from handmade.text.class_names import short

FEW = 10  # names of classes that are listed
DEFAULTS = (("stride", [1, 1]), ("padding", [0, 0]), ("dilation", [1, 1]), ("groups", 1), ("keepdims", False))


def layout(network: Structure, name: str = "Network") -> Iterator[RenderableType]:
    """Yield the table of the layers, and what else tells networks apart."""
    rows = layer_rows(network)
    yield _table(f"{name}: {sum(row['weights'] for row in rows):,} weights", rows)
    yield from map(Text, facts(network))


def facts(network: Structure) -> Iterator[str]:
    """Yield the outputs of a network if there are several, and the names of its classes."""
    logits, outputs = network.display_name(network.logits_name), [network.display_name(each) for each in network.output_names]
    if outputs != [network.names[-1]]:
        yield f"Outputs: {', '.join(outputs)}. Logits: {logits}."
    if names := getattr(network, "class_names", None):
        yield f"Classes: {_listed(names)}."


def layer_rows(network: Structure) -> list[dict[str, Any]]:
    """Return a row for each node, ready for JSON; "reads" is there if it is not the row before alone."""
    rows: list[dict[str, Any]] = [{"name": "image", "settings": {}, "shape": network.input_shape, "weights": 0}]
    before = "input"
    for node in network.nodes:
        reads = [] if node.reads == (before,) else [network.titles.get(name, "image") for name in node.reads]
        rows.append(
            {
                "name": network.marked_name(node.name),
                "settings": node.layer.settings(),
                "shape": network.shape_of[node.name],
                "weights": sum(array.size for array in node.layer.parameters().values()),
                **({"reads": reads} if reads else {}),
            }
        )
        before = node.name
    return rows


def _table(title: str, rows: list[dict[str, Any]]) -> Table:
    table = Table(title=Text(title, "bold"), title_justify="left", title_style="", box=box.SIMPLE)
    table.add_column("layer", overflow="fold")  # a name that is cut could be that of several layers
    table.add_column("settings", overflow="fold")
    table.add_column("output shape", justify="right")
    table.add_column("weights", justify="right")
    for row in rows:
        settings = [setting(key, value) for key, value in row["settings"].items() if (key, value) not in DEFAULTS]
        reads = [f"reads {' and '.join(row['reads'])}"] if "reads" in row else []
        weights = f"{row['weights']:,}" if row["weights"] else ""
        table.add_row(Text(row["name"]), Text(", ".join([*settings, *reads])), sides(row["shape"]), weights)
    return table


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(map(short, names[:FEW]))
    return shown if len(names) <= FEW else f"{shown} and {len(names) - FEW:,} more"
