"""Catalogue: the networks that a page may open, by the names of their sources, and the data.

    example         the trained network of the package
    preset:readme   a preset with fresh weights
    run:readme-1    the network of a run in the folder of the runs; run:readme-1/best, that of its best validation
    model           the model or network file that the command was given
    mine            the network of the command, by the functions of a student
    trained:5b1c... weights of a training on a page, see trained.py

A page names a source, never a path.
"""

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from handmade import networks
from handmade.data import Dataset
from handmade.data.dataset import no_images
from handmade.engine.errors import HandmadeError
from handmade.engine.network import Network
from handmade.files.network import MODEL
from handmade.lab.errors import LabError
from handmade.lab.folders import Folders
from handmade.lab.trained import TRAINED, TrainedNetworks
from handmade.runs import inputs, list_runs, read_record
from handmade.runs.data_source import MNIST, DataSource
from handmade.runs.fitting import preset
from handmade.runs.history import RunRecord
from handmade.runs.record import BEST, SETTINGS

EXAMPLE = Path(__file__).parent / "example" / MODEL
PRESET, RUN, BEST_END, MINE = "preset:", "run:", "/best", "mine"


@dataclass(frozen=True, eq=False)
class Opened:
    """A network with its source.

    Attributes
    ----------
    source, title : str
    seed : int
        Seed of fresh weights.
    network : Network
    trained : bool
        False for fresh weights.
    """

    source: str
    title: str
    seed: int
    network: Network
    trained: bool


