"""Explanation of a weight's update in the next step of a run: the step after its newest checkpoint is computed again."""

import os

from handmade.engine.arguments import as_path
from handmade.engine.errors import HandmadeError
from handmade.engine.optim import clip_by_norm
from handmade.engine.receipts.receipt import Receipt
from handmade.files.checkpoints import Checkpoint, Checkpoints, Damaged, read
from handmade.receipts import explain_update
from handmade.runs.backends import use_backend
from handmade.runs.job import assemble
from handmade.runs.launch import settings_of
from handmade.runs.parts import make_schedule
from handmade.runs.record import read_run_json
from handmade.threads import threads


def explain_next_update(run: str | os.PathLike[str], weight: str) -> tuple[int, Receipt]:
    """Return the receipt of a weight after the next step.

    Parameters
    ----------
    run : path
        Folder of the run.
    weight : str
        Weight, such as "conv1.W[1,2,0,5]".

    Returns
    -------
    number : int
        Number of the step.
    receipt : Receipt
        Receipt of the weight after that step.

    Raises
    ------
    HandmadeError
        If the folder is not a run with a checkpoint before its last step, or there is no such weight.
    """
    folder = as_path(run, "run")
    if not folder.is_dir():
        raise HandmadeError(f"run: expected the folder of a run, whose checkpoints hold the state of the optimiser; got {run}")
    job = assemble(settings_of(folder, read_run_json(folder)))
    state = _before_a_step(Checkpoints(folder), job.total).state(job.network, job.optimiser, job.ema)
    with threads(1) as executor, use_backend(job.settings.backend):  # one thread: for a single step, more threads would be slower
        training = job.train(state, executor)
        step = next(training)
        training.close()
    gradients = step.gradients if job.settings.clip_norm is None else clip_by_norm(step.gradients, job.settings.clip_norm)[0]
    scale = make_schedule(job.settings)(state.steps / job.total)
    return step.number, explain_update(step.before, gradients, weight, optimiser=job.optimiser, state=state.memory, scale=scale)


def _before_a_step(checkpoints: Checkpoints, total: int) -> Checkpoint:
    """Read the newest checkpoint before the last step of the run."""
    for path in checkpoints.paths():
        try:
            checkpoint = read(path)
        except Damaged:
            continue
        if checkpoint.step < total:
            return checkpoint
    raise HandmadeError(
        f"{checkpoints.run}: expected a checkpoint before the last step; got none. Try a run with a larger keep_checkpoints=..."
    )
