"""UpdateRule: from a gradient to new weights, by optimiser, schedule, clipping and average."""

from dataclasses import dataclass
from typing import Any, Self

from handmade.engine.arguments import check_methods, described, is_number, refused
from handmade.engine.optim import EMA, Momentum, Optimiser, Schedule, as_optimiser
from handmade.engine.optim.checks import POSITIVE, checked
from handmade.engine.optim.schedules import as_schedule


@dataclass(frozen=True, eq=False)
class UpdateRule:
    """Update rule: optimiser, learning-rate schedule, gradient clipping and moving average of the weights."""

    optimiser: Optimiser
    schedule: Schedule
    clip_norm: float | None
    ema: EMA | None

    def scale(self, done: float) -> float:
        """Return the schedule's factor of the learning rate."""
        factor = self.schedule(done)
        if not is_number(factor):
            raise refused("schedule", "a function that returns a number", described(factor), "handmade.optim.Cosine()")
        return float(factor)

    @classmethod
    def of(cls, optimiser: Optimiser | None, schedule: Schedule, clip_norm: float | None, ema: Any) -> Self:
        """Return the rule of these arguments of `train`; raise HandmadeError if one cannot be used."""
        if ema is not None:
            decay = ema if is_number(ema) and 0 <= ema < 1 else 0.999
            check_methods(ema, "ema", "an EMA", ("start", "step", "parameters"), f"handmade.optim.EMA({decay})")
        largest = None if clip_norm is None else checked("clip_norm", clip_norm, POSITIVE)
        return cls(Momentum() if optimiser is None else as_optimiser(optimiser), as_schedule(schedule), largest, ema)
