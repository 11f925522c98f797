"""Start or resume a training run; both return a session that has not trained yet."""

import os
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from handmade.engine.arguments import as_path
from handmade.engine.description import describe, upgrade_description
from handmade.engine.errors import HandmadeError
from handmade.engine.network import Network
from handmade.engine.training.state import TrainingState, arrays_of
from handmade.files.checkpoints import Checkpoint, Checkpoints
from handmade.runs.backends import backend_change_note, resumed_backend, slow_backend_note
from handmade.runs.cost import estimated
from handmade.runs.fields import SettingError
from handmade.runs.inputs import is_model
from handmade.runs.job import FROM_FILES, OWN, Job, Sources, assemble
from handmade.runs.parts import OwnParts
from handmade.runs.record import RunWriter, cut_log, next_folder, read_run_json
from handmade.runs.session import TrainingSession
from handmade.runs.settings import Settings, settings
from handmade.runs.slow_steps import slow_step_note
from handmade.threads import cores

PARENT = Path("runs")  # parent of run folders without a given name
CLUSTER = ("cluster", "tls_ca", "tls_cert", "tls_key")  # settings of a session alone


def start(
    settings: Settings | None = None,
    out: str | os.PathLike[str] | None = None,
    *,
    weights: Network | None = None,
    own: OwnParts | None = None,
    force: bool = False,
    allow_long: bool = False,
    sources: Sources = FROM_FILES,
) -> TrainingSession:
    """Start a run as `handmade train` does.

    Parameters
    ----------
    settings : Settings, optional
        Settings of the run; the defaults of `handmade train` if left out.
    out : path, optional
        Folder of the run; runs/NAME-1, runs/NAME-2, ... if left out.
    weights : Network, optional
        Network whose weights and statistics the run starts from; those of `settings.network` if left out, which are fresh unless
        it is a model. It has the layers of `settings.network` and the dtype of the settings.
    own : OwnParts, optional
        Functions of a student that compute the gradients, such as `handmade.learn.own_functions("workbook")`. They need
        threads=1 in the settings.
    force : bool
        True to overwrite a run in `out`.
    allow_long : bool
        True to allow a run of more than ten minutes with the gradient by definition.
    sources : Sources
        Functions that give the data set and the network, where they are not read from files.

    Returns
    -------
    TrainingSession
        Training that begins when it is iterated over; `start(...).finish()` runs it to the end.

    Raises
    ------
    HandmadeError
        If data, network or settings cannot be used, or the folder already holds a run.
    TooLong
        If the run would take more than ten minutes with the gradient by definition.
    """
    if settings is not None and not isinstance(settings, Settings):
        raise HandmadeError(f"settings: expected Settings; got {type(settings).__name__}. Try Settings(epochs=2)")
    settings = settings or Settings()
    job = assemble(settings, own, sources)
    job = job if weights is None else _with_weights(job, weights)
    name = settings.network
    remarks = (
        *job.remarks,
        *slow_backend_note(settings.backend),
        *_surplus(settings, job),
        *_start_note(name, weights),
        *slow_step_note(job),
    )
    estimate = estimated(job, allow_long=allow_long)
    folder = next_folder(PARENT, Path(job.settings.network).stem) if out is None else as_path(out, "out")
    state = TrainingState.start(job.network, job.optimiser, job.ema)
    first = partial(job.checkpoint(folder), state, seconds=0.0)
    begun = {"start": "given weights"} if weights is not None else {"start": f"weights of {name}"} if is_model(name) else {}
    writer = RunWriter(folder, begun | job.record, force=force, first=first)
    return TrainingSession(job, writer, state, estimate=estimate, remarks=remarks)


def resume(
    folder: str | os.PathLike[str],
    *,
    own: OwnParts | None = None,
    allow_long: bool = False,
    sources: Sources = FROM_FILES,
    **changes: Any,
) -> TrainingSession:
    """Resume a run from its newest intact checkpoint; the result is the same, byte for byte, as without the interruption.

    Parameters
    ----------
    folder : path
        Folder of the run.
    own : OwnParts, optional
        Functions of a student that compute the gradients from this step on, as in `start`.
    allow_long : bool
        True to allow a run of more than ten minutes with the gradient by definition.
    sources : Sources
        Functions that give the data set and the network, as in `start`.
    **changes
        New values of settings from this step on, such as `learning_rate=0.01`. Some settings cannot be changed.

    Returns
    -------
    TrainingSession
        Rest of the training, which continues when it is iterated over.

    Raises
    ------
    HandmadeError
        If the folder is not a run that can be resumed, or a setting cannot be changed.
    TooLong
        If the rest of the run would take more than ten minutes with the gradient by definition.
    """
    folder = as_path(folder, "folder")
    known = read_run_json(folder)
    if known.get("status") == "finished":
        raise HandmadeError(
            f"{folder}: expected a run that is not finished; this one is finished. Try a new run with another out=..."
        )
    job = assemble(settings_of(folder, known, **changes), own, sources)
    changed = _changes(folder, known, job)
    checkpoints = Checkpoints(folder, job.settings.keep_checkpoints)
    checkpoint, damaged = checkpoints.newest_intact()
    _check(checkpoint, job, folder)
    state = checkpoint.state(job.network, job.optimiser, job.ema)
    kept: dict[str, Any] = {name: known[name] for name in ("when", "version", "notices", "start") if name in known}
    kept["resumed"] = [*_list(known, "resumed"), state.steps]
    kept["changes"] = [*_list(known, "changes"), *([{"step": state.steps} | changed] if changed else [])]
    estimate = estimated(job, allow_long=allow_long)
    writer = RunWriter(folder, kept | job.record, resumed=True, first=partial(_discard_later_steps, checkpoints, state))
    remarks = (
        *slow_backend_note(changes.get("backend") or known.get("backend")),
        *backend_change_note(known, job.record),
        *_own_note(known, own),
        *_surplus(job.settings, job),
        *slow_step_note(job),
    )
    return TrainingSession(
        job, writer, state, estimate=estimate, left_out=tuple(damaged), seconds=checkpoint.seconds, remarks=remarks
    )


