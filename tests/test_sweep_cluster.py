"""Sweeps on a cluster of Dask, with real processes: the same bytes, whatever happens to the workers."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dask import config as dask_config

from handmade import CNNClassifier, HandmadeError, sweep
from handmade.cluster.connection import connect
from handmade.runs import Settings
from test_resume import assert_same
from test_sweep import QUICK, VARY, finished, here, numbers, place

__all__ = ["finished", "here", "place"]  # fixtures
pytestmark = pytest.mark.long
LONGER: dict[str, Any] = QUICK | {"steps": 200, "validate_every": 50}


@pytest.fixture(autouse=True)
def own_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers are new processes; warnings of Dask in this one are not errors of ours."""
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")


@pytest.fixture
def two() -> Iterator[Any]:
    with connect("local:2") as client:
        yield client


@pytest.mark.filterwarnings("ignore")
def test_runs_on_a_cluster_have_the_same_bytes(two: Any, finished: Path, tmp_path: Path) -> None:
    planned = sweep.start(VARY, Settings(**QUICK), tmp_path / "s", executor=two.get_executor(), workers=2)
    records = list(planned)
    assert numbers(planned.results) == numbers(sweep.results(finished))
    for run in planned.results.runs:
        assert_same(run.folder, finished / run.folder.name)
    assert [each.ended for each in records if each.run] == [1, 2, 3, 4]


@pytest.mark.filterwarnings("ignore")
def test_a_sweep_that_is_stopped_leaves_no_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", None)
    settings = Settings(**QUICK | {"steps": 100_000})

    def files() -> list[Path]:
        return [path for path in (tmp_path / "temporary").rglob("*") if path.name.startswith("handmade-")]

    with dask_config.set({"temporary-directory": str(tmp_path / "temporary")}), connect("local:1") as client:
        planned = sweep.start({"seed": [0]}, settings, tmp_path / "s", executor=client.get_executor())
        for _ in planned:
            if files():
                planned.stop()
    assert files() == []


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("workers", [1, 2])
def test_the_runs_of_a_killed_worker_are_repeated(workers: int, tmp_path: Path) -> None:
    whole = sweep.start(VARY, Settings(**LONGER), tmp_path / "whole").finish()
    with connect(f"local:{workers}") as client:
        pids, killed = list(client.run(os.getpid).values()), False
        planned = sweep.start(VARY, Settings(**LONGER), tmp_path / "s", executor=client.get_executor(), workers=workers)
        for _ in planned:
            if not killed:
                os.kill(pids[0], signal.SIGKILL)
                killed = True
    assert killed
    assert numbers(planned.results) == numbers(whole)
    for one, other in zip(planned.results.runs, whole.runs, strict=True):
        assert_same(one.folder, other.folder)


@pytest.mark.filterwarnings("ignore")
def test_a_cluster_that_goes_away_ends_the_sweep_in_one_line(finished: Path, tmp_path: Path) -> None:
    with connect("local:1") as client:
        planned = sweep.start(VARY, Settings(**QUICK), tmp_path / "s", executor=client.get_executor())
        began = time.monotonic()
        steps = iter(planned)
        next(steps)
        client.cluster.close()
        with pytest.raises(HandmadeError, match=r"^Run \d: expected its result from a worker, got .*\. Resume the sweep$"):
            list(steps)
        assert time.monotonic() - began < 60
    results = sweep.resume(tmp_path / "s").finish()
    assert numbers(results) == numbers(sweep.results(finished))


@pytest.mark.filterwarnings("ignore")
def test_a_grid_search_of_scikit_learn_has_the_same_scores_on_a_cluster(two: Any) -> None:
    digits = pytest.importorskip("sklearn.datasets")
    joblib, selection = pytest.importorskip("joblib"), pytest.importorskip("sklearn.model_selection")
    X, y = digits.load_digits(return_X_y=True)
    classifier = CNNClassifier(gradient="backprop", max_iter=2, random_state=0)
    here, there = (selection.GridSearchCV(classifier, {"learning_rate_init": [0.001, 0.01]}, cv=2) for _ in range(2))
    here.fit(X[:200], y[:200])
    with two.as_current(), joblib.parallel_config("dask"):
        there.fit(X[:200], y[:200])
    for name in ("split0_test_score", "split1_test_score", "mean_test_score"):
        assert there.cv_results_[name].tolist() == here.cv_results_[name].tolist()
    assert there.best_params_ == here.best_params_
    found, other = (each.best_estimator_.network_.parameters() for each in (here, there))
    assert all(np.array_equal(found[name], other[name]) for name in found)
