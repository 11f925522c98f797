"""`handmade report`: from the folder of a run to a page of HTML."""

from pathlib import Path

import handmade
from handmade import HandmadeError, pictures
from handmade.cli.console import results
from handmade.cli.plotting import histories, writable
from handmade.files.atomic import write_atomically
from handmade.pictures.style import library
from handmade.runs import inputs
from handmade.runs.record import read_run_json


def run(folder: Path, image: int, data: str | None, out: Path | None, *, force: bool) -> None:
    """Write the report of a run."""
    library()
    settings = read_run_json(folder)
    file = writable(out or folder / "report.html", ("html", "htm"), force=force)
    source = data or str(settings.get("data", "mnist"))
    network, digits = inputs.model(folder), inputs.dataset(source)
    inputs.check_fit(network, digits, source)
    if image >= len(digits.test.labels):
        raise HandmadeError(f"--image wants a test image, 0 to {len(digits.test.labels) - 1}; got {image}")
    x = handmade.data.prepare(digits.test.images, network.dtype)
    about = pictures.Subject(histories([folder])[0], settings, network, x, digits.test.labels)
    page = pictures.report(about, image).encode()
    write_atomically(file, page)
    results.print(f"Report: {file} ({len(page) / 1e6:.1f} MB)", markup=False)
