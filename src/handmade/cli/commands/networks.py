"""`handmade networks`: every layer with its settings, its output and its weights."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handmade.cli.commands.options import Json

if TYPE_CHECKING:
    from rich.table import Table

    from handmade.network import Network


def networks(
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="A network file to show instead.")] = None,
    *,
    json: Json = False,
) -> None:
    """Show networks: their layers, shapes and weights."""
    import numpy as np

    from handmade.cli.console import print_json, results
    from handmade.networks import PRESETS
    from handmade.runs import inputs

    rng = np.random.default_rng(0)
    names = list(PRESETS) if file is None else [str(file)]
    tables = {name: _layers(inputs.fresh_network(name, rng, np.float32)) for name in names}
    if json:
        print_json(tables)
        return
    for name, layers in tables.items():
        results.print(_table(name, layers))
    if file is None:
        results.print("Train one of them:      handmade train --network seed")
        results.print("Or one of your own:     handmade train --network my.json, a file such as")
        results.print('  {"layers": [{"layer": "Conv2d", "filters": 8, "kernel": 3}, {"layer": "ReLU"},')
        results.print('              {"layer": "Flatten"}, {"layer": "Linear", "units": 10}]}')


def _layers(network: "Network") -> list[dict[str, Any]]:
    """Make a row for each node; "reads" stands where it is not the row before alone."""
    rows: list[dict[str, Any]] = [{"name": "image", "settings": {}, "shape": network.input_shape, "weights": 0}]
    before = "input"
    for node in network.nodes:
        reads = [] if node.reads == (before,) else [network.titles.get(name, "image") for name in node.reads]
        rows.append(
            {
                "name": network.titles[node.name],
                "settings": node.layer.settings(),
                "shape": network.shape_of[node.name],
                "weights": sum(array.size for array in node.layer.parameters().values()),
                **({"reads": reads} if reads else {}),
            }
        )
        before = node.name
    return rows


def _table(name: str, layers: list[dict[str, Any]]) -> "Table":
    from rich import box
    from rich.table import Table

    total = sum(layer["weights"] for layer in layers)
    table = Table(title=f"{name}: {total:,} weights", title_justify="left", title_style="bold", box=box.SIMPLE)
    table.add_column("layer", overflow="fold")  # a name that is cut could be that of several layers
    table.add_column("settings")
    table.add_column("output", justify="right")
    table.add_column("weights", justify="right")
    for layer in layers:
        said = [f"{key} {_sides(value)}" for key, value in layer["settings"].items() if not _usual(key, value)]
        settings = ", ".join([*said, *([f"of {' and '.join(layer['reads'])}"] if "reads" in layer else [])])
        weights = f"{layer['weights']:,}" if layer["weights"] else ""
        table.add_row(layer["name"], settings, " x ".join(map(str, layer["shape"])), weights)
    return table


def _usual(setting: str, value: object) -> bool:
    """Return True for a setting with its default, which is not worth the room."""
    return (setting, value) in (("stride", [1, 1]), ("padding", [0, 0]), ("dilation", [1, 1]), ("groups", 1))


def _sides(value: object) -> str:
    return " x ".join(map(str, value)) if isinstance(value, list) else str(value)
