"""Text of the progress of a training session: one step, and warnings."""

from collections.abc import Iterator

from rich.text import Text

from handmade.runs.progress import Progress
from handmade.text import training_step
from handmade.text.number_format import duration


def layout(progress: Progress) -> Iterator[Text]:
    """Yield the step, the time, warnings, and the checkpoint if there is one."""
    yield from training_step.layout(progress.step)
    yield Text(f"  {duration(progress.seconds)} since the start")
    yield from (Text(str(notice)) for notice in progress.notices)
    if progress.checkpoint is not None:
        yield Text(f"  checkpoint: {progress.checkpoint}")
