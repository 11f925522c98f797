"""Data of a run or a command: the name that users type, and the options for reading it. Nothing is read here."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

from handmade.engine.errors import HandmadeError


@dataclass(frozen=True)
class DataSource:
    """Name of a data set, and options for reading it; see the settings of the same names.

    `data` is the name. `str()` of the object is the name alone.
    """

    data: str = "mnist"
    resize: str | None = None
    grey: bool = False
    test_share: float = 0.2
    skip_unreadable: bool = False

    def __str__(self) -> str:
        return self.data

    @property
    def options(self) -> dict[str, Any]:
        """Options, as `handmade.data.load` takes them."""
        return {each: getattr(self, each) for each in NAMES if each != "data"}

    @classmethod
    def of(cls, known: Mapping[str, Any]) -> Self:
        """Return the data that settings, or the content of run.json, name."""
        return cls(**{name: known[name] for name in NAMES if name in known})


NAMES = tuple(each.name for each in fields(DataSource))
MNIST = DataSource()


def of_target(target: object) -> DataSource:
    """Return the data of the run that a model belongs to; MNIST if it belongs to none."""
    from handmade.runs.inputs import run_with  # noqa: PLC0415  a help text needs no engine
    from handmade.runs.record import read_run_json  # noqa: PLC0415

    if target is None:
        return MNIST
    with suppress(HandmadeError, OSError, TypeError):
        run = run_with(Path(str(target)))
        if run is not None:
            return DataSource.of(read_run_json(run))
    return MNIST
