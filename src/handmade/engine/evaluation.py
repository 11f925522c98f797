"""How good a network is on images that it has not learnt from."""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

import numpy as np

from handmade.engine.arrays import Array, check_finite
from handmade.engine.losses import CrossEntropy, check_labels
from handmade.engine.network import Network
from handmade.engine.printable import Printable
from handmade.engine.sharing import mapped

IMAGES_AT_ONCE = 500  # prepared together: a few megabytes


@dataclass(frozen=True, eq=False)
class Evaluation(Printable):
    """The outcome over all images.

    Attributes
    ----------
    loss : float
        The mean cross-entropy, in nats.
    confusion : Array, (classes, classes) of int
        Number of images by true class (row) and predicted class (column).
    class_names : tuple of str, optional
        Names of the classes.
    """

    loss: float
    confusion: Array
    class_names: tuple[str, ...] | None = None

    def _summary(self) -> str:
        return f"accuracy {100 * self.accuracy:.2f} %, {self.images:,} images, loss {self.loss:.4g}"

    def class_name(self, k: int) -> str:
        """Return the name of a class: its number, unless the classes have names."""
        return str(k) if self.class_names is None else self.class_names[k]

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


def evaluate(
    network: Network,
    images: Array,
    labels: Array,
    prepare: Callable[[Array], Array] | None = None,
    executor: Executor | None = None,
) -> Evaluation:
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
    executor : concurrent.futures.Executor, optional
        Where the images are shared out; this thread if left out. The result has the same bits with any executor.

    Raises
    ------
    HandmadeError
        If images or labels do not fit the network, or an image holds NaN or infinity.
    """
    classes = network.classes
    check_labels(labels, len(images), classes)
    check_finite(images)
    blocks = [(images[i : i + IMAGES_AT_ONCE], labels[i : i + IMAGES_AT_ONCE]) for i in range(0, len(images), IMAGES_AT_ONCE)]
    confusion, loss = np.zeros((classes, classes), np.int64), 0.0
    for y, taken, losses in mapped(executor, partial(_part, network, prepare), blocks):
        np.add.at(confusion, (y, taken), 1)
        loss += losses
    return Evaluation(loss / len(images), confusion, network.class_names)


def _part(network: Network, prepare: Callable[[Array], Array] | None, block: tuple[Array, Array]) -> tuple[Array, Array, float]:
    """Of some images: the labels, what they are taken for, and the sum of their losses."""
    x, y = block
    with np.errstate(over="ignore", invalid="ignore"):  # an overflow shows in the loss
        z = network.logits(x if prepare is None else prepare(x))
        return y, z.argmax(axis=-1), float(CrossEntropy().forward(z, y).sum(dtype=np.float64))
