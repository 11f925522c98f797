"""Errors of difference quotients against the step size h, measured for a network by its name."""

import numpy as np

from handmade.cli import data_sets
from handmade.cli.progress import progress
from handmade.cli.targets import network_of
from handmade.data import prepare_for
from handmade.engine.check.networks.steps import StepErrors, error_against_h
from handmade.runs.data_source import DataSource
from handmade.runs.fitting import fitted
from handmade.threads import cores, threads


def measured(target: str, data: DataSource, images: int, seed: int) -> StepErrors:
    """Measure the errors of every kind of quotient at every h."""
    found = data_sets.read(data)
    network = network_of(target, seed, found)
    fitting = fitted(network, found, str(data))
    x = prepare_for(network, np.float64)(fitting.train.images[:images])
    with threads(cores()) as executor, progress("step sizes") as tell:
        return error_against_h(network, x, fitting.train.labels[: len(x)], executor=executor, progress=tell)
