"""`handmade trace`: the effect of one nudge at every layer, as numbers and as a picture."""

from pathlib import Path
from typing import Annotated

import typer

from handmade.cli.commands.options import Digits, Image, Invert, Json, Label, PictureFit, Seed, Target
from handmade.runs.data_source import MNIST, DataSource


def trace(
    target: Target,
    *,
    nudge: Annotated[
        str,
        typer.Option(metavar="PLACE=STEP", help="Weight, pixel or activation, and the amount to add: conv1.W[1,2,0,5]=+0.1."),
    ],
    image: Image = "test:0",
    figure: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw it too, to a .png, .svg or .pdf.")] = None,
    fit: PictureFit = None,
    invert: Invert = False,
    label: Label = None,
    digits: Digits = 4,
    seed: Seed = 0,
    data: DataSource = MNIST,
    json: Json = False,
) -> None:
    """Show the effect of one nudge on every layer, exactly."""
    from handmade import receipts
    from handmade.cli.console import news, print_json, results
    from handmade.cli.targets import class_number, network_and_image
    from handmade.runs import inputs
    from handmade.text.class_names import class_of, classes_in_words
    from handmade.text.trace import layout

    if figure:
        from handmade.cli.figures import check_figure

        check_figure(figure)
    network, named = network_and_image(target, image, seed, data, fit=fit, invert=invert)
    known = class_number(network, label, named.label)
    traced = receipts.trace(network, named.pixels, nudge, label=known)
    if figure:
        from handmade.files.atomic import write_atomically
        from handmade.pictures.nudge import difference_maps
        from handmade.pictures.style import encode

        picture = difference_maps(network, inputs.prepared(network, named), nudge, known)
        write_atomically(figure, encode(picture, figure.suffix[1:].lower()))
    if json:
        drawn = {"figure": str(figure) if figure else None}
        about = {"model": target, "image": named.name, "label": known, "class": class_of(network, known)}
        print_json(about | traced.to_json() | drawn)
        return
    if heading := classes_in_words(network, named.name, known):
        results.print(heading, markup=False)
    results.print(*layout(traced, digits), sep="\n")
    if figure:
        news.print(f"Figure: {figure}")
