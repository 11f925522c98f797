"""`handmade predict`: classify pictures; those of digits with all stages of their preparation, others in `other_pictures`."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handmade.cli.commands.options import Invert, Json, PictureFit, refuse

if TYPE_CHECKING:
    from handmade.data.picture import Answer
    from handmade.files.images import Picture
    from handmade.network import Network

PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".heic", ".heif")


@dataclass(frozen=True, eq=False)
class Reading:
    """One classified picture."""

    file: str
    picture: "Picture"
    answer: "Answer"
    hint: str  # for a picture that can be read after it is transposed; mostly empty


def predict(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="A run or a model file made by handmade train, or an ONNX model.")
    ],
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE...", help="Pictures with one object each; - reads one from standard input."),
    ],
    *,
    show_stages: Annotated[
        bool, typer.Option("--show-stages", help="Show the picture after each stage of its preparation.")
    ] = False,
    stages_out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write these stages to a PNG file, one row for each picture.")
    ] = None,
    all_digits: Annotated[bool, typer.Option("--all", help="Read all digits of a row or a page, each with its place.")] = False,
    boxes_out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="With --all: draw the box of each digit on a copy of the picture, a PNG file."),
    ] = None,
    transpose: Annotated[
        bool, typer.Option("--transpose", help="Swap rows and columns of each picture first, as images of EMNIST need.")
    ] = False,
    fit: PictureFit = None,
    invert: Invert = False,
    json: Json = False,
) -> None:
    """Classify your own pictures.

    A picture is a photo, a scan or a drawing of one object, upright: PNG, JPEG, GIF, BMP, WebP, TIFF or HEIC, of any size. For a
    model of the ten digits, the digit is found in it, dark on light or light on dark. For other models, the picture is resized.
    The model comes from handmade train.
    """
    from rich.text import Text

    from handmade.cli.console import news, print_json
    from handmade.cli.other_pictures import classify, finds_digits
    from handmade.cli.page_digits import read_pages
    from handmade.cli.picture_files import PictureFiles

    _check_order(model, files)
    network = _network(model)
    if not all_digits:
        refuse({"--boxes-out": boxes_out}, "goes with --all")
    if not finds_digits(network):
        refuse({"--all": all_digits or None}, "goes with models of the ten digits")
        classify(
            model,
            network,
            files,
            fit=fit,
            invert=invert,
            transpose=transpose,
            show_stages=show_stages,
            stages_out=stages_out,
            json=json,
        )
        return
    refuse({"--fit": fit, "--invert": invert}, "goes with models of other things than digits")
    if all_digits:
        read_pages(
            model,
            network,
            files,
            transpose=transpose,
            show_stages=show_stages,
            stages_out=stages_out,
            boxes_out=boxes_out,
            json=json,
        )
        return
    pictures = PictureFiles(files, stages_out)
    readings: list[Reading] = []
    for reading in pictures.each(lambda file: _read(network, file, transpose=transpose)):
        readings.append(reading)
        pictures.records.append(_plain(reading))
        if not json:
            _print(reading, stages=show_stages, hint=len(files) == 1)
    if json and readings:
        print_json({"model": str(model), "pictures": pictures.records})
    hinted = [reading.file for reading in readings if reading.hint]
    if hinted and len(files) > 1:
        which = "" if len(hinted) > len(readings) / 2 else f" ({', '.join(hinted)})"
        count = f"{len(hinted)} of {len(readings)} pictures{which} can be read only"
        news.print(Text(f"{count} with rows and columns swapped, as in images of EMNIST. Try --transpose"))
    pictures.finish([[stage for _, stage in reading.answer.digit.stages()] for reading in readings])


def _check_order(model: Path, files: list[str]) -> None:
    """Raise HandmadeError if a picture stands where the model belongs, and the model among the pictures."""
    import shlex

    from handmade.engine.errors import HandmadeError
    from handmade.files.network import MODEL

    models = [name for name in files if (Path(name) / MODEL).is_file() or name.endswith(Path(MODEL).suffix)]
    if models and model.suffix.lower() in PICTURES:
        words = [models[0], str(model), *(name for name in files if name not in models)]
        raise HandmadeError(f"expected MODEL first, then pictures. Try: handmade predict {shlex.join(words)}")


def _network(path: Path) -> "Network":
    """Read the trained network; HandmadeError if it reads no pictures."""
    from handmade.data.prepared import raw_shape
    from handmade.engine.errors import HandmadeError
    from handmade.runs import inputs
    from handmade.runs.record import model_of

    if not model_of(path).exists():
        raise HandmadeError(
            f"{str(path)!r}: expected a run or a model file; there is none. "
            "Try handmade train, which takes about a minute; then handmade predict runs/readme-1 seven.png"
        )
    network = inputs.model(path)
    if raw_shape(network) is None or len(network.shape_of[network.logits_name]) != 1 or network.classes < 2:
        raise HandmadeError(
            f"{path}: expected a network of pictures (H, W, C) and classes, got {network.input_shape}. Try a run of readme"
        )
    return network


def _read(network: "Network", file: str, *, transpose: bool) -> Reading:
    from handmade.data import find_digit
    from handmade.data.picture import answer, swapped
    from handmade.runs import inputs

    picture = inputs.picture(file)
    found = answer(network, find_digit(picture.grey.T if transpose else picture.grey))
    other = swapped(network, picture.grey) if found.rejection and not transpose else None
    hint = f"With rows and columns swapped, as in images of EMNIST, it is a {other.name}. Try --transpose" if other else ""
    return Reading(file, picture, found, hint)


def _plain(reading: Reading) -> dict[str, Any]:
    found = reading.answer
    return {
        "file": reading.file,
        "answer": found.answer,
        "class": None if found.rejection else found.name,
        "rejection": found.rejection,
        "probabilities": found.probabilities.tolist(),
        "certainty": found.certainty,
        "corners": found.digit.corners.tolist(),
        "measures": asdict(found.digit.measures),
        "remarks": [*reading.picture.remarks, *found.digit.remarks(), *([reading.hint] if reading.hint else [])],
    }


def _print(reading: Reading, *, stages: bool, hint: bool) -> None:
    from rich.text import Text

    from handmade.cli.console import results
    from handmade.cli.probability_bars import bars
    from handmade.cli.stage_tiles import stage_lines
    from handmade.text.number_format import percent

    found = reading.answer
    height, width = reading.picture.size
    ink = "light ink on dark" if found.digit.measures.light else "dark ink on light"
    about = f"{width:,} x {height:,} pixels" + (f", {ink}" if found.digit.image.any() else "")
    results.print(Text(f"{reading.file}: {'; '.join([about, *reading.picture.remarks, *found.digit.remarks()])}"))
    if stages:
        for line in stage_lines(found.digit):
            results.print(line)
    if found.rejection:
        results.print(Text.assemble(("This does not look like a digit", "bold"), f": {found.rejection}."))
        if found.rejection == found.digit.rejection:
            results.print(
                f"Its guess would be {found.name} ({percent(found.probabilities.max())}); do not rely on it.", markup=False
            )
        if reading.hint and hint:
            results.print(Text(f"{reading.hint}."))
    else:
        results.print(Text.assemble("This is an " if found.name == "8" else "This is a ", (found.name, "bold"), "."))
        results.print(f"Certainty: {percent(found.certainty)}")
    if found.rejection != found.digit.rejection or not found.rejection:
        for line in bars(found.probabilities, found.names):
            results.print(line)
    results.print()
