"""`handmade networks`: its options."""

from pathlib import Path
from typing import Annotated

import typer

from handmade.cli.commands.options import Json


def networks(
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="A network file to show instead.")] = None,
    *,
    json: Json = False,
) -> None:
    """Show networks: their layers, shapes and weights."""
    from handmade.cli.networks import run

    run(file, json=json)
