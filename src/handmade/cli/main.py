"""The commands and their options. What they need is imported when they run, so that --help answers at once."""

import sys
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="handmade",
    help="A convolutional network for handwritten digits, made by hand: every gradient a finite difference.",
    epilog="Begin with: handmade train",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class GradientChoice(StrEnum):
    """How the gradient is worked out."""

    difference = "difference"
    definition = "definition"
    backprop = "backprop"


class LossChoice(StrEnum):
    """What is to become small."""

    cross_entropy = "cross-entropy"
    squares = "squares"


class SchemeChoice(StrEnum):
    """One side of the weight, or both."""

    forward = "forward"
    central = "central"


class OptimiserChoice(StrEnum):
    """What is done with the gradient."""

    gradient_descent = "gradient-descent"
    momentum = "momentum"
    nesterov = "nesterov"
    rmsprop = "rmsprop"
    adam = "adam"
    adamw = "adamw"


class ScheduleChoice(StrEnum):
    """How the learning rate goes on."""

    linear = "linear"
    constant = "constant"
    cosine = "cosine"
    step = "step"
    one_cycle = "one-cycle"


class DtypeChoice(StrEnum):
    """The precision of the numbers."""

    float32 = "float32"
    float64 = "float64"


Data = Annotated[
    str,
    typer.Option(
        metavar="mnist|DIRECTORY", help="mnist, the 70,000 digits that come with handmade, or a directory of IDX files."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output; the rest goes to standard error.")]


def _version(wanted: bool) -> None:  # noqa: FBT001  typer calls it so
    if wanted:
        typer.echo(f"handmade {version('handmade')}")
        raise typer.Exit


@app.callback()
def common(
    *,
    show_version: Annotated[
        bool, typer.Option("--version", help="Show the version and leave.", callback=_version, is_eager=True)
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="On an error, show where in the code it happened.")] = False,
) -> None:
    """Options of every command."""


@app.command()
def train(
    *,
    network: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="readme, seed, or a JSON file that lists the layers.")
    ] = "readme",
    gradient: Annotated[
        GradientChoice,
        typer.Option(help="difference: the finite chain rule; definition: one forward pass a weight; backprop: the derivative."),
    ] = GradientChoice.difference,
    scheme: Annotated[
        SchemeChoice, typer.Option(help="forward: (L(w + h) - L(w)) / h; central: (L(w + h) - L(w - h)) / 2h.")
    ] = SchemeChoice.forward,
    step_size: Annotated[float, typer.Option(metavar="H", help="How far each weight is nudged.")] = 1e-3,
    loss: Annotated[
        LossChoice, typer.Option(help="cross-entropy, or squares: the mean squared error.")
    ] = LossChoice.cross_entropy,
    label_smoothing: Annotated[
        float, typer.Option(metavar="SHARE", help="How much of cross-entropy's target is shared among all classes.")
    ] = 0.0,
    epochs: Annotated[int | None, typer.Option(metavar="N", min=1, help="Passes over the training images.  [default: 1]")] = None,
    steps: Annotated[int | None, typer.Option(metavar="N", min=1, help="So many batches instead of epochs.")] = None,
    batch_size: Annotated[int, typer.Option(metavar="N", min=1, help="Images a step.")] = 32,
    optimiser: Annotated[OptimiserChoice, typer.Option(help="What is done with the gradient.")] = OptimiserChoice.momentum,
    learning_rate: Annotated[
        float | None, typer.Option(metavar="LR", help="How large a step is.  [default: 0.05, or what suits the optimiser]")
    ] = None,
    momentum: Annotated[float, typer.Option(metavar="MU", help="mu in v <- mu v + g, for momentum and nesterov.")] = 0.9,
    schedule: Annotated[
        ScheduleChoice, typer.Option(help="How the learning rate goes on: falling in a straight line to 0, staying, ...")
    ] = ScheduleChoice.linear,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Everything random follows from it.")] = 0,
    dtype: Annotated[DtypeChoice, typer.Option(help="The precision of the numbers.")] = DtypeChoice.float32,
    threads: Annotated[int | None, typer.Option(metavar="N", min=1, help="Cores that share the work.  [default: all]")] = None,
    data: Data = "mnist",
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="Train on the first N images only.")] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIRECTORY", help="The folder of the run.  [default: runs/NAME-1, ...]")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a run that is in --out already.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Begin even if it will take more than ten minutes.")] = False,
    json: Json = False,
) -> None:
    """Train a network: by nothing but finite differences, if you like."""
    if epochs is not None and steps is not None:
        raise typer.BadParameter("wants --epochs or --steps, not both", param_hint="--steps")
    from handmade.cli.training import Settings, run  # noqa: PLC0415

    settings = Settings(
        network=network,
        gradient=gradient.value,
        scheme=scheme.value,
        step_size=step_size,
        loss=loss.value,
        label_smoothing=label_smoothing,
        epochs=epochs or 1,
        steps=steps,
        batch_size=batch_size,
        optimiser=optimiser.value,
        learning_rate=learning_rate,
        momentum=momentum,
        schedule=schedule.value,
        seed=seed,
        dtype=dtype.value,
        threads=threads,
        data=data,
        limit=limit,
    )
    run(settings, out, force=force, yes=yes, json=json)