class Catalogue:
    """Networks that a page may open, and the data.

    Parameters
    ----------
    target : str, optional
        Model, run or preset that the command was given.
    runs : path
        Folder of the runs.
    data : str or DataSource
        Data set, perhaps with options for reading it.
    layers : callable, optional
        (network) -> network: a student's functions in the place of the engine's layers, for the target.

    may_miss_data : bool
        True to open the page without images if the data cannot be read; `problem` is the reason then, else "".

    Raises
    ------
    HandmadeError
        If the target or the data cannot be opened.
    """

    def __init__(
        self,
        target: str | None = None,
        runs: str | os.PathLike[str] = "runs",
        data: str | DataSource = MNIST,
        layers: Callable[[Network], Network] | None = None,
        *,
        may_miss_data: bool = False,
    ) -> None:
        self.runs, self.source = Path(runs), data if isinstance(data, DataSource) else DataSource(data)
        self._layers = layers
        self._target: str | None = None
        self._lock = threading.Lock()
        self._data: Dataset | None = None
        self._known: WeakValueDictionary[tuple[str, int, int], Network] = WeakValueDictionary()
        self.trained = TrainedNetworks(lambda: Folders(self.runs))
        self._engine = self._first(target)  # source of the target, by the engine
        self.first = self._engine if layers is None else MINE
        self.problem = ""
        if self.source != MNIST:
            self.problem = self._read_data(may_miss=may_miss_data)
        self._kept = self.open(self.first)  # in memory, so that the first page does not wait

    def _first(self, target: str | None) -> str:
        if target is None:
            return "example"
        if target in networks.PRESETS:
            return PRESET + target
        folder = Path(target)
        if folder.parent.resolve() == self.runs.resolve() and (folder / SETTINGS).is_file():
            return RUN + folder.name
        self._target = target
        return "model"

    def _read_data(self, *, may_miss: bool) -> str:
        """Read the data; return the reason if they are missing and may be, else raise HandmadeError."""
        try:
            _ = self.data
        except HandmadeError as error:
            if not may_miss:
                raise
            self._data = no_images()
            return str(error)
        return ""

    @property
    def data(self) -> Dataset:
        """Images to choose from, read once."""
        with self._lock:
            if self._data is None:
                self._data = inputs.dataset(self.source)
            return self._data

    def open(self, source: str | None = None, seed: int = 0) -> Opened:
        """Return the network of a source.

        Raises
        ------
        LabError
            If there is no such source.
        HandmadeError
            If it cannot be read.
        """
        source = self.first if source is None else source
        if source == MINE and self._layers is not None:
            opened = self.open(self._engine, seed)
            return replace(opened, source=MINE, network=self._layers(opened.network))
        if source == "example":
            return self._read(source, "example", EXAMPLE)
        if source.startswith(PRESET) and (name := source.removeprefix(PRESET)) in networks.PRESETS:
            network = self._remembered((source, seed, 0), lambda: preset(name, _rng(seed), np.float32, self._own_data))
            return Opened(source, name, seed, network, trained=False)
        if source.startswith(RUN):
            name = source.removeprefix(RUN).removesuffix(BEST_END)
            best = source.endswith(BEST_END)
            return self._read(source, f"{name}, best" if best else name, self.run(name) / (BEST if best else MODEL))
        if source.startswith(TRAINED):
            title, network = self.trained.open(source)
            return Opened(source, title, seed, network, trained=True)
        if source == "model" and self._target is not None:
            return self._open_target(self._target, seed)
        raise LabError(f"source: expected example, preset:NAME, run:NAME or model; got {source!r:.80}", 404, "no_source")

    def keep(self, network: Network, opened: Opened) -> Opened:
        """Return a trained network as an opened one, which can be opened again by its source as long as the server goes on."""
        return replace(opened, source=self.trained.keep(network, opened.title), network=network, trained=True)

    def run(self, name: str) -> Path:
        """Return the folder of a run in the folder of the runs; raise LabError if there is none of that name."""
        if name not in self._folders() or name.startswith("."):
            raise LabError(f"run: expected one of {self.runs}; there is no {name!r:.80}", 404, "no_source")
        return self.runs / name

    def sources(self) -> list[dict[str, Any]]:
        """Return all sources with the facts of each, the newest run first."""
        found = []
        if self._layers is not None:
            found.append(_facts(self.open(MINE), "model"))
        if self._target is not None:
            found.append(_facts(self.open("model"), "model"))
        found += [_facts(self.open("example"), "example")]
        found += [_facts(self.open(PRESET + name), "preset") for name in networks.PRESETS if self._is_possible(name)]
        records = list_runs(self.runs) if self.runs.is_dir() else []
        for record in reversed(records):
            if record.problem:
                continue
            if (record.folder / MODEL).is_file():
                found.append(_of_run(record, ""))
            if (record.folder / BEST).is_file():
                found.append(_of_run(record, BEST_END))
        return found

    @property
    def _own_data(self) -> Dataset | None:
        """Data for which presets are made: those of the user, if there are any."""
        return None if self.source == MNIST or self.problem else self.data

    def _is_possible(self, name: str) -> bool:
        """Return True if the images of the data are large enough for a preset."""
        try:
            self.open(PRESET + name)
        except HandmadeError:
            return False
        return True

    def _open_target(self, target: str, seed: int) -> Opened:
        if target.endswith(".json"):
            network = inputs.fresh_network(target, _rng(seed), np.float32, self._own_data)
            return Opened("model", Path(target).stem, seed, network, trained=False)
        path = Path(target)
        return self._read("model", path.name if path.is_dir() else path.stem, path / MODEL if path.is_dir() else path)

    def _read(self, source: str, title: str, path: Path) -> Opened:
        changed = path.stat().st_mtime_ns if path.is_file() else 0
        return Opened(source, title, 0, self._remembered((source, 0, changed), lambda: inputs.model(path)), trained=True)

    def _remembered(self, key: tuple[str, int, int], make: Any) -> Network:
        """Return a network that some page holds already, or make it."""
        network = self._known.get(key)
        if network is None:
            network = self._known[key] = make()
        return network

    def _folders(self) -> set[str]:
        try:
            return {entry.name for entry in os.scandir(self.runs) if entry.is_dir()}
        except OSError:
            return set()


def _rng(seed: int) -> "np.random.Generator":
    return np.random.default_rng(seed)


def _facts(opened: Opened, kind: str) -> dict[str, Any]:
    kinds = [node.layer.kind for node in opened.network.nodes]
    accuracy = _example_accuracy() if kind == "example" else None
    return {
        "source": opened.source,
        "title": opened.title,
        "kind": kind,
        "weights": opened.network.size,
        "network": ", ".join(kinds[:12]) + (", ..." if len(kinds) > 12 else ""),
        "accuracy": accuracy,
        "status": "trained" if opened.trained else "fresh weights",
        "when": "",
    }


def _example_accuracy() -> float | None:
    """Return the test accuracy that stands in the record of the example."""
    record = read_record(EXAMPLE.parent)
    return record.number("test_accuracy")


def _of_run(record: RunRecord, end: str) -> dict[str, Any]:
    accuracy, weights = None if end else record.number("test_accuracy"), record.number("weights")
    return {
        "source": f"{RUN}{record.folder.name}{end}",
        "title": record.folder.name + (", best" if end else ""),
        "kind": "run",
        "weights": None if weights is None else int(weights),
        "network": record.word("network"),
        "accuracy": accuracy,
        "status": record.status,
        "when": record.word("when"),
    }
