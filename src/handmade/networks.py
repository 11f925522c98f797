"""The networks that come with handmade, described in the language of a network file."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from handmade.engine.arguments import as_dtype, as_generator, as_shape
from handmade.engine.description import build
from handmade.engine.errors import HandmadeError
from handmade.network import Network

PRESETS: dict[str, dict[str, Any]] = {
    "readme": {
        "layers": [
            {"layer": "Conv2d", "filters": 8, "kernel": 3},
            {"layer": "ReLU"},
            {"layer": "Conv2d", "filters": 16, "kernel": 3},
            {"layer": "ReLU"},
            {"layer": "MaxPool2d", "window": 2},
            {"layer": "Flatten"},
            {"layer": "Linear", "units": 10},
        ]
    },
    "seed": {
        "layers": [
            {"layer": "Conv2d", "filters": 32, "kernel": 3},
            {"layer": "ReLU"},
            {"layer": "Conv2d", "filters": 64, "kernel": 3},
            {"layer": "ReLU"},
            {"layer": "MaxPool2d", "window": 2},
            {"layer": "Flatten"},
            {"layer": "Linear", "units": 100},
            {"layer": "ReLU"},
            {"layer": "Linear", "units": 10},
        ]
    },
    "deep": {
        "layers": [
            {"layer": "Conv2d", "filters": 32, "kernel": 5},
            {"layer": "ReLU"},
            {"layer": "MaxPool2d", "window": 2},
            {"layer": "Conv2d", "filters": 64, "kernel": 3, "padding": 1},
            {"layer": "ReLU"},
            {"layer": "MaxPool2d", "window": 2},
            {"layer": "Conv2d", "filters": 64, "kernel": 3, "padding": 1},
            {"layer": "ReLU"},
            {"layer": "Conv2d", "filters": 128, "kernel": 3, "padding": 1},
            {"layer": "ReLU"},
            {"layer": "Flatten"},
            {"layer": "Dropout", "rate": 0.3},
            {"layer": "Linear", "units": 10},
        ]
    },
    "cifar": {
        "layers": [
            {"layer": "Conv2d", "filters": 16, "kernel": 3},
            {"layer": "ReLU"},
            {"layer": "Conv2d", "filters": 24, "kernel": 3, "padding": 1},
            {"layer": "ReLU"},
            {"layer": "MaxPool2d", "window": 2},
            {"layer": "Conv2d", "filters": 32, "kernel": 3, "padding": 1},
            {"layer": "ReLU"},
            {"layer": "Conv2d", "filters": 40, "kernel": 3, "padding": 1},
            {"layer": "ReLU"},
            {"layer": "MaxPool2d", "window": 2},
            {"layer": "Conv2d", "filters": 44, "kernel": 3, "padding": 1},
            {"layer": "ReLU"},
            {"layer": "Conv2d", "filters": 48, "kernel": 3, "padding": 1},
            {"layer": "ReLU"},
            {"layer": "AvgPool2d", "window": 4},
            {"layer": "Flatten"},
            {"layer": "Linear", "units": 10},
        ]
    },
}


def readme(rng: "np.random.Generator | int", dtype: DTypeLike = np.float32) -> Network:
    """The network of the README: 28,298 weights, drawn after He et al. (2015); biases are zero."""
    return described(PRESETS["readme"], rng, dtype)


def seed(rng: "np.random.Generator | int", dtype: DTypeLike = np.float32) -> Network:
    """The widths that the project began with: 1,101,526 weights, drawn likewise."""
    return described(PRESETS["seed"], rng, dtype)


def deep(rng: "np.random.Generator | int", dtype: DTypeLike = np.float32) -> Network:
    """Four convolutions, two pools and Dropout, for `handmade train --recipe best`: 176,202 weights, drawn likewise."""
    return described(PRESETS["deep"], rng, dtype)


def cifar(rng: "np.random.Generator | int", dtype: DTypeLike = np.float32) -> Network:
    """Six convolutions for CIFAR-10, for `handmade train --recipe cifar`: 59,302 weights, drawn likewise."""
    return described(for_images(PRESETS["cifar"], (32, 32, 3), 10), rng, dtype)


def for_images(
    description: dict[str, Any], image_shape: Sequence[int], classes: int, class_names: Sequence[str] | None = None
) -> dict[str, Any]:
    """Return a description for other images and classes: its input shape and the units of its last Linear are changed.

    Parameters
    ----------
    description : dict
        Description of a network that ends in Linear, such as a preset.
    image_shape : sequence of int
        Height, width and channels of raw images; `handmade.data.prepare` adds one pixel on each side.
    classes : int
        Number of classes.
    class_names : sequence of str, optional
        Names of the classes.

    Raises
    ------
    HandmadeError
        If the last layer is no Linear.
    """
    *layers, last = description["layers"]
    if last.get("layer") != "Linear":
        raise HandmadeError(f"description: expected a network that ends in Linear, got {last!r:.80}. Add a Linear")
    changed = with_input(description | {"layers": [*layers, {**last, "units": classes}]}, image_shape)
    return changed if class_names is None else changed | {"classes": list(class_names)}


def with_input(description: dict[str, Any], image_shape: Sequence[int]) -> dict[str, Any]:
    """Return a description for raw images (height, width, channels): `handmade.data.prepare` adds a pixel on each side."""
    height, width, channels = as_shape(image_shape, "image_shape", "(28, 28, 1)")
    return {"input": [height + 2, width + 2, channels], **{key: value for key, value in description.items() if key != "input"}}


def described(description: object, rng: "np.random.Generator | int", dtype: DTypeLike = np.float32) -> Network:
    """Make a network from a description (see `handmade.engine.description`), with fresh weights.

    Parameters
    ----------
    description : dict
        Layers by name, with their settings.
    rng : np.random.Generator or int
        Generator of the weights, or its seed.
    dtype : dtype
        Of the weights, float32 or float64.

    Raises
    ------
    HandmadeError
        If the description is wrong; the message names the layer, what it expected and what it got.
    """
    return Network(**build(description, as_generator(rng), as_dtype(dtype)))
