"""`handmade show`: digits and filters, drawn in characters."""

from pathlib import Path
from typing import Annotated

import typer

from handmade.cli.commands.options import Data, Json

MOST_FILTERS = 64


def show(
    names: Annotated[
        list[str],
        typer.Argument(metavar="IMAGE...", help="test:7, train:12, a picture file; with --filters, a model or a run."),
    ],
    *,
    filters: Annotated[
        str | None, typer.Option(metavar="LAYER", help="Show the weights of a convolution, such as conv1, of a model instead.")
    ] = None,
    data: Data = "mnist",
    json: Json = False,
) -> None:
    """Look at digits, or at a model's filters, in the terminal."""
    from handmade.engine.errors import HandmadeError

    if filters is None:
        _images(names, data, json=json)
    elif len(names) == 1:
        _filters(Path(names[0]), filters, json=json)
    else:
        raise HandmadeError(f"--filters: expected one model, got {len(names)}. Try one at a time")


def _images(names: list[str], data: str, *, json: bool) -> None:
    from handmade.cli.console import print_json, results
    from handmade.cli.terminal_pictures import grey, rows
    from handmade.runs import inputs

    images = [inputs.image_named(name, data) for name in names]
    if json:
        values = [{"image": one.name, "label": one.label, "pixels": one.pixels[..., 0].tolist()} for one in images]
        print_json({"images": values})
        return
    told = [(one, one.name if one.label is None else f"{one.name} is {one.label}") for one in images]
    for line in rows((grey(one.pixels[..., 0] / 255, label, results) for one, label in told), results):
        results.print(line)


def _filters(path: Path, name: str, *, json: bool) -> None:
    from handmade.cli.console import print_json, results
    from handmade.cli.terminal_pictures import rows, weights
    from handmade.engine.errors import HandmadeError
    from handmade.runs import inputs

    network = inputs.model(path)
    arrays = {network.display_name(key): W for key, W in network.parameters().items()}
    found = {each.removesuffix(".W"): W for each, W in arrays.items() if each.endswith(".W") and W.ndim == 4}
    if name not in found:
        has = f"{path} has {', '.join(found)}" if found else f"{path} has none"
        raise HandmadeError(f"--filters: expected the name of a convolution, got {name!r:.80}; {has}")
    W = found[name]  # (rows, columns, inputs, outputs)
    if json:
        print_json({"model": str(path), "layer": name, "axes": ["row", "column", "input", "output"], "weights": W.tolist()})
        return
    limit = float(abs(W).max())
    places = [(i, o) for o in range(W.shape[3]) for i in range(W.shape[2])]
    tiles = (weights(W[:, :, i, o], limit, f"{i} to {o}", results) for i, o in places[:MOST_FILTERS])
    for line in rows(tiles, results):
        results.print(line)
    shown = f"the first {MOST_FILTERS} of {len(places):,}" if len(places) > MOST_FILTERS else f"all {len(places)}"
    results.print(f"{name} of {path}: {shown}, each from an input channel to an output channel. 9 is {limit:.3g}, on one scale.")
