"""Split of the training images into training and validation set, with the same share of every class as far as possible."""

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.randomness import VALIDATION, generator


def split_validation(labels: Array, count: int, seed: int) -> tuple[Array, Array]:
    """Draw the images of the validation set.

    Parameters
    ----------
    labels : Array, (N,)
        Classes of all images.
    count : int
        Size of the validation set.
    seed : int
        Seed of the random choice.

    Returns
    -------
    training, validation : Array
        Indices of the training images and of the validation images, both in ascending order.

    Raises
    ------
    HandmadeError
        If `count` is below 1, or no training image is left.
    """
    if not 1 <= count < len(labels):
        raise HandmadeError(
            f"validation={count}: expected at least 1 and fewer than the {len(labels):,} training images. "
            f"Try validation={max(1, len(labels) // 10)}"
        )
    rng = generator(seed, VALIDATION)
    _, classes, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    exact = count * sizes / len(labels)
    quotas = np.floor(exact).astype(int)
    largest_rests = np.argsort(quotas - exact, kind="stable")[: count - quotas.sum()]
    quotas[largest_rests] += 1
    kept = [rng.permutation(np.flatnonzero(classes == c))[:quota] for c, quota in enumerate(quotas)]
    validation = np.sort(np.concatenate(kept))
    return np.delete(np.arange(len(labels)), validation), validation
