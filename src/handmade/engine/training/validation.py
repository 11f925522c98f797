"""Validation during training: the validation set, the best network so far, and early stopping."""

from concurrent.futures import Executor
from dataclasses import dataclass, replace

from handmade.engine.arrays import Array, check_finite
from handmade.engine.errors import HandmadeError
from handmade.engine.evaluation import Evaluation, evaluate
from handmade.engine.losses import check_labels
from handmade.engine.network import Network
from handmade.engine.training.batches import Prepare
from handmade.engine.training.stopping import Best, Stopped, stopped_by


@dataclass(frozen=True, eq=False)
class Validation:
    """Validation set, with the settings of early stopping.

    Parameters
    ----------
    images, labels : Array
        Images (N, ...) and their classes (N,).
    every : int
        Number of steps between two validations; the last step is always followed by one.
    patience, target, prepare, executor
        As for `train`.
    """

    images: Array
    labels: Array
    every: int
    patience: int | None = None
    target: float | None = None
    prepare: Prepare | None = None
    executor: Executor | None = None

    def check(self, network: Network) -> None:
        """Raise HandmadeError unless the validation set fits the network; call this before the training."""
        check_labels(self.labels, len(self.images), network.classes)
        check_finite(self.images)
        some = self.images[:1]
        network.check_images(some if self.prepare is None else self.prepare(some))
        if self.target is not None and not 0 < self.target <= 1:
            raise HandmadeError(f"target: expected an accuracy above 0 and of at most 1; got {self.target}")

    def due(self, number: int, total: int) -> bool:
        """Return True if a validation follows this step."""
        return number % self.every == 0 or number == total

    def evaluate_after(self, network: Network, number: int, best: Best | None) -> tuple[Evaluation, Best]:
        """Evaluate a network after step `number`; return the evaluation and the best validation so far."""
        outcome = evaluate(network, self.images, self.labels, self.prepare, self.executor)
        if best is None or (outcome.accuracy, -outcome.loss) > (best.accuracy, -best.loss):
            return outcome, Best(number, outcome.accuracy, outcome.loss, network)
        return outcome, replace(best, validations_since=best.validations_since + 1)

    def stopped(self, best: Best | None) -> Stopped | None:
        """Return the reason to stop the training, or None if it continues."""
        return stopped_by(best, self.patience, self.target)
