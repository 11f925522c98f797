"""Progress of a sweep on the screen, and its picture."""

import time

from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn

from handmade.cli.console import news
from handmade.engine.errors import HandmadeError
from handmade.files.atomic import write_atomically
from handmade.sweep import Sweep, SweepProgress, SweepResults
from handmade.text import sweep_plan, sweep_progress
from handmade.text.number_format import duration

PICTURE = "sweep.png"
PLAIN_EVERY = 30  # seconds between two lines within a run where there is no terminal


def follow(sweep: Sweep) -> None:
    """Train the runs of a sweep, and show the progress: a bar in a terminal, else a line for each run."""
    for remark in sweep.known.remarks:
        news.print(escape(remark))
    for line in sweep_plan.layout(sweep):
        news.print(line)
    news.print("Ctrl-C stops and saves.\n")
    bar = Progress(
        TextColumn("run {task.fields[run]}/{task.total:,}  {task.fields[step]}"),
        BarColumn(bar_width=None),
        TextColumn("{task.fields[left]}"),
        console=news,
        disable=not news.is_terminal,
        expand=True,
        refresh_per_second=4,  # drawing takes time from computing
    )
    task = bar.add_task("", total=len(sweep.known.plan), run=0, step="", left="", visible=False)
    printed = time.perf_counter()
    with bar:
        for progress in sweep:
            if progress.run is not None or (not news.is_terminal and time.perf_counter() - printed > PLAIN_EVERY):
                printed = time.perf_counter()
                news.print(*sweep_progress.layout(progress))
            left = f"{duration(progress.seconds_left)} left" if progress.seconds_left else ""
            done = progress.ended + _share(progress)
            bar.update(task, completed=done, run=progress.number + 1, step=_step(progress), left=left, visible=True)


def _share(progress: SweepProgress) -> float:
    """Return the share of the current run that is done."""
    return progress.step.step.number / progress.step.step.steps if progress.step else 0.0


def _step(progress: SweepProgress) -> str:
    return f"step {progress.step.step.number:,}/{progress.step.step.steps:,}" if progress.step else ""


def write_picture(results: SweepResults) -> None:
    """Draw the results into the folder of the sweep, if matplotlib is installed and a run is finished."""
    if results.best is None:
        return
    from handmade import pictures  # noqa: PLC0415  it is not needed before

    try:
        content = pictures.encode(pictures.sweep(results.trials()), "png")
    except HandmadeError as error:
        news.print(escape(f"No picture: {error}"))
        return
    file = results.folder / PICTURE
    write_atomically(file, content)
    news.print(f"Picture: {file}", markup=False)
