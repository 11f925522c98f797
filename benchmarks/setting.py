"""Inputs and results of every section of the ladder."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

import handmade
from handmade.engine.arrays import Array
from handmade.engine.gradients import backprop
from handmade.engine.optim import Momentum
from own import Crew
from report import Measurement, Row, best

BATCH = 32
AT_WORK = 0.1  # seconds of a round, as in a training: threads of all are awake then
NETWORKS = ("readme", "seed")  # the presets that the targets are about
MOMENTUM = Momentum(0.02, 0.9)
WARM = 20  # steps that a network is trained before it is measured, so that it stands in the middle of a training

Found: TypeAlias = tuple[list[Measurement], list[Row], list[str]]  # rungs, rows of the table of targets, sentences


@dataclass(frozen=True)
class Setup:
    """Inputs of every section: threads, digits, both networks, the number of rounds, a clock, and the engine before, if any."""

    crew: Crew
    x: Array
    y: Array
    networks: dict[str, handmade.Network]
    rounds: int
    quick: bool
    clock: Callable[[], float]
    before: Path | None = None


def networks(x: Array, y: Array) -> dict[str, handmade.Network]:
    """Return both networks, trained for a few steps."""
    found = {}
    for name in NETWORKS:
        start = handmade.networks.described(handmade.networks.PRESETS[name], np.random.default_rng(0))
        *_, last = handmade.train(start, x, y, gradient=backprop, optimiser=MOMENTUM, steps=WARM)
        assert isinstance(last.network, handmade.Network)
        found[name] = last.network
    return found


def against(group: list[Measurement], what: str, targets: dict[str, float]) -> list[Row]:
    """Return rows of our images a second over those of each peer at its best, where it is here; `{}` in `what` is its name."""
    ours, rows = best(group, "handmade"), []
    for peer, target in targets.items():
        theirs = best(group, peer)
        if ours and theirs:
            rows.append(Row(what.format(peer), target, theirs.seconds.over(ours.seconds), most=False, unit="x"))
    return rows
