"""`handmade trace`: what one nudge changes at every layer, as numbers and as a picture."""

from pathlib import Path

from rich.text import Text

from handmade.cli.console import news, print_json, results
from handmade.cli.explaining import steps_table
from handmade.cli.number_format import signed, useful_digits
from handmade.files.atomic import write_atomically
from handmade.receipts import Trace, trace
from handmade.runs import inputs
from handmade.runs.inputs import network_named


def run(
    target: str,
    image: str,
    nudge: str,
    figure: Path | None,
    *,
    label: int | None,
    digits: int,
    seed: int,
    data: str,
    json: bool,
) -> None:
    """Trace one nudge through a model, a preset or the network of a file."""
    if figure:
        from handmade.cli.steps import check_figure  # noqa: PLC0415  it asks for matplotlib

        check_figure(figure)
    network, named = network_named(target, seed), inputs.image_named(image, data)
    label = named.label if label is None else label
    traced = trace(network, named.pixels, nudge, label=label)
    if figure:
        from handmade.pictures.nudge import difference_maps  # noqa: PLC0415  matplotlib is loaded by those who draw
        from handmade.pictures.style import encode  # noqa: PLC0415  only a figure wants it

        prepared = inputs.prepared(network, named)
        picture = difference_maps(network, prepared, nudge, label)
        write_atomically(figure, encode(picture, figure.suffix[1:].lower()))
    if json:
        drawn = {"figure": str(figure) if figure else None}
        print_json({"model": target, "image": named.name, "label": label} | traced.to_json() | drawn)
        return
    _show(traced, useful_digits(digits, str(network.dtype)))
    if figure:
        news.print(f"Figure: {figure}")


def _show(traced: Trace, digits: int) -> None:
    before, after = signed(traced.before, digits), signed(traced.before + traced.step, digits)
    results.print(Text.assemble((str(traced.at), "bold"), ": ", before, " becomes ", after))
    results.print(steps_table(traced.steps, digits))
    if traced.loss is not None and traced.dL is not None:
        results.print(Text.assemble("  loss ", signed(traced.loss, digits), ", moves by ", signed(traced.dL, digits)))
