"""Training runs: settings, start, resume, a stream of records, list, compare. Nothing here prints.

>>> from handmade.runs import Settings, start
>>> session = start(Settings(network="readme", steps=100))  # doctest: +SKIP
>>> for progress in session:  # doctest: +SKIP
...     print(progress.step.number, progress.step.loss)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from handmade.runs.comparison import Comparison, compare
    from handmade.runs.cost import Estimate, TooLong
    from handmade.runs.fields import Setting, SettingError
    from handmade.runs.history import RunRecord, list_runs, read_record
    from handmade.runs.launch import resume, start
    from handmade.runs.progress import Progress
    from handmade.runs.session import TrainingSession
    from handmade.runs.settings import Settings
    from handmade.runs.update import explain_next_update

__all__ = [
    "Comparison",
    "Estimate",
    "Progress",
    "RunRecord",
    "Setting",
    "SettingError",
    "Settings",
    "TooLong",
    "TrainingSession",
    "compare",
    "explain_next_update",
    "list_runs",
    "read_record",
    "resume",
    "start",
]

_FROM = {
    "comparison": ("Comparison", "compare"),
    "cost": ("Estimate", "TooLong"),
    "fields": ("Setting", "SettingError"),
    "history": ("RunRecord", "list_runs", "read_record"),
    "launch": ("resume", "start"),
    "progress": ("Progress",),
    "session": ("TrainingSession",),
    "settings": ("Settings",),
    "update": ("explain_next_update",),
}


def __getattr__(name: str) -> Any:
    """Load a module when one of its names is first used: a help text needs only the settings."""
    for module, names in _FROM.items():
        if name in names:
            found = getattr(import_module(f"handmade.runs.{module}"), name)
            globals()[name] = found
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
