"""The end of a training, told to people: how it went, how good the network is, and where everything lies."""

import shlex
from typing import Any

from handmade.cli.console import duration, news, percent, program
from handmade.cli.evaluation import summary
from handmade.cli.settings import Settings
from handmade.engine.evaluation import Evaluation


def tell(result: dict[str, Any], outcome: Evaluation, settings: Settings, speed: float) -> None:
    """Tell it: the result as run.json has it, the last network's outcome on the test images, and the images a second."""
    why = {"interrupted": "stopped by Ctrl-C after", "out of time": "out of time after"}.get(result["status"], "in")
    quotients = f"{settings.gradient} ({settings.scheme}, h = {settings.step_size:g})"
    way = "backpropagation" if settings.gradient == "backprop" else quotients
    news.print(
        f"\nTrained {result['weights']:,} weights by {way}, "
        f"{why} {result['steps']:,} {'step' if result['steps'] == 1 else 'steps'}: {duration(result['seconds'])}, "
        f"{speed:,.0f} images/s."
    )
    if result["stopped"] == "target":
        news.print(f"Stopped there: the validation accuracy has reached {percent(settings.target or 0)}.")
    if result["stopped"] == "patience":
        news.print(f"Stopped there: {settings.patience} validations without a better one.")
    news.print(summary(outcome))
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
