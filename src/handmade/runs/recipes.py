"""Recipes: other defaults for the settings, all of them here. A value that is given goes first."""

from typing import Any

from handmade.runs.settings import Settings

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
        "average": 0.999,
        "augment": "shift=2,rotation=12,scale=0.12,elastic=0.8",
        "validation": 5000,
    },
}


def recipe(name: str, **given: Any) -> Settings:
    """Make the settings of a recipe.

    Parameters
    ----------
    name : str
        Name of the recipe, such as "best".
    **given
        Settings that differ from it. `steps` stands in for its epochs.

    Raises
    ------
    SettingError
        If there is no such recipe, or a value cannot be used.
    """
    values = RECIPES.get(name, {}) | given
    if given.get("steps") is not None and "epochs" not in given:
        values.pop("epochs", None)
    return Settings(**{"recipe": name, **values})
