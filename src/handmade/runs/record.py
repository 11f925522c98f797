"""Record of a run: a folder that one process at a time can lock.

run.json            the settings, and at the end the result
log.jsonl           one line of JSON for each step
model.safetensors   the network after the last step
best.safetensors    the network with the best result on the validation set, if there is one
checkpoints/        states of the training, for a resume
"""

import json
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from handmade.engine.errors import HandmadeError
from handmade.files.atomic import remove_temporary_files, write_atomically
from handmade.files.checkpoints import CHECKPOINTS, Checkpoints
from handmade.files.network import MODEL
from handmade.runs.old_names import in_new_names

SETTINGS, LOG, BEST = "run.json", "log.jsonl", "best.safetensors"
SWEEP = "sweep.json"  # plan in the folder of a sweep
LARGEST_RECORD = 2**24  # bytes of JSON


class RunWriter:
    """Writer of a run's record; a context manager that begins the record, and records a failure.

    Parameters
    ----------
    folder : Path
        Folder of the run; it is created if it does not exist.
    settings : dict
        Settings of the run, ready for JSON.
    force : bool
        True to overwrite an existing run. Files that would look like parts of the new run are removed at once; the model stays
        until a new one is written.
    resumed : bool
        True if the existing run in the folder is resumed.
    first : callable, optional
        Function that is called after the folder is locked and before run.json is written.

    Raises
    ------
    HandmadeError
        If the folder already holds a run, cannot be written to, or is locked by another process.
    """

    def __init__(
        self,
        folder: Path,
        settings: dict[str, Any],
        *,
        force: bool = False,
        resumed: bool = False,
        first: Callable[[], object] | None = None,
    ) -> None:
        self.folder, self._force, self._resumed, self._first = folder, force, resumed, first
        self._check_folder()
        begun = {} if resumed else {"when": datetime.now(UTC).isoformat(timespec="seconds"), "version": version("handmade")}
        self._settings = begun | settings

    def _check_folder(self) -> None:
        """Raise HandmadeError if the folder is a file, or holds a run that must not be changed."""
        parts = (SETTINGS, LOG, MODEL, BEST, CHECKPOINTS)
        if not (self._force or self._resumed) and any((self.folder / name).exists() for name in parts):
            raise HandmadeError(
                f"{self.folder}: expected a folder without a run; this one already holds a run. "
                "Try another out=..., or force=True to overwrite it"
            )
        if self.folder.exists() and not self.folder.is_dir():
            raise HandmadeError(f"{self.folder}: expected a folder, got a file. Try another out=...")

    @property
    def model(self) -> Path:
        """File of the network."""
        return self.folder / MODEL

    @property
    def best(self) -> Path:
        """File of the network with the best result on the validation set."""
        return self.folder / BEST

    def log(self, **record: Any) -> None:
        """Add the line of one step."""
        self._log.write(json.dumps(record) + "\n")

    @property
    def notices(self) -> list[dict[str, Any]]:
        """Notices so far, including those before a resume."""
        held = self._settings.get("notices")
        return [notice for notice in held if isinstance(notice, dict)] if isinstance(held, list) else []

    def note(self, notice: dict[str, Any]) -> None:
        """Add a notice during the run."""
        self._settings["notices"] = [*self.notices, notice]
        self.result({"status": "running"})

    def sync_log(self) -> None:
        """Sync the log to the disk; called before a checkpoint that counts its steps is written."""
        os.fsync(self._log.fileno())

    def result(self, result: dict[str, Any]) -> None:
        """Write settings and the result so far."""
        write_atomically(self.folder / SETTINGS, json.dumps(self._settings | result, indent=2).encode() + b"\n")
        self._open = result["status"] == "running"

    def __enter__(self) -> Self:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = locked(self.folder)
            try:
                self._begin()
            except BaseException:
                os.close(self._lock)
                raise
        except OSError as error:
            raise HandmadeError(
                f"{self.folder}: expected a folder that can be written to; got: {error.strerror}. Try another out=..."
            ) from None
        return self

    def _begin(self) -> None:
        self._check_folder()  # check again: another run may have used the folder since
        if self._force:
            (self.folder / SETTINGS).unlink(missing_ok=True)
            (self.folder / BEST).unlink(missing_ok=True)
            Checkpoints(self.folder).remove()
        for name in (SETTINGS, LOG, MODEL, BEST):
            remove_temporary_files(self.folder, name)
        remove_temporary_files(self.folder / CHECKPOINTS, "step-*")
        if self._first is not None:
            self._first()
        self.result({"status": "running"})
        mode = "a" if self._resumed else "w"
        self._log = (self.folder / LOG).open(
            mode, encoding="utf-8", buffering=1
        )  # line buffering: each complete line is written at once

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._log.close()
        os.close(self._lock)
        if error is not None and self._open:
            with suppress(OSError):  # the original error is more important
                self.result({"status": "interrupted" if isinstance(error, KeyboardInterrupt | GeneratorExit) else "failed"})


def locked(folder: Path) -> int:
    """Open and lock the folder until it is closed or the process ends, so that two runs never use it together."""
    if os.name != "posix":
        return os.open(os.devnull, os.O_RDONLY)
    import fcntl  # noqa: PLC0415  only on POSIX systems

    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise HandmadeError(
            f"{folder}: expected a folder that is not in use; it is used by another process. Wait, or try another out=..."
        ) from None
    return handle


def read_run_json(folder: Path) -> dict[str, Any]:
    """Read run.json: the settings and the result so far, without any check of the values.

    Raises
    ------
    HandmadeError
        If the folder is not a run, or its run.json cannot be read.
    """
    path = folder / SETTINGS
    if not path.is_file():
        there = f"there is no {SETTINGS} in it" if folder.is_dir() else "there is no such folder"
        raise HandmadeError(f"{folder}: expected the folder of a run; {there}")
    if path.stat().st_size > LARGEST_RECORD:
        raise HandmadeError(f"{path}: expected the settings of a run; the file is too large: {path.stat().st_size:,} bytes")
    try:
        record = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise HandmadeError(f"{path}: expected the settings of a run in JSON; it cannot be read ({error})") from None
    if not isinstance(record, dict):
        raise HandmadeError(f"{path}: expected the settings of a run, got a {type(record).__name__}")
    return in_new_names(record)


def read_log(folder: Path) -> list[dict[str, Any]]:
    """Read log.jsonl, one record for each step; incomplete or damaged lines are left out."""
    path = folder / LOG
    lines = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []:
        with suppress(ValueError, RecursionError):
            record = json.loads(line)
            if isinstance(record, dict) and isinstance(record.get("step"), int) and isinstance(record.get("loss"), float):
                lines.append(record)
    return lines


def cut_log(folder: Path, steps: int) -> None:
    """Keep only the lines of the first `steps` steps in the log."""
    kept = [json.dumps(record) + "\n" for record in read_log(folder) if record["step"] <= steps]
    write_atomically(folder / LOG, "".join(kept).encode())


def next_folder(parent: Path, name: str) -> Path:
    """Return the first of name-1, name-2, ... that does not exist."""
    number = 1
    while (parent / f"{name}-{number}").exists():
        number += 1
    return parent / f"{name}-{number}"


def model_of(path: Path) -> Path:
    """Return the path of a model file: the path itself, or the model in the folder of a run."""
    return path / MODEL if path.is_dir() else path