def settings_of(folder: Path, known: dict[str, Any], **changes: Any) -> Settings:
    """Return the settings in run.json with changes; a backend that cannot be used here is replaced by the default.

    Raises
    ------
    HandmadeError
        If a setting is missing, or cannot be used.
    SettingError
        If a change cannot be used.
    """
    names = [setting.name for setting in settings() if not setting.added]
    missing = [name for name in (*names, "total_steps") if name not in known]
    if missing:
        raise HandmadeError(f"{folder}: expected the settings of a run in run.json; {', '.join(missing)} are missing")
    try:
        recorded = Settings.from_json(known)
    except SettingError as error:
        raise HandmadeError(f"{folder}/run.json: {error}") from None
    if changes.get("epochs") is not None and "steps" not in changes:
        changes["steps"] = None
    again = {"backend": resumed_backend(recorded.backend), **dict.fromkeys(CLUSTER)}  # it may be gone, and changes no bit
    return Settings(**(recorded.to_json() | again | changes))


def _with_weights(job: Job, weights: Network) -> Job:
    """Return the job with the weights and statistics of another network in the place of fresh ones."""
    name = job.settings.network
    if _layers(describe(weights)) != _layers(describe(job.network)):
        raise HandmadeError(
            f"weights: expected a network with the layers of {name}, got {weights!r:.200}. Try another network=..."
        )
    if weights.dtype != job.network.dtype:
        raise HandmadeError(f"weights: expected {job.network.dtype}, got {weights.dtype}. Try dtype={str(weights.dtype)!r}")
    return replace(job, network=job.network.replace(arrays_of(weights)))


def _start_note(name: str, weights: Network | None) -> Iterator[str]:
    """Say that a run does not start from fresh weights."""
    if weights is None and is_model(name):
        yield f"The training starts from the weights of {name}."


def _surplus(settings: Settings, job: Job) -> Iterator[str]:
    """Describe settings that ask for more than there is."""
    available, images = cores(), len(job.data.train.images)
    if settings.threads is not None and settings.threads > available:
        yield f"threads={settings.threads}: only {available} {'core is' if available == 1 else 'cores are'} available."
    if settings.limit is not None and settings.limit > images:
        yield f"limit={settings.limit}: {settings.data} has only {images:,} training images; all of them are used."


def _own_note(known: dict[str, Any], own: OwnParts | None) -> Iterator[str]:
    """Say that a run by functions of a student continues without them."""
    if own is None and OWN in known:
        yield f"This run began with the functions of {known[OWN]!s:.200} and continues with those of the engine."


def _changes(folder: Path, known: dict[str, Any], job: Job) -> dict[str, list[Any]]:
    """Return old and new value of changed settings, by name; raise HandmadeError if a setting cannot be changed."""
    if job.total != known["total_steps"]:
        raise HandmadeError(
            f"{folder}: expected {known['total_steps']} steps, as at its start, got {job.total}. "
            "Leave epochs=... and steps=... out, or start a new run"
        )
    changed = {}
    for setting in settings():
        name, value = setting.name, getattr(job.settings, setting.name)
        if name in {"epochs", "steps"} or name not in known or known[name] == value:
            continue
        if not setting.change:
            raise HandmadeError(
                f"{name}={value}: expected {known[name]}, as in {folder}. Leave {name}=... out, or start a new run"
            )
        changed[name] = [known[name], value]
    return changed


def _check(checkpoint: Checkpoint, job: Job, folder: Path) -> None:
    """Raise HandmadeError unless the checkpoint was made by this job."""
    network, data = job.settings.network, job.settings.data
    if _layers(upgrade_description(checkpoint.network)) != _layers(describe(job.network)):
        raise HandmadeError(
            f"network={network}: expected the network of {folder}, got another network. Restore it, or start a new run"
        )
    if checkpoint.fingerprint != job.fingerprint:
        raise HandmadeError(
            f"data={data}: expected the training images of {folder}, got other data. Restore them, or start a new run"
        )


def _layers(description: dict[str, Any]) -> dict[str, Any]:
    """Return a description without the names of the classes, which come from the data."""
    return {key: value for key, value in description.items() if key != "classes"}


def _discard_later_steps(checkpoints: Checkpoints, state: TrainingState) -> None:
    """Remove log lines and checkpoints after a state from the folder of a run."""
    cut_log(checkpoints.run, state.steps)
    checkpoints.remove(state.steps)


def _list(known: dict[str, Any], name: str) -> list[Any]:
    value = known.get(name)
    return value if isinstance(value, list) else []
