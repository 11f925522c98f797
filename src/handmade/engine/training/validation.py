"""Validation during training: the validation set, the best network so far, and early stopping."""

from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Any, Self

from handmade.engine.arguments import described, is_number, refused
from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.evaluation import Evaluation, as_labelled, evaluate
from handmade.engine.image_arguments import Prepare
from handmade.engine.network import Network
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

    @classmethod
    def of(cls, network: Network, pair: Any, every: int, **options: Any) -> Self:
        """Return the validation by a pair (images, labels), once it is known that the network can read them.

        Raises
        ------
        HandmadeError
            If this is no such pair, or the target is no accuracy.
        """
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise refused("validation", "a pair (images, labels)", described(pair), "(images[-500:], labels[-500:])")
        images, labels = pair
        try:
            images, labels = as_labelled(network, images, labels, options["prepare"], "validation=(images, labels)")
        except HandmadeError as error:
            raise HandmadeError(f"validation: {error}") from None
        target = options["target"]
        if target is not None and not (is_number(target) and 0 < target <= 1):
            raise refused("target", "an accuracy above 0 and of at most 1", described(target), "target=0.98")
        return cls(images, labels, every, **options)

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
