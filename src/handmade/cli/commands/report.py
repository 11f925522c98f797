"""`handmade report`: a run, a model file or a preset on one page of HTML."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handmade.cli.commands.options import Seed, Target
from handmade.runs.data_source import MNIST, DataSource

if TYPE_CHECKING:
    from handmade import pictures


def report(
    target: Target,
    *,
    image: Annotated[int, typer.Option(min=0, metavar="N", help="Number of the test image to show in all layers.")] = 0,
    data: DataSource = MNIST,
    seed: Seed = 0,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="File to write.  [default: RUN/report.html, or MODEL-report.html, here]"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that is there already.")] = False,
) -> None:
    """Write a report of a run or a model: one HTML page.

    Only a run has a training log; the report of a model file without a run, or of a preset, has no training curves.
    """
    from handmade import pictures
    from handmade.cli import data_sets
    from handmade.cli.console import results
    from handmade.cli.figures import writable
    from handmade.data import prepare_for
    from handmade.engine.errors import HandmadeError
    from handmade.files.atomic import write_atomically
    from handmade.pictures.style import library
    from handmade.runs import inputs
    from handmade.runs.fitting import fitted

    library()
    history, settings, default = _training(target)
    file = writable(out or default, ("html", "htm"), force=force)
    found = data_sets.read(data)
    network = inputs.network_named(target, seed, found)
    fitting = fitted(network, found, str(data))
    if image >= len(fitting.test.labels):
        raise HandmadeError(f"--image: expected a test image, 0 to {len(fitting.test.labels) - 1}, got {image}. Try --image 0")
    x = prepare_for(network)(fitting.test.images)
    page = pictures.report(pictures.Subject(history, settings, network, x, fitting.test.labels), image).encode()
    write_atomically(file, page)
    results.print(f"Report: {file} ({len(page) / 1e6:.1f} MB)", markup=False)


def _training(target: str) -> "tuple[pictures.History, dict[str, Any], Path]":
    """Return the log and the settings of the run that a model belongs to, both empty if there is none, and the default file."""
    from handmade import pictures
    from handmade.cli.figures import histories, stem_of
    from handmade.runs.inputs import run_with
    from handmade.runs.record import read_run_json

    run = run_with(Path(target))
    if run is None:
        stem = stem_of(target)
        return pictures.History(stem, []), {}, Path(f"{stem}-report.html")
    return histories([run])[0], read_run_json(run), run / "report.html"
