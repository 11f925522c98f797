"""`handmade predict`: its options."""

from pathlib import Path
from typing import Annotated

import typer

from handmade.cli.commands.options import Json


def predict(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A run, or a model file: what handmade train made.")],
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE...", help="Pictures with one digit each; - reads one from standard input."),
    ],
    *,
    show_stages: Annotated[bool, typer.Option("--show-stages", help="Show what becomes of the picture on the way.")] = False,
    stages_out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw these stages into a PNG file, a row for each picture.")
    ] = None,
    json: Json = False,
) -> None:
    """Read digits of your own: from a photo, a scan or a drawing.

    PNG, JPEG, GIF, BMP, WebP or TIFF, of any size; dark on light or light on dark. One digit a picture, the right way up.

    The model comes from handmade train. Then, for instance: handmade predict runs/readme-1 seven.png
    """
    from handmade.cli.prediction import run

    run(model, files, stages_out, show_stages=show_stages, json=json)
