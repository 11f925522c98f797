"""Text of the progress of a sweep: which run, its result, and the time left."""

from collections.abc import Iterator

from rich.text import Text

from handmade.sweep.plan import in_words
from handmade.sweep.results import SweepRun
from handmade.sweep.session import SweepProgress
from handmade.text.number_format import duration, percent


def layout(progress: SweepProgress) -> Iterator[Text]:
    """Yield one line: the end of a run, or the step in it."""
    left = f"; {duration(progress.seconds_left)} left" if progress.ended < progress.total else ""
    if progress.run is not None:
        yield Text(
            f"run {progress.number + 1:,} of {progress.total:,}: {in_words(progress.values)}: {outcome(progress.run)}{left}"
        )
    elif progress.step is not None:
        step = progress.step.step
        yield Text(f"run {progress.number + 1:,} of {progress.total:,}, step {step.number:,}/{step.steps:,}{left}")
    else:
        yield Text(f"{progress.ended:,} of {progress.total:,} runs have ended{left}")


def outcome(run: SweepRun) -> str:
    """Return the result of a run in a few words."""
    if run.status == "diverged":
        return "diverged" if run.step is None else f"diverged at step {run.step:,.0f}"
    if run.accuracy is None:
        return run.status
    seconds = "" if run.seconds is None else f", {duration(run.seconds)}"
    return f"validation {percent(run.accuracy)}{seconds}"