@app.command()
def evaluate(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model file, or the folder of a run.")],
    *,
    data: Data = "mnist",
    json: Json = False,
) -> None:
    """Tell how well a model reads the test images."""
    from handmade.cli.evaluation import run  # noqa: PLC0415

    run(model, data, json=json)


@app.command()
def check(
    target: Annotated[
        str, typer.Argument(metavar="MODEL|NAME|FILE", help="A model or run, a preset, or a network file.")
    ] = "readme",
    *,
    data: Data = "mnist",
    images: Annotated[int, typer.Option(min=1, metavar="N", help="How many images to check on.")] = 4,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Of fresh weights.")] = 0,
    json: Json = False,
) -> None:
    """Tell bugs from kinks: every gradient three ways."""
    from handmade.cli.checking import run  # noqa: PLC0415

    run(target, data, images, seed, json=json)


@app.command()
def networks(
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="A network file to show instead.")] = None,
    *,
    json: Json = False,
) -> None:
    """Show networks: their layers, shapes and weights."""
    from handmade.cli.networks import run  # noqa: PLC0415

    run(file, json=json)


def main() -> None:
    """Run the command; tell of errors in one line. Exit code 1, 2 for wrong usage, 130 after Ctrl-C."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"] or ["--help"]
    try:
        code = app(arguments, prog_name="handmade", standalone_mode=False)
        if code == 130:  # Ctrl-C, where typer met it first
            _tell("interrupted", 130)
    except KeyboardInterrupt:
        code = _tell("interrupted", 130)
    except Exception as error:
        if "--debug" in sys.argv:
            raise
        code = _tell(_message(error), getattr(error, "exit_code", 1))
    sys.exit(code)


def _message(error: Exception) -> str:
    """One line for whatever went wrong."""
    from handmade.engine.errors import HandmadeError  # noqa: PLC0415

    if hasattr(error, "format_message"):  # of the command line itself
        command = next((argument for argument in sys.argv[1:] if not argument.startswith("-")), "")
        known = f" {command}" if command in {"train", "evaluate", "check", "networks"} else ""
        message = error.format_message()
        return f"{message if message.endswith(('.', '?')) else message + '.'} Try: handmade{known} --help"
    if isinstance(error, HandmadeError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    if isinstance(error, MemoryError):
        return "out of memory; try a smaller --batch-size or --limit"
    return f"unexpected {type(error).__name__}: {error}; run it again with --debug to see where"


def _tell(message: str, code: int) -> int:
    line = " ".join(message.split())
    print(f"handmade: {line}", file=sys.stderr)  # noqa: T201  this is where the command talks
    return code
