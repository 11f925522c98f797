"""Checkpoints: the state of a training, in RUN/checkpoints/step-00000123.safetensors, written atomically.

The arrays of the state have prefixes, "network/0.W", "memory/v/0.W", "average/a/0.W", "best/0.W"; the rest is JSON in the
metadata. The metadata also holds a SHA-256 of the complete file, computed with a placeholder instead of the digest. If one bit is
wrong, the file is not used.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from handmade.engine.arrays import Array
from handmade.engine.description import describe
from handmade.engine.errors import HandmadeError
from handmade.engine.network import Network
from handmade.engine.optim import EMA, Optimiser
from handmade.engine.printable import ShortRepr
from handmade.engine.training.state import TrainingState, arrays_of
from handmade.engine.training.stopping import Best
from handmade.files.atomic import write_atomically
from handmade.files.tensors import loads

CHECKPOINTS = "checkpoints"  # name of the folder inside the run
VERSION = 1
KIND, DIGEST = "handmade checkpoint", "sha256"  # keys of the metadata
PLACEHOLDER = "the sha256 of this file, with these words in place of the digest"  # same length as a digest
LARGEST = 2**32  # bytes: larger files are not checkpoints, and are not read into memory


class Damaged(HandmadeError):
    """Error for a file that cannot be used as a checkpoint."""


@dataclass(frozen=True, eq=False)
class Checkpoint(ShortRepr):
    """Content of a complete checkpoint file; it may still belong to another training.

    Attributes
    ----------
    arrays : dict of Array
        Arrays of the state, with their prefixes.
    step : int
        Number of the last step before it was written.
    best : dict or None
        Step, accuracy, loss and age of the best validation.
    network : dict
        Description of the network.
    fingerprint, seconds, settings
        Values that were passed to `Checkpoints.write`.
    """

    arrays: dict[str, Array]
    step: int
    best: dict[str, Any] | None
    network: dict[str, Any]
    fingerprint: str
    seconds: float
    settings: dict[str, Any]

    def __post_init__(self) -> None:
        number = int | float
        types = {"step": int, "best": dict | None, "network": dict, "fingerprint": str, "seconds": number, "settings": dict}
        of_best = {"step": int, "accuracy": number, "loss": number, "ago": int}
        best = of_best if self.best is None else self.best
        if not all(isinstance(getattr(self, name), kind) for name, kind in types.items()) or best.keys() != of_best.keys():
            raise HandmadeError(
                "checkpoint: expected step, best, network, fingerprint, seconds and settings of the right types; got others"
            )

    def state(self, network: Network, optimiser: Optimiser, ema: EMA | None) -> TrainingState:
        """Return the state of the training, for a network with the same description.

        Raises
        ------
        HandmadeError
            If the arrays do not fit this network, optimiser and average.
        """
        state = TrainingState(
            self.step,
            self._network("network/", network),
            self._part("memory/"),
            None if ema is None else self._part("average/"),
            None if self.best is None else self._best(self.best, network),
        )
        state.check(network, optimiser, ema)
        return state

    def _best(self, best: dict[str, Any], network: Network) -> Best:
        return Best(best["step"], best["accuracy"], best["loss"], self._network("best/", network), best["ago"])

    def _network(self, prefix: str, network: Network) -> Network:
        arrays = self._part(prefix)
        if arrays.keys() != arrays_of(network).keys():
            raise HandmadeError(f"checkpoint: expected the arrays {', '.join(arrays_of(network))}; got {', '.join(arrays)}")
        return network.replace(arrays)

    def _part(self, prefix: str) -> dict[str, Array]:
        return {name.removeprefix(prefix): array for name, array in self.arrays.items() if name.startswith(prefix)}


@dataclass(frozen=True)
class Checkpoints:
    """Checkpoints of one run.

    Parameters
    ----------
    run : Path
        Folder of the run.
    keep : int
        Number of checkpoints to keep: the newest ones.
    """

    run: Path
    keep: int = 3

    @property
    def folder(self) -> Path:
        """Folder of the checkpoints."""
        return self.run / CHECKPOINTS

    def write(self, state: TrainingState, *, fingerprint: str, seconds: float, settings: dict[str, Any]) -> Path:
        """Write a checkpoint, and remove the oldest ones. If that raises OSError, the earlier checkpoints are unchanged.

        Parameters
        ----------
        state : TrainingState
            State of the training.
        fingerprint : str
            Fingerprint of the training images and labels.
        seconds : float
            Seconds of training so far.
        settings : dict
            Settings of the run, ready for JSON.
        """
        best = state.best
        facts = {
            "step": state.steps,
            "best": best and {"step": best.step, "accuracy": best.accuracy, "loss": best.loss, "ago": best.validations_since},
            "network": describe(state.network),
            "fingerprint": fingerprint,
            "seconds": seconds,
            "settings": settings,
        }
        self.folder.mkdir(exist_ok=True)
        path = self.folder / f"step-{state.steps:08}.safetensors"
        write_atomically(path, _content(_arrays(state), facts))
        for old in self.paths()[self.keep :]:
            old.unlink()
        return path

    def paths(self) -> list[Path]:
        """Return the paths of all checkpoints, the newest first."""
        return sorted(self.folder.glob("step-*.safetensors"), key=_step, reverse=True)

    def newest_intact(self) -> tuple[Checkpoint, list[str]]:
        """Return the newest checkpoint that can be used, and the errors of newer ones.

        Raises
        ------
        HandmadeError
            If there is none, or it was written by another version of handmade.
        """
        damaged: list[str] = []
        for path in self.paths():
            try:
                return read(path), damaged
            except Damaged as error:
                damaged.append(str(error))
        if damaged:
            raise HandmadeError(f"{self.run}: expected an intact checkpoint; all {len(damaged)} are damaged. {damaged[0]}")
        raise HandmadeError(f"{self.run}: expected a checkpoint; there is none. Start the run again with --out and --force")

    def remove(self, after: int = -1) -> None:
        """Remove the checkpoints of steps after `after`; all of them if it is left out."""
        for path in self.paths():
            if _step(path) > after:
                path.unlink()


def read(path: Path) -> Checkpoint:
    """Read one checkpoint file; its content is used only if the digest is correct.

    Raises
    ------
    Damaged
        If it is not a complete checkpoint.
    HandmadeError
        If it is complete, but has another version.
    """
    try:
        file = loads(_verified(path))
        kept = json.loads(file.metadata[KIND])
        version = kept["version"]
        if version == VERSION:
            return Checkpoint(file.arrays(), **kept["facts"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        what = error.strerror if isinstance(error, OSError) else "the file is damaged, or not a checkpoint"
        raise Damaged(f"{path}: {what}") from None
    raise HandmadeError(
        f"{path}: expected version {VERSION} of checkpoints; got version {version}. Use the version of handmade that wrote it"
    )


def _verified(path: Path) -> bytes:
    """Return all bytes of the file; raise ValueError or a reading error if they are not the bytes that were written."""
    if path.stat().st_size > LARGEST:
        raise ValueError
    content = path.read_bytes()
    digest = loads(content).metadata[DIGEST]
    if hashlib.sha256(content.replace(digest.encode(), PLACEHOLDER.encode(), 1)).hexdigest() != digest:
        raise ValueError
    return content


def fingerprint(*arrays: Array) -> str:
    """Return a SHA-256 of arrays: of their shapes, dtypes and bytes."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.shape} {array.dtype.str} ".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _arrays(state: TrainingState) -> dict[str, Array]:
    parts = {
        "network/": arrays_of(state.network),
        "memory/": state.memory,
        "average/": state.ema or {},
        "best/": arrays_of(state.best.network) if state.best else {},
    }
    return {prefix + name: np.asarray(array, order="C") for prefix, part in parts.items() for name, array in part.items()}


def _content(arrays: dict[str, Array], facts: dict[str, Any]) -> bytes:
    content: bytes = save(arrays, metadata={KIND: json.dumps({"version": VERSION, "facts": facts}), DIGEST: PLACEHOLDER})
    return content.replace(PLACEHOLDER.encode(), hashlib.sha256(content).hexdigest().encode(), 1)


def _step(path: Path) -> int:
    """Return the step in the name of a file; -1 if there is none."""
    number = path.name.removeprefix("step-").removesuffix(".safetensors")
    return int(number) if number.isdecimal() else -1
