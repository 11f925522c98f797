"""Record of one step of a training session."""

from dataclasses import dataclass
from pathlib import Path

from handmade.engine.printable import Printable
from handmade.engine.training import Step
from handmade.engine.training.monitor import Notice


@dataclass(frozen=True, eq=False)
class Progress(Printable):
    """Record of one step, after it was written to the log.

    Attributes
    ----------
    step : Step
        Step as `handmade.train` yields it.
    notices : tuple of Notice
        Signs that the network does not learn; each kind is reported once in a run.
    checkpoint : Path or None
        Checkpoint, if one was written after this step.
    seconds : float
        Seconds of training since the run began, without pauses between sessions.
    remarks : tuple of str
        Remarks since the last step: workers of a cluster that were refused.
    """

    step: Step
    notices: tuple[Notice, ...]
    checkpoint: Path | None
    seconds: float
    remarks: tuple[str, ...] = ()

    def _summary(self) -> str:
        return f"{self.step!r}, {self.seconds:.1f} s"
