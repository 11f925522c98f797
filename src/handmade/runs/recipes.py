"""Recipes: tables of other defaults for the settings. Values that the user gives come first.

They may depend on the data: a digit that is mirrored is another sign, a shoe that is mirrored is a shoe. They may depend on the
gradient, too: two losses whose weights differ by 1e-20 are equal in float32, but exact differences are not 0.
"""

from typing import Any

# Both were chosen by the accuracy on 10,000 training images that were kept back; see docs/records.md.
RECIPES: dict[str, dict[str, Any]] = {
    "best": {
        "network": "deep",
        "gradient": "backprop",
        "epochs": 6,
        "batch_size": 64,
        "optimiser": "adamw",
        "learning_rate": 0.004,
        "weight_decay": 0.05,
        "schedule": "one-cycle",
        "ema": 0.999,
        "augment": "shift=2,rotation=12,scale=0.12,elastic=0.5",
        "validation": 5000,
    },
    "cifar": {
        "data": "cifar-10",
        "standardise": True,
        "network": "cifar",
        "gradient": "difference",
        "epochs": 25,
        "batch_size": 64,
        "optimiser": "nesterov",
        "learning_rate": 0.08,
        "l2": 5e-4,  # PyTorch's weight_decay of 1e-3, without the biases
        "clip_norm": 2.0,
        "schedule": "one-cycle",
        "augment": "crop=2,flip=0.5,border=reflect",
        "label_smoothing": 0.1,
    },
}

CLOTHES = {
    "augment": "shift=1,flip=0.5",
    "epochs": 20,
    "learning_rate": 0.002,
    "weight_decay": 0.1,
    "label_smoothing": 0.05,
}  # chosen by the accuracy on 5,000 training images, among 24 tries, when the second pool of `deep` was one layer later
OF_DATA: dict[tuple[str, str], dict[str, Any]] = {("best", "fashion-mnist"): CLOTHES}


# Of deep networks: h is so small that a window is contested only by a tie, and so large that float32 holds h times 1e-17.
OF_GRADIENT: dict[str, dict[str, Any]] = {"difference": {"step_size": 1e-20}}


def values(recipe: str, data: str | None = None, gradient: str | None = None) -> dict[str, Any]:
    """Return the values of a recipe for a data set and a gradient, or for its own; none if there is no such recipe."""
    found = RECIPES.get(recipe, {})
    of_data = OF_DATA.get((recipe, data or found.get("data", "")), {})
    return found | of_data | (OF_GRADIENT.get(gradient or found["gradient"], {}) if found else {})
