"""`handmade predict`: read digits from pictures, with every stage on the way."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handmade.cli.commands.options import Json

if TYPE_CHECKING:
    from rich.text import Text

    from handmade.data import Digit
    from handmade.engine.arrays import Array
    from handmade.files.images import Picture
    from handmade.network import Network

SURE = 0.5  # below it, the network holds every single answer for more likely wrong than right
BAR = 40  # columns of a probability of 1
WORTH_A_BAR = 0.001
STAGE = 24  # columns


@dataclass(frozen=True, eq=False)
class Reading:
    """One picture read: the digit, the answer of the network, and a reason to reject it."""

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
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A run, or a model file: what handmade train made.")],
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE...", help="Pictures with one digit each; - reads one from standard input."),
    ],
    *,
    show_stages: Annotated[bool, typer.Option("--show-stages", help="Show what becomes of the picture on the way.")] = False,
    stages_out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw these stages into a PNG file, a row for each picture.")
    ] = None,
    json: Json = False,
) -> None:
    """Read digits of your own: from a photo, a scan or a drawing.

    PNG, JPEG, GIF, BMP, WebP or TIFF, of any size; dark on light or light on dark. One digit a picture, the right way up.

    The model comes from handmade train. Then, for instance: handmade predict runs/readme-1 seven.png
    """
    from rich.text import Text

    from handmade.cli.console import news, print_json
    from handmade.engine.errors import HandmadeError
    from handmade.files.images import write_rows

    network = _network(model)
    if stages_out and stages_out.exists():
        raise HandmadeError(f"--stages-out: expected a new file; {str(stages_out)!r} is there already. Try another name")
    readings: list[Reading] = []
    told: list[dict[str, Any]] = []
    errors: list[str] = []
    for file in files:
        try:
            reading = _read(network, file)
        except HandmadeError as error:
            errors.append(str(error))
            told.append({"file": file, "error": str(error)})
            if len(files) > 1:
                news.print(Text(f"handmade: {error}"))
            continue
        readings.append(reading)
        told.append(_plain(reading))
        if not json:
            _tell(reading, stages=show_stages)
    if json and readings:
        print_json({"model": str(model), "pictures": told})
    if stages_out and readings:
        write_rows(stages_out, [[stage for stage, _ in _stages(reading.digit)] for reading in readings])
        news.print(Text(f"The stages are in {stages_out}"))
    if errors:
        raise HandmadeError(errors[0] if len(files) == 1 else f"{len(errors)} of {len(files)} pictures could not be read")


def _network(path: Path) -> "Network":
    """Read the trained network, or raise HandmadeError if it does not read digits of 28 x 28."""
    import numpy as np

    from handmade.data import prepare_for
    from handmade.engine.errors import HandmadeError
    from handmade.runs import inputs
    from handmade.runs.record import model_of

    if not model_of(path).exists():
        raise HandmadeError(
            f"{str(path)!r}: expected a trained network, a run or a model file; there is none. "
            "Make one in about a minute: handmade train. Then name the run that it tells, such as runs/readme-1"
        )
    network = inputs.model(path)
    wanted = prepare_for(network)(np.zeros((1, 28, 28, 1), np.uint8)).shape[1:]
    if network.input_shape != wanted or network.classes < 2:
        raise HandmadeError(
            f"{path}: expected a network for images of shape {wanted}, got one for {network.input_shape}. Try a run of readme"
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


def _tell(reading: Reading, *, stages: bool) -> None:
    from rich.text import Text

    from handmade.cli.console import results
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
            results.print(f"Asked all the same, the network says {reading.name}, with {percent(reading.probabilities.max())}.")
    else:
        results.print(Text.assemble("This is an " if reading.name == "8" else "This is a ", (reading.name, "bold"), "."))
    if reading.rejection != reading.digit.rejection or not reading.rejection:
        for line in _bars(reading.probabilities, reading.names):
            results.print(line)
    results.print()


def _bars(probabilities: "Array", names: tuple[str, ...]) -> Iterator["Text"]:
    """Draw the most likely classes with their probabilities, at least three."""
    import numpy as np
    from rich.text import Text

    from handmade.cli.console import results
    from handmade.text.number_format import percent

    wide = max(map(len, names))
    full = "\N{FULL BLOCK}" if results.encoding.startswith("utf") else "#"
    for rank, number in enumerate(np.argsort(-probabilities, kind="stable").tolist()):
        share = float(probabilities[number])
        if rank < 3 or share >= WORTH_A_BAR:
            yield Text(f"  {names[number]:<{wide}}  {percent(share):>8}  {full * round(BAR * share)}".rstrip())


def _stages(digit: "Digit") -> list[tuple["Array", str]]:
    """Return every stage with its name; 0 is black and 1 is white."""
    return [
        (digit.picture, "1 the picture"),
        (digit.ink, "2 its ink"),
        (digit.box, "3 cut out"),
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
