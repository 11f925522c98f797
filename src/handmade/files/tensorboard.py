"""Event files for TensorBoard in RUN/tensorboard: the numbers of each step, and the settings; written by tensorboardX."""

import math
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from handmade.engine.errors import HandmadeError
from handmade.engine.extras import not_installed

FOLDER = "tensorboard"


class Board:
    """Writer of an event file; a context manager that closes the file.

    Parameters
    ----------
    run : Path
        Folder of the run.
    settings : dict
        Settings of the run, which become a table in the text tab.
    after : int
        Number of steps before a resumed run continues. TensorBoard ignores earlier entries of later steps.

    Raises
    ------
    HandmadeError
        If tensorboardX is not installed, or the folder cannot be written to.
    """

    def __init__(self, run: Path, settings: dict[str, Any], *, after: int = 0) -> None:
        check_installed()
        from tensorboardX import SummaryWriter  # noqa: PLC0415  an optional library

        try:
            # File names contain the time in seconds. The suffix separates two sessions that begin in the same second.
            self._writer = SummaryWriter(str(run / FOLDER), purge_step=after + 1, filename_suffix=f".{after}")
        except OSError as error:
            raise HandmadeError(
                f"{run / FOLDER}: expected a folder that can be written to; got: {error.strerror}. Choose another --out"
            ) from None
        rows = [f"| {_cell(name)} | {_cell(value)} |" for name, value in settings.items()]
        self._writer.add_text("settings", "\n".join(["| setting | value |", "|---|---|", *rows]), after)

    def log(self, step: int, **numbers: float | None) -> None:
        """Add the numbers of one step; None and numbers that are not finite are left out."""
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
    """Raise HandmadeError if tensorboardX is not installed; called before a training begins."""
    try:
        import tensorboardX  # noqa: F401, PLC0415  an optional library
    except ImportError:
        raise HandmadeError(not_installed("tensorboard", "tensorboardX", "tensorboard")) from None


def _cell(value: object) -> str:
    """Return a value as a cell of a Markdown table."""
    return " ".join(str(value).split()).replace("|", "\\|")
