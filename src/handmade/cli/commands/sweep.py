"""`handmade sweep`: its options, its signals, and the lines before and after the runs."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from handmade.cli.commands.options import Json, given_settings, in_options, refuse, takes_settings
from handmade.runs.settings import FILES, MAIN

if TYPE_CHECKING:
    from handmade.runs import SettingError, Settings
    from handmade.sweep import Sweep


@takes_settings
def sweep(
    context: typer.Context,
    *,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUES",
            help="Setting that differs between runs, and its values: learning-rate=0.01,0.1 or seed=0..4; repeatable.",
            rich_help_panel=MAIN,
        ),
    ] = None,
    random: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Draw N combinations, instead of a grid of all; a range such as learning-rate=0.001..0.1:log is then possible. "
            "They depend on --seed.",
            rich_help_panel=MAIN,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIRECTORY", help="Folder of the sweep.  [default: sweeps/NAME-1, ...]", rich_help_panel=FILES),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(metavar="SWEEP", help="Resume a sweep that was stopped or killed, with its plan.", rich_help_panel=FILES),
    ] = None,
    json: Json = False,
    **_settings: Any,
) -> None:
    """Train once for each combination of settings, and compare.

    A network is trained with each combination of the values of --vary. All other options are those of handmade train, and
    hold for every run. Runs are ranked by the accuracy on a validation set: --validation, or a tenth of the training images,
    at most 5,000. Runs that differ in the seed alone are one group.

    With --cluster, each thread of a worker trains one run at a time.

    Ctrl-C and SIGTERM end a sweep after the current step; it can be resumed. handmade runs shows the table at any time.
    """
    given = given_settings(context)
    if "epochs" in given and "steps" in given:
        raise typer.BadParameter("expected --epochs or --steps, not both", param_hint="--steps")
    from handmade.cli.console import news, print_json, results
    from handmade.cli.signals import Signals
    from handmade.cli.sweep_pool import STOPPING_THERE, pool
    from handmade.cli.sweep_view import follow, write_picture
    from handmade.engine.errors import HandmadeError
    from handmade.runs.launch import CLUSTER
    from handmade.sweep.record import is_sweep
    from handmade.text.sweep_results import layout

    machines = {name: given.pop(name) for name in CLUSTER if name in given}
    if machines and "threads" in given:
        raise typer.BadParameter("expected no threads with --cluster: each run has one", param_hint="--threads")
    if resume is not None:
        options = {f"--{name.replace('_', '-')}": True for name in given}
        refuse({"--vary": vary, "--random": random, "--out": out} | options, "expected no plan with --resume: the sweep has one")
    elif not vary:
        raise typer.BadParameter("expected NAME=VALUES, got nothing. Try --vary learning-rate=0.01,0.1", param_hint="--vary")
    with pool(_own_settings(machines)) as there:
        found = _planned(vary or [], given, random, out, there) if resume is None else _resumed(resume, there)
        signals, stopped = Signals(found.stop, STOPPING_THERE) if there else Signals(found.stop), False
        try:
            with signals:
                follow(found)
        except KeyboardInterrupt:  # the second signal
            stopped = True
        except HandmadeError as error:
            if not is_sweep(found.folder):
                raise
            reason = str(error).removesuffix("Resume the sweep").rstrip(". ")
            raise HandmadeError(f"{reason}. Resume: {_resume_command(found)}") from None
    shown = found.results
    if json:
        print_json(shown.to_json())
    (news if json else results).print(*layout(shown))
    write_picture(shown)
    if stopped or shown.ended < len(shown.runs):
        news.print(f"Resume: {_resume_command(found)}", markup=False)
        raise signals.exit()


def _resume_command(sweep: "Sweep") -> str:
    from handmade.cli.program import program

    return f"{program()} sweep --resume {shlex.quote(str(sweep.folder))}"


def _planned(vary: list[str], given: dict[str, Any], random: int | None, out: Path | None, there: dict[str, Any]) -> "Sweep":
    """Plan a new sweep; BadParameter if an option cannot be used."""
    from handmade import sweep
    from handmade.runs import SettingError

    values, settings = _values(vary), _own_settings(given)
    try:
        return sweep.start(values, settings, out, random=random, **there)
    except SettingError as error:
        raise _refused(error) from None


def _own_settings(given: dict[str, Any]) -> "Settings":
    """Return the settings that are given; BadParameter if one cannot be used."""
    from handmade.runs import SettingError, Settings

    try:
        return Settings.from_recipe(**given) if "recipe" in given else Settings(**given)
    except SettingError as error:
        raise _refused(error) from None


def _refused(error: "SettingError") -> typer.BadParameter:
    reason = error.reason if error.name in {"vary", "random"} else in_options(error.reason)
    return typer.BadParameter(reason, param_hint=f"--{error.name.replace('_', '-')}")


def _values(vary: list[str]) -> dict[str, str]:
    """Return the values of --vary by the names of settings; BadParameter for a name that is unknown or given twice."""
    from handmade.cli.usage_errors import suggestion
    from handmade.runs.settings import settings

    names = [setting.name.replace("_", "-") for setting in settings()]
    values: dict[str, str] = {}
    for text in vary:
        name, mark, listed = text.partition("=")
        name = name.strip().removeprefix("--").replace("_", "-")
        if not mark:
            expected = f"expected NAME=VALUES, got {text!r:.80}. Try --vary learning-rate=0.01,0.1"
            raise typer.BadParameter(expected, param_hint="--vary")
        if name not in names:
            similar = suggestion(name, names)
            advice = f". Did you mean {similar}?" if similar else ". Try --vary learning-rate=0.01,0.1"
            raise typer.BadParameter(f"expected an option of handmade train, got {name!r:.80}{advice}", param_hint="--vary")
        if name in values:
            raise typer.BadParameter(f"expected each setting once, got {name} twice. Try {name}=A,B", param_hint="--vary")
        values[name] = listed
    return values


def _resumed(folder: Path, there: dict[str, Any]) -> "Sweep":
    from handmade import sweep

    return sweep.resume(folder, **there)
