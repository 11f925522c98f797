"""How good a network is on images that it has not learnt from."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.losses import CrossEntropy, check_labels
from handmade.engine.network import Network

IMAGES_AT_ONCE = 500  # prepared together: a few megabytes


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The outcome over all images.

    Attributes
    ----------
    loss : float
        The mean cross-entropy, in nats.
    confusion : Array, (classes, classes) of int
        How often an image of the class of the row was taken for that of the column.
    """

    loss: float
    confusion: Array

    @property
    def images(self) -> int:
        """How many there were."""
        return int(self.confusion.sum())

    @property
    def right(self) -> int:
        """How many were classified right."""
        return int(self.confusion.trace())

    @property
    def accuracy(self) -> float:
        """The share that was classified right."""
        return self.right / self.images

    def mistakes(self, most: int) -> list[tuple[int, int, int]]:
        """The most frequent confusions: (true class, taken for, how often), the worst first."""
        wrong = self.confusion.copy()
        np.fill_diagonal(wrong, 0)
        worst = np.argsort(-wrong, axis=None, kind="stable")[:most]
        pairs = ((int(flat) // len(wrong), int(flat) % len(wrong)) for flat in worst)
        return [(true, taken, int(wrong[true, taken])) for true, taken in pairs if wrong[true, taken]]


def evaluate(network: Network, images: Array, labels: Array, prepare: Callable[[Array], Array] | None = None) -> Evaluation:
    """Classify all images.

    Parameters
    ----------
    network : Network
    images : Array, (N, ...)
        Images for the network, or for `prepare`.
    labels : Array, (N,)
        Their classes.
    prepare : callable, optional
        Turns images into what the network wants, such as `handmade.data.prepare`.

    Raises
    ------
    HandmadeError
        If images or labels do not fit the network.
    """
    classes = network.classes
    check_labels(labels, len(images), classes)
    confusion, loss = np.zeros((classes, classes), np.int64), 0.0
    for first in range(0, len(images), IMAGES_AT_ONCE):
        x, y = images[first : first + IMAGES_AT_ONCE], labels[first : first + IMAGES_AT_ONCE]
        z = network.logits(x if prepare is None else prepare(x))
        np.add.at(confusion, (y, z.argmax(axis=-1)), 1)
        loss += float(CrossEntropy().forward(z, y).sum(dtype=np.float64))
    return Evaluation(loss / len(images), confusion)
