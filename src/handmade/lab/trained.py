"""Weights that pages took over from their trainings, kept as files under a hash until the server ends.

    trained:5b1c...     a source such as those of the catalogue, so that links, Back, reload, undo and redo find it

The hash is that of the file, so the same weights have one name. The files are removed when the server ends; those of a killed
server, by the next one.
"""

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from handmade.engine.network import Network
from handmade.files.network import MODEL
from handmade.lab.errors import LabError
from handmade.lab.folders import Folders
from handmade.network import Network as SavedNetwork
from handmade.network import load

TRAINED = "trained:"  # prefix of their sources
MOST, MOST_BYTES = 200, 2**30  # networks that are kept, and bytes; the one that was not opened for the longest time goes first
DIGITS = 32  # of a hash


@dataclass(frozen=True)
class _Kept:
    """Facts about a file."""

    title: str
    path: Path
    size: int


class TrainedNetworks:
    """Networks from trainings, by the hash of their weights.

    Parameters
    ----------
    folders : callable
        Return the folders of the runs: it is called when the first network comes.
    """

    def __init__(self, folders: Callable[[], Folders]) -> None:
        self._new_folders = folders
        self._folders: Folders | None = None
        self._kept: dict[str, _Kept] = {}  # the last opened last
        self._lock = threading.Lock()

    def keep(self, network: Network, title: str) -> str:
        """Write a network, and return its source."""
        with self._lock:
            if self._folders is None:
                self._folders = self._new_folders()
            folder = self._folders.new()
            folder.mkdir()
            path = folder / MODEL
            assert isinstance(network, SavedNetwork)  # training keeps the class of the network
            network.save(path)
            name = hashlib.sha256(path.read_bytes()).hexdigest()[:DIGITS]
            if (known := self._kept.pop(name, None)) is not None:
                self._folders.remove(known.path.parent)
            self._kept[name] = _Kept(title, path, path.stat().st_size)
            self._drop()
            return TRAINED + name

    def open(self, source: str) -> tuple[str, Network]:
        """Return title and network of a source.

        Raises
        ------
        LabError
            If it is not here.
        """
        name = source.removeprefix(TRAINED)
        with self._lock:
            kept = self._kept.pop(name, None)
            if kept is None:
                raise LabError(
                    "source: expected weights of a training on this server; these are gone, as the server was started again. "
                    'Train again, and use "Save as a run" to keep the weights',
                    404,
                    "no_weights",
                )
            self._kept[name] = kept
            return kept.title, load(kept.path)

    def close(self) -> None:
        """Remove all of them."""
        with self._lock:
            self._kept.clear()
            if self._folders is not None:
                self._folders.close()
                self._folders = None

    def _drop(self) -> None:
        while len(self._kept) > MOST or (len(self._kept) > 1 and sum(each.size for each in self._kept.values()) > MOST_BYTES):
            first = self._kept.pop(next(iter(self._kept)))
            assert self._folders is not None
            self._folders.remove(first.path.parent)
