"""Logs of Dask: an error of handmade says in one line what matters, so Dask's own lines are left out meanwhile."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

LOGGERS = ("distributed", "tornado", "asyncio", "bokeh")


@contextmanager
def quiet() -> Iterator[None]:
    """Leave out the log lines of Dask in this process, and its warnings that versions differ, which `matching.py` judges."""
    roots = tuple(f"{name}." for name in LOGGERS)
    names = [*LOGGERS, *(name for name in logging.Logger.manager.loggerDict if name.startswith(roots))]
    before = {name: logging.getLogger(name).level for name in names}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"distributed\.")
        try:
            for name in names:
                logging.getLogger(name).setLevel(logging.CRITICAL + 1)
            yield
        finally:
            for name, level in before.items():
                logging.getLogger(name).setLevel(level)
