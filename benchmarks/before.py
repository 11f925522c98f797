"""The engine of another commit, at work in a process of its own, so that ours and that one are timed in turn.

python benchmarks/before.py FOLDER        what `Before` starts, with the other engine in PYTHONPATH

The process finds a network and a batch in the folder, writes its gradient there, and then takes the gradient again for every line
that comes in.
"""

import os
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from subprocess import PIPE, Popen
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

import numpy as np

H = 1e-3
MODEL, BATCH, GRADIENT = "model.safetensors", "batch.npz", "gradient.npz"
AGAIN = "again\n"


def environment(tree: Path) -> dict[str, str]:
    """Return the variables of a process that imports handmade from a working tree, and takes the backend that is the default."""
    paths = [str(tree.resolve() / "src"), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    rest = {name: value for name, value in os.environ.items() if name != "HANDMADE_BACKEND"}
    return {**rest, "PYTHONPATH": os.pathsep.join(paths)}


class Before:
    """The difference gradient of another engine, on all cores.

    Parameters
    ----------
    tree : Path
        A working tree, such as `git worktree add DIR COMMIT` makes.
    network : Network
        Saved, and loaded over there.
    x, y : Array
        The batch.

    Attributes
    ----------
    gradient : dict
        The first gradient, by the names of the arrays.
    """

    def __init__(self, tree: Path, network: Any, x: Any, y: Any) -> None:
        self._folder = TemporaryDirectory()
        folder = Path(self._folder.name)
        network.save(folder / MODEL)
        np.savez(folder / BATCH, x=x, y=y)
        command = [sys.executable, __file__, str(folder)]
        self._process = Popen(command, env=environment(tree), stdin=PIPE, stdout=PIPE, text=True, bufsize=1)
        self._wait()
        with np.load(folder / GRADIENT) as found:
            self.gradient = dict(found)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.communicate()  # no line comes any more, and it ends
        self._folder.cleanup()

    def work(self) -> None:
        """Take the gradient once."""
        assert self._process.stdin is not None
        self._process.stdin.write(AGAIN)
        self._wait()

    def _wait(self) -> None:
        assert self._process.stdout is not None
        if self._process.stdout.readline() != AGAIN:
            raise SystemExit(f"the engine before: its process ended with {self._process.wait()}")


def main(folder: Path) -> None:
    """Take the gradient, for every line once more."""
    import handmade  # noqa: PLC0415  of the tree in PYTHONPATH

    name = "threads" if find_spec("handmade.threads") else "workers"  # of processes, in engines before there were threads
    sharing: Any = import_module(f"handmade.{name}")
    with np.load(folder / BATCH) as batch:
        x, y = batch["x"], batch["y"]
    network = handmade.load(folder / MODEL)
    with getattr(sharing, name)(sharing.cores()) as executor:
        first: Any = handmade.gradients.difference(network, x, y, h=H, executor=executor)
        np.savez(folder / GRADIENT, **first[1])
        print(AGAIN, end="", flush=True)
        for _ in sys.stdin:
            handmade.gradients.difference(network, x, y, h=H, executor=executor)
            print(AGAIN, end="", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
