"""Plan of a sweep: the settings of every run, by a grid or at random. It is made and checked before anything is trained.

grid      each combination of the values
random    combinations that are drawn; a seed is never drawn: each combination is trained with each seed

The seeds are the outermost loop, so the first runs compare all combinations once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any, Literal

from handmade.engine.arguments import described
from handmade.engine.errors import HandmadeError
from handmade.engine.printable import ShortRepr, counted
from handmade.engine.randomness import SWEEP, generator
from handmade.runs.fields import SettingError
from handmade.runs.settings import Settings
from handmade.sweep.values import MOST, Range, values_of

TRIES = 100  # draws of one combination until it is a new one
SEED = "seed"


@dataclass(frozen=True)
class Plan(ShortRepr):
    """Plan of a sweep.

    Attributes
    ----------
    settings : Settings
        Settings of all runs, but for those that vary.
    varied : tuple of str
        Names of the settings that vary.
    values : tuple of dict
        Values of the settings that vary, by name, for each run.
    search : {"grid", "random"}
        Source of the combinations.
    """

    settings: Settings
    varied: tuple[str, ...]
    values: tuple[dict[str, Any], ...]
    search: Literal["grid", "random"]

    def __len__(self) -> int:
        return len(self.values)

    def _summary(self) -> str:
        return f"{counted(len(self), 'run')}, {self.search}, {', '.join(self.varied)}"

    @property
    def compared(self) -> tuple[str, ...]:
        """Names of the settings that vary, without the seed: runs that differ in the seed alone are one group."""
        return tuple(name for name in self.varied if name != SEED)

    def settings_of(self, number: int) -> Settings:
        """Return the settings of a run, by its number from 0."""
        return Settings(**(self.settings.to_json() | self.values[number]))


def make_plan(settings: Settings, vary: Mapping[str, Any], random: int | None = None) -> Plan:
    """Make the plan of a sweep, and check the settings of each run.

    Parameters
    ----------
    settings : Settings
        Settings of all runs, but for those that vary.
    vary : mapping
        Values by the name of a setting; see `values.py`.
    random : int, optional
        Number of combinations to draw; all combinations if left out.

    Raises
    ------
    HandmadeError
        If a name, a value or a combination cannot be used, or there are more than 10,000 runs.
    """
    if not isinstance(vary, Mapping) or not vary:
        example = '{"learning_rate": [0.01, 0.03, 0.1]}'
        raise SettingError("vary", f"expected values by the names of settings, got {described(vary)}. Try vary={example}")
    if settings.cluster is not None:
        expected = "expected no cluster of a run: in a sweep, a cluster trains several runs"
        raise SettingError("cluster", f"{expected}. Try executor=client.get_executor()")
    found: dict[str, tuple[Any, ...] | Range] = {}
    for given, each in vary.items():
        name, values = str(given).strip().replace("-", "_"), values_of(given, each)
        if name in found:
            raise SettingError(
                "vary", f"expected each setting once, got {name.replace('_', ' ')} twice. Write all of its values in one list"
            )
        found[name] = values
    _check_length(settings, found)
    seeds = found.pop(SEED, None)
    if isinstance(seeds, Range):
        raise SettingError("vary", f"expected a list of seeds, got the range {seeds}. Try seed=0..4")
    combinations = _grid(found) if random is None else _drawn(found, random, (seeds or (settings.seed,))[0])
    varied = (*found, SEED) if seeds is not None else tuple(found)
    repeated = [{}] if seeds is None else [{SEED: seed} for seed in seeds]
    if len(combinations) * len(repeated) > MOST:
        raise _too_many(len(combinations) * len(repeated))
    values = tuple(combination | seed for seed in repeated for combination in combinations)
    plan = Plan(settings, varied, values, "grid" if random is None else "random")
    for number in range(len(plan)):
        check_run(plan, number)
    return plan


def check_run(plan: Plan, number: int) -> Settings:
    """Return the settings of a run; raise HandmadeError, with its values, if they do not fit together."""
    try:
        return plan.settings_of(number)
    except SettingError as error:
        raise HandmadeError(f"The run with {in_words(plan.values[number])}: {error}") from None


def in_words(values: Mapping[str, Any]) -> str:
    """Return values of settings as text: learning rate 0.03, batch size 64."""
    return ", ".join(f"{name.replace('_', ' ')} {shown(value):.80}" for name, value in values.items()) or "these settings"


def shown(value: Any) -> str:
    """Return a value of a setting as text: 0.03, none, yes."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _check_length(settings: Settings, vary: Mapping[str, Any]) -> None:
    """Refuse epochs that would have no effect, because the number of steps is set."""
    if "epochs" in vary and (settings.steps is not None or "steps" in vary):
        raise SettingError("vary", "expected epochs or steps, got both. Try without steps")


def _grid(vary: Mapping[str, tuple[Any, ...] | Range]) -> list[dict[str, Any]]:
    """Return every combination; the last setting changes first."""
    for name, values in vary.items():
        if isinstance(values, Range):
            ends = f"{values.low:g}..{values.high:g}"
            raise SettingError(
                "vary",
                f"expected the values of {name.replace('_', ' ')} for a grid, got the range {ends}. "
                f"Try {name.replace('_', '-')}={ends}:5{':log' if values.log else ''} for 5 values, or a random search",
            )
    lists = [values for values in vary.values() if not isinstance(values, Range)]
    count = prod(map(len, lists))
    if count > MOST:
        raise _too_many(count)
    return [dict(zip(vary, values, strict=True)) for values in product(*lists)]


def _drawn(vary: Mapping[str, tuple[Any, ...] | Range], count: object, seed: int) -> list[dict[str, Any]]:
    """Draw different combinations."""
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= MOST:
        raise SettingError("random", f"expected an integer from 1 to {MOST:,}, got {described(count)}. Try random=20")
    if not vary:
        raise SettingError("random", "expected a setting to draw, got none beside the seed. Try learning-rate=0.001..0.1:log")
    lists = [values for values in vary.values() if not isinstance(values, Range)]
    possible = prod(map(len, lists)) if len(lists) == len(vary) else None
    if possible is not None and count > possible:
        raise SettingError(
            "random", f"expected at most {possible:,} combinations of these values, got {count:,}. Try leaving it out, for a grid"
        )
    rng, found = generator(seed, SWEEP), dict[tuple[Any, ...], None]()
    for _ in range(TRIES * count):
        found[tuple(_one(values, rng) for values in vary.values())] = None
        if len(found) == count:
            return [dict(zip(vary, values, strict=True)) for values in found]
    raise SettingError("random", f"expected ranges with {count:,} different combinations, got fewer. Try a smaller number")


def _one(values: tuple[Any, ...] | Range, rng: Any) -> Any:
    return values.draw(rng) if isinstance(values, Range) else values[int(rng.integers(len(values)))]


def _too_many(count: int) -> SettingError:
    return SettingError("vary", f"expected at most {MOST:,} runs, got {count:,}. Try fewer values, or a random search")
