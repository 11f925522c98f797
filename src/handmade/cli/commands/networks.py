"""`handmade networks`: every layer with its settings, its output shape and its weights."""

from typing import Annotated

import typer

from handmade.cli.commands.options import Json
from handmade.runs.data_source import MNIST, DataSource


def networks(
    target: Annotated[
        str | None,
        typer.Argument(metavar="MODEL|NAME|FILE", help="A model or run, a preset, a network file; else all presets."),
    ] = None,
    *,
    describe: Annotated[
        bool, typer.Option("--describe", help="Print its description as JSON, a start for a network file of your own.")
    ] = False,
    data: DataSource = MNIST,
    json: Json = False,
) -> None:
    """Show the layers of networks: settings, output shapes, weights.

    With --data, presets are made for the images and classes of these data.
    """
    from handmade.cli import data_sets
    from handmade.cli.console import print_json, results
    from handmade.cli.program import callable_here
    from handmade.networks import PRESETS
    from handmade.runs import inputs
    from handmade.text.description import layout as described
    from handmade.text.network_table import layer_rows, layout

    is_fresh = target is None or target in PRESETS or target.endswith(".json")
    images = data_sets.read(data) if is_fresh and data != MNIST else None
    if describe:
        if target is None:
            raise typer.BadParameter("expected one network. Try handmade networks readme --describe", param_hint="--describe")
        print(described(inputs.description_of(target, images), ascii_only=not results.encoding.startswith("utf")))  # noqa: T201  JSON
        return
    found = {name: inputs.network_named(name, data=images) for name in (PRESETS if target is None else [target])}
    if json:
        print_json({name: layer_rows(network) for name, network in found.items()})
        return
    for name, network in found.items():
        results.print(*layout(network, name), sep="\n")
    if target is None:
        results.print(callable_here("Train one of them:      handmade train --network seed"))
        results.print(callable_here("Begin with one of them: handmade networks readme --describe > my.json"))
        results.print(callable_here("Or one of your own:     handmade train --network my.json, a file such as"))
        results.print('  {"layers": [{"layer": "Conv2d", "filters": 8, "kernel": 3}, {"layer": "ReLU"},')
        results.print('              {"layer": "Flatten"}, {"layer": "Linear", "units": 10}]}')
