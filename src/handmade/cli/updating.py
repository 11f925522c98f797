"""`handmade explain RUN --at "update of ..."`: how the next step after a run's newest checkpoint moves a weight."""

from dataclasses import fields
from pathlib import Path

from handmade import HandmadeError
from handmade.cli.settings import Settings
from handmade.cli.work import assemble
from handmade.engine.optim import clip_by_norm
from handmade.engine.receipts.receipt import Receipt
from handmade.files.checkpoints import Checkpoint, Checkpoints, Damaged, read
from handmade.files.runs import recorded
from handmade.receipts import explain_update
from handmade.workers import workers

UPDATE = "update of "


def receipt_of_update(target: str, weight: str) -> tuple[int, Receipt]:
    """The number of the step, and the receipt of the weight after it.

    Raises
    ------
    HandmadeError
        If this is not a run with a checkpoint to go on from, or there is no such weight.
    """
    folder = Path(target)
    if not folder.is_dir():
        raise HandmadeError(f"an update wants the folder of a run, whose checkpoints hold the optimiser's memory; got {target}")
    known = recorded(folder)
    names = [field.name for field in fields(Settings)]
    missing = [name for name in names if name not in known]
    if missing:
        raise HandmadeError(f"{folder}: wanted the settings of a run in run.json; {', '.join(missing)} are missing")
    work = assemble(Settings(**{name: known[name] for name in names}))
    state = _before(Checkpoints(folder), work.total).state(work.network, work.optimiser, work.average)
    with workers(1) as executor:  # for a single step, others would take longer to start
        training = work.train(state, executor)
        step = next(training)
        training.close()
    gradients = step.gradients if work.settings.clip is None else clip_by_norm(step.gradients, work.settings.clip)[0]
    scale = work.settings.make_schedule()(state.steps / work.total)
    return step.number, explain_update(step.before, gradients, weight, optimiser=work.optimiser, state=state.memory, scale=scale)


def _before(checkpoints: Checkpoints, total: int) -> Checkpoint:
    """The newest checkpoint after which there is a step to do."""
    for path in checkpoints.paths():
        try:
            checkpoint = read(path)
        except Damaged:
            continue
        if checkpoint.step < total:
            return checkpoint
    raise HandmadeError(f"{checkpoints.run}: wanted a checkpoint with a step to go; there is none. Train with a larger --keep")
