"""Progress of long work: a bar in a terminal, a line every few seconds elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from handmade.cli.console import news
from handmade.text.number_format import duration

PLAIN_EVERY = 5  # seconds between two lines where there is no terminal


@contextmanager
def progress(name: str) -> Iterator[Callable[[int, int], None]]:
    """Provide a function that shows the progress, given the number done and the total; the bar vanishes at the end."""
    began = printed = time.perf_counter()
    bar = Progress(
        TextColumn(name),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True),
        console=news,
        disable=not news.is_terminal,
        expand=True,
        transient=True,
    )
    task = bar.add_task("", total=None)

    def show(done: int, total: int) -> None:
        nonlocal printed
        now = time.perf_counter()
        bar.update(task, completed=done, total=total)
        if not news.is_terminal and now - printed > PLAIN_EVERY:
            printed = now
            news.print(f"{name} {done:,}/{total:,}  {duration((total - done) * (now - began) / done)} left")

    with bar:
        yield show
