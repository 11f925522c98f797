"""`handmade explain`: its options."""

from enum import StrEnum
from typing import Annotated

import typer

from handmade.cli.commands.options import Data, Digits, Image, Json, Label, Seed, Target


class ByChoice(StrEnum):
    """Which way a gradient is worked out."""

    backprop = "backprop"
    difference = "difference"
    definition = "definition"


def explain(
    target: Target,
    *,
    image: Image = "test:0",
    at: Annotated[
        str,
        typer.Option(
            metavar="PLACE",
            help="conv2[12,10,3] (row, column, channel), logits[3], probability[3], loss, input[5,7,0], "
            '"d loss / d conv1.W[1,2,0,5]", or, of a run, "update of conv1.W[1,2,0,5]": its next step.',
        ),
    ] = "loss",
    depth: Annotated[int, typer.Option(min=1, metavar="N", help="How many receipts deep: 2 is with those of its inputs.")] = 1,
    by: Annotated[ByChoice, typer.Option(help="Which way a gradient is worked out.")] = ByChoice.backprop,
    step_size: Annotated[float, typer.Option(metavar="H", help="How far difference and definition nudge the weight.")] = 1e-3,
    label: Label = None,
    digits: Digits = 4,
    seed: Seed = 0,
    data: Data = "mnist",
    numpy: Annotated[bool, typer.Option("--numpy", help="Print lines of NumPy that reproduce the number instead.")] = False,
    json: Json = False,
) -> None:
    """Tell how a number came about: its terms, which add up."""
    if numpy and json:
        raise typer.BadParameter("does not go with --json", param_hint="--numpy")
    from handmade.cli.explaining import run

    run(
        target,
        image,
        at,
        depth=depth,
        by=by.value,
        step_size=step_size,
        label=label,
        digits=digits,
        seed=seed,
        data=data,
        numpy=numpy,
        json=json,
    )
