"""What every section of the ladder works with, and what it gives back."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

import handmade
import whole
from handmade.engine.arrays import Array
from handmade.engine.gradients import backprop
from handmade.engine.optim import Momentum
from report import Measurement, Row, best

BATCH = 32
NETWORKS = ("readme", "seed")  # the presets that the targets are about
MOMENTUM = Momentum(0.02, 0.9)
WARM = 20  # steps that a network is trained before it is measured, so that it stands in the middle of a training

Found: TypeAlias = tuple[list[Measurement], list[Row], list[str]]  # rungs, rows of the table of targets, sentences


@dataclass(frozen=True)
class Setup:
    """What every section works with: our threads, the digits, both networks, how many rounds to take, by which clock."""

    crew: whole.Crew
    x: Array
    y: Array
    networks: dict[str, handmade.Network]
    rounds: int
    quick: bool
    clock: Callable[[], float]


def networks(x: Array, y: Array) -> dict[str, handmade.Network]:
    """Both networks, trained for a few steps."""
    found = {}
    for name in NETWORKS:
        start = handmade.networks.described(handmade.networks.PRESETS[name], np.random.default_rng(0))
        *_, last = handmade.train(start, x, y, gradient=backprop, optimiser=MOMENTUM, steps=WARM)
        assert isinstance(last.network, handmade.Network)
        found[name] = last.network
    return found


def against(group: list[Measurement], what: str, targets: dict[str, float]) -> list[Row]:
    """Our images a second over those of each peer at its best, where it is here; `{}` in `what` is its name."""
    ours, rows = best(group, "handmade"), []
    for peer, target in targets.items():
        theirs = best(group, peer)
        if ours and theirs:
            rows.append(Row(what.format(peer), target, theirs.seconds.over(ours.seconds), most=False, unit="x"))
    return rows
