"""`handmade data`: the known data sets, and their downloads."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from handmade.cli.commands.options import Json
from handmade.cli.help import Command, Group

if TYPE_CHECKING:
    from pathlib import Path

data = typer.Typer(
    name="data",
    cls=Group,
    help="List data sets, or download one.",
    epilog="Begin with: handmade data list",
    rich_markup_mode=None,
)


@data.command(name="list", cls=Command)
def list_sets(*, json: Json = False) -> None:
    """List the data sets that --data knows by name."""
    from handmade.cli.console import print_json, results
    from handmade.cli.program import callable_here

    rows = _rows()
    if json:
        print_json({"sets": rows})
        return
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        place = f" in {row['place']}" if row["place"] else ""
        results.print(f"{row['name']:{width}}  {row['text']}", markup=False)
        results.print(f"{'':{width}}  {row['state']}{place}", markup=False)
    results.print(callable_here("\nDownload one:  handmade data fetch fashion-mnist"), markup=False)
    results.print(callable_here("Train on it:   handmade train --data fashion-mnist"), markup=False)


@data.command(cls=Command)
def fetch(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="fashion-mnist, kmnist, emnist, mnist or cifar-10.")],
    *,
    json: Json = False,
) -> None:
    """Download data sets.

    Every file is checked against its published SHA-256 sum. The sets go to the folder that HANDMADE_DATA names, or to the cache
    of the user.
    """
    from handmade.cli.console import news, print_json, results
    from handmade.cli.progress import progress
    from handmade.data import fetch as downloads
    from handmade.data.downloads import SETS
    from handmade.data.sources import fetched
    from handmade.engine.errors import HandmadeError

    unknown = next((name for name in names if name not in SETS), None)
    if unknown is not None:
        raise HandmadeError(f"{unknown!r:.80}: expected one of {', '.join(SETS)}. Try fashion-mnist")
    places: dict[str, Path] = {}
    for name in names:
        folder = fetched.base() / name
        with progress(name) as show:
            downloads.fetch(SETS[name], folder, progress=show, tell=lambda text: news.print(text, markup=False))
        places[name] = folder
        if not json:
            results.print(f"{name}: {folder}", markup=False)
    if json:
        print_json({"fetched": {name: str(folder) for name, folder in places.items()}})


def _rows() -> list[dict[str, Any]]:
    """Return name, text, state and place of every set."""
    from importlib.util import find_spec

    from handmade.data.downloads import SETS
    from handmade.data.sources import fetched, sklearn_digits

    has_sklearn = find_spec("sklearn") is not None
    rows: list[dict[str, Any]] = [
        {"name": "mnist", "text": SETS["mnist"].text, "state": "included", "place": None, "bytes": SETS["mnist"].size},
        {
            "name": sklearn_digits.NAME,
            "text": "handwritten digits, 8 x 8, of scikit-learn",
            "state": "included in scikit-learn" if has_sklearn else "needs scikit-learn",
            "place": None,
            "bytes": None,
        },
    ]
    for name in fetched.FAMILIES:
        place = fetched.found(name)
        size = f"{SETS[name].size / 1e6:,.0f} MB"
        state = "ready" if place else f"not here; a download of {size}"
        rows.append(
            {
                "name": name,
                "text": SETS[name].text,
                "state": state,
                "place": None if place is None else str(place),
                "bytes": SETS[name].size,
            }
        )
    return rows
