"""Options that several commands share."""

from typing import Annotated

import typer

Data = Annotated[
    str,
    typer.Option(
        metavar="mnist|DIRECTORY", help="mnist, the 70,000 digits that come with handmade, or a directory of IDX files."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output; the rest goes to standard error.")]
Target = Annotated[str, typer.Argument(metavar="MODEL|NAME|FILE", help="A model or run, a preset, or a network file.")]
Image = Annotated[str, typer.Option(metavar="IMAGE", help="Which image: test:7 or train:12 of the data, or a picture file.")]
Label = Annotated[int | None, typer.Option(metavar="N", help="Take this for the class of the image.  [default: its own]")]
Digits = Annotated[int, typer.Option(metavar="N", min=1, max=17, help="How many digits to show, as far as they are useful.")]
Seed = Annotated[int, typer.Option(min=0, metavar="N", help="Of fresh weights.")]
