"""Text of a sweep before it begins: the settings that vary, the validation set, and the time."""

from collections.abc import Iterator
from pathlib import Path

from rich.text import Text

from handmade.engine.printable import counted
from handmade.sweep.plan import SEED, Plan, shown
from handmade.sweep.session import Sweep
from handmade.text.class_names import short
from handmade.text.number_format import duration

LISTED = 8  # values of a setting that are shown one by one


def layout(sweep: Sweep) -> Iterator[Text]:
    """Yield the plan of a sweep, its validation set, the estimated time and the folder."""
    plan, ended = sweep.known.plan, sweep.results.ended
    kind = "a grid" if plan.search == "grid" else "a random search"
    yield Text(
        f"Sweep of {counted(len(plan), 'run')}, {kind}, with {short(Path(plan.settings.network).stem)} on {plan.settings.data}:"
    )
    yield from (Text(f"  {name.replace('_', ' ')}: {_values(plan, name)}") for name in plan.varied)
    if SEED not in plan.varied:
        yield Text(f"  seed: {plan.settings.seed} in all runs. Several seeds, such as seed=0..2, show the effect of chance.")
    yield Text(
        f"Selection by the accuracy on a validation set of {plan.settings.validation or 0:,} training images; "
        "the test set has no part in it."
    )
    if ended:
        yield Text(f"{ended:,} of {counted(len(plan), 'run')} have ended.")
    yield Text(f"Estimated time: {duration(sweep.seconds)}{' left' if ended else ''}. Folder: {sweep.folder}")


def _values(plan: Plan, name: str) -> str:
    values = list(dict.fromkeys(run[name] for run in plan.values))
    if len(values) > LISTED:
        numbers = [value for value in values if isinstance(value, int | float)]
        if len(numbers) == len(values):
            return f"{len(values):,} values from {shown(min(numbers))} to {shown(max(numbers))}"
        return f"{', '.join(map(shown, values[:LISTED]))} and {len(values) - LISTED:,} more"
    return ", ".join(map(shown, values))
