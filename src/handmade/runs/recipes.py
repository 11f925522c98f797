"""Recipes: tables of other defaults for the settings. Values that the user gives come first.

They may depend on the data: a digit that is mirrored is another sign, a shoe that is mirrored is a shoe.
"""

from typing import Any

TINY = (
    1e-20  # step size: hardly a ReLU or a pool is contested, and a gradient of 1e-18 still is a normal number of float32 times h
)
RECIPES: dict[str, dict[str, Any]] = {
    "best": {
        "network": "deep",
        "gradient": "backprop",
        "epochs": 10,
        "batch_size": 64,
        "optimiser": "adamw",
        "learning_rate": 0.004,
        "weight_decay": 0.01,
        "schedule": "one-cycle",
        "ema": 0.999,
        "augment": "shift=2,rotation=12,scale=0.12,elastic=0.8",
        "validation": 5000,
        "step_size": TINY,
    },
    "cifar": {
        "data": "cifar-10",
        "standardise": True,
        "network": "cifar",
        "gradient": "difference",
        "step_size": TINY,
        "epochs": 24,
        "batch_size": 128,
        "optimiser": "nesterov",
        "learning_rate": 0.12,
        "l2": 2.5e-4,  # PyTorch's weight_decay of 5e-4, without the biases
        "clip_norm": 2.0,
        "schedule": "one-cycle",
        "augment": "crop=4,flip=0.5,border=reflect",
    },
}

CLOTHES = {
    "augment": "shift=1,flip=0.5",
    "epochs": 20,
    "learning_rate": 0.002,
    "weight_decay": 0.1,
    "label_smoothing": 0.05,
}  # chosen by the accuracy on 5,000 training images, among 24 tries
OF_DATA: dict[tuple[str, str], dict[str, Any]] = {("best", "fashion-mnist"): CLOTHES}


def values(recipe: str, data: str) -> dict[str, Any]:
    """Return the values of a recipe for a data set; none if there is no such recipe."""
    return RECIPES.get(recipe, {}) | OF_DATA.get((recipe, data), {})
