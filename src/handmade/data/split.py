"""Split of images into two sets, with the same share of every class as far as possible."""

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.randomness import TEST, VALIDATION, generator


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
    _, sizes = np.unique(labels, return_counts=True)
    exact = count * sizes / len(labels)
    quotas = np.floor(exact).astype(int)
    largest_rests = np.argsort(quotas - exact, kind="stable")[: count - quotas.sum()]
    quotas[largest_rests] += 1
    return _drawn(labels, quotas, generator(seed, VALIDATION))


def split_test(labels: Array, share: float, seed: int, source: str) -> tuple[Array, Array]:
    """Draw a share of the images of each class for testing; at least one, but a class keeps an image to train on.

    Parameters
    ----------
    labels : Array, (N,)
        Classes of all images.
    share : float
        Share of the test images, between 0 and 1.
    seed : int
        Seed of the random choice.
    source : str
        Name of the data, for messages.

    Returns
    -------
    training, test : Array
        Indices of the training images and of the test images, both in ascending order.

    Raises
    ------
    HandmadeError
        If no test image is left.
    """
    _, sizes = np.unique(labels, return_counts=True)
    quotas = np.minimum(np.maximum(np.rint(share * sizes).astype(int), 1), sizes - 1)
    if not quotas.sum():
        raise HandmadeError(
            f"{source}: expected enough images to keep {100 * share:g} % of a class for testing, got {len(labels)} images of "
            f"{len(sizes)} classes. Try more images, or a larger test_share=..."
        )
    return _drawn(labels, quotas, generator(seed, TEST))


def _drawn(labels: Array, quotas: Array, rng: "np.random.Generator") -> tuple[Array, Array]:
    """Return the indices that are left, and those of the given number drawn from each class."""
    _, classes = np.unique(labels, return_inverse=True)
    kept = [rng.permutation(np.flatnonzero(classes == c))[:quota] for c, quota in enumerate(quotas)]
    chosen = np.sort(np.concatenate(kept))
    return np.delete(np.arange(len(labels)), chosen), chosen
