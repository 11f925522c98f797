"""`handmade check`: its options."""

from pathlib import Path
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
    every: Annotated[
        bool, typer.Option("--every", help="Run the definition for every weight: a forward pass each.  [default: for some]")
    ] = False,
    steps: Annotated[
        bool, typer.Option("--steps", help="Show instead how the error depends on the step size h, from 0.1 to 1e-30.")
    ] = False,
    figure: Annotated[
        Path | None, typer.Option(metavar="FILE", help="With --steps: draw it as well, to a .png, .svg or .pdf.")
    ] = None,
    json: Json = False,
) -> None:
    """Tell bugs from kinks: every gradient three ways."""
    if figure and not steps:
        raise typer.BadParameter("goes with --steps", param_hint="--figure")
    if every and steps:
        raise typer.BadParameter("compares weights at one h; it does not go with --steps", param_hint="--every")
    if steps:
        from handmade.cli.steps import run as run_steps

        run_steps(target, data, images, seed, figure, json=json)
    else:
        from handmade.cli.checking import run

        run(target, data, images, seed, every=every, json=json)
