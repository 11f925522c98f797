"""`handmade predict`: classify pictures; those of digits with all stages of their preparation, others in `other_pictures`."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handmade.cli.commands.options import Json, refuse

if TYPE_CHECKING:
    from handmade.data import Digit
    from handmade.engine.arrays import Array
    from handmade.files.images import Picture
    from handmade.network import Network

SURE = 0.5  # below it, even the most likely class is more likely wrong than right
STAGE = 24  # columns
PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff")


@dataclass(frozen=True, eq=False)
class Reading:
    """One classified picture: the digit, its probabilities, and a reason to reject it."""

    file: str
    picture: "Picture"
    digit: "Digit"
    probabilities: "Array"
    names: tuple[str, ...]  # of the classes
    rejection: str | None

    @property
    def guess(self) -> int:
        """Most likely class."""
        return int(self.probabilities.argmax())

    @property
    def name(self) -> str:
        """Name of that class."""
        return self.names[self.guess]


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
    fit: Annotated[
        str | None,
        typer.Option(
            metavar="<crop|pad|stretch>",
            help="For other things than digits: crop to the proportions of the images, pad to them, or stretch.  [default: "
            "crop; stretch if the images of the run were resized]",
        ),
    ] = None,
    invert: Annotated[
        bool, typer.Option("--invert", help="For other things than digits: swap light and dark first, as Fashion-MNIST needs.")
    ] = False,
    json: Json = False,
) -> None:
    """Classify your own pictures.

    A picture is a photo, a scan or a drawing of one object, upright: PNG, JPEG, GIF, BMP, WebP or TIFF, of any size. For a model
    of the ten digits, the digit is found in it, dark on light or light on dark. For other models, the picture is resized. The
    model comes from handmade train.
    """
    from rich.text import Text

    from handmade.cli.console import news, print_json
    from handmade.cli.other_pictures import classify, finds_digits
    from handmade.engine.errors import HandmadeError
    from handmade.files.images import write_rows

    _check_order(model, files)
    network = _network(model)
    if not finds_digits(network):
        classify(model, network, files, fit=fit, invert=invert, show_stages=show_stages, stages_out=stages_out, json=json)
        return
    refuse({"--fit": fit, "--invert": invert}, "goes with models of other things than digits")
    if stages_out and stages_out.exists():
        raise HandmadeError(f"--stages-out: expected a new file, got {stages_out}, which exists. Try another name")
    readings: list[Reading] = []
    records: list[dict[str, Any]] = []
    errors: list[str] = []
    for file in files:
        try:
            reading = _read(network, file)
        except HandmadeError as error:
            errors.append(str(error))
            records.append({"file": file, "error": str(error)})
            if len(files) > 1:
                news.print(Text(f"handmade: {error}"))
            continue
        readings.append(reading)
        records.append(_plain(reading))
        if not json:
            _print(reading, stages=show_stages)
    if json and readings:
        print_json({"model": str(model), "pictures": records})
    if stages_out and readings:
        write_rows(stages_out, [[stage for stage, _ in _stages(reading.digit)] for reading in readings])
        news.print(Text(f"Stages: {stages_out}"))
    if errors:
        raise HandmadeError(errors[0] if len(files) == 1 else f"{len(errors)} of {len(files)} pictures could not be read")


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


def _read(network: "Network", file: str) -> Reading:
    import numpy as np

    from handmade.data import find_digit, prepare_for
    from handmade.runs import inputs
    from handmade.text.number_format import percent

    picture = inputs.picture(file)
    digit = find_digit(picture.grey)
    z = network.logits(prepare_for(network)(digit.image[None]))[0].astype(np.float64)
    powers = np.exp(z - z.max())
    probabilities = powers / powers.sum()
    best = int(probabilities.argmax())
    unsure = f"the network is not sure: its best guess, {network.class_name(best)}, has {percent(probabilities[best])}"
    names = tuple(map(network.class_name, range(network.classes)))
    return Reading(
        file, picture, digit, probabilities, names, digit.rejection or (unsure if probabilities[best] < SURE else None)
    )


def _plain(reading: Reading) -> dict[str, Any]:
    return {
        "file": reading.file,
        "answer": None if reading.rejection else reading.guess,
        "class": None if reading.rejection else reading.name,
        "rejection": reading.rejection,
        "probabilities": reading.probabilities.tolist(),
        "measures": asdict(reading.digit.measures),
        "remarks": list(reading.picture.remarks),
    }


def _print(reading: Reading, *, stages: bool) -> None:
    from rich.text import Text

    from handmade.cli.console import results
    from handmade.cli.probability_bars import bars
    from handmade.cli.terminal_pictures import grey, rows
    from handmade.text.number_format import percent

    height, width = reading.picture.size
    ink = "light ink on dark" if reading.digit.measures.light else "dark ink on light"
    about = f"{width:,} x {height:,} pixels" + (f", {ink}" if reading.digit.image.any() else "")
    results.print(Text(f"{reading.file}: {'; '.join([about, *reading.picture.remarks])}"))
    if stages:
        tiles = [grey(values, label, results, STAGE if max(values.shape) > 28 else 28) for values, label in _shown(reading.digit)]
        for line in rows(tiles, results):
            results.print(line)
    if reading.rejection:
        results.print(Text.assemble(("This does not look like a digit", "bold"), f": {reading.rejection}."))
        if reading.rejection == reading.digit.rejection:
            results.print(
                f"Its guess would be {reading.name} ({percent(reading.probabilities.max())}); do not rely on it.", markup=False
            )
    else:
        results.print(Text.assemble("This is an " if reading.name == "8" else "This is a ", (reading.name, "bold"), "."))
    if reading.rejection != reading.digit.rejection or not reading.rejection:
        for line in bars(reading.probabilities, reading.names):
            results.print(line)
    results.print()


def _stages(digit: "Digit") -> list[tuple["Array", str]]:
    """Return every stage with its name; 0 is black and 1 is white."""
    return [
        (digit.picture, "1 the picture"),
        (digit.ink, "2 ink"),
        (digit.box, "3 cropped"),
        (digit.fitted, "4 fitted into 20 x 20"),
        (digit.image[..., 0] / 255, "5 centred in 28 x 28"),
    ]


def _shown(digit: "Digit") -> list[tuple["Array", str]]:
    """Return the stages for the terminal; in plain characters, ink is printed."""
    from handmade.cli.console import results
    from handmade.cli.terminal_pictures import colourful

    (picture, label), *others = _stages(digit)
    dark_as_ink = not colourful(results) and not digit.measures.light
    return [(1 - picture if dark_as_ink else picture, label), *others]
