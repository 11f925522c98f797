"""`handmade lab`: a page in the browser on which every number can be seen and changed."""

import importlib.util
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from handmade.cli.commands.options import Mine
from handmade.runs.data_source import MNIST, DataSource, of_target

NEEDED = ("fastapi", "uvicorn", "pydantic", "anyio", "markdown_it")


def lab(
    target: Annotated[
        str | None,
        typer.Argument(metavar="MODEL|NAME|FILE", help="Run, model file or preset.  [default: the example of the package]"),
    ] = None,
    *,
    port: Annotated[
        int, typer.Option(metavar="N", min=0, max=65535, help="Port; the next one if it is taken, any free one for 0.")
    ] = 8000,
    host: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="Address at which other machines can reach the page.  [default: this machine alone]"
        ),
    ] = None,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")] = True,
    runs: Annotated[Path, typer.Option(metavar="DIRECTORY", help="Folder of the runs that the page can open.")] = Path("runs"),
    data: DataSource = MNIST,
    mine: Mine = None,
    workbook: Annotated[
        str | None,
        typer.Option(
            metavar="[DIRECTORY]",
            help="Add the exercises of handmade learn to the page: those of a directory, or of the one that handmade learn uses.",
        ),
    ] = None,
) -> None:
    """Open a page that shows every number of a network.

    With --mine, the network is computed by the functions that you have passed in handmade learn, as far as they cover its layers.
    """
    from handmade.engine.errors import HandmadeError
    from handmade.engine.extras import not_installed

    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise HandmadeError(not_installed("lab", missing[0], "lab"))
    from handmade.cli.browser import open_in_browser
    from handmade.cli.console import news
    from handmade.lab.catalogue import Catalogue
    from handmade.lab.guard import on_this_machine
    from handmade.lab.running import Record
    from handmade.lab.serve import serve
    from handmade.learn.workbook import Workbook, found_folder

    def notify(text: str) -> None:
        news.print(text, markup=False)

    def ready(link: str) -> None:
        if record is not None:
            record.write(link)
            link += "#workbook"
        print(link, flush=True)  # noqa: T201  the link is the result
        notify("This link opens the lab. Ctrl-C ends it.")
        if browser:
            open_in_browser(link)

    if mine is None:
        catalogue = Catalogue(target, runs, data, may_miss_data=target is not None and data == of_target(target))
        if catalogue.problem:
            notify(f"{catalogue.problem}. The lab opens without test images.")
    else:
        from handmade.cli.own_training import own_functions_of, trained_target

        own = own_functions_of(mine)
        catalogue = Catalogue(target or trained_target(own), runs, data, own.layers)
        opened = catalogue.open()
        if not own.uses(opened.network):
            notify(own.say("mine.notUsed", network=opened.title))
    exercises = None if workbook is None else Workbook(found_folder(Path(workbook) if workbook else None))
    record = Record(exercises.folder.path) if exercises is not None and on_this_machine(host) else None
    try:
        with exercises or nullcontext():
            serve(catalogue, port, host, ready, notify, exercises)
    finally:
        if record is not None:
            record.remove()
