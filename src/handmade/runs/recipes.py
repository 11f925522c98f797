"""Recipes: tables of other defaults for the settings. Values that the user gives come first."""

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
