"""The record of a run, a folder of three files.

run.json            the settings, and at the end the result
log.jsonl           one line of JSON a step
model.safetensors   the network
"""

import json
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from handmade.engine.errors import HandmadeError
from handmade.files.atomic import write_atomically
from handmade.files.models import MODEL

SETTINGS, LOG = "run.json", "log.jsonl"


class Run:
    """A run being recorded; a context manager that closes the log, and writes down whether the run failed.

    Parameters
    ----------
    folder : Path
        Where to; it is made if it is not there.
    settings : dict
        What the run was started with, ready for JSON.
    force : bool
        Whether to write over a run that is there already.

    Raises
    ------
    HandmadeError
        If the folder holds a run, or cannot be written to.
    """

    def __init__(self, folder: Path, settings: dict[str, Any], *, force: bool = False) -> None:
        if not force and any((folder / name).exists() for name in (SETTINGS, LOG, MODEL)):
            raise HandmadeError(f"{folder} already holds a run; choose another --out, or add --force to write over it")
        self.folder, self._settings = folder, settings
        if folder.exists() and not folder.is_dir():
            raise HandmadeError(f"{folder} is a file, not a folder; choose another --out")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self.result({"status": "running"})
            self._log = (folder / LOG).open("w", encoding="utf-8", buffering=1)  # a line reaches the disk when it is complete
        except OSError as error:
            raise HandmadeError(f"cannot write a run to {folder}: {error.strerror}; choose another --out") from None

    @property
    def model(self) -> Path:
        """Where the network is kept."""
        return self.folder / MODEL

    def log(self, **record: Any) -> None:
        """Add the line of one step."""
        self._log.write(json.dumps(record) + "\n")

    def result(self, result: dict[str, Any]) -> None:
        """Write settings and result so far."""
        write_atomically(self.folder / SETTINGS, json.dumps(self._settings | result, indent=2).encode() + b"\n")
        self._open = result["status"] == "running"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._log.close()
        if error is not None and self._open:
            with suppress(OSError):  # the error that is on its way matters more
                self.result({"status": "interrupted" if kind is KeyboardInterrupt else "failed"})


def next_folder(parent: Path, name: str) -> Path:
    """The first of name-1, name-2, ... that is not there yet."""
    number = 1
    while (parent / f"{name}-{number}").exists():
        number += 1
    return parent / f"{name}-{number}"


def model_of(path: Path) -> Path:
    """The model file that is meant: the path itself, or the one in it if it is the folder of a run."""
    return path / MODEL if path.is_dir() else path
