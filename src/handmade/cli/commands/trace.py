"""`handmade trace`: its options."""

from pathlib import Path
from typing import Annotated

import typer

from handmade.cli.commands.options import Data, Digits, Image, Json, Label, Seed, Target


def trace(
    target: Target,
    *,
    nudge: Annotated[str, typer.Option(metavar="PLACE=STEP", help="What to move, and how far: conv1.W[1,2,0,5]=+0.1.")],
    image: Image = "test:0",
    figure: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw it as well, to a .png, .svg or .pdf.")] = None,
    label: Label = None,
    digits: Digits = 4,
    seed: Seed = 0,
    data: Data = "mnist",
    json: Json = False,
) -> None:
    """Show what one nudge changes at every layer, exactly."""
    from handmade.cli.tracing import run

    run(target, image, nudge, figure, label=label, digits=digits, seed=seed, data=data, json=json)
