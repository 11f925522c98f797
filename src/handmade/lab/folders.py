"""Folders of trainings: hidden ones beside the runs, until a training is saved as a run.

They go with their page. What a killed server left behind is removed by the next one.
"""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

from handmade.engine.errors import HandmadeError
from handmade.files.atomic import write_atomically
from handmade.runs.record import LOG, SETTINGS, locked, read_run_json

HIDDEN = ".lab-"  # lists of runs leave such folders out
NETWORK = "network.json"  # layers of a network that is no preset, in the folder of its training
LONGEST_NAME = 80  # letters
NEW = 60.0  # seconds in which a folder may not be held yet
LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")


class Folders:
    """Folders of the trainings of one page, made when the first one begins.

    Parameters
    ----------
    runs : Path
        Folder of the runs.

    Raises
    ------
    HandmadeError
        If nothing can be written there.
    """

    def __init__(self, runs: Path) -> None:
        self.runs = runs
        try:
            runs.mkdir(parents=True, exist_ok=True)
            _sweep(runs)
            self._all = tempfile.TemporaryDirectory(prefix=HIDDEN, dir=runs, ignore_cleanup_errors=True)  # removed at exit, too
            self._lock = locked(Path(self._all.name))
        except OSError as error:
            raise HandmadeError(f"training: cannot write to {runs} ({error.strerror}). Try another --runs") from None
        self._numbers = count(1)

    def new(self) -> Path:
        """Return the path of a new folder, which is not there yet."""
        return Path(self._all.name) / str(next(self._numbers))

    def save(self, folder: Path, name: str, result: dict[str, Any], tests: Mapping[int, float]) -> None:
        """Copy the folder of a training to a run.

        Parameters
        ----------
        folder : Path
            Folder of the training.
        name : str
            Name of the run.
        result : dict
            Result, which goes into its record.
        tests : mapping of float
            Accuracies on test images by step, which go into its log as "test_accuracy".

        Raises
        ------
        HandmadeError
            If there is a run of that name, or it cannot be written.
        """
        target = self.target(name)
        copy = self.new()
        try:
            shutil.copytree(folder, copy)
            known = read_run_json(copy) | result
            places = {"run": target, "model": target / "model.safetensors"}
            known |= {key: str(path) for key, path in places.items() if key in known}
            if isinstance(best := known.get("best"), dict):
                known["best"] = best | {"model": str(target / "best.safetensors")}
            if (copy / NETWORK).exists():
                known["network"] = str(target.resolve() / NETWORK)
            write_atomically(copy / SETTINGS, json.dumps(known, indent=2).encode() + b"\n")
            self.target(name)  # again: another run may have come since
            if tests:
                _add_tests(copy / LOG, tests)
            copy.rename(target)
        except OSError as error:
            raise HandmadeError(f"name: cannot write the run {name} ({error.strerror}). Try another name") from None
        finally:
            shutil.rmtree(copy, ignore_errors=True)

    def target(self, name: str) -> Path:
        """Return the folder of a run that is not there yet; raise HandmadeError if the name cannot be used."""
        if not 0 < len(name) <= LONGEST_NAME or not LETTERS.issuperset(name) or name[0] in ".-":
            raise HandmadeError(f"name: expected letters, digits, - _ and . alone; got {name!r:.100}. Try my-run-1")
        if os.path.lexists(self.runs / name):
            raise HandmadeError(f"name: expected a new name; there is a run {name} already. Try {name}-2")
        return self.runs / name

    def remove(self, folder: Path) -> None:
        """Remove the folder of one training."""
        shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Remove all of them."""
        self._all.cleanup()
        os.close(self._lock)


def _add_tests(log: Path, tests: Mapping[int, float]) -> None:
    lines = []
    for line in log.read_text().splitlines():
        record = json.loads(line)
        share = tests.get(record["step"])
        lines.append(line if share is None else json.dumps(record | {"test_accuracy": share}))
    write_atomically(log, "".join(f"{line}\n" for line in lines).encode())


def _sweep(runs: Path) -> None:
    """Remove folders that nobody holds any more: their server was killed."""
    if os.name != "posix":  # there, nothing tells
        return
    for folder in runs.glob(f"{HIDDEN}*"):
        with suppress(HandmadeError, OSError):
            if time.time() - folder.stat().st_mtime < NEW:
                continue
            os.close(locked(folder))
            shutil.rmtree(folder, ignore_errors=True)
