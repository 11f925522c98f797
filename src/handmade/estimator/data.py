"""Data of a fit: rows and shapes of images, classes, and weights of samples."""

import math
from typing import Any

import numpy as np
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, column_or_1d

from handmade.data.split import split_validation
from handmade.engine.arguments import described, is_number, refused
from handmade.engine.arrays import Array, Shape
from handmade.engine.errors import HandmadeError
from handmade.estimator.architecture import as_image_shape
from handmade.estimator.training import Samples


def rows(X: Any) -> tuple[Any, Shape | None]:
    """Return images (N, H, W) or (N, H, W, C) as rows, and their shape; anything else as it is, and None."""
    if getattr(X, "ndim", 2) not in {3, 4}:
        return X, None
    images = np.asarray(X)
    shape = (*images.shape[1:], 1)[:3]
    return images.reshape(len(images), math.prod(shape)), shape


def shape_of(image_shape: Any, given: Shape | None, features: int) -> Shape:
    """Return the shape of one image, by the argument `image_shape`, the shape of X, or the number of features."""
    found = as_image_shape(given if image_shape is None else image_shape, features)
    if given is not None and found != given:
        raise refused("image_shape", f"the shape of an image of X, {given}", described(image_shape), "None")
    return found


def targets(y: Any) -> Array:
    """Return the classes of the samples, (N,); raise ValueError if they are none."""
    found: Array = column_or_1d(y, warn=True)
    check_classification_targets(found)
    return found


def check_two(classes: Array) -> None:
    """Raise HandmadeError unless there are at least two classes."""
    if len(classes) < 2:
        raise HandmadeError(f"y: expected at least two classes, got one class, {described(classes.tolist())}")


def check_same(classes: Array, known: Array, what: str) -> None:
    """Raise HandmadeError unless the classes are those of the trained network."""
    if not np.array_equal(classes, known):
        raise HandmadeError(f"{what}: expected the classes {described(known.tolist())}, got {described(classes.tolist())}")


def check_known(y: Array, known: Array) -> None:
    """Raise HandmadeError unless the network knows the classes of y."""
    unknown = np.setdiff1d(y, known)
    if len(unknown):
        raise HandmadeError(f"y: expected classes among {described(known.tolist())}, got {described(unknown.tolist())}")


def make_samples(
    X: Array, shape: Shape, y: Array, classes: Array, sample_weight: Any, class_weight: dict[Any, float] | str | None
) -> Samples:
    """Return the samples of X (N, features) and y (N,) with the product of both weights, scaled to a mean of 1.

    Samples of weight 0 are left out.

    Raises
    ------
    ValueError
        If the weights cannot be used, or all are 0.
    """
    images, labels = X.reshape(-1, *shape), np.searchsorted(classes, y)
    if sample_weight is None and class_weight is None:
        return Samples(images, labels)
    weights: Array = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    if class_weight is not None:
        weights = weights * compute_class_weight(class_weight, classes=classes, y=y)[labels]
    largest = weights.max()
    if not 0 < largest < np.inf or weights.min() < 0:
        raise HandmadeError(
            f"sample_weight: expected finite weights of at least 0, one of them above 0; got {described(weights)}"
        )
    weights = weights / largest
    used = weights > 0
    if not used.all():
        images, labels, weights = images[used], labels[used], weights[used]
    return Samples(images, labels, weights / weights.mean())


def split(samples: Samples, fraction: Any, seed: int) -> tuple[Samples, Samples]:
    """Return the training samples and the validation set, with the same share of every class as far as possible."""
    if not is_number(fraction) or not 0 < fraction < 1:
        raise refused("validation_fraction", "a number between 0 and 1", described(fraction), "0.1")
    count = max(1, round(fraction * len(samples.labels)))
    if count >= len(samples.labels):
        raise HandmadeError(
            f"validation_fraction={fraction}: expected some training samples beside the validation set; "
            f"got {len(samples.labels)} samples. Try early_stopping=False"
        )
    training, validation = split_validation(samples.labels, count, seed)
    return samples[training], samples[validation]


def names_of(classes: Array) -> list[str] | None:
    """Return the names of the classes for the network; None if they are 0, 1, 2, ..., or no names."""
    names = [str(each) for each in classes.tolist()]
    proper = all(name and name.isprintable() for name in names) and len(set(names)) == len(names)
    return names if proper and names != [str(k) for k in range(len(names))] else None
