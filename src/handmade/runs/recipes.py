"""Recipes: tables of other defaults for the settings. Values that the user gives come first.

Augmentation depends on the images: a digit that is mirrored is another sign, a shoe that is mirrored is a shoe.
"""

from typing import Any

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
    },
}

MIRRORED = {
    "fashion-mnist": "shift=2,flip=0.5",
    "cifar-10": "shift=4,flip=0.5",
}  # augmentations of data sets whose images may be mirrored


def values(recipe: str, data: str) -> dict[str, Any]:
    """Return the values of a recipe for a data set; none if there is no such recipe."""
    found = dict(RECIPES.get(recipe, {}))
    if "augment" in found and data in MIRRORED:
        found["augment"] = MIRRORED[data]
    return found
