"""Reading of several picture files: a file that cannot be read does not keep the others from being read."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from rich.text import Text

from handmade.cli.console import news
from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.files.images import write_rows

T = TypeVar("T")


class PictureFiles:
    """Files that are read one after another, with a record of each for JSON.

    Parameters
    ----------
    files
        Their names.
    stages_out
        File for the stages of the preparation; None for no file.

    Attributes
    ----------
    records : list of dict
        One for each file; that of a file that could not be read holds the error.

    Raises
    ------
    HandmadeError
        If `stages_out` exists.
    """

    def __init__(self, files: Sequence[str], stages_out: Path | None) -> None:
        if stages_out and stages_out.exists():
            raise HandmadeError(f"--stages-out: expected a new file, got {stages_out}, which exists. Try another name")
        self.files = files
        self.records: list[dict[str, Any]] = []
        self._stages_out = stages_out
        self._errors: list[str] = []

    def each(self, read: Callable[[str], T]) -> Iterator[T]:
        """Yield the content of each file; an error is printed and recorded, and the next file is read."""
        for file in self.files:
            try:
                found = read(file)
            except HandmadeError as error:
                self._errors.append(str(error))
                self.records.append({"file": file, "error": str(error)})
                if len(self.files) > 1:
                    news.print(Text(f"handmade: {error}"))
                continue
            yield found

    @property
    def any_read(self) -> bool:
        """Return True if a file could be read."""
        return len(self._errors) < len(self.files)

    def finish(self, stages: list[list[Array]]) -> None:
        """Write the stages to the file for them; then raise HandmadeError if a file could not be read."""
        if self._stages_out and stages:
            write_rows(self._stages_out, stages)
            news.print(Text(f"Stages: {self._stages_out}"))
        if self._errors:
            raise HandmadeError(
                self._errors[0]
                if len(self.files) == 1
                else f"{len(self._errors)} of {len(self.files)} pictures could not be read"
            )
