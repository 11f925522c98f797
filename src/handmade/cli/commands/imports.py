"""`handmade import`: an ONNX model, or weights of PyTorch, as a model of handmade."""

from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handmade.cli.commands.options import Json, Seed

if TYPE_CHECKING:
    from handmade.importing.models import Imported


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="ONNX model; or weights: .safetensors, .pth.")],
    *,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="Model to write.  [default: FILE's name, .safetensors, here]"),
    ] = None,
    prepare: Annotated[
        str | None,
        typer.Option(
            "--input",
            metavar="EXPRESSION",
            help='Preparation of a pixel x, 0 to 255, as "(x/255 - 0.1307)/0.3081".  [default: as the model states, or a guess]',
        ),
    ] = None,
    like: Annotated[
        str | None,
        typer.Option(metavar="MODEL|NAME|FILE", help="For weights: a model, preset or network file with the same layers."),
    ] = None,
    grey: Annotated[
        bool | None,
        typer.Option(
            "--grey/--colours",
            help="For ONNX with 3 channels: repeat a grey image in all of them, or not.  [default: as it reads digits]",
        ),
    ] = None,
    external_data: Annotated[
        bool, typer.Option("--external-data", help="Allow an ONNX model to read numbers from files in its folder.")
    ] = False,
    image_shape: Annotated[
        str | None,
        typer.Option(metavar="SHAPE", help="Shape of one image, as 1,28,28, for an ONNX model that leaves it open."),
    ] = None,
    seed: Seed = 0,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that is there already.")] = False,
    json: Json = False,
) -> None:
    """Read a network of another library, and save it here.

    Every command that takes a model takes an .onnx file as well; handmade train --network lenet.onnx trains it further. A model
    that is imported once opens faster, and keeps the preparation that you gave.
    """
    from handmade.cli.console import print_json, results
    from handmade.cli.exits import UsageError
    from handmade.cli.figures import writable
    from handmade.cli.program import callable_here
    from handmade.importing.models import read_onnx

    is_onnx = file.suffix.lower() == ".onnx"
    if is_onnx and like is not None:
        raise UsageError("--like: expected it with weights alone; an ONNX model has its layers. Try without --like")
    if not is_onnx and like is None:
        raise UsageError("--like: expected a network with the same layers, as weights have none; got nothing. Try --like readme")
    if not is_onnx and (grey is not None or external_data or image_shape is not None):
        others = "--image-shape" if grey is None else "--grey" if grey else "--colours"
        option = "--external-data" if external_data else others
        raise UsageError(f"{option}: expected it with an ONNX model alone; got {str(file)!r:.80}. Leave it out")
    target = writable(out or Path(f"{file.stem}.safetensors"), ["safetensors"], force=force)
    if is_onnx:
        _check_there(file)
        sizes = None if image_shape is None else _shape(image_shape)
        found = read_onnx(file, preparation=prepare, external_data=external_data, grey=grey, image_shape=sizes)
    else:
        found = _weights(file, like or "", prepare, seed)
    found.network.save(target)
    network = found.network
    if json:
        facts = {"file": str(file), "model": str(target), "layers": len(network.nodes), "weights": network.size}
        print_json(facts | {"input": found.preparation, "guess": _guess(found), "notes": list(found.notes)})
        return
    shape = " x ".join(map(str, network.input_shape))
    results.print(f"{file}: {len(network.nodes)} layers, {network.size:,} weights, images {shape}", markup=False)
    for note in (*found.notes, found.preparation):
        results.print(callable_here(note), markup=False)
    results.print(f"Model: {target}", markup=False)


def _shape(text: str) -> tuple[int, ...]:
    """Return the sizes in a text such as 1,28,28."""
    from handmade.cli.exits import UsageError

    parts = text.split(",")
    if not all(part.isascii() and part.isdigit() and len(part) < 6 and int(part) for part in parts):
        raise UsageError(f"--image-shape: expected positive integers with commas between them; got {text!r:.80}. Try 1,28,28")
    return tuple(map(int, parts))


def _guess(found: "Imported") -> dict[str, Any] | None:
    """Return the preparations that were tried; a loss that is infinite is null."""
    if found.guess is None:
        return None
    losses = {name: loss if isfinite(loss) else None for name, loss in found.guess.losses.items()}
    return {"expression": found.guess.expression, "accuracies": found.guess.accuracies, "losses": losses}


def _check_there(file: Path) -> None:
    from handmade.engine.errors import HandmadeError

    if not file.is_file():
        raise HandmadeError(f"{file}: expected an ONNX model; there is no such file. Check the path")


def _weights(file: Path, like: str, prepare: str | None, seed: int) -> "Imported":
    """Read weights into a network with the same layers."""
    from dataclasses import replace

    from handmade.importing.models import read_weights
    from handmade.importing.preparations import from_expression, with_preparation
    from handmade.runs.inputs import network_named

    found = read_weights(file, network_named(like, seed))
    if prepare is None:
        return found
    prepared = with_preparation(found.network, from_expression(prepare, found.network.input_shape))
    return replace(found, network=prepared, preparation=f"Input: {prepare}, as given")
