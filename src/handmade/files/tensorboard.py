"""A run for TensorBoard: its numbers step by step, and its settings, in RUN/tensorboard; written by tensorboardX."""

import math
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from handmade.engine.errors import HandmadeError
from handmade.engine.extras import not_installed

FOLDER = "tensorboard"


class Board:
    """An event file that is being written; a context manager that closes it.

    Parameters
    ----------
    run : Path
        The folder of the run.
    settings : dict
        What the run was started with; it becomes a table of the text tab.
    after : int
        The step after which the run goes on. TensorBoard forgets what was written earlier for later steps.

    Raises
    ------
    HandmadeError
        If tensorboardX is not installed, or the folder cannot be written to.
    """

    def __init__(self, run: Path, settings: dict[str, Any], *, after: int = 0) -> None:
        check_installed()
        from tensorboardX import SummaryWriter  # noqa: PLC0415  loaded by those who want it

        try:
            # The suffix keeps two sittings of the same second, by which files are named, from one file.
            self._writer = SummaryWriter(str(run / FOLDER), purge_step=after + 1, filename_suffix=f".{after}")
        except OSError as error:
            raise HandmadeError(f"cannot write to {run / FOLDER}: {error.strerror}; choose another --out") from None
        rows = [f"| {_cell(name)} | {_cell(value)} |" for name, value in settings.items()]
        self._writer.add_text("settings", "\n".join(["| setting | value |", "|---|---|", *rows]), after)

    def log(self, step: int, **numbers: float | None) -> None:
        """Add the numbers of one step; those that are None or not finite are left out."""
        for name, value in numbers.items():
            if value is not None and math.isfinite(value):
                self._writer.add_scalar(name, value, step)

    def note(self, step: int, text: str) -> None:
        """Add a remark to the text tab."""
        self._writer.add_text("notices", text, step)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._writer.close()


def check_installed() -> None:
    """Raise HandmadeError if there is no tensorboardX: better before a training than in it."""
    try:
        import tensorboardX  # noqa: F401, PLC0415  loaded by those who want it
    except ImportError:
        raise HandmadeError(not_installed("tensorboard", "tensorboardX", "tensorboard")) from None


def _cell(value: object) -> str:
    """A value as a cell of a Markdown table."""
    return " ".join(str(value).split()).replace("|", "\\|")
