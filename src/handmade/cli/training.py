"""`handmade train`: from the settings to a trained model and the record of the run; or on from where one stands."""

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from handmade import HandmadeError
from handmade.cli.console import duration, news, print_json
from handmade.cli.following import Sitting
from handmade.cli.settings import Settings
from handmade.cli.work import Work, assemble
from handmade.engine.description import describe
from handmade.engine.gradients.definition import cost
from handmade.engine.training.state import TrainingState
from handmade.files.checkpoints import Checkpoint, Checkpoints
from handmade.files.runs import Run, cut_log, next_folder, recorded
from handmade.workers import workers

LONG = 600  # seconds: beyond them the definition wants --yes
CHANGEABLE = (  # with --resume: what does not make another run of it
    *("gradient", "scheme", "step_size", "loss", "label_smoothing", "l1", "l2", "augment", "learning_rate", "momentum"),
    *("weight_decay", "clip", "schedule", "warm_up", "validate_every", "patience", "target", "time_limit", "threads"),
    *("checkpoint_every", "keep", "tensorboard"),
)


def run(settings: Settings, out: Path | None, *, force: bool, yes: bool, json: bool) -> None:
    """Train, evaluate, save, and tell about it. Ctrl-C ends the training after the step, not the program."""
    work = assemble(settings)
    with _workers(work, yes=yes) as executor:
        folder = out or next_folder(Path("runs"), Path(settings.network).stem)
        start = TrainingState.start(work.network, work.optimiser, work.average)
        checkpoint = work.checkpoint(folder)
        record = Run(folder, work.record, force=force, first=partial(checkpoint, start, seconds=0.0))
        _end(Sitting(work, record, checkpoint, start, executor).follow(), json=json)


def resume(folder: Path, settings: Settings, *, yes: bool, json: bool) -> None:
    """Go on from the newest intact checkpoint of a run, with its settings but for what may be changed."""
    known = recorded(folder)
    if known.get("status") == "finished":
        raise HandmadeError(f"{folder} is finished already; start a new run with another --out")
    missing = [name for name in (*asdict(settings), "total_steps") if name not in known]
    if missing:
        raise HandmadeError(f"{folder}: wanted the settings of a run in run.json; {', '.join(missing)} are missing")
    work = assemble(settings)
    changes = _changes(folder, known, work)
    checkpoints = Checkpoints(folder, work.settings.keep)
    checkpoint, damaged = checkpoints.newest_intact()
    _check(checkpoint, work, folder)
    state = checkpoint.state(work.network, work.optimiser, work.average)
    told: dict[str, Any] = {name: known[name] for name in ("when", "version", "notices") if name in known}
    told["resumed"] = [*_list(known, "resumed"), state.steps]
    told["changes"] = [*_list(known, "changes"), *([{"step": state.steps} | changes] if changes else [])]
    with _workers(work, yes=yes) as executor:
        for each in damaged:
            news.print(f"Left out: {each}")
        record = Run(folder, told | work.record, resumed=True, first=partial(_go_back, checkpoints, state))
        sitting = Sitting(work, record, work.checkpoint(folder), state, executor, seconds=checkpoint.seconds)
        _end(sitting.follow(), json=json)


def _changes(folder: Path, known: dict[str, Any], work: Work) -> dict[str, list[Any]]:
    """What is set now and what was set before, by name; HandmadeError if that makes another run of it."""
    if work.total != known["total_steps"]:
        raise HandmadeError(
            f"{folder} has {known['total_steps']} steps to do, which cannot become {work.total}; leave --epochs and --steps out, "
            "or start a new run"
        )
    now = {name: value for name, value in asdict(work.settings).items() if name not in {"epochs", "steps"}}
    changes = {name: [known[name], value] for name, value in now.items() if value != known[name]}
    for name, (old, new) in changes.items():
        if name not in CHANGEABLE:
            option = f"--{name.replace('_', '-')}"
            raise HandmadeError(f"{folder} has {option} {old}, which cannot become {new}; leave it out, or start a new run")
    return changes


def _check(checkpoint: Checkpoint, work: Work, folder: Path) -> None:
    """Raise HandmadeError unless the checkpoint was made by this work."""
    if checkpoint.network != describe(work.network):
        name = work.settings.network
        raise HandmadeError(f"{folder} trains another network than {name} describes now; bring that back, or start a new run")
    if checkpoint.fingerprint != work.fingerprint:
        raise HandmadeError(
            f"{folder} learns from other data than {work.settings.data} holds now; bring that back, or start a new run"
        )


def _go_back(checkpoints: Checkpoints, state: TrainingState) -> None:
    """Take out of the folder of a run what came after a state."""
    cut_log(checkpoints.run, state.steps)
    checkpoints.forget(state.steps)


def _list(known: dict[str, Any], name: str) -> list[Any]:
    value = known.get(name)
    return value if isinstance(value, list) else []


@contextmanager
def _workers(work: Work, *, yes: bool) -> Iterator[Executor | None]:
    """Provide the cores, and say first what the definition costs on them."""
    threads = work.settings.threads or 1
    with workers(threads) as executor:
        if work.settings.gradient == "definition":
            _warn_of_cost(work, threads, yes=yes)
        yield executor


def _warn_of_cost(work: Work, threads: int, *, yes: bool) -> None:
    """Measure a forward pass and say how long the definition will take; above ten minutes, only with --yes."""
    settings, images = work.settings, work.training.images
    size = min(settings.batch_size, len(images))
    passes, seconds = cost(work.network, settings.make_prepare()(images[:size]), work.training.labels[:size], settings.scheme)
    step, epoch = passes * seconds / threads, -(-len(images) // settings.batch_size)
    steps = settings.steps or settings.epochs * epoch
    on = f" on {threads} cores" if threads > 1 else ""
    news.print(f"definition: {passes:,} passes x {1000 * seconds:.1f} ms a step{on}, {duration(step * epoch)} an epoch")
    news.print(f"This run of {steps:,} {'step' if steps == 1 else 'steps'} will take {duration(step * steps)}.")
    if step * steps > LONG and not yes:
        raise HandmadeError(
            f"this run would take {duration(step * steps)}: add --yes to begin it all the same, or take fewer --steps, "
            "or --gradient difference"
        )


def _end(result: dict[str, Any], *, json: bool) -> None:
    if json:
        print_json(result)
    if result["status"] == "interrupted":
        raise KeyboardInterrupt
