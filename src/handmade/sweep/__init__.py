"""Sweeps: many runs from one plan, by a grid or at random; start, resume, results. Nothing here prints.

>>> from handmade import sweep
>>> results = sweep.start({"learning_rate": [0.01, 0.1], "seed": "0..2"}).finish()  # doctest: +SKIP
>>> print(results)  # doctest: +SKIP
"""

from handmade.sweep.plan import Plan
from handmade.sweep.results import Group, SweepResults, SweepRun, results
from handmade.sweep.session import Sweep, SweepProgress, resume, start

__all__ = ["Group", "Plan", "Sweep", "SweepProgress", "SweepResults", "SweepRun", "results", "resume", "start"]
