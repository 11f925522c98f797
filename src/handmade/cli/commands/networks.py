"""`handmade networks`: every layer with its settings, its output shape and its weights."""

from typing import Annotated

import typer

from handmade.cli.commands.options import Json


def networks(
    target: Annotated[
        str | None,
        typer.Argument(metavar="MODEL|NAME|FILE", help="A model or run, a preset, a network file; else all presets."),
    ] = None,
    *,
    json: Json = False,
) -> None:
    """Show the layers of networks: settings, output shapes, weights."""
    from handmade.cli.console import print_json, results
    from handmade.cli.program import callable_here
    from handmade.networks import PRESETS
    from handmade.runs import inputs
    from handmade.text.network_table import layer_rows, layout

    found = {name: inputs.network_named(name) for name in (PRESETS if target is None else [target])}
    if json:
        print_json({name: layer_rows(network) for name, network in found.items()})
        return
    for name, network in found.items():
        results.print(*layout(network, name), sep="\n")
    if target is None:
        results.print(callable_here("Train one of them:      handmade train --network seed"))
        results.print(callable_here("Or one of your own:     handmade train --network my.json, a file such as"))
        results.print('  {"layers": [{"layer": "Conv2d", "filters": 8, "kernel": 3}, {"layer": "ReLU"},')
        results.print('              {"layer": "Flatten"}, {"layer": "Linear", "units": 10}]}')
