"""`handmade report`: its options."""

from pathlib import Path
from typing import Annotated

import typer


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.")],
    *,
    image: Annotated[int, typer.Option(min=0, metavar="N", help="Which test image to follow through the network.")] = 0,
    data: Annotated[
        str | None, typer.Option(metavar="mnist|DIRECTORY", help="The data to test on.  [default: the run's own]")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Where to.  [default: RUN/report.html]")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there already.")] = False,
) -> None:
    """Tell all about a run on one page of HTML, complete in itself."""
    from handmade.cli.reporting import run as write

    write(run, image, data, out, force=force)
