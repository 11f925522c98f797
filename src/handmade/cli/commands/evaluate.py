"""`handmade evaluate`: its options."""

from pathlib import Path
from typing import Annotated

import typer

from handmade.cli.commands.options import Data, Json


def evaluate(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model file, or the folder of a run.")],
    *,
    data: Data = "mnist",
    json: Json = False,
) -> None:
    """Tell how well a model reads the test images."""
    from handmade.cli.evaluation import run

    run(model, data, json=json)
