"""A data set and a network so small that a training takes no time: noise in which one bright pixel tells the class."""

import struct
from pathlib import Path
from typing import Any

import numpy as np

from handmade.engine.arrays import Array

FILES = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]
TINY: dict[str, Any] = {
    "input": [8, 8, 1],
    "layers": [
        {"layer": "Conv2d", "filters": 2, "kernel": 3},
        {"layer": "ReLU"},
        {"layer": "MaxPool2d", "window": 2},
        {"layer": "Flatten"},
        {"layer": "Linear", "units": 10},
    ],
}


def idx(array: Array) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


def write_digits(folder: Path, train: int, test: int) -> None:
    """Images of 6 x 6 pixels."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for part, count in enumerate([train, test]):
        labels = np.arange(count) % 10
        images = rng.integers(0, 60, (count, 6, 6))
        images[np.arange(count), labels // 5 + 1, labels % 5] = 255
        (folder / FILES[2 * part]).write_bytes(idx(images))
        (folder / FILES[2 * part + 1]).write_bytes(idx(labels))
