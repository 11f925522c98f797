"""Numbers of a run, ready for JSON: those of a step, for log.jsonl, and the result, for run.json."""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from handmade.engine.evaluation import Evaluation
from handmade.engine.training import Step
from handmade.engine.training.state import TrainingState
from handmade.engine.training.stopping import stopped_by
from handmade.runs.job import Job
from handmade.runs.record import RunWriter


def numbers_of(step: Step) -> dict[str, Any]:
    """Return the numbers of one step."""
    numbers = {
        "loss": step.loss,
        "accuracy": step.accuracy,
        "learning_rate": step.learning_rate,
        "gradient_norm": step.norm,
    }
    if step.validation is None:
        return numbers
    return numbers | {"validation_accuracy": step.validation.accuracy, "validation_loss": _plain(step.validation.loss)}


def result_of(
    job: Job,
    state: TrainingState,
    writer: RunWriter,
    *,
    status: str,
    seconds: float,
    losses: Sequence[float],
    last: Evaluation,
    best: Evaluation | None,
    cluster_seconds: Mapping[str, float],
) -> dict[str, Any]:
    """Return the result of a run.

    Parameters
    ----------
    job, state, writer
        Job of the run, its state after the last step, and the writer of its record.
    status : str
        "finished", "interrupted" or "out of time".
    seconds : float
        Duration in seconds.
    losses : sequence of float
        Losses of the last steps.
    last, best : Evaluation
        Evaluation of the last and of the best network on the test set.
    cluster_seconds : dict of float
        Seconds of computing, travelling and waiting, if a cluster computed gradients.
    """
    settings, judged = job.settings, state.best
    result: dict[str, Any] = {
        "test_accuracy": last.accuracy,
        "test_loss": last.loss,
        "train_loss": fmean(losses) if losses else None,
        "seconds": round(seconds, 3),
        "steps": state.steps,
        "weights": job.network.size,
        "model": str(writer.model),
        "run": str(writer.folder),
        "confused_most": [{"true": true, "taken_for": guess, "times": times} for true, guess, times in last.mistakes(5)],
        "images": _images_seen(state.steps, len(job.training.images), settings.batch_size),
        "stopped": stopped_by(judged, settings.patience, settings.target) if status == "finished" else None,
        "notices": writer.notices,
        "status": status,
    }
    if cluster_seconds:
        result["cluster_seconds"] = {name: round(each, 3) for name, each in cluster_seconds.items()}
    if judged is not None and best is not None:
        result["best"] = {
            "step": judged.step,
            "validation_accuracy": judged.accuracy,
            "validation_loss": _plain(judged.loss),
            "test_accuracy": best.accuracy,
            "model": str(writer.best),
        }
    return result


def _plain(number: float) -> float | None:
    """Return the number, or None for infinity and NaN, which JSON does not have."""
    return number if math.isfinite(number) else None


def _images_seen(steps: int, images: int, batch_size: int) -> int:
    """Return the number of images in some steps: the last batch of an epoch may be smaller."""
    epochs, rest = divmod(steps, -(-images // batch_size))
    return epochs * images + rest * batch_size
