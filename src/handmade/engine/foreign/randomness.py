"""Random numbers that a forward draws: the same in each call, so that a dropout layer is a function of its input."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from handmade.engine.foreign.objects import values


class Randomness:
    """Stored states of all generators that an object can use.

    These are generators among its values, among the global names of its methods, and those of `numpy.random` and `random`.
    """

    def __init__(self, layer: Any, methods: list[Any]) -> None:
        kinds = (np.random.Generator, np.random.RandomState, random.Random)
        found = {id(value): value for _, value in values(layer) if isinstance(value, kinds)}
        for method in methods:
            code = getattr(getattr(method, "__func__", method), "__code__", None)
            around = getattr(getattr(method, "__func__", method), "__globals__", {})
            for name in code.co_names if code else ():
                if isinstance(around.get(name), kinds):
                    found[id(around[name])] = around[name]
        self.states = [(generator, _state(generator)) for generator in found.values()]
        self.shared = True  # numpy.random and random are restored until a call does not use them

    @contextmanager
    def held(self) -> Iterator[None]:
        """Set all generators to their stored states during the block; restore them afterwards."""
        before = [(generator, _state(generator)) for generator, _ in self.states]
        for generator, state in self.states:
            _set(generator, state)
        legacy = (np.random.get_state(legacy=True), random.getstate()) if self.shared else None  # noqa: NPY002  a user's layer may use it
        if legacy:
            np.random.seed(0)  # noqa: NPY002
            random.seed(0)
            started = _positions()
        try:
            yield
        finally:
            for generator, state in before:
                _set(generator, state)
            if legacy:
                self.shared = started != _positions()
                np.random.set_state(legacy[0])  # noqa: NPY002
                random.setstate(legacy[1])


def _positions() -> tuple[Any, int]:
    """Return the positions of `numpy.random` and `random` in their cyclic buffers: they change when numbers are drawn."""
    state: Any = np.random.get_state(legacy=True)  # noqa: NPY002
    return state[2], random.getstate()[1][-1]


def _state(generator: Any) -> Any:
    if isinstance(generator, np.random.Generator):
        return generator.bit_generator.state
    return generator.get_state() if isinstance(generator, np.random.RandomState) else generator.getstate()


def _set(generator: Any, state: Any) -> None:
    if isinstance(generator, np.random.Generator):
        generator.bit_generator.state = state
    elif isinstance(generator, np.random.RandomState):
        generator.set_state(state)
    else:
        generator.setstate(state)
