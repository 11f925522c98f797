"""Data of a block of images for the exact difference of a loss."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.layers import add_rules, rule
from handmade.engine.layers.probabilities import log_softmax
from handmade.engine.losses import CrossEntropy, Loss, MeanSquaredError, split_weights


@dataclass(frozen=True, eq=False)
class LossData:
    """Data of a loss at some logits, for the loops in losses.py.

    Attributes
    ----------
    squared : bool
        True for the mean squared error, False for cross-entropy.
    numbers : Array, (N, K)
        z - t for the mean squared error, log p for cross-entropy.
    target : Array, (N, K) or (N, 0)
        Smoothed target of cross-entropy.
    labels : Array of int, (N,)
        True classes.
    weights : Array, (N,)
        Weights of the images.
    """

    squared: bool
    numbers: Array
    target: Array
    labels: Array
    weights: Array

    def part(self, images: slice | Array) -> "LossData":
        """Return the data of some of the images."""
        arrays = (self.numbers, self.target, self.labels, self.weights)
        return LossData(self.squared, *(array[images] for array in arrays))


def has_loss_data(loss: Loss) -> bool:
    """Return True if there are loops for this loss."""
    return rule(split_weights(loss)[0], "loss_data") is not None


def loss_data(loss: Loss, z: Array, y: Array) -> LossData:
    """Return the data of a loss at the logits z (N, K) of images of the classes y (N,)."""
    terms, weights = split_weights(loss)
    data: LossData = rule(terms, "loss_data")(
        terms, z, y, np.ones(len(z), z.dtype) if weights is None else weights.astype(z.dtype)
    )
    return data


def _of_cross_entropy(loss: Any, z: Array, y: Array, weights: Array) -> LossData:
    K = z.shape[1]
    target = np.full((len(z), K if loss.smoothing else 0), loss.smoothing / K, z.dtype)
    if loss.smoothing:
        target[np.arange(len(z)), y] += 1 - loss.smoothing
    return LossData(False, log_softmax(z), target, np.asarray(y, np.int64), weights)


def _of_mean_squared_error(_loss: Any, z: Array, y: Array, weights: Array) -> LossData:
    distance = (z - (np.arange(z.shape[1]) == y[:, None])).astype(z.dtype)
    return LossData(True, distance, distance[:, :0], np.asarray(y, np.int64), weights)


add_rules(CrossEntropy, loss_data=_of_cross_entropy)
add_rules(MeanSquaredError, loss_data=_of_mean_squared_error)
