"""`handmade report`: a run, a model file or a preset on one page of HTML."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handmade.cli.commands.options import Seed, Target
from handmade.runs.data_source import MNIST, DataSource

if TYPE_CHECKING:
    from handmade import pictures
    from handmade.data import Dataset
    from handmade.network import Network


def report(
    target: Target,
    *,
    image: Annotated[
        str,
        typer.Option(
            metavar="IMAGE", help="Image to show in all layers: test:7, or 7 alone; train:12; or a picture file, with its stages."
        ),
    ] = "test:0",
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
    shown = _shown(image, network, data, fitting)
    x = prepare_for(network)(fitting.test.images)
    page = pictures.report(pictures.Subject(history, settings, network, x, fitting.test.labels), shown).encode()
    write_atomically(file, page)
    results.print(f"Report: {file} ({len(page) / 1e6:.1f} MB)", markup=False)


def _shown(name: str, network: "Network", data: DataSource, found: "Dataset") -> "pictures.Shown":
    """Return the image by its name; of the picture of a digit, with the stages of its preparation and the decision."""
    from handmade import pictures
    from handmade.data import answer, find_digit
    from handmade.data.fitting_pictures import reads_digits
    from handmade.data.prepared import raw_shape
    from handmade.engine.errors import HandmadeError
    from handmade.runs import inputs

    if name.isascii() and name.isdigit():
        count = len(found.test.labels)
        if len(name) > 9 or int(name) >= count:
            raise HandmadeError(f"--image: expected a test image, 0 to {count - 1}, got {name:.80}. Try --image 0")
        name = f"test:{name}"
    shape = raw_shape(network)
    if inputs.is_of_data(name) or not reads_digits(network) or shape is None or not (name == "-" or Path(name).exists()):
        image = inputs.image_named(name, data, found, network)
        return pictures.Shown(name, inputs.prepared(network, image), image.label)
    digit = find_digit(inputs.picture(name).grey, shape=(shape[0], shape[1]))
    image = inputs.NamedImage(name, digit.image, None)
    rejection = answer(network, digit).rejection
    return pictures.Shown(Path(name).name, inputs.prepared(network, image), None, digit.stages(), rejection)


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
