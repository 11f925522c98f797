"""`handmade report`: a run on one page of HTML."""

from pathlib import Path
from typing import Annotated

import typer


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run, or the model file in it.")],
    *,
    image: Annotated[int, typer.Option(min=0, metavar="N", help="Number of the test image to show in all layers.")] = 0,
    data: Annotated[
        str | None, typer.Option(metavar="mnist|DIRECTORY", help="Data to test on.  [default: those of the run]")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="File to write.  [default: RUN/report.html]")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that is there already.")] = False,
) -> None:
    """Write a report of a run: one HTML page."""
    from handmade import pictures
    from handmade.cli.console import results
    from handmade.cli.figures import histories, writable
    from handmade.data import prepare_for
    from handmade.engine.errors import HandmadeError
    from handmade.files.atomic import write_atomically
    from handmade.pictures.style import library
    from handmade.runs import inputs
    from handmade.runs.record import read_run_json

    library()
    run = inputs.run_of(run)
    settings = read_run_json(run)
    file = writable(out or run / "report.html", ("html", "htm"), force=force)
    source = data or str(settings.get("data", "mnist"))
    network, digits = inputs.model(run), inputs.dataset(source)
    inputs.check_fit(network, digits, source)
    if image >= len(digits.test.labels):
        raise HandmadeError(f"--image: expected a test image, 0 to {len(digits.test.labels) - 1}, got {image}. Try --image 0")
    x = prepare_for(network)(digits.test.images)
    about = pictures.Subject(histories([run])[0], settings, network, x, digits.test.labels)
    page = pictures.report(about, image).encode()
    write_atomically(file, page)
    results.print(f"Report: {file} ({len(page) / 1e6:.1f} MB)", markup=False)
