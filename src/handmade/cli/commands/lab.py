"""`handmade lab`: a page in the browser on which every number can be seen and changed."""

import importlib.util
from pathlib import Path
from typing import Annotated

import typer

from handmade.cli.commands.options import Mine
from handmade.runs.data_source import MNIST, DataSource

NEEDED = ("fastapi", "uvicorn", "pydantic", "anyio")


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
) -> None:
    """Open a page that shows every number of a network.

    With --mine, the network is computed by the functions that you have passed in handmade learn, as far as they cover its layers.
    """
    from handmade.engine.errors import HandmadeError
    from handmade.engine.extras import not_installed

    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise HandmadeError(not_installed("lab", missing[0], "lab"))
    from handmade.cli.console import news
    from handmade.lab.catalogue import Catalogue
    from handmade.lab.serve import serve

    def notify(text: str) -> None:
        news.print(text, markup=False)

    def ready(link: str) -> None:
        print(link, flush=True)  # noqa: T201  the link is the result
        notify("This link opens the lab. Ctrl-C ends it.")
        if browser:
            import threading
            import webbrowser

            threading.Thread(target=webbrowser.open, args=(link,), daemon=True).start()

    if mine is None:
        catalogue = Catalogue(target, runs, data)
    else:
        from handmade.cli.own_training import own_functions_of, trained_target

        own = own_functions_of(mine)
        catalogue = Catalogue(target or trained_target(own), runs, data, own.layers)
        opened = catalogue.open()
        if not own.uses(opened.network):
            notify(own.say("mine.notUsed", network=opened.title))
    serve(catalogue, port, host, ready, notify)
