"""`handmade learn`: exercises that lead from a patch of pixels to a network, and their verdicts."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from handmade.cli.commands.options import Json
from handmade.cli.help import Command, Group

if TYPE_CHECKING:
    from handmade.learn.workbook import Workbook


class WorkbookGroup(Group):
    """Group that checks the current step without a command."""

    alone: Sequence[str] = ()


learn = typer.Typer(
    name="learn",
    cls=WorkbookGroup,
    help="Write a network yourself, step by step.",
    epilog="Begin with: handmade learn",
    rich_markup_mode=None,
)

Directory = Annotated[
    Path | None,
    typer.Option(metavar="DIRECTORY", help="Directory of your exercises.  [default: this one if it has any, or workbook]"),
]
Language = Annotated[str, typer.Option(metavar="LANGUAGE", help="en, de or zh.  [default: the last one, at first en]")]
StepName = Annotated[str, typer.Argument(metavar="STEP", help="Number or name of a step.")]
OptionalStep = Annotated[str, typer.Argument(metavar="STEP", help="Number or name of a step.  [default: the current one]")]


@learn.callback(invoke_without_command=True)
def watch(
    context: typer.Context,
    *,
    folder: Directory = None,
    language: Language = "",
    once: Annotated[bool, typer.Option("--once", help="Check the current step once, without watching its file.")] = False,
    json: Json = False,
) -> None:
    """Check the current step each time that its file is saved.

    Without a command, the current step is checked, then its file is watched. Once a step is passed, the next open step is the
    current one, unless you opened a passed step with goto. Exit code 0 with --once: the step is passed.
    """
    context.obj = folder, language
    if context.invoked_subcommand is not None:
        if once or json:
            raise typer.BadParameter("goes after the command", param_hint="--json" if json else "--once")
        return
    if json and not once:
        raise typer.BadParameter("goes with --once", param_hint="--json")
    from handmade.cli.workbook_view import View, show_head, show_new_milestones, show_progress, show_verdict

    with _workbook(context) as workbook:
        if not workbook.state.chosen and workbook.state.steps[workbook.state.current].status != "open":
            workbook.next()
        if not once:
            from handmade.cli.keyboard import Keys

            try:
                with Keys() as keys:
                    View(workbook, keys).run()
            except KeyboardInterrupt:
                return  # Ctrl-C ends the view: no failure
            return
        verdict = workbook.check()
        if json:
            from handmade.cli.console import print_json

            print_json(workbook.report([verdict]))
        else:
            show_head(workbook, verdict.step)
            show_verdict(workbook, verdict)
            show_progress(workbook)
            if verdict:
                show_new_milestones(workbook)
    if not verdict:
        raise typer.Exit(1)


@learn.command(name="list", cls=Command)
def list_(context: typer.Context, *, folder: Directory = None, json: Json = False) -> None:
    """List all steps: passed, open, given up."""
    from dataclasses import asdict

    from handmade.cli.console import print_json
    from handmade.cli.workbook_view import show_list

    with _workbook(context, folder) as workbook:
        if json:
            print_json({"folder": str(workbook.folder.path), "steps": [asdict(each) for each in workbook.lines()]})
        else:
            show_list(workbook)


@learn.command(cls=Command)
def goto(context: typer.Context, step: StepName, *, folder: Directory = None) -> None:
    """Make another step the current one."""
    from handmade.cli.workbook_view import show_head

    with _workbook(context, folder) as workbook:
        show_head(workbook, workbook.go_to(step))


@learn.command(cls=Command)
def hint(context: typer.Context, step: OptionalStep = "", *, folder: Directory = None) -> None:
    """Show the next of the three hints."""
    from handmade.cli.workbook_view import show_hint

    with _workbook(context, folder) as workbook:
        show_hint(workbook, _step(step))


@learn.command(cls=Command)
def reset(context: typer.Context, step: OptionalStep = "", *, folder: Directory = None) -> None:
    """Begin a step again; your file is kept as a backup."""
    from handmade.cli.workbook_view import line, show_head, shown

    with _workbook(context, folder) as workbook:
        name = _step(step) or workbook.state.current
        backup = workbook.reset(name)
        show_head(workbook, name)
        if backup is not None:
            line(workbook.say("ui.reset", file=shown(backup)))


@learn.command(name="give-up", cls=Command)
def give_up(context: typer.Context, step: OptionalStep = "", *, folder: Directory = None) -> None:
    """Show the solution of a step, and mark the step as given up."""
    from handmade.cli.workbook_view import line, shown

    with _workbook(context, folder) as workbook:
        line(workbook.say("ui.solution", file=shown(workbook.give_up(_step(step)))))


@learn.command(name="check-all", cls=Command)
def check_all(context: typer.Context, *, folder: Directory = None, json: Json = False) -> None:
    """Check every step; exit code 0 if all are passed."""
    from handmade.cli.console import print_json
    from handmade.cli.workbook_view import line, show_head, show_verdict
    from handmade.learn.steps import NAMES

    verdicts = []
    with _workbook(context, folder) as workbook:
        for verdict in workbook.check_all():
            verdicts.append(verdict)
            if not json:
                show_head(workbook, verdict.step)
                show_verdict(workbook, verdict)
                line("")
        if json:
            print_json(workbook.report(verdicts))
        else:
            passed = str(sum(map(bool, verdicts)))
            line(workbook.say("ui.progress", passed=passed, all=str(len(NAMES))), "bold")
    if not all(verdicts):
        raise typer.Exit(1)


@learn.command(cls=Command)
def milestones(context: typer.Context, *, folder: Directory = None, json: Json = False) -> None:
    """Show what your functions have reached."""
    from handmade.cli.console import print_json
    from handmade.cli.workbook_view import line, show_milestone
    from handmade.learn.milestone import Milestone, all_milestones

    with _workbook(context, folder) as workbook:
        found = list(all_milestones(workbook))
    if json:
        print_json({"milestones": [each.as_dict() for each in found if isinstance(each, Milestone)]})
        return
    for number, each in enumerate(found):
        if number:
            line("")
        show_milestone(each)


@learn.command(cls=Command)
def export(
    context: typer.Context,
    directory: Annotated[Path, typer.Argument(metavar="DIRECTORY", help="A new directory.")],
    *,
    language: Language = "",
) -> None:
    """Write exercises for a course, and a workflow for checks."""
    from handmade.cli.workbook_view import line, shown
    from handmade.learn.course import export as write
    from handmade.learn.texts import texts

    chosen = texts(language or context.obj[1] or "en").language
    files = write(directory, chosen)
    line(f"{shown(directory)}: {len(files)} files")
    line(texts(chosen)("ui.exported"))


@learn.command(cls=Command)
def results(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Outputs of check-all --json, one for each student.")],
    *,
    json: Json = False,
) -> None:
    """Print a table of results by student, for a course."""
    from handmade.cli.console import print_json
    from handmade.cli.workbook_view import show_results
    from handmade.learn.course import read_result
    from handmade.learn.steps import NAMES

    students = [read_result(file) for file in files]
    if json:
        rows = [
            {"student": each.student, "passed": each.passed, "states": dict(zip(NAMES, each.states, strict=True))}
            for each in students
        ]
        print_json({"steps": len(NAMES), "students": rows})
    else:
        show_results(students)


def _workbook(context: typer.Context, folder: Path | None = None) -> "Workbook":
    from handmade.learn.workbook import Workbook, found_folder

    before, language = context.obj
    return Workbook(found_folder(folder or before), language)


def _step(text: str) -> str:
    from handmade.learn.steps import full_name

    return full_name(text) if text else ""
