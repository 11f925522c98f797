"""Checkpoints: where a training stands, in RUN/checkpoints/step-00000123.safetensors, written whole or not at all.

The arrays of the state have prefixes, "network/0.W", "memory/v/0.W", "average/a/0.W", "best/0.W"; the rest is JSON in the
metadata. A sha256 over the whole file, but for itself, stands in the metadata too: one flipped bit, and the file is not used.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from handmade.engine.arrays import Array
from handmade.engine.description import describe
from handmade.engine.errors import HandmadeError
from handmade.engine.network import Network
from handmade.engine.optim import EMA, Optimiser
from handmade.engine.printable import ShortRepr
from handmade.engine.training.state import TrainingState, arrays_of
from handmade.engine.training.stopping import Best
from handmade.files.atomic import write_atomically

CHECKPOINTS = "checkpoints"  # the name of their folder in that of the run
VERSION = 1
KIND, DIGEST = "handmade checkpoint", "sha256"  # keys of the metadata
BLANK = "the sha256 of this file, with these words in place of the digest"  # as long as one
LARGEST = 2**32  # bytes: more is none of ours, and not read into memory


class Damaged(HandmadeError):
    """A file that cannot be used as a checkpoint."""


@dataclass(frozen=True, eq=False)
class Checkpoint(ShortRepr):
    """What a file holds; it is whole, but nothing says yet that it belongs to the training that is meant.

    Attributes
    ----------
    arrays : dict of Array
        All arrays of the state, with their prefixes.
    step : int
        After which step it was written.
    best : dict or None
        Step, accuracy, loss and age of the best validation.
    network : dict
        The description of the network.
    fingerprint, seconds, settings
        As they were given to `Checkpoints.write`.
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
        wanted = {"step": int, "best": dict | None, "network": dict, "fingerprint": str, "seconds": number, "settings": dict}
        of_best = {"step": int, "accuracy": number, "loss": number, "ago": int}
        best = of_best if self.best is None else self.best
        if not all(isinstance(getattr(self, name), kind) for name, kind in wanted.items()) or best.keys() != of_best.keys():
            raise HandmadeError("the facts of a checkpoint want to be what they are called")

    def state(self, network: Network, optimiser: Optimiser, ema: EMA | None) -> TrainingState:
        """Where the training stands, for a network of the same description.

        Raises
        ------
        HandmadeError
            If the arrays are not those that such a training has.
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
            raise HandmadeError(f"the checkpoint wants the arrays {', '.join(arrays_of(network))}; got {', '.join(arrays)}")
        return network.replace(arrays)

    def _part(self, prefix: str) -> dict[str, Array]:
        return {name.removeprefix(prefix): array for name, array in self.arrays.items() if name.startswith(prefix)}


@dataclass(frozen=True)
class Checkpoints:
    """The checkpoints of one run.

    Parameters
    ----------
    run : Path
        The folder of the run.
    keep : int
        So many are kept, the newest ones.
    """

    run: Path
    keep: int = 3

    @property
    def folder(self) -> Path:
        """Where they are."""
        return self.run / CHECKPOINTS

    def write(self, state: TrainingState, *, fingerprint: str, seconds: float, settings: dict[str, Any]) -> Path:
        """Write one, and remove the oldest; OSError if that fails, and then those from before are still there.

        Parameters
        ----------
        state : TrainingState
            Where the training stands.
        fingerprint : str
            Of the images and labels that it learns from.
        seconds : float
            How long it has taken so far.
        settings : dict
            What the run was started with, ready for JSON.
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
        """All there are, the newest first."""
        return sorted(self.folder.glob("step-*.safetensors"), key=_step, reverse=True)

    def newest_intact(self) -> tuple[Checkpoint, list[str]]:
        """The newest checkpoint that can be used, and what is wrong with those that are newer.

        Raises
        ------
        HandmadeError
            If there is none, or another version of handmade has written it.
        """
        damaged: list[str] = []
        for path in self.paths():
            try:
                return read(path), damaged
            except Damaged as error:
                damaged.append(str(error))
        if damaged:
            raise HandmadeError(f"{self.run}: wanted one intact checkpoint; all {len(damaged)} are damaged. {damaged[0]}")
        raise HandmadeError(f"{self.run}: there is no checkpoint in it to go on from; start again with --out and --force")

    def forget(self, after: int = -1) -> None:
        """Remove those of later steps, all of them if none is given."""
        for path in self.paths():
            if _step(path) > after:
                path.unlink()


def read(path: Path) -> Checkpoint:
    """Read one file; nothing in it is believed before its digest is right.

    Raises
    ------
    Damaged
        If it is anything but a whole checkpoint.
    HandmadeError
        If it is whole, but of another version.
    """
    try:
        content = _whole(path)
        kept = json.loads(_metadata(content)[KIND])
        version = kept["version"]
        if version == VERSION:
            return Checkpoint(load(content), **kept["facts"])
    except (OSError, SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        what = error.strerror if isinstance(error, OSError) else "it is damaged, or no checkpoint"
        raise Damaged(f"{path}: {what}") from None
    raise HandmadeError(f"{path} was written in version {version} of checkpoints; this handmade reads version {VERSION}")


def _whole(path: Path) -> bytes:
    """All bytes of the file, if they are those that were written; else ValueError, or whatever reading them raises."""
    if path.stat().st_size > LARGEST:
        raise ValueError
    content = path.read_bytes()
    digest = str(_metadata(content)[DIGEST])
    if hashlib.sha256(content.replace(digest.encode(), BLANK.encode(), 1)).hexdigest() != digest:
        raise ValueError
    return content


def _metadata(content: bytes) -> dict[str, Any]:
    length = int.from_bytes(content[:8], "little")
    metadata: dict[str, Any] = json.loads(content[8 : 8 + length])["__metadata__"]
    return metadata


def fingerprint(*arrays: Array) -> str:
    """A sha256 of arrays: of their shapes, their dtypes and every byte."""
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
    content: bytes = save(arrays, metadata={KIND: json.dumps({"version": VERSION, "facts": facts}), DIGEST: BLANK})
    return content.replace(BLANK.encode(), hashlib.sha256(content).hexdigest().encode(), 1)


def _step(path: Path) -> int:
    """The step in the name of a file, below all others if there is none."""
    number = path.name.removeprefix("step-").removesuffix(".safetensors")
    return int(number) if number.isdecimal() else -1
