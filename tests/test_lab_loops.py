"""Loops that the lab shows: every layer has some, and they are those that its laws compare it with."""

import numpy as np
import pytest

from cases import CASES
from handmade.engine.layers import KINDS, Conv2d
from handmade.lab import loops

FILES = {"loops", "more_loops", "join_loops", "elementwise_loops", "rearrangement_loops", "window_loops"}
TWINS = {
    name: case for name, case in CASES.items() if FILES & {*case.twin.__code__.co_names} and type(case.layer) in KINDS.values()
}


class Own(Conv2d):
    """A layer of another type."""


@pytest.mark.parametrize("kind", KINDS)
def test_every_type_of_layer_has_loops(kind: str) -> None:
    assert KINDS[kind] in loops.OF_TYPE.keys() | loops.CHOSEN.keys()


@pytest.mark.parametrize("name", TWINS)
def test_the_loops_of_a_layer_are_those_of_its_laws(name: str) -> None:
    layer, shape = TWINS[name].layer, TWINS[name].shape[1:]
    names = TWINS[name].twin.__code__.co_names
    found = loops.of_layer(layer, [shape])
    assert found is not None
    assert {found.__module__.rpartition(".")[2], found.__name__} <= {*names}


def test_a_layer_of_somebody_else_has_none() -> None:
    assert len(TWINS) > 100
    assert loops.of_layer(Own.init(np.random.default_rng(0), 1, 1, 2), [(4, 4, 1)]) is None
