"""One run of a sweep: begun or continued in its folder; or trained elsewhere from plain data, whose files come back as bytes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from socket import gethostname
from tempfile import TemporaryDirectory
from typing import Any

from handmade.cluster.matching import fingerprint
from handmade.data import Dataset
from handmade.engine.errors import HandmadeError
from handmade.engine.training import Diverged
from handmade.files.atomic import remove_temporary_files, write_atomically
from handmade.files.checkpoints import Checkpoints, Damaged, read
from handmade.network import Network
from handmade.runs import TrainingSession, resume, start
from handmade.runs.inputs import is_model
from handmade.runs.job import Sources
from handmade.runs.record import BEST, SETTINGS, read_run_json
from handmade.runs.settings import Settings
from handmade.threads import cores

ENDED = ("finished", "diverged")  # statuses of a run that is not continued
FREE = {"steps", "epochs", "threads", "backend"}  # settings that a record may hold in another form


def open_run(folder: Path, settings: Settings, sources: Sources) -> TrainingSession:
    """Return the training of a run: from its newest intact checkpoint, or from the start if there is none."""
    if (folder / SETTINGS).is_file():
        check_same(folder, settings)
        if _can_resume(folder):
            return resume(folder, allow_long=True, sources=sources, threads=settings.threads or cores())
    return start(settings, folder, force=True, allow_long=True, sources=sources)


def diverged(error: HandmadeError) -> bool:
    """Return True for the error of a run whose loss overflowed."""
    return isinstance(error.__cause__, Diverged)


def changed_setting(known: Mapping[str, Any], settings: Settings) -> str | None:
    """Return the name of a setting in which the content of run.json differs from the plan; None if there is none."""
    for name, value in settings.to_json().items():
        if name not in FREE and value is not None and known.get(name) != value:
            return name
    return None


def check_same(folder: Path, settings: Settings) -> None:
    """Raise HandmadeError if the run in a folder has other settings than the plan."""
    known = read_run_json(folder)
    name = changed_setting(known, settings)
    if name is not None:
        raise HandmadeError(
            f"{folder}: expected {name.replace('_', ' ')} {getattr(settings, name)}, as in the plan of the sweep, got "
            f"{known.get(name)!s:.80}. Move this folder away; the run then starts again"
        )


def _can_resume(folder: Path) -> bool:
    for path in Checkpoints(folder).paths():
        try:
            read(path)
        except Damaged:
            continue
        except HandmadeError:  # of another version: resuming says so
            return True
        return True
    return False


@dataclass(frozen=True, eq=False)
class Task:
    """Run as plain data, for another process or machine.

    Attributes
    ----------
    settings : dict
        Settings of the run, ready for JSON.
    network : Network
        Network before the training.
    files : dict of bytes
        Files of the run so far, by their names in its folder; empty for a new run.
    expected : str, optional
        Fingerprint of the versions and vectors that a worker needs, so that the bytes are the same; any if left out.
    """

    settings: dict[str, Any]
    network: Network
    files: dict[str, bytes]
    expected: str | None = None


def train_elsewhere(task: Task, data: Dataset) -> tuple[dict[str, bytes], str]:
    """Train a run in a temporary folder, on one thread.

    Returns
    -------
    files : dict of bytes
        Files of the run, by their names in its folder.
    error : str
        Reason why it could not be trained; empty if it was, or if it diverged.
    """
    if task.expected is not None and fingerprint() != task.expected:
        return {}, f"expected versions and vectors as here on the worker {gethostname()}; got others. Resume without this worker"
    parent = None if task.expected is None else import_module("handmade.cluster.tasks").worker_folder()
    with TemporaryDirectory(prefix="handmade-", dir=parent) as place:
        folder = Path(place) / "run"
        folder.mkdir()
        _write(folder, task.files)
        sources = Sources(lambda _: data, lambda *_: task.network)
        try:
            for _ in open_run(folder, Settings(**task.settings), sources):
                pass
        except HandmadeError as error:
            if not diverged(error):
                return {}, str(error)
        return files_of(folder), ""


def files_of(folder: Path) -> dict[str, bytes]:
    """Read the files of a run, by their names in its folder; none if it cannot be resumed."""
    if not (folder / SETTINGS).is_file() or not _can_resume(folder):
        return {}
    paths = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def store(folder: Path, files: Mapping[str, bytes], network: str) -> None:
    """Write the files of a run that was trained elsewhere; run.json comes last, so a run without it was not stored completely.

    Parameters
    ----------
    folder : Path
        Folder of the run.
    files : mapping of bytes
        Files from `train_elsewhere`.
    network : str
        Name of the network in the settings.
    """
    (folder / SETTINGS).unlink(missing_ok=True)
    Checkpoints(folder).remove()
    known = json.loads(files[SETTINGS])
    if "model" in known:
        known |= {"model": str(folder / Path(known["model"]).name), "run": str(folder)}
    if isinstance(known.get("best"), dict):
        known["best"]["model"] = str(folder / BEST)
    if is_model(network):
        known["start"] = f"weights of {network}"
    _write(folder, {name: content for name, content in files.items() if name != SETTINGS})
    _write(folder, {SETTINGS: json.dumps(known, indent=2).encode() + b"\n"})


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        if not path.resolve().is_relative_to(folder.resolve()):
            raise HandmadeError(f"{folder}: expected files of a run, got {name!r:.80} outside its folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_temporary_files(path.parent, path.name)  # of a process that was killed here
        write_atomically(path, content)
