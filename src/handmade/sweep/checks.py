"""Checks of a plan with its data and networks, and the time of its runs; before anything is written."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from statistics import fmean

import numpy as np

from handmade.data import Dataset
from handmade.engine.description import describe
from handmade.engine.errors import HandmadeError
from handmade.engine.training.state import arrays_of
from handmade.files.checkpoints import fingerprint
from handmade.network import Network
from handmade.runs import inputs
from handmade.runs.backends import slow_backend_note
from handmade.runs.fields import SettingError
from handmade.runs.inputs import is_model
from handmade.runs.job import Sources, assemble, checked_parts
from handmade.runs.settings import Settings
from handmade.sweep.estimate import Speed, measured
from handmade.sweep.plan import Plan, in_words

VALIDATION, SHARE = 5000, 10  # images of a validation set; fewer than one in 10 training images
KEPT = 4  # data sets in memory: one for each size of the images
MEASURED = 8  # networks whose speed is measured; others get the mean
STRUCTURE = ("network", "dtype", "gradient", "scheme", "backend", "augment", "resize", "grey")  # they decide speed and shapes


@dataclass(frozen=True)
class Checked:
    """Plan that was checked, with a validation set.

    Attributes
    ----------
    plan : Plan
    seconds : tuple of float
        Estimated time of each run.
    digests : dict of str
        Digests of the data and of the networks, by their names.
    remarks : tuple of str
        Remarks about the reading of the data, and about a slow backend.
    """

    plan: Plan
    seconds: tuple[float, ...]
    digests: dict[str, str]
    remarks: tuple[str, ...] = ()


def cached_files() -> Sources:
    """Return sources that read each data set once."""
    read: Callable[..., Dataset] = lru_cache(KEPT)(inputs.dataset)
    return Sources(dataset=read)


def checked(plan: Plan, sources: Sources, threads: int | None = None) -> Checked:
    """Check each run of a plan, and estimate its time; a plan without a validation set gets one.

    Parameters
    ----------
    plan : Plan
    sources : Sources
        Functions that give data sets and networks.
    threads : int, optional
        Number of threads of each run; those of the settings if left out.

    Raises
    ------
    HandmadeError
        If a run cannot be trained: data, network and settings do not fit together.
    """
    if plan.settings.time_limit is not None:
        raise HandmadeError(
            f"time_limit={plan.settings.time_limit:g}: expected no time limit of a run in a sweep: results would depend on the "
            "speed of the machine. Try epochs=1"
        )
    data = sources.dataset(plan.settings.source)
    plan = _with_validation(plan, data)
    jobs: dict[tuple[object, ...], tuple[Network, Speed | None]] = {}
    seconds: list[float | None] = []
    for number, values in enumerate(plan.values):
        settings = plan.settings_of(number)
        key = tuple(getattr(settings, name) for name in STRUCTURE)
        try:
            if key not in jobs:
                job = assemble(replace(settings, threads=threads or settings.threads), sources=sources)
                jobs[key] = job.network, measured(job) if len(jobs) < MEASURED else None
            network, speed = jobs[key]
            checked_parts(settings, network)
        except HandmadeError as error:
            raise HandmadeError(f"The run with {in_words(values)}: {error}") from None
        trained = _available(settings, data) - (settings.validation or 0)
        seconds.append(None if speed is None else speed.seconds(settings, trained, len(data.test.images)))
    usual = fmean(each for each in seconds if each is not None)
    return Checked(
        plan,
        tuple(usual if each is None else each for each in seconds),
        digests(plan, sources),
        (*data.remarks, *slow_backend_note(plan.settings.backend)),
    )


def digests(plan: Plan, sources: Sources) -> dict[str, str]:
    """Return digests of the data and of each network, of a model with its weights: all runs need the same."""
    data = sources.dataset(plan.settings.source)
    found = {f"data {plan.settings.data}": fingerprint(data.train.images, data.train.labels)}
    for name in dict.fromkeys(plan.settings_of(number).network for number in range(len(plan))):
        network = sources.network(name, np.random.default_rng(plan.settings.seed), plan.settings.dtype, data)
        arrays = arrays_of(network).values() if is_model(name) else ()
        found[f"network {name}"] = fingerprint(np.frombuffer(json.dumps(describe(network)).encode(), np.uint8), *arrays)
    return found


def check_digests(folder: Path, known: Checked, sources: Sources) -> None:
    """Raise HandmadeError if the data or a network has changed since the sweep was planned."""
    for name, digest in digests(known.plan, sources).items():
        if known.digests.get(name) != digest:
            raise HandmadeError(f"{name}: expected the content it had when {folder} began, got another. Restore it")


def _available(settings: Settings, data: Dataset) -> int:
    """Return the number of training images, those for validation included."""
    return len(data.train.images[: settings.limit])


def _with_validation(plan: Plan, data: Dataset) -> Plan:
    """Return the plan with a validation set."""
    images = min(_available(plan.settings_of(number), data) for number in range(len(plan)))
    count = plan.settings.validation or min(VALIDATION, max(1, images // SHARE))
    if images < 2:
        raise SettingError("validation", f"expected at least 2 training images, got {images}. Try more images")
    if count >= images:
        raise SettingError("validation", f"expected fewer than the {images:,} training images, got {count:,}. Try leaving it out")
    return replace(plan, settings=replace(plan.settings, validation=count))
