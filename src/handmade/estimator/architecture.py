"""Network of an estimator: for the shape of its images and the number of its classes.

An image is (height, width, channels). A sample that is no image is a vector: one pixel with a channel for each feature.
"""

import math
import os
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np

from handmade import networks
from handmade.engine.arguments import as_shape, described, refused
from handmade.engine.arrays import Shape
from handmade.engine.errors import HandmadeError
from handmade.engine.preparation import Preparation
from handmade.network import Network
from handmade.runs import inputs
from handmade.runs.fitting import completed

SMALLEST_SIDE = 8  # of a square image that is inferred from the number of features: 64 is 8 x 8, but 9 or 16 are features
PADDING = 1  # around an image whose network does not say its input, as around a digit of MNIST: 28 x 28 becomes 30 x 30
FILTERS, UNITS, DROPOUT = (16, 32), 100, 0.3


def as_image_shape(image_shape: Any, features: int) -> Shape:
    """Return the shape of an image (H, W, C); inferred from the number of features if none is given.

    Raises
    ------
    HandmadeError
        If it is no shape of an image, or its size is not the number of features.
    """
    if image_shape is None:
        side = math.isqrt(features)
        return (side, side, 1) if side >= SMALLEST_SIDE and side * side == features else (1, 1, features)
    shape = as_shape(image_shape, "image_shape", "(28, 28)")
    if len(shape) not in {2, 3}:
        raise refused("image_shape", "(height, width) or (height, width, channels)", described(image_shape), "(28, 28)")
    found = shape if len(shape) == 3 else (*shape, 1)
    if math.prod(found) != features:
        raise refused("image_shape", f"the shape of {features} numbers, as X has features", described(image_shape), "None")
    return found


def default_layers(shape: Shape) -> list[dict[str, Any]]:
    """Return layers for images of a shape: two convolutions, or one hidden layer for vectors."""
    H, W, _ = shape
    if H == W == 1:
        return [{"layer": "Flatten"}, {"layer": "Linear", "units": UNITS}, {"layer": "ReLU"}]
    layers: list[dict[str, Any]] = []
    for filters in FILTERS:
        kernel = [3 if side >= 3 else 1 for side in (H, W)]
        window = [2 if side >= 4 else 1 for side in (H, W)]
        layers += [
            {"layer": "Conv2d", "filters": filters, "kernel": kernel, "padding": [k // 2 for k in kernel]},
            {"layer": "ReLU"},
            {"layer": "MaxPool2d", "window": window},
        ]
        H, W = H // window[0], W // window[1]
    return [*layers, {"layer": "Flatten"}, {"layer": "Dropout", "rate": DROPOUT}]


def make_network(network: Any, shape: Shape, classes: int, rng: "np.random.Generator", dtype: str) -> Network:
    """Make the network that the argument `network` of an estimator means.

    Parameters
    ----------
    network
        None, a preset, a path, a description, a list of layers, or a Network; see `CNNClassifier`.
    shape : tuple of int
        Shape of one image (H, W, C).
    classes : int
        Number of classes. A description is adapted to it: the last Linear gets one unit for each.
    rng : np.random.Generator
        Generator of new weights.
    dtype : {"float32", "float64"}

    Raises
    ------
    HandmadeError
        If there is no such network, or it does not fit the images or the classes.
    """
    if isinstance(network, os.PathLike):
        network = os.fspath(network)
    try:
        if isinstance(network, str) and inputs.is_model(network):
            network = inputs.model(Path(network))
            if network.preparation is None:  # trained by `handmade train`, with the preparation of a digit
                network = completed(network, Preparation(padding=padding_of(network, shape)), network.class_names)
        if isinstance(network, list | tuple) and not all(isinstance(layer, dict) for layer in network):
            network = Network(network, shape)
        made: Network = network if isinstance(network, Network) else _from_description(network, shape, classes, rng)
        _check_fit(made, shape, classes)
    except HandmadeError as error:
        raise HandmadeError(f"network: {error}") from None
    return _of_dtype(made, dtype)


def in_double_precision(network: Network) -> Network:
    """Return the network in float64 for predictions: those of one sample then do not depend on the others in float32 digits."""
    return _of_dtype(network, "float64")


def _of_dtype(network: Network, dtype: str) -> Network:
    arrays = network.parameters() | network.statistics()
    return network.replace({name: array.astype(dtype, copy=False) for name, array in arrays.items()})


def _check_fit(network: Network, shape: Shape, classes: int) -> None:
    """Raise HandmadeError unless a network has weights, and fits the images and the classes."""
    if not network.size:
        raise HandmadeError("expected a network with weights, got one without. Try adding a Linear or a Conv2d")
    padding_of(network, shape)
    if network.classes != classes:
        raise HandmadeError(f"expected {classes} logits, one for each class of y; got {network.classes}")


def _from_description(given: Any, shape: Shape, classes: int, rng: "np.random.Generator") -> Network:
    """Make a network with new weights from a preset, a JSON file, a description or nothing."""
    if given is None:
        last = {"layer": "Linear", "units": classes}
        return networks.described({"input": list(shape), "layers": [*default_layers(shape), last]}, rng, np.float64)
    if isinstance(given, str):
        description: Any = networks.PRESETS[given] if given in networks.PRESETS else inputs.description_file(Path(given))
    else:
        description = {"layers": list(given)} if isinstance(given, list | tuple) else given
    if not isinstance(description, dict) or not isinstance(description.get("layers"), Sequence) or not description["layers"]:
        presets = ", ".join(networks.PRESETS)
        raise HandmadeError(f"expected None, one of {presets}, a path, layers or a Network; got {described(given)}. Try 'readme'")
    return networks.described(_fitted(description, shape, classes), rng, np.float64)


def _fitted(description: dict[str, Any], shape: Shape, classes: int) -> dict[str, Any]:
    """Return a description for images of a shape, padded if it states no input; its last Linear has a unit for each class."""
    fitted = deepcopy(description)
    H, W, C = shape
    fitted.setdefault("input", [H + 2 * PADDING, W + 2 * PADDING, C])
    last = next((each for each in reversed(fitted["layers"]) if isinstance(each, dict) and each.get("layer") == "Linear"), None)
    if last is not None:
        last["units"] = classes
    if fitted.get("classes") is not None and len(fitted["classes"]) != classes:
        del fitted["classes"]
    return fitted


def padding_of(network: Network, shape: Shape) -> int:
    """Return the number of rows and columns around an image that make it an input of a network.

    Raises
    ------
    HandmadeError
        If none do.
    """
    expected = network.input_shape
    if len(expected) == 3 and expected[2] == shape[2]:
        rows, columns = expected[0] - shape[0], expected[1] - shape[1]
        if rows == columns >= 0 and rows % 2 == 0:
            return rows // 2
    raise HandmadeError(f"expected an input {shape}, as image_shape has, perhaps padded; the network reads {expected}")
