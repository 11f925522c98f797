"""`handmade explain`: a receipt of one number, in tables that add up."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from handmade.cli.commands.options import Digits, Image, Invert, Json, Label, PictureFit, Seed, Target, refuse
from handmade.runs.data_source import MNIST, DataSource

UPDATE = "update of "  # before the place of a weight: its value after the next step of a run


class ByChoice(StrEnum):
    """Methods of computing a gradient."""

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
    depth: Annotated[int, typer.Option(min=1, metavar="N", help="Levels of receipts: 2 adds those of its inputs.")] = 1,
    by: Annotated[ByChoice, typer.Option(help="Method of computing a gradient.")] = ByChoice.backprop,
    step_size: Annotated[float, typer.Option(metavar="H", help="Size of the nudge, for difference and definition.")] = 1e-3,
    fit: PictureFit = None,
    invert: Invert = False,
    label: Label = None,
    digits: Digits = 4,
    seed: Seed = 0,
    data: DataSource = MNIST,
    numpy: Annotated[bool, typer.Option("--numpy", help="Print NumPy code that computes the number instead.")] = False,
    json: Json = False,
) -> None:
    """Explain one number by the terms that it is computed from."""
    if numpy and json:
        raise typer.BadParameter("does not go with --json", param_hint="--numpy")
    from rich.text import Text

    from handmade import receipts
    from handmade.cli.console import print_json, results
    from handmade.cli.targets import class_number, network_and_image
    from handmade.runs import explain_next_update
    from handmade.text.class_names import class_of, classes_in_words
    from handmade.text.receipt_tables import layout

    heading = ""
    if at.startswith(UPDATE):
        refuse({"--fit": fit, "--invert": invert}, "goes with a picture; this step of a run reads its training images")
        number, receipt = explain_next_update(target, at.removeprefix(UPDATE).strip())
        about: dict[str, Any] = {"model": target, "step": number}
    else:
        network, named = network_and_image(target, image, seed, data, fit=fit, invert=invert)
        known = class_number(network, label, named.label)
        receipt = receipts.explain(network, named.pixels, at, label=known, depth=depth, by=by.value, h=step_size)
        about = {"model": target, "image": named.name, "label": known, "class": class_of(network, known)}
        heading = classes_in_words(network, named.name, known, at)
    if json:
        print_json(about | receipt.to_json())
    elif numpy:
        results.print(Text(receipts.snippet(receipt)), end="")
    else:
        if "step" in about:
            results.print(f"Step {about['step']:,} of {target}: the weight after it, and the state of the optimiser.\n")
        if heading:
            results.print(Text(f"{heading}\n"))
        results.print(*layout(receipt, digits), sep="\n")
