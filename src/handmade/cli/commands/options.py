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
