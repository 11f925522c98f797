"""A small network for slow loops: one convolution, ReLU, max-pool, linear layer. It is a file in the student's folder.

Its trained weights are made when they are first needed, by backpropagation with the engine, and kept beside it. They are the same
on every machine up to rounding.
"""

import json
from pathlib import Path

import numpy as np

from handmade.data import mnist, prepare
from handmade.engine import backend
from handmade.engine.description import build, describe
from handmade.engine.errors import HandmadeError
from handmade.engine.gradients import backprop
from handmade.engine.optim import SCHEDULES, Momentum
from handmade.engine.training import train
from handmade.files.atomic import write_atomically
from handmade.files.network import Network, load_model

FILE, TRAINED = "small.json", "small.safetensors"
DESCRIPTION = {
    "layers": [
        {"layer": "Conv2d", "filters": 4, "kernel": 3},
        {"layer": "ReLU"},
        {"layer": "MaxPool2d", "window": 2},
        {"layer": "Flatten"},
        {"layer": "Linear", "units": 10},
    ]
}
IMAGES, BATCH, RATE = 9600, 8, 0.05  # of the packaged MNIST


def small_file(folder: Path) -> Path:
    """Return the network file in the student's folder; it is written if it is absent."""
    path = folder / FILE
    if not path.exists():
        layers = ",\n".join(f"    {json.dumps(layer)}" for layer in DESCRIPTION["layers"])
        write_atomically(path, f'{{\n  "layers": [\n{layers}\n  ]\n}}\n'.encode())
    return path


def trained_file(folder: Path) -> Path:
    """Return the model file of the trained network in the student's folder; the network is trained if it is absent or damaged."""
    path = folder / TRAINED
    small = Network(**build(DESCRIPTION, np.random.default_rng(0)))
    try:
        if describe(load_model(path)) == describe(small):
            return path
    except (HandmadeError, OSError):
        pass  # it is trained again below
    digits = mnist().train
    images, labels = digits.images[:IMAGES], digits.labels[:IMAGES]
    weights = small.parameters()
    with backend.use_backend("plain"):
        steps = train(
            small,
            images,
            labels,
            gradient=backprop,
            optimiser=Momentum(RATE),
            schedule=SCHEDULES["linear"],
            batch_size=BATCH,
            prepare=prepare,
        )
        for step in steps:
            weights = step.state.network.parameters()
    small.replace(weights).save(path)
    return path


def trained(folder: Path) -> Network:
    """Return the trained network."""
    return load_model(trained_file(folder))
