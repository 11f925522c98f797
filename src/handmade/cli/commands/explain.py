"""`handmade explain`: a receipt of one number, in tables that add up."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from handmade.cli.commands.options import Data, Digits, Image, Json, Label, Seed, Target

UPDATE = "update of "  # opens the place of a weight after the next step of a run


class ByChoice(StrEnum):
    """Methods of working out a gradient."""

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
    depth: Annotated[int, typer.Option(min=1, metavar="N", help="Levels of receipts: 2 is with those of its inputs.")] = 1,
    by: Annotated[ByChoice, typer.Option(help="Method of working out a gradient.")] = ByChoice.backprop,
    step_size: Annotated[
        float, typer.Option(metavar="H", help="Distance by which difference and definition nudge the weight.")
    ] = 1e-3,
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
    from rich.text import Text

    from handmade import receipts
    from handmade.cli.console import print_json, results
    from handmade.runs import explain_next_update, inputs
    from handmade.text.receipt_tables import layout

    if at.startswith(UPDATE):
        number, receipt = explain_next_update(target, at.removeprefix(UPDATE).strip())
        about: dict[str, Any] = {"model": target, "step": number}
    else:
        network, named = inputs.network_named(target, seed), inputs.image_named(image, data)
        label = named.label if label is None else label
        receipt = receipts.explain(network, named.pixels, at, label=label, depth=depth, by=by.value, h=step_size)
        about = {"model": target, "image": named.name, "label": label}
    if json:
        print_json(about | receipt.to_json())
    elif numpy:
        results.print(Text(receipts.snippet(receipt)), end="")
    else:
        if "step" in about:
            results.print(f"Step {about['step']:,} of {target}: the weight after it, and what the optimiser then remembers.\n")
        results.print(*layout(receipt, digits), sep="\n")
