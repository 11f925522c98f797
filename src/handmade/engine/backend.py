"""Backends: the computations that one provides for a network and a batch, and the choice of the one that is used.

plain   each layer's equations, as directly as possible; works for every layer

A backend may have shortcuts. A shortcut is a second way to the same numbers, and can be switched off by its name.

Each thread has its own choice. It is made by `use_backend`, else by the environment variable HANDMADE_BACKEND. Else the fastest
backend is used that works on this machine. `parallel.py` passes the choice to the threads and processes that do the work.
"""

import os
import threading
from collections.abc import Iterable
from concurrent.futures import Executor
from importlib import import_module
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from handmade.engine.arguments import described, refused
from handmade.engine.arrays import Array
from handmade.engine.errors import HandmadeError

if TYPE_CHECKING:
    from handmade.engine.losses import Loss
    from handmade.engine.network import Network
    from handmade.engine.optim import Optimiser, State

BACKENDS = {"compiled": "handmade.compiled", "plain": "handmade.engine.plain"}  # fastest first
VARIABLE = "HANDMADE_BACKEND"

Choice: TypeAlias = tuple[str, frozenset[str]]  # name of a backend, and the shortcuts that are switched off


class Backend(Protocol):
    """Computations for a network and a batch. The arguments have been checked before."""

    name: str
    without: frozenset[str]

    def tape(self, network: "Network", x: Array) -> dict[str, Array]:
        """Return every activation by the name of its node, and x under the name "input"."""
        ...

    def logits(self, network: "Network", x: Array) -> Array:
        """Return the logits, (N, classes)."""
        ...

    def backprop(
        self, network: "Network", x: Array, y: Array, loss: "Loss", executor: Executor | None
    ) -> tuple[float, dict[str, Array]]:
        """Return the mean loss, and its gradient with respect to every weight."""
        ...

    def input_gradient(
        self, network: "Network", x: Array, y: Array, loss: "Loss", executor: Executor | None
    ) -> tuple[float, Array]:
        """Return the mean loss, and its gradient with respect to every pixel."""
        ...

    def differences(
        self, network: "Network", x: Array, y: Array, h: Any, scheme: str, loss: "Loss", executor: Executor | None
    ) -> tuple[float, dict[str, Array]]:
        """Return the mean loss, and its exact difference quotient with respect to every weight."""
        ...

    def update(
        self,
        optimiser: "Optimiser",
        parameters: dict[str, Array],
        gradients: dict[str, Array],
        memory: "State",
        scale: float,
        executor: Executor | None,
    ) -> tuple[dict[str, Array], "State"]:
        """Return the new weights and the new state of an optimiser, as its `step` does."""
        ...


class use_backend:
    """Use a backend in this thread: from now on, or until the end of a `with` statement.

    Parameters
    ----------
    name : {"plain"} or None
        Name of the backend; None for the default.
    without : iterable of str
        Shortcuts of the backend that are switched off.

    Raises
    ------
    HandmadeError
        If there is no such backend, or no such shortcut.
    """

    def __init__(self, name: str | None = None, *, without: str | Iterable[str] = ()) -> None:
        names = [without] if isinstance(without, str) else list(without) if isinstance(without, Iterable) else [without]
        if not all(isinstance(each, str) for each in names):
            raise refused("without", "names of shortcuts", described(without))
        off = frozenset(names)
        choice = (_default() if name is None else name, off)
        _made(*choice)
        self._choice: Choice | None = None if name is None and not off else choice
        self._before = self._use()

    def _use(self) -> Choice | None:
        """Use the backend, and return the previous choice."""
        before: Choice | None = getattr(_LOCAL, "choice", None)
        _LOCAL.choice = self._choice
        return before

    def __enter__(self) -> Backend:
        if getattr(_LOCAL, "choice", None) != self._choice:  # another choice was made in between, or this one has ended
            self._before = self._use()
        return current()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        _LOCAL.choice = self._before


def current() -> Backend:
    """Return the backend that this thread uses."""
    return _made(*chosen())


def chosen() -> Choice:
    """Return the choice of this thread."""
    choice: Choice | None = getattr(_LOCAL, "choice", None)
    return (_default(), frozenset()) if choice is None else choice


def is_chosen() -> bool:
    """Return True if this thread or the environment variable chooses a backend; False if the default is used."""
    return getattr(_LOCAL, "choice", None) is not None or bool(os.environ.get(VARIABLE))


def unusable(name: str) -> str | None:
    """Return the reason why a backend cannot be used here, in one line; None if it can.

    The module of a backend may have a function `unusable` for this.
    """
    reason: str | None = getattr(import_module(BACKENDS[name]), "unusable", lambda: None)()
    return reason


def shortcuts(name: str) -> tuple[str, ...]:
    """Return the names of a backend's shortcuts."""
    return tuple(_class(name).SHORTCUTS)


def _default() -> str:
    return os.environ.get(VARIABLE) or next(name for name in BACKENDS if unusable(name) is None)


def _made(name: str, without: frozenset[str]) -> Backend:
    if not isinstance(name, str) or (name, without) not in _BACKENDS:
        _BACKENDS[name, without] = _make(name, without)
    return _BACKENDS[name, without]


def _make(name: str, without: frozenset[str]) -> Backend:
    known = shortcuts(name)
    for shortcut in sorted(without, key=str):
        if shortcut not in known:
            raise HandmadeError(f"backend {name}: expected shortcuts among {', '.join(known) or 'none'}; got {shortcut!r:.80}")
    backend: Backend = _class(name)(without)
    return backend


def _class(name: str) -> Any:
    if not isinstance(name, str) or name not in BACKENDS:
        origin = f" in the variable {VARIABLE}" if isinstance(name, str) and name == os.environ.get(VARIABLE) else ""
        raise refused("backend", f"one of {', '.join(BACKENDS)}", f"{described(name)}{origin}", "'plain'")
    if reason := unusable(name):
        raise HandmadeError(f"backend {name}: {reason}")
    return import_module(BACKENDS[name]).BACKEND


_LOCAL = threading.local()
_BACKENDS: dict[Choice, Backend] = {}
