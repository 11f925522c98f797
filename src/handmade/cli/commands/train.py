"""`handmade train`: its options, its signals, and the lines before and after the training."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handmade.cli.commands.options import Json, Mine, given_settings, in_options, takes_settings
from handmade.runs.settings import FILES

if TYPE_CHECKING:
    from handmade.learn.mine import OwnFunctions
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
    mine: Mine = None,
    yes: Annotated[
        bool,
        typer.Option("--yes", help="Start even if the run will take more than ten minutes."),
    ] = False,
    json: Json = False,
    **_settings: Any,
) -> None:
    """Train a network.

    Gradients are exact finite differences, or backpropagation with --gradient backprop. Ctrl-C and SIGTERM end a run after
    the current step; it can be resumed. The exit code is then 130 or 143.

    With --mine, gradients are computed by the functions that you have passed in handmade learn, as far as they cover the layers.
    The defaults are then a small network, a part of the images, and backpropagation if a backward step is passed.
    """
    given = given_settings(context)
    if "epochs" in given and "steps" in given:
        raise typer.BadParameter("expected --epochs or --steps, not both", param_hint="--steps")
    if resume is not None and (out is not None or force):
        raise typer.BadParameter("expected no --out and no --force with it: the run stays in its folder", param_hint="--resume")
    from handmade.cli.console import news, print_json
    from handmade.cli.signals import Signals
    from handmade.cli.summary import resume_command, tell
    from handmade.cluster.address import ClusterError

    own = _own(mine, resume)
    session = _session(given, resume, out, own, force=force, allow_long=yes)
    if session.estimate:
        _print_cost(session.estimate)
    for damaged in session.left_out:
        news.print(f"Left out: {damaged}")
    signals = Signals(session.stop)
    try:
        with signals:
            _follow(session)
    except KeyboardInterrupt:  # the second signal, or one before the first step
        news.print(f"Resume: {resume_command(session)}", markup=False)
        raise signals.exit() from None
    except ClusterError as error:
        if not session.has_begun:
            raise
        raise ClusterError(f"{str(error).removesuffix('.')}. Resume: {resume_command(session)}") from None
    finally:
        _tell_printed(own)
    tell(session)
    _tell_epoch(own, session)
    assert session.result is not None
    if json:
        print_json(session.result)
    if session.result["status"] == "interrupted":
        raise signals.exit()


def _own(mine: str | None, resume: Path | None) -> "OwnFunctions | None":
    """Return the student's functions for this run, if there are any."""
    if mine is None and resume is None:
        return None
    from handmade.cli.own_training import own_of

    return own_of(mine, resume)


def _tell_printed(own: "OwnFunctions | None") -> None:
    if own is not None:
        from handmade.cli.own_training import show_printed

        show_printed(own)


def _tell_epoch(own: "OwnFunctions | None", session: "TrainingSession") -> None:
    if own is not None:
        from handmade.cli.own_training import show_epoch

        show_epoch(own, session)


def _session(
    given: dict[str, Any], resume: Path | None, out: Path | None, own: "OwnFunctions | None", *, force: bool, allow_long: bool
) -> "TrainingSession":
    """Start or resume a run; BadParameter if a setting cannot be used."""
    from handmade import runs

    try:
        if resume is not None:
            return runs.resume(resume, own=own, allow_long=allow_long, **given)
        if own is not None:
            from handmade.cli.own_training import settings_with

            return runs.start(settings_with(own, given, allow_long=allow_long), out, own=own, force=force, allow_long=allow_long)
        make = runs.Settings.from_recipe if "recipe" in given else runs.Settings
        return runs.start(make(**given), out, force=force, allow_long=allow_long)
    except runs.SettingError as error:
        raise typer.BadParameter(in_options(error.reason), param_hint=f"--{error.name.replace('_', '-')}") from None
    except runs.TooLong as error:
        _print_cost(error.estimate)
        raise


def _follow(session: "TrainingSession") -> None:
    """Train, and show the progress."""
    from handmade.cli.console import news
    from handmade.cli.progress_display import ProgressDisplay
    from handmade.cli.training_warnings import warning

    settings = session.job.settings
    optimiser = settings.optimiser.replace("-", " ")
    with session:
        _announce(session)
        with ProgressDisplay(settings.gradient, settings.scheme, settings.step_size, optimiser) as display:
            for progress in session:
                for notice in progress.notices:
                    news.print(warning(notice))
                for remark in progress.remarks:
                    news.print(in_options(remark), markup=False)
                display.show(progress.step)


def _announce(session: "TrainingSession") -> None:
    from handmade.cli.console import news

    job, settings, threads = session.job, session.job.settings, session.job.settings.threads
    for remark in session.remarks:
        news.print(in_options(remark), markup=False)
    if session.steps:
        news.print(f"Resuming after step {session.steps:,}.")
    apart = f", {len(job.validation.images):,} more for validation," if job.validation else ""
    news.print(
        f"Training {Path(settings.network).stem}, {job.network.size:,} weights, on {len(job.training.images):,} images of "
        f"{settings.data}{apart} with {threads} {'thread' if threads == 1 else 'threads'}; Ctrl-C stops and saves.\n"
    )


def _print_cost(estimate: "Estimate") -> None:
    """Print the cost of a run by the definition."""
    from handmade.cli.console import news
    from handmade.text.number_format import duration

    on = f" on {estimate.threads} cores" if estimate.threads > 1 else ""
    a_step = f"{estimate.passes:,} passes x {1000 * estimate.pass_seconds:.1f} ms a step{on}"
    news.print(f"definition: {a_step}, {duration(estimate.epoch_seconds)} an epoch")
    steps = f"{estimate.steps:,} {'step' if estimate.steps == 1 else 'steps'}"
    news.print(f"This run of {steps} will take {duration(estimate.seconds)}.")
