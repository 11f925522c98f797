"""Text of a training session: its settings and progress, or its result once it has ended."""

from collections.abc import Iterator
from pathlib import Path

from rich.text import Text

from handmade.runs.session import TrainingSession
from handmade.text.evaluation import summary
from handmade.text.number_format import duration, percent, rate

REASONS = {"interrupted": "stopped after", "out of time": "out of time after"}


def layout(session: TrainingSession) -> Iterator[Text]:
    """Yield the result of a session, or its progress before there is one."""
    if session.result is None:
        settings, total = session.job.settings, session.job.total
        yield Text(f"Training of {Path(settings.network).stem}, {session.job.network.size:,} weights, by {_gradient(session)}")
        yield Text(f"  {session.steps:,} of {total:,} steps done, {len(session.job.training.images):,} images of {settings.data}")
        yield Text(f"Folder: {session.folder}")
    else:
        yield from _result(session)


def _result(session: TrainingSession) -> Iterator[Text]:
    result, settings, evaluation = session.result, session.job.settings, session.evaluation
    assert result is not None
    assert evaluation is not None
    steps = f"{result['steps']:,} {'step' if result['steps'] == 1 else 'steps'}"
    yield Text(
        f"Trained {result['weights']:,} weights by {_gradient(session)}, {REASONS.get(result['status'], 'in')} {steps}: "
        f"{duration(result['seconds'])}, {rate(session.images_per_second)} images/s."
    )
    if result["stopped"] == "target":
        yield Text(f"Stopped early: the validation accuracy has reached {percent(settings.target or 0)}.")
    if result["stopped"] == "patience":
        yield Text(f"Stopped early: no better validation result in {settings.patience} validations.")
    yield from summary(evaluation, "Test accuracy")
    yield Text(f"Model:  {result['model']}{', after the last step' if 'best' in result else ''}")
    if "best" in result:
        best = result["best"]
        yield Text(f"Best:   {best['model']}, of step {best['step']:,}, selected by its validation accuracy,")
        yield Text(f"        {percent(best['validation_accuracy'])}; its test accuracy is {percent(best['test_accuracy'])}.")
    yield Text(f"Record: {result['run']}/run.json and log.jsonl")


def _gradient(session: TrainingSession) -> str:
    settings = session.job.settings
    if settings.gradient == "backprop":
        return "backpropagation"
    return f"{settings.gradient} ({settings.scheme}, h = {settings.step_size:g})"
