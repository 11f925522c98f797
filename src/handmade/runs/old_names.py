"""Old names of settings and values in run.json, with their new names. No other file contains the old names."""

from collections.abc import Mapping
from typing import Any

SETTINGS = {"clip": "clip_norm", "average": "ema", "keep": "keep_checkpoints"}
VALUES = {"loss": {"squares": "mse"}}


def in_new_names(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of run.json with new names; new names stay unchanged."""
    renamed = _renamed(record)
    changes = renamed.get("changes")
    if isinstance(changes, list):
        renamed["changes"] = [_renamed(change) if isinstance(change, dict) else change for change in changes]
    return renamed


def _renamed(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with new names and values; a value may be a list of two values, before and after a change."""
    renamed = {SETTINGS.get(name, name): value for name, value in settings.items()}
    for name, values in VALUES.items():
        if name in renamed:
            renamed[name] = _value(renamed[name], values)
    return renamed


def _value(value: Any, values: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [_value(each, values) for each in value]
    return values.get(value, value) if isinstance(value, str) else value
