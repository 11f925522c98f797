"""The networks that come with handmade, described in the language of a network file."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from handmade.engine.arguments import as_dtype, as_generator
from handmade.engine.description import build
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
            {"layer": "Conv2d", "filters": 64, "kernel": 3, "padding": 1},
            {"layer": "ReLU"},
            {"layer": "MaxPool2d", "window": 2},
            {"layer": "Conv2d", "filters": 128, "kernel": 3, "padding": 1},
            {"layer": "ReLU"},
            {"layer": "Flatten"},
            {"layer": "Dropout", "rate": 0.3},
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
