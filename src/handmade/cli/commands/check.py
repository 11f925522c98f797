"""`handmade check`: its options."""

from typing import Annotated

import typer

from handmade.cli.commands.options import Data, Json


def check(
    target: Annotated[
        str, typer.Argument(metavar="MODEL|NAME|FILE", help="A model or run, a preset, or a network file.")
    ] = "readme",
    *,
    data: Data = "mnist",
    images: Annotated[int, typer.Option(min=1, metavar="N", help="How many images to check on.")] = 4,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Of fresh weights.")] = 0,
    json: Json = False,
) -> None:
    """Tell bugs from kinks: every gradient three ways."""
    from handmade.cli.checking import run  # noqa: PLC0415

    run(target, data, images, seed, json=json)
