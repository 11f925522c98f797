"""Evaluation of a network on images that were not used for training: loss, accuracy and confusion matrix."""

from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from handmade.engine.arguments import as_array, check_callable, check_finite, refused
from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.image_arguments import Prepare, as_labels, check_order
from handmade.engine.losses import CrossEntropy
from handmade.engine.network import Network, check_network
from handmade.engine.parallel import as_executor, parallel_map
from handmade.engine.printable import Printable

IMAGES_AT_ONCE = 500  # prepared at a time: a few megabytes


@dataclass(frozen=True, eq=False)
class Evaluation(Printable):
    """Result over all images.

    Attributes
    ----------
    loss : float
        Mean cross-entropy, in nats.
    confusion : Array, (classes, classes) of int
        Confusion matrix: number of images by true class (row) and predicted class (column).
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
        """Number of images."""
        return int(self.confusion.sum())

    @property
    def right(self) -> int:
        """Number of correctly classified images."""
        return int(self.confusion.trace())

    @property
    def accuracy(self) -> float:
        """Share of the images that are classified correctly."""
        return self.right / self.images

    def mistakes(self, most: int) -> list[tuple[int, int, int]]:
        """Return the most frequent confusions, the most frequent first: (true class, predicted class, number of images)."""
        wrong = self.confusion.copy()
        np.fill_diagonal(wrong, 0)
        worst = np.argsort(-wrong, axis=None, kind="stable")[:most]
        pairs = ((int(flat) // len(wrong), int(flat) % len(wrong)) for flat in worst)
        return [(true, taken, int(wrong[true, taken])) for true, taken in pairs if wrong[true, taken]]


def evaluate(
    network: Network,
    images: ArrayLike,
    labels: ArrayLike,
    prepare: Prepare | None = None,
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
        Function that makes inputs of the network from images, such as `handmade.data.prepare`.
    executor : concurrent.futures.Executor, optional
        Executor that processes the images; the calling thread if left out. The result has the same bits with any executor.

    Raises
    ------
    HandmadeError
        If images or labels do not fit the network, or an image holds NaN or infinity.
    """
    images, labels = as_labelled(network, images, labels, prepare, "handmade.evaluate(network, images, labels)")
    classes = network.classes
    blocks = [(images[i : i + IMAGES_AT_ONCE], labels[i : i + IMAGES_AT_ONCE]) for i in range(0, len(images), IMAGES_AT_ONCE)]
    confusion, loss = np.zeros((classes, classes), np.int64), 0.0
    for y, taken, losses in parallel_map(as_executor(executor), partial(_part, network, prepare), blocks):
        np.add.at(confusion, (y, taken), 1)
        loss += losses
    return Evaluation(loss / len(images), confusion, network.class_names)


def as_labelled(
    network: Network, images: ArrayLike, labels: ArrayLike, prepare: Prepare | None, call: str
) -> tuple[Array, Array]:
    """Return images, which the network can read once they are prepared, and their labels, as arrays.

    Parameters
    ----------
    network : Network
    images, labels
        Images, at least one, and their classes; arrays that fit come back as they are.
    prepare : callable, optional
        Tried on the first image.
    call : str
        The right order of the arguments, for advice.

    Raises
    ------
    HandmadeError
        If they do not fit, stand in another order, or an image holds NaN or infinity.
    """
    check_network(network, call)
    try:
        found = network.as_images(images, "images") if prepare is None else _prepared_by(network, images, prepare)
    except HandmadeError:
        check_order(images, labels, "images and labels", call)
        raise
    check_finite(found)
    return found, as_labels(labels, "labels", len(found), network.classes)


def _prepared_by(network: Network, images: Any, prepare: Prepare) -> Array:
    """Return the images as an array, once one of them is prepared as the network expects."""
    check_callable(prepare, "prepare", "a function (images)", "handmade.data.prepare")
    found = as_array(images, "images")
    if found.size == 0:
        raise refused("images", "at least one image", "none")
    if found.ndim < 2:
        raise refused("images", "images (N, ...)", str(found.shape))
    try:
        first = prepare(found[:1])
    except HandmadeError:
        prepare(found)  # for a message with their number
        raise
    network.as_images(first, "prepare(images)")
    return found


def _part(network: Network, prepare: Prepare | None, block: tuple[Array, Array]) -> tuple[Array, Array, float]:
    """Return the labels of some images, their predicted classes, and the sum of their losses."""
    x, y = block
    with np.errstate(over="ignore", invalid="ignore"):  # an overflow shows in the loss
        z = network.logits(x if prepare is None else prepare(x))
        return y, z.argmax(axis=-1), float(CrossEntropy().forward(z, y).sum(dtype=np.float64))
