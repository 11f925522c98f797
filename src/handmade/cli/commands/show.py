"""`handmade show`: its options."""

from typing import Annotated

import typer

from handmade.cli.commands.options import Data, Json


def show(
    names: Annotated[
        list[str],
        typer.Argument(metavar="IMAGE...", help="test:7, train:12, a picture file; with --filters, a model or a run."),
    ],
    *,
    filters: Annotated[
        str | None, typer.Option(metavar="LAYER", help="Show the weights of a convolution, such as conv1, of a model instead.")
    ] = None,
    data: Data = "mnist",
    json: Json = False,
) -> None:
    """Look at digits, or at a model's filters, in the terminal."""
    from handmade.cli.showing import run

    run(names, filters, data, json=json)
