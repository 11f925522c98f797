"""Accuracy of a page's network on the first test images, its confusion matrix and its mistakes.

A newer change of the network ends the computation between two blocks of images.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from handmade.data import Dataset, Images, prepare_for
from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.losses import CrossEntropy
from handmade.engine.network import Network
from handmade.engine.parallel import parallel_map
from handmade.lab.structure import classes_of, fits
from handmade.threads import cores, threads

IMAGES = 1000
BLOCK = 100  # images between two looks at a newer change


@dataclass(frozen=True, eq=False)
class Results:
    """Predicted classes of the first test images, and their mean loss."""

    predicted: Array
    loss: float


def results(network: Network, data: Dataset, check: Callable[[], None], images: Images | None = None) -> Results:
    """Classify images on all cores, without `images` the first test images; `check` is called between blocks, and may raise."""
    tested = first(_images(network, data)) if images is None else images
    count = len(tested.labels)
    with threads(cores()) as executor:
        work = partial(_block, network, tested, count, check)
        parts = list(parallel_map(executor, work, list(range(0, count, BLOCK))))
    return Results(np.concatenate([predicted for predicted, _ in parts]), math.fsum(loss for _, loss in parts) / count)


def _block(network: Network, images: Images, count: int, check: Callable[[], None], start: int) -> tuple[Array, float]:
    """Return the predicted classes of some images, and the sum of their losses."""
    check()
    end = min(start + BLOCK, count)
    z = _logits(network, images.images[start:end])
    with np.errstate(over="ignore", invalid="ignore"):  # an overflow shows in the loss
        return z.argmax(axis=1), float(CrossEntropy().forward(z, images.labels[start:end]).sum(dtype=np.float64))


def accuracy(network: Network, data: Dataset, found: Results) -> dict[str, Any]:
    """Return the results as plain data."""
    labels = data.test.labels[: len(found.predicted)]
    confusion = np.zeros((classes_of(network),) * 2, np.int64)
    np.add.at(confusion, (labels, found.predicted), 1)
    right = int((labels == found.predicted).sum())
    return {
        "images": len(labels),
        "right": right,
        "accuracy": right / len(labels),
        "loss": found.loss,
        "confusion": confusion.tolist(),
    }


def first(images: Images) -> Images:
    """Return the first images, those of the confusion matrix."""
    return Images(images.images[:IMAGES], images.labels[:IMAGES])


def some(images: Images, numbers: Array) -> Images:
    """Return the images with these numbers."""
    return Images(images.images[numbers], images.labels[numbers])


def cell(
    network: Network, images: Images, found: Results, true: int, predicted: int, limit: int
) -> tuple[dict[str, Array], dict[str, Any]]:
    """Return the images of one cell of the confusion matrix, and their numbers among all images of the matrix."""
    classes = classes_of(network)
    for name, k in (("true", true), ("predicted", predicted)):
        if k >= classes:
            raise HandmadeError(f"{name}: expected a class from 0 to {classes - 1}; got {k}")
    indices = np.flatnonzero((images.labels == true) & (found.predicted == predicted))[:limit]
    return {"images": images.images[indices]}, {"indices": indices.tolist()}


def next_mistake(network: Network, data: Dataset, after: int, check: Callable[[], None]) -> dict[str, Any]:
    """Return the next test image after a number that the network gets wrong; from the first one again at the end."""
    images = _images(network, data)
    count = len(images.labels)
    first = after + 1 if 0 <= after + 1 < count else 0
    spans = [(first, count), (0, first)]
    for start, end in ((n, min(n + BLOCK, b)) for a, b in spans for n in range(a, b, BLOCK)):
        check()
        predicted = _logits(network, images.images[start:end]).argmax(axis=1)
        wrong = np.flatnonzero(predicted != images.labels[start:end])
        if len(wrong):
            n = int(wrong[0])
            return {"index": start + n, "label": int(images.labels[start + n]), "predicted": int(predicted[n])}
    return {"index": None, "label": None, "predicted": None}


def _logits(network: Network, images: Array) -> Array:
    with np.errstate(over="ignore", invalid="ignore"):  # an overflow shows in the loss
        return network.logits(prepare_for(network)(images))


def _images(network: Network, data: Dataset) -> Images:
    if not fits(network, data):
        raise HandmadeError("accuracy: expected a network that reads the images of the data and tells their classes apart")
    return data.test
