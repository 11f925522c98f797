"""`handmade train --mine`: a training whose gradients are computed by the functions of a student."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from handmade.cli.console import news
from handmade.data import prepare_for
from handmade.engine.errors import HandmadeError
from handmade.engine.gradients.definition import cost
from handmade.learn.milestone import note_epoch
from handmade.learn.mine import OwnFunctions, Row, read_own_functions
from handmade.learn.pace import Pace, pace
from handmade.learn.small import small_file, trained_file
from handmade.learn.texts import Texts
from handmade.learn.workbook import found_folder
from handmade.runs.backends import use_backend
from handmade.runs.cost import LONG
from handmade.runs.job import OWN, Job, assemble
from handmade.runs.parts import make_gradient
from handmade.runs.record import read_run_json
from handmade.runs.settings import Settings
from handmade.text.number_format import duration, percent
from handmade.threads import threads

if TYPE_CHECKING:
    from handmade.runs import TrainingSession

BATCH = 8  # more steps for the same number of images, which are what takes time here
PRINTED_LINES = 20
COLUMNS = {"difference": ("forward", "delta"), "definition": ("forward",), "backprop": ("forward", "backward")}


def own_of(text: str | None, resume: Path | None) -> OwnFunctions | None:
    """Return the functions for a run; None for a run without them.

    Code from a folder that is named in a file alone is never run: a resumed run needs --mine again.
    """
    known = read_run_json(resume).get(OWN) if resume is not None else None
    if text is None:
        if known is not None:
            advice = f"Try --mine {known!s:.200}"
            raise typer.BadParameter(
                f"expected --mine with it: functions of {known!s:.200} trained this run. {advice}", param_hint="--resume"
            )
        return None
    return own_functions_of(text)


def own_functions_of(text: str) -> OwnFunctions:
    """Return the functions of the workbook that --mine names, or of the usual one; print which files are not used."""
    news.print("Checking your files again ...")
    own = read_own_functions(found_folder(Path(text) if text else None))
    for note in own.notes:
        news.print(note, markup=False)
    return own


def trained_target(own: OwnFunctions) -> str:
    """Return the file of a trained network that slow functions can compute."""
    return str(trained_file(own.folder))


def settings_with(own: OwnFunctions, given: dict[str, Any], *, allow_long: bool) -> Settings:
    """Return the settings of a run: those that are given, and defaults for slow loops; print what is known about its time.

    Raises
    ------
    HandmadeError
        If the network or the data cannot be used, or one image takes too long.
    """
    if given.get("threads", 1) != 1:
        raise typer.BadParameter("expected 1 with --mine: your functions run one after the other", param_hint="--threads")
    usual = {} if "recipe" in given else {"network": str(small_file(own.folder)), "gradient": _gradient(own), "batch_size": BATCH}
    make = Settings.from_recipe if "recipe" in given else Settings
    chosen = {**usual, "threads": 1, **given}
    job = assemble(make(**chosen), own)
    show_rows(own.rows(job.network), job.settings.gradient, own.say)
    if not own.uses(job.network):
        raise HandmadeError(own.say("mine.notUsed", network=Path(job.settings.network).stem))
    news.print(own.say("mine.measuring"), markup=False)
    found = _pace(own, job)
    settings = job.settings
    most = len(job.training.images)
    if not {"limit", "steps"} & given.keys():
        epochs = 1 if settings.steps else settings.epochs
        chosen["limit"] = found.images(settings.batch_size, most, epochs) + (settings.validation or 0)
        total = min(most, chosen["limit"] - (settings.validation or 0)) * epochs
    else:
        total = settings.steps * settings.batch_size if settings.steps else settings.epochs * most
    key = "mine.longer" if found.at_least else "mine.time"
    seconds = found.seconds * total
    news.print(own.say(key, image=duration(found.seconds), images=f"{total:,}", time=duration(seconds)), markup=False)
    if seconds > LONG and not allow_long and settings.gradient != "definition":
        raise HandmadeError(own.say("mine.tooLong", time=duration(seconds)))
    return make(**chosen)


def _gradient(own: OwnFunctions) -> str:
    """Return backprop if a backward step is passed, else difference, which needs the forward steps alone."""
    return "backprop" if any("backward" in name for _, name in own.functions) else "difference"


def _pace(own: OwnFunctions, job: Job) -> Pace:
    """Measure the time of the gradient for an image."""
    settings = job.settings
    count = min(settings.batch_size, len(job.training.images))
    x, y = prepare_for(job.network)(job.training.images[:count]), job.training.labels[:count]
    with threads(1), use_backend(settings.backend):
        if settings.gradient == "definition":
            passes, seconds = cost(own.layers(job.network), x[:1], y[:1], settings.scheme)
            return Pace(passes * seconds)
        return pace(own, make_gradient(settings, own=own), job.network, x, y)


def show_rows(rows: list[Row], gradient: str, say: Texts) -> None:
    """Print whose functions compute what, in the student's language."""
    table = Table(box=box.SIMPLE, pad_edge=False)
    table.add_column(say("mine.layer"), overflow="fold")
    for column in COLUMNS[gradient]:
        table.add_column(say(f"mine.{column}"))
    for row in rows:
        cells = [getattr(row, column) for column in COLUMNS[gradient]]
        name = say("mine.yours", name=row.name) if any(cells) else row.name
        table.add_row(Text(name), *(_cell(cell, say) for cell in cells))
    news.print(table)


def _cell(steps: tuple[int, ...], say: Texts) -> Text:
    if not steps:
        return Text(say("mine.engine"), "dim")
    return Text(say("mine.step" if len(steps) == 1 else "mine.steps", numbers=", ".join(map(str, steps))))


def show_printed(own: OwnFunctions) -> None:
    """Print the first lines that the student's functions printed during the training."""
    for line in printed_lines(own):
        news.print(line, style="dim", markup=False)


def printed_lines(own: OwnFunctions) -> Iterator[str]:
    """Yield these lines, with a heading and a sign that there were more."""
    rows = own.printed.text.rstrip().splitlines()
    if rows:
        yield own.say("ui.printed")
    for row in rows[:PRINTED_LINES]:
        yield f"  {row[:200]}"
    if len(rows) > PRINTED_LINES:
        yield f"  {own.say('ui.cut')}"


def show_epoch(own: OwnFunctions, session: "TrainingSession") -> None:
    """Show the milestone of the first epoch by the student's gradients, if it was reached in this run."""
    result, settings, job = session.result, session.job.settings, session.job
    images = min(result["steps"] * settings.batch_size, len(job.training.images)) if result else 0
    rows = own.rows(job.network)
    if (
        result is None
        or images < len(job.training.images)
        or not any(getattr(row, name) for row in rows for name in COLUMNS[settings.gradient])
    ):
        return
    found = note_epoch(
        own.folder,
        {
            "network": Path(settings.network).stem,
            "weights": f"{job.network.size:,}",
            "images": f"{images:,}",
            "right": result["test_accuracy"],
            "accuracy": percent(result["test_accuracy"]),
            "run": result["run"],
        },
    )
    if found is not None:
        for line in ("", *found.lines()):
            news.print(line, markup=False)
