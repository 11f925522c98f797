"""Plans of trainings: from the settings that a page sends to a session, and its cost before it begins."""

import json
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from handmade import networks
from handmade.engine.description import describe
from handmade.engine.errors import HandmadeError
from handmade.engine.network import Network
from handmade.engine.training.state import TrainingState
from handmade.lab.errors import LabError
from handmade.lab.folders import NETWORK
from handmade.runs import Settings, TrainingSession, start
from handmade.runs.backends import use_backend
from handmade.runs.cost import Estimate, estimated
from handmade.runs.data_source import NAMES, DataSource
from handmade.runs.job import Job, assemble
from handmade.runs.settings import settings
from handmade.text.number_format import duration
from handmade.threads import cores, threads

LONG = 60.0  # seconds: a longer training by the definition has to be accepted
FILES = {*NAMES, "tensorboard", "checkpoint_every", "keep_checkpoints"}  # settings that a page cannot have: files,
CLUSTER = {"cluster", "tls_ca", "tls_cert", "tls_key"}  # and machines, on which a page could run code


@dataclass(frozen=True, eq=False)
class Plan:
    """Training that a page asks for.

    Attributes
    ----------
    given : dict
        Settings as the page sent them.
    network : Network
        Network of the page, whose layers are trained unless the settings name a preset.
    here : bool
        True to begin with its weights, False to begin with fresh ones.
    data : DataSource
        Data, with the options for reading them.
    """

    given: Mapping[str, Any]
    network: Network
    here: bool
    data: DataSource

    def session(self, folder: Path) -> TrainingSession:
        """Return the training, which has not begun.

        Raises
        ------
        HandmadeError
            If the settings cannot be used.
        """
        chosen = self._settings(folder)
        return start(chosen, folder, weights=self.network if self.here else None, allow_long=True)

    def estimate(self) -> dict[str, Any]:
        """Measure a step, and return the cost of the training as plain data."""
        with tempfile.TemporaryDirectory() as folder:
            job = assemble(self._settings(Path(folder)))
        return _cost(job, estimated(job, allow_long=True))

    def _settings(self, folder: Path) -> Settings:
        allowed = [each.name for each in settings() if each.name not in FILES | CLUSTER]
        for name in self.given:
            if name not in allowed:
                similar = get_close_matches(str(name), allowed, n=1)
                advice = f"Try {similar[0]}" if similar else f"Try some of {', '.join(allowed[:6])}"
                raise HandmadeError(f"settings: expected names of settings, got {name!r:.80}. {advice}")
        values = {**asdict(self.data), **self.given}
        recipe = values.pop("recipe", None)
        if values.get("network") not in {None, *networks.PRESETS}:
            raise HandmadeError(f"network: expected one of {', '.join(networks.PRESETS)}; got {values['network']!r:.80}")
        if isinstance(values.get("threads"), int) and values["threads"] > cores():
            raise HandmadeError(f"threads: expected at most {cores()}, the cores of this machine; got {values['threads']}")
        if not values.get("network") and recipe is None:
            values = {"dtype": str(self.network.dtype), **values, "network": self._layers(folder)}
        return Settings(**values) if recipe is None else Settings.from_recipe(recipe, **values)

    def _layers(self, folder: Path) -> str:
        """Return the name of the preset with these layers; else write them to a file, and return its path."""
        described = describe(self.network)
        for name in networks.PRESETS:
            if described == _preset(name):
                return name
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / NETWORK
        path.write_text(json.dumps(described, indent=1))
        return str(path)


def _cost(job: Job, found: Estimate | None) -> dict[str, Any]:
    """Return a cost by the definition as plain data; without one, that of a step, which is measured."""
    if found is None:
        step, passes = _measured(job), ""
    else:
        step = found.seconds / found.steps
        passes = f"{found.passes:,} forward passes, "
    total, epoch = step * job.total, step * job.steps_an_epoch
    text = f"{passes}about {duration(step)} a step, {duration(epoch)} an epoch; {duration(total)} in all"
    return {"seconds": total, "step_seconds": step, "epoch_seconds": epoch, "steps": job.total, "text": text}


def check_cost(session: TrainingSession, *, accepted: bool) -> dict[str, Any] | None:
    """Return the cost of a training by the definition; None for others.

    Raises
    ------
    LabError
        If it is long, and was not accepted.
    """
    if session.estimate is None:
        return None
    cost = _cost(session.job, session.estimate)
    if cost["seconds"] > LONG and not accepted:
        raise LabError(f"the definition takes long: {cost['text']}. Accept the cost, or try fewer steps", 409, "cost", cost)
    return cost


def _measured(job: Job) -> float:
    """Return the seconds of a step, the second one if there are two."""
    seconds = 0.0
    state = TrainingState.start(job.network, job.optimiser, job.ema)
    with threads(job.settings.threads or 1) as executor, closing(job.train(state, executor)) as steps:
        for _ in range(2):
            began = time.perf_counter()
            with use_backend(job.settings.backend):
                if next(steps, None) is None:
                    break
            seconds = time.perf_counter() - began
    return seconds


@cache
def _preset(name: str) -> dict[str, Any]:
    return describe(networks.described(networks.PRESETS[name], np.random.default_rng(0)))
