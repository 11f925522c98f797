"""Images kept out of the training set, to judge by: as far as possible the same share of every class."""

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.randomness import VALIDATION, generator


def split_validation(labels: Array, count: int, seed: int) -> tuple[Array, Array]:
    """Draw the images to keep out.

    Parameters
    ----------
    labels : Array, (N,)
        The classes of all images.
    count : int
        How many to keep out.
    seed : int
        What the choice follows from.

    Returns
    -------
    training, validation : Array
        The numbers of the images that stay, and of those that are kept out, both in ascending order.

    Raises
    ------
    HandmadeError
        If it is not possible to keep out so many and have one left to learn from.
    """
    if not 1 <= count < len(labels):
        raise HandmadeError(
            f"validation wants at least 1 image and fewer than the {len(labels):,} there are to learn from; got {count:,}"
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
