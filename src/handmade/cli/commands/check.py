"""`handmade check`: backpropagation against exact difference quotients, with kinks and arrays that were not tested."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handmade.cli.commands.options import LAYER_IN_FILE, Json, LayerArguments, LayerDtype, LayerInput, Watch, refuse
from handmade.runs.data_source import MNIST, DataSource

if TYPE_CHECKING:
    from handmade.engine.arrays import Array
    from handmade.engine.check.networks.check import ArrayReport
    from handmade.network import Network


def check(
    target: Annotated[
        str,
        typer.Argument(
            metavar="MODEL|NAME|FILE|FILE.py:LAYER", help="A model or run, a preset, a network file, or a layer in a Python file."
        ),
    ] = "readme",
    *,
    data: DataSource = MNIST,
    images: Annotated[int, typer.Option(min=1, metavar="N", help="Number of images to check on.")] = 4,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Seed of fresh weights, and of random inputs.")] = 0,
    all_weights: Annotated[
        bool,
        typer.Option(
            "--all-weights", help="Test the definition on every weight, with a forward pass for each.  [default: on some]"
        ),
    ] = False,
    step_sizes: Annotated[
        bool, typer.Option("--step-sizes", help="Show the error against the step size h instead, from 0.1 to 1e-30.")
    ] = False,
    figure: Annotated[
        Path | None, typer.Option(metavar="FILE", help="With --step-sizes: draw it too, to a .png, .svg or .pdf.")
    ] = None,
    inputs: LayerInput = None,
    arguments: LayerArguments = None,
    dtype: LayerDtype = None,
    watch: Watch = False,
    json: Json = False,
) -> None:
    """Check every gradient of a network, or of a layer of your own.

    A gradient that differs from its quotients is an error, or a kink: a point where the slope jumps, such as ReLU at 0. The exit
    code is 0 only if every gradient was tested and is right.
    """
    for_layers = {"--input": inputs, "--args": arguments, "--dtype": dtype, "--watch": watch}
    if file := LAYER_IN_FILE.fullmatch(target):
        from handmade.cli.layer_checks import Order, check_file

        for_networks = {
            "--all-weights": all_weights,
            "--step-sizes": step_sizes,
            "--figure": figure,
            "--images": images != 4,
            "--data": str(data) != "mnist",
        }
        refuse(for_networks, "goes with a network, not with a Python file")
        check_file(Order(Path(file[1]), file[2], tuple(inputs or ()), arguments, dtype, seed, json=json), watch=watch)
        return
    refuse(for_layers, "goes with a layer in a Python file, such as my_layer.py:Conv")
    if figure and not step_sizes:
        raise typer.BadParameter("goes with --step-sizes", param_hint="--figure")
    if all_weights and step_sizes:
        raise typer.BadParameter("compares weights at one h; it does not go with --step-sizes", param_hint="--all-weights")
    if step_sizes:
        _check_steps(target, data, images, seed, figure, json=json)
    else:
        _check_gradients(target, data, images, seed, all_weights=all_weights, json=json)


def _check_steps(target: str, data: DataSource, images: int, seed: int, figure: Path | None, *, json: bool) -> None:
    """Measure the error of every kind of quotient at every h, and print or draw it."""
    from handmade.cli.console import news, print_json, results
    from handmade.cli.step_errors import measured
    from handmade.engine.printable import counted
    from handmade.text.step_errors import layout

    if figure:
        from handmade.cli.figures import check_figure

        check_figure(figure)
    errors = measured(target, data, images, seed)
    if figure:
        from handmade.files.atomic import write_atomically
        from handmade.pictures.steps import error_against_h
        from handmade.pictures.style import encode

        write_atomically(figure, encode(error_against_h(errors), figure.suffix[1:].lower()))
    if json:
        print_json({"target": target, "images": images} | asdict(errors) | {"figure": str(figure) if figure else None})
        return
    weights, images_used = counted(sum(errors.weights.values()), "weight"), counted(images, "image")
    news.print(f"{target}: {weights}, on {images_used} of {data}, against backpropagation in float64")
    results.print(*layout(errors), sep="\n")
    if figure:
        news.print(f"Figure: {figure}")


def _check_gradients(target: str, data: DataSource, images: int, seed: int, *, all_weights: bool, json: bool) -> None:
    """Check every gradient on a few images; the definition for some weights, or for every one."""
    import numpy as np

    from handmade.cli import data_sets
    from handmade.cli.console import news, print_json, results
    from handmade.cli.progress import progress
    from handmade.cli.targets import network_of
    from handmade.data import prepare_for
    from handmade.engine.check.networks import check as checks
    from handmade.engine.errors import HandmadeError
    from handmade.engine.printable import counted
    from handmade.runs.fitting import fitted
    from handmade.text.check_report import layout
    from handmade.threads import cores, threads

    found = data_sets.read(data)
    network = network_of(target, seed, found)
    fitting = fitted(network, found, str(data))
    x = prepare_for(network, np.float64)(fitting.train.images[:images])
    y, tries = fitting.train.labels[:images], network.size if all_weights else None
    sharing = cores() if all_weights else 1
    if all_weights:
        _tell_cost(network, x, y, sharing)
    with threads(sharing) as executor, progress("definition: weights") as tell:
        report = checks.check(network, x, y, tries=tries, executor=executor, progress=tell)
    if json:
        plain = {"target": target, "verdict": report.verdict, "ok": report.ok, "notes": report.notes}
        print_json(plain | {"arrays": [_plain(array) for array in report.arrays]})
    else:
        news.print(f"{target}: {counted(network.size, 'weight')}, on {counted(len(x), 'image')} of {data}, in float64")
        results.print(*layout(report), sep="\n")
    if report.bugs:
        raise HandmadeError(f"{report.bugs:,} gradients are wrong")
    if report.verdict == "bug":
        raise HandmadeError(report.summary())
    if not report.ok:
        names = ", ".join(array.name for array in report.untested) or "the network has no weights"
        raise HandmadeError(f"expected slopes other than 0; not tested: {names}. Try more --images, or other weights")


def _tell_cost(network: "Network", x: "Array", y: "Array", threads: int) -> None:
    from handmade.cli.console import news
    from handmade.engine.gradients.definition import cost
    from handmade.text.number_format import duration

    passes, seconds = cost(network, x, y, "forward")
    on = f" on {threads} cores" if threads > 1 else ""
    took = f"about {duration(passes * seconds / threads)}{on}"
    news.print(f"definition: {passes:,} weights, one forward pass of {1000 * seconds:.1f} ms each, {took}; Ctrl-C leaves")


def _plain(array: "ArrayReport") -> dict[str, Any]:
    return asdict(array) | {"verdict": array.verdict, "central": array.central, "kink": str(array.kink) if array.kink else None}
