"""Summary of a training and of an evaluation, in words."""

import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING

from rich.markup import escape

from handmade.cli.console import duration, news, percent
from handmade.cli.program import program

if TYPE_CHECKING:
    from handmade.engine.evaluation import Evaluation
    from handmade.runs import TrainingSession


def summary(evaluation: "Evaluation", class_name: Callable[[int], str]) -> str:
    """Return accuracy and the most frequent confusions, with the network's names of the classes."""
    lines = [f"Test accuracy {percent(evaluation.accuracy)}: {evaluation.right:,} of {evaluation.images:,} images right."]
    mistakes = [
        f"{escape(class_name(true))} taken for {escape(class_name(taken))} ({count})"
        for true, taken, count in evaluation.mistakes(5)
    ]
    if mistakes:
        lines.append(f"Confused most: {', '.join(mistakes)}.")
    return "\n".join(lines)


def tell(session: "TrainingSession") -> None:
    """Print the end of a training: its speed, its accuracy, its files and the next commands."""
    result, settings, evaluation = session.result, session.job.settings, session.evaluation
    assert result is not None
    assert evaluation is not None
    why = {"interrupted": "stopped by Ctrl-C after", "out of time": "out of time after"}.get(result["status"], "in")
    quotients = f"{settings.gradient} ({settings.scheme}, h = {settings.step_size:g})"
    way = "backpropagation" if settings.gradient == "backprop" else quotients
    news.print(
        f"\nTrained {result['weights']:,} weights by {way}, "
        f"{why} {result['steps']:,} {'step' if result['steps'] == 1 else 'steps'}: {duration(result['seconds'])}, "
        f"{session.images_per_second:,.0f} images/s."
    )
    if result["stopped"] == "target":
        news.print(f"Stopped there: the validation accuracy has reached {percent(settings.target or 0)}.")
    if result["stopped"] == "patience":
        news.print(f"Stopped there: {settings.patience} validations without a better one.")
    news.print(summary(evaluation, session.job.network.class_name))
    news.print(f"Model:  {result['model']}{', after the last step' if 'best' in result else ''}")
    if "best" in result:
        best = result["best"]
        news.print(
            f"Best:   {best['model']}, of step {best['step']:,}: {percent(best['validation_accuracy'])} right on the "
            f"validation images,\n        by which it was chosen, and {percent(best['test_accuracy'])} on the test images."
        )
    news.print(f"Record: {result['run']}/run.json and log.jsonl")
    run, data = shlex.quote(result["run"]), "" if settings.data == "mnist" else f" --data {shlex.quote(settings.data)}"
    if result["status"] != "finished":
        news.print(f"Go on:  {program()} train --resume {run}")
    news.print(f"Next:   {program()} evaluate {run}{data}")
