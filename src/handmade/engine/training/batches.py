"""Batches: each is a function of its number, and the next one is made while the current one is used (prefetching)."""

from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias, TypeVar

import numpy as np

from handmade.engine.arguments import check_callable, described, refused
from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError
from handmade.engine.image_arguments import Prepare
from handmade.engine.randomness import AUGMENT, ORDER, generator

Augment: TypeAlias = Callable[[Array, "np.random.Generator"], Array]
Made: TypeAlias = tuple[Array, Array, Array | None]  # images, labels, and weights of the images
Result = TypeVar("Result")


def check_augment(augment: object) -> None:
    """Raise HandmadeError unless this is a function that changes images, or None."""
    if augment is not None:
        check_callable(augment, "augment", "a function (images, rng)", "handmade.data.Augmentation(shift=2)")


@dataclass(frozen=True, eq=False)
class Batches:
    """Batches of labelled images, drawn without replacement in a new order each epoch.

    Parameters
    ----------
    images, labels : Array
        Images (N, ...) and their classes (N,).
        size : int
        Batch size; the last batch of an epoch may be smaller.
        seed : int
        Seed of the order of the images and of the augmentation.
    prepare, augment : callable, optional
        Functions on images, as in `train`.
    weights : Array, (N,), optional
        Weights of the images.
    """

    images: Array
    labels: Array
    size: int
    seed: int
    prepare: Prepare | None = None
    augment: Augment | None = None
    weights: Array | None = None

    @property
    def per_epoch(self) -> int:
        """Number of batches in an epoch."""
        return -(-len(self.images) // self.size)

    def make(self, number: int) -> Made:
        """Return the images of a step, counted from 1, their labels, and their weights or None.

        Raises
        ------
        HandmadeError
            If `augment` does not return images of the same shape and dtype.
        """
        epoch, place = divmod(number - 1, self.per_epoch)
        chosen = _order(len(self.images), self.seed, epoch)[place * self.size : (place + 1) * self.size]
        images = self.images[chosen]
        if self.augment is not None:
            changed = self.augment(images, generator(self.seed, AUGMENT, number))
            if not isinstance(changed, np.ndarray):
                raise refused("augment", "a function that returns images", described(changed))
            if (changed.shape, changed.dtype) != (images.shape, images.dtype):
                raise HandmadeError(
                    f"augment: expected images {images.shape} of {images.dtype}, like its argument; "
                    f"got {changed.shape} of {changed.dtype}"
                )
            images = changed
        weights = None if self.weights is None else self.weights[chosen]
        return images if self.prepare is None else self.prepare(images), self.labels[chosen], weights

    def stream(self, numbers: range) -> Generator[Made, None, None]:
        """Yield one batch after the other; with augmentation, the next one is made in advance by another thread.

        Without augmentation a batch costs so little that a thread would only slow it down.
        """
        return prefetch(self.make, numbers) if self.augment is not None else (self.make(number) for number in numbers)


@lru_cache(maxsize=2)
def _order(images: int, seed: int, epoch: int) -> Array:
    """Return the order of the images in an epoch; it is cached, because every batch of the epoch needs it."""
    order = generator(seed, ORDER, epoch).permutation(images)
    order.setflags(write=False)
    return order


def prefetch(make: Callable[[int], Result], numbers: range) -> Generator[Result, None, None]:
    """Yield make(number) for one number after the other; while one result is used, a thread makes the next.

    The thread ends with the generator, also after an exception.
    """
    if not numbers:
        return
    with ThreadPoolExecutor(1, "batches") as thread:
        waiting = thread.submit(make, numbers[0])
        for following in numbers[1:]:
            made = waiting.result()
            waiting = thread.submit(make, following)
            yield made
        yield waiting.result()
