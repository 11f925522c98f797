"""Command `handmade`: its commands, their common options, and its exit codes."""

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from handmade.cli.commands.check import check
from handmade.cli.commands.data import data
from handmade.cli.commands.doctor import doctor
from handmade.cli.commands.evaluate import evaluate
from handmade.cli.commands.explain import explain
from handmade.cli.commands.export import export
from handmade.cli.commands.imports import import_
from handmade.cli.commands.lab import lab
from handmade.cli.commands.learn import learn
from handmade.cli.commands.networks import networks
from handmade.cli.commands.options import in_options, takes_backend, takes_data
from handmade.cli.commands.plot import plot
from handmade.cli.commands.predict import predict
from handmade.cli.commands.report import report
from handmade.cli.commands.runs import runs
from handmade.cli.commands.show import show
from handmade.cli.commands.sweep import sweep
from handmade.cli.commands.trace import trace
from handmade.cli.commands.train import train
from handmade.cli.compiling import CompilingDisplay
from handmade.cli.exits import CommandEnd
from handmade.cli.help import Command, Group
from handmade.cli.program import callable_here
from handmade.engine.compiling import watch
from handmade.importing.notices import listen

app = typer.Typer(
    name="handmade",
    cls=Group,
    help="A convolutional network for handwritten digits or images of your own, trained by exact finite differences.",
    epilog="Begin with: handmade train",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
COMMANDS = (
    train,
    sweep,
    evaluate,
    predict,
    show,
    check,
    explain,
    trace,
    lab,
    report,
    runs,
    networks,
    export,
    import_,
    doctor,
)  # in the order of the help
COMPUTE = {evaluate, predict, check, explain, trace, report, doctor}  # with a backend; that of train is a setting
LIGHT = {predict, explain, trace}  # loading the fastest backend would take longer than their work
HEAVY_DRAWINGS = {"confusion", "mistakes", "steps", "film"}
for each in COMMANDS:
    full = takes_data(each)
    app.command(each.__name__.rstrip("_"), cls=Command)(takes_backend(full, light=each in LIGHT) if each in COMPUTE else full)
for drawing in plot.registered_commands:
    if drawing.callback is not None:
        drawing.callback = takes_backend(takes_data(drawing.callback), light=drawing.callback.__name__ not in HEAVY_DRAWINGS)
app.add_typer(data)
app.add_typer(plot)
app.add_typer(learn)


def _version(show: bool) -> None:  # noqa: FBT001  typer calls it so
    if show:
        typer.echo(f"handmade {version('handmade')}")
        raise typer.Exit


@app.callback()
def common(
    *,
    show_version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_version, is_eager=True)
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Options of every command."""


def main() -> None:
    """Run the command; print an error in one line. Exit code 1, 2 for wrong usage, 130 after Ctrl-C, 143 after SIGTERM."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"] or ["--help"]
    try:
        display = CompilingDisplay(quiet="--json" in arguments)
        with watch(display.begins, display.ends), listen(_notify):
            code = app(arguments, prog_name="handmade", standalone_mode=False)
        if code == 130:  # Ctrl-C, where typer met it first
            _report("interrupted", 130)
    except KeyboardInterrupt:
        code = _report("interrupted", 130)
    except Exception as error:
        if "--debug" in sys.argv:
            raise
        code = _report(_message(error), getattr(error, "exit_code", 1))
    sys.exit(code)


def _message(error: Exception) -> str:
    """Return an error in one line."""
    from handmade.engine.errors import HandmadeError  # noqa: PLC0415  --help does not need the engine

    if isinstance(error, CommandEnd):
        return str(error)
    if isinstance(error, HandmadeError):
        text = in_options(str(error), of_training=bool({"train", "sweep"} & set(sys.argv[1:3])))
        return str(error) if getattr(error, "verbatim", False) else callable_here(text)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    if isinstance(error, MemoryError):
        return "out of memory; try a smaller --batch-size or --limit"
    return f"unexpected {type(error).__name__}: {error}. Try --debug, which shows the traceback"


def _notify(text: str) -> None:
    """Print a notice about a model of another library."""
    print(callable_here(" ".join(text.split())), file=sys.stderr)  # noqa: T201  the command prints here


def _report(message: str, code: int) -> int:
    line = " ".join(message.split())
    print(f"handmade: {line}", file=sys.stderr)  # noqa: T201  the command prints here
    return code
