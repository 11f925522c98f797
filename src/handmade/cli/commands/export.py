"""`handmade export`: a network as an ONNX model, or its weights for PyTorch."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from handmade.cli.commands.options import Json, Seed, Target

if TYPE_CHECKING:
    from handmade.network import Network


def export(
    model: Target,
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="OUT", help="File to write: .onnx, or .safetensors.  [default: with --layout pytorch, print its source code]"
        ),
    ] = None,
    *,
    layout: Annotated[
        Literal["onnx", "pytorch"] | None,
        typer.Option(help="Names and orders of axes in the file.  [default: onnx for a file .onnx]"),
    ] = None,
    opset: Annotated[int, typer.Option(metavar="N", min=17, max=26, help="Version of the operators of ONNX.")] = 20,
    seed: Seed = 0,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that is there already.")] = False,
    json: Json = False,
) -> None:
    """Write a network for other programs.

    An ONNX model holds the network, its weights, and the preparation of its images. Weights for PyTorch are a state dict; the
    source code of the module that loads them is printed.
    """
    from handmade.cli.targets import network_of

    pytorch = _is_pytorch(file, layout)
    if file is not None:
        _check_new(file, force=force)
    network = network_of(model, seed)
    if pytorch:
        _pytorch(network, model, file, json=json)
    elif file is not None:
        _onnx(network, model, file, opset, json=json)


def _is_pytorch(file: Path | None, layout: str | None) -> bool:
    """Return True for weights of PyTorch, False for ONNX; raise UsageError if file and layout do not fit together."""
    from handmade.cli.exits import UsageError

    ending = None if file is None else file.suffix.lower()
    fits = {("onnx", ".onnx"), (None, ".onnx"), ("pytorch", ".safetensors"), ("pytorch", None)}
    if (layout, ending) not in fits:
        if ending is None:
            raise UsageError("expected a file to write, such as model.onnx; got none. Try: handmade export readme readme.onnx")
        if ending == ".safetensors" and layout is None:
            raise UsageError("--layout: expected pytorch for a file .safetensors, got nothing. Try --layout pytorch")
        ending_for = ".safetensors" if layout == "pytorch" else ".onnx"
        raise UsageError(f"OUT: expected a name that ends in {ending_for}, got {str(file)!r:.80}. Try model{ending_for}")
    return layout == "pytorch"


def _check_new(file: Path, *, force: bool) -> None:
    from handmade.cli.figures import writable

    writable(file, [file.suffix[1:].lower()], force=force)


def _onnx(network: "Network", model: str, file: Path, opset: int, *, json: bool) -> None:
    from handmade.cli.console import print_json, results
    from handmade.files.onnx.writing import about_input
    from handmade.files.onnx.writing import export as export_onnx

    export_onnx(network, file, opset=opset)
    size = file.stat().st_size
    prepared = about_input(network)
    if json:
        facts = {"model": model, "file": str(file), "format": "onnx", "opset": opset, "bytes": size, "input": prepared}
        print_json(facts | {"weights": network.size})
        return
    results.print(f"ONNX model: {file} ({network.size:,} weights, opset {opset}, {size:,} bytes)", markup=False)
    if prepared:
        results.print(f"Input: {prepared}", markup=False)


def _pytorch(network: "Network", model: str, file: Path | None, *, json: bool) -> None:
    from handmade.cli.console import print_json, results
    from handmade.files.pytorch import module_source, write

    source = module_source(network)
    if file is not None:
        write(network, file)
    if json:
        facts = {"model": model, "file": str(file) if file else None, "format": "pytorch", "weights": network.size}
        print_json(facts | {"source": source})
        return
    if file is not None:
        results.print(f"# weights in {file}; images (N, C, H, W); {network.size:,} weights", markup=False)
    results.print(source, end="", markup=False)
    if file is not None:
        results.print("from safetensors.torch import load_file\n", markup=False)
        results.print(f"model.load_state_dict(load_file({str(file)!r}))\nmodel.eval()", markup=False)
