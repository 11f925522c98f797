"""`handmade trace`: the effect of one nudge at every layer, as numbers and as a picture."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from handmade.cli.commands.options import Data, Digits, Image, Json, Label, Seed, Target

if TYPE_CHECKING:
    from handmade.receipts import Trace


def trace(
    target: Target,
    *,
    nudge: Annotated[
        str, typer.Option(metavar="PLACE=STEP", help="Weight, pixel or activation to move, and distance: conv1.W[1,2,0,5]=+0.1.")
    ],
    image: Image = "test:0",
    figure: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw it as well, to a .png, .svg or .pdf.")] = None,
    label: Label = None,
    digits: Digits = 4,
    seed: Seed = 0,
    data: Data = "mnist",
    json: Json = False,
) -> None:
    """Show what one nudge changes at every layer, exactly."""
    from handmade import receipts
    from handmade.cli.console import news, print_json
    from handmade.runs import inputs
    from handmade.text.number_format import useful_digits

    if figure:
        from handmade.cli.figures import check_figure

        check_figure(figure)
    network, named = inputs.network_named(target, seed), inputs.image_named(image, data)
    label = named.label if label is None else label
    traced = receipts.trace(network, named.pixels, nudge, label=label)
    if figure:
        from handmade.files.atomic import write_atomically
        from handmade.pictures.nudge import difference_maps
        from handmade.pictures.style import encode

        picture = difference_maps(network, inputs.prepared(network, named), nudge, label)
        write_atomically(figure, encode(picture, figure.suffix[1:].lower()))
    if json:
        drawn = {"figure": str(figure) if figure else None}
        print_json({"model": target, "image": named.name, "label": label} | traced.to_json() | drawn)
        return
    _show(traced, useful_digits(digits, str(network.dtype)))
    if figure:
        news.print(f"Figure: {figure}")


def _show(traced: "Trace", digits: int) -> None:
    from rich.text import Text

    from handmade.cli.console import results
    from handmade.text.number_format import signed
    from handmade.text.receipt_tables import steps_table

    before, after = signed(traced.before, digits), signed(traced.before + traced.step, digits)
    results.print(Text.assemble((str(traced.at), "bold"), ": ", before, " becomes ", after))
    results.print(steps_table(traced.steps, digits))
    if traced.loss is not None and traced.dL is not None:
        results.print(Text.assemble("  loss ", signed(traced.loss, digits), ", moves by ", signed(traced.dL, digits)))
