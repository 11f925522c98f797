"""`handmade show`: images and filters, drawn in characters, and the layers of a model."""

import shlex
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handmade.cli.commands.options import Json
from handmade.runs.data_source import MNIST, DataSource

if TYPE_CHECKING:
    from handmade.engine.arrays import Array
    from handmade.network import Network

MOST_FILTERS = 64


def show(
    names: Annotated[
        list[str],
        typer.Argument(metavar="IMAGE...|MODEL", help="Images: test:7, train:12, picture files. Or a model, a run or a preset."),
    ],
    *,
    filters: Annotated[
        str | None, typer.Option(metavar="LAYER", help="Of a model, show the weights of a convolution, such as conv1.")
    ] = None,
    data: DataSource = MNIST,
    json: Json = False,
) -> None:
    """Show images, the layers of a model, or its filters."""
    from handmade.cli.targets import is_network
    from handmade.engine.errors import HandmadeError

    models = [name for name in names if is_network(name)]
    if filters is not None and len(names) != 1:
        raise HandmadeError(f"--filters: expected one model, got {len(names)} names. Try one at a time")
    if models and len(names) > 1:
        raise HandmadeError(f"expected images, or one model; got the model {models[0]!r:.80} among {len(names)} names")
    if filters is not None:
        _filters(names[0], filters, json=json)
    elif models:
        _layers(models[0], json=json)
    else:
        _images(names, data, json=json)


def _images(names: list[str], data: DataSource, *, json: bool) -> None:
    from handmade.cli import data_sets
    from handmade.cli.console import print_json, results
    from handmade.cli.terminal_pictures import image, rows
    from handmade.runs import inputs
    from handmade.text.class_names import short

    found = data_sets.read(data) if any(map(inputs.is_of_data, names)) else None
    images = [inputs.image_named(name, data, found) for name in names]
    classes = [None if one.label is None or found is None else found.class_names[one.label] for one in images]
    if json:
        values = [
            {"image": one.name, "label": one.label, "class": name, "pixels": _plain(one.pixels)}
            for one, name in zip(images, classes, strict=True)
        ]
        print_json({"images": values})
        return
    labels = [one.name if name is None else f"{one.name} is {short(name)}" for one, name in zip(images, classes, strict=True)]
    tiles = (image(one.pixels, label, results) for one, label in zip(images, labels, strict=True))
    for line in rows(tiles, results):
        results.print(line)


def _plain(pixels: "Array") -> list[Any]:
    """Return pixels as lists: numbers of a grey image, [red, green, blue] of a colour image."""
    plain: list[Any] = (pixels[..., 0] if pixels.shape[2] == 1 else pixels).tolist()
    return plain


def _layers(name: str, *, json: bool) -> None:
    from handmade.cli.console import print_json, results
    from handmade.cli.program import callable_here
    from handmade.cli.targets import network_of
    from handmade.text.network_table import layer_rows, layout

    network = network_of(name, seed=0)
    if json:
        print_json({"model": name, "layers": layer_rows(network)})
        return
    results.print(*layout(network, name), sep="\n")
    if found := _convolutions(network):
        line = f"Filters: handmade show {shlex.quote(name)} --filters {next(iter(found))}"
        results.print(callable_here(line), markup=False)


def _convolutions(network: "Network") -> dict[str, "Array"]:
    """Return the filters of each convolution, (rows, columns, inputs, outputs), by its name."""
    arrays = {network.display_name(key): W for key, W in network.parameters().items()}
    return {each.removesuffix(".W"): W for each, W in arrays.items() if each.endswith(".W") and W.ndim == 4}


def _filters(model: str, name: str, *, json: bool) -> None:
    from handmade.cli.console import print_json, results
    from handmade.cli.targets import network_of
    from handmade.cli.terminal_pictures import rows, weights
    from handmade.engine.errors import HandmadeError

    found = _convolutions(network_of(model, seed=0))
    if name not in found:
        has = f"{model} has {', '.join(found)}" if found else f"{model} has none"
        raise HandmadeError(f"--filters: expected the name of a convolution, got {name!r:.80}; {has}")
    W = found[name]
    if json:
        print_json({"model": model, "layer": name, "axes": ["row", "column", "input", "output"], "weights": W.tolist()})
        return
    limit = float(abs(W).max())
    places = [(i, o) for o in range(W.shape[3]) for i in range(W.shape[2])]
    tiles = (weights(W[:, :, i, o], limit, f"{i} to {o}", results) for i, o in places[:MOST_FILTERS])
    for line in rows(tiles, results):
        results.print(line)
    shown = f"the first {MOST_FILTERS} of {len(places):,}" if len(places) > MOST_FILTERS else f"all {len(places)}"
    results.print(f"{name} of {model}: {shown}, each from an input channel to an output channel. 9 is {limit:.3g}, on one scale.")
