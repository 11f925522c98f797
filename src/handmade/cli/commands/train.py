"""`handmade train`: its options, and the words around the training."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handmade.cli.commands.options import Json, given_settings, in_options, takes_settings
from handmade.runs.settings import FILES

if TYPE_CHECKING:
    from handmade.runs import Estimate, TrainingSession


@takes_settings
def train(
    context: typer.Context,
    *,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIRECTORY", help="Folder of the run.  [default: runs/NAME-1, ...]", rich_help_panel=FILES),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite a run that is in --out already.", rich_help_panel=FILES)
    ] = False,
    resume: Annotated[
        Path | None,
        typer.Option(metavar="RUN", help="Resume a run that was stopped or killed, with its settings.", rich_help_panel=FILES),
    ] = None,
    yes: Annotated[
        bool,
        typer.Option("--yes", help="Start even if the run will take more than ten minutes."),
    ] = False,
    json: Json = False,
    **_settings: Any,
) -> None:
    """Train a network.

    Gradients are exact finite differences, or backpropagation with --gradient backprop.
    """
    given = given_settings(context)
    if "epochs" in given and "steps" in given:
        raise typer.BadParameter("expected --epochs or --steps, not both", param_hint="--steps")
    if resume is not None and (out is not None or force):
        raise typer.BadParameter("goes on in the folder of the run, without --out and --force", param_hint="--resume")
    from handmade import runs
    from handmade.cli.console import news, print_json
    from handmade.cli.summary import tell

    try:
        if resume is not None:
            session = runs.resume(resume, allow_long=yes, **given)
        else:
            make = runs.Settings.from_recipe if "recipe" in given else runs.Settings
            session = runs.start(make(**given), out, force=force, allow_long=yes)
    except runs.SettingError as error:
        raise typer.BadParameter(in_options(error.reason), param_hint=f"--{error.name.replace('_', '-')}") from None
    except runs.TooLong as error:
        _tell_cost(error.estimate)
        raise
    if session.estimate:
        _tell_cost(session.estimate)
    for damaged in session.left_out:
        news.print(f"Left out: {damaged}")
    _follow(session)
    tell(session)
    assert session.result is not None
    if json:
        print_json(session.result)
    if session.result["status"] == "interrupted":
        raise KeyboardInterrupt


def _follow(session: "TrainingSession") -> None:
    """Train, and show it."""
    from handmade.cli.console import news
    from handmade.cli.progress_display import ProgressDisplay
    from handmade.cli.training_warnings import warning

    settings = session.job.settings
    optimiser = settings.optimiser.replace("-", " ")
    with session, _stopped_by_ctrl_c(session.stop):
        _announce(session)
        with ProgressDisplay(settings.gradient, settings.scheme, settings.step_size, optimiser) as display:
            for progress in session:
                for notice in progress.notices:
                    news.print(warning(notice))
                display.show(progress.step)


def _announce(session: "TrainingSession") -> None:
    from handmade.cli.console import news

    job, settings, threads = session.job, session.job.settings, session.job.settings.threads
    for remark in session.remarks:
        news.print(remark, markup=False)
    if session.steps:
        news.print(f"Going on after step {session.steps:,}.")
    apart = f", {len(job.validation.images):,} more for validation," if job.validation else ""
    news.print(
        f"Training {Path(settings.network).stem}, {job.network.size:,} weights, on {len(job.training.images):,} images of "
        f"{settings.data}{apart} with {threads} {'core' if threads == 1 else 'cores'}; Ctrl-C stops and saves.\n"
    )


def _tell_cost(estimate: "Estimate") -> None:
    """Print the cost of a run by the definition."""
    from handmade.cli.console import duration, news

    on = f" on {estimate.threads} cores" if estimate.threads > 1 else ""
    a_step = f"{estimate.passes:,} passes x {1000 * estimate.pass_seconds:.1f} ms a step{on}"
    news.print(f"definition: {a_step}, {duration(estimate.epoch_seconds)} an epoch")
    steps = f"{estimate.steps:,} {'step' if estimate.steps == 1 else 'steps'}"
    news.print(f"This run of {steps} will take {duration(estimate.seconds)}.")


@contextmanager
def _stopped_by_ctrl_c(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` at the first Ctrl-C; the second one is a KeyboardInterrupt as usual."""
    from handmade.cli.console import news

    seen = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal seen
        if seen:
            signal.default_int_handler(number, frame)
        seen = True
        stop()
        news.print("Stopping after this step. Press Ctrl-C again to leave at once, without saving.")

    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
