"""The model of a step on a cluster: its tasks are those of a real step, its formulas those of a small case by hand."""

from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from cluster_parts import batch, small
from handmade.cluster.connection import connect
from handmade.cluster.sharing import ClusterExecutor
from handmade.gradients import difference
from scale_model import Cluster, Costs, Plan, alone, efficiency, generations, plan_of, smallest_batch, terms_of, work_of

COSTS = Costs(
    images=16,
    shard=0.1,
    add=0.001,
    weights=4_000_000,
    total=4_000_000,
    batch=60_000,
    send=0.0002,
    task=0.0006,
    call=0.001,
    update=0.003,
)


@pytest.mark.parametrize(("workers", "new"), [(1, []), (2, [1]), (3, [2]), (8, [2, 5]), (64, [2, 6, 18, 37])])
def test_each_holder_of_the_weights_makes_two_copies_in_a_generation(workers: int, new: list[int]) -> None:
    assert list(generations(workers)) == new


def test_the_tasks_of_a_step_are_shards_and_additions_of_eight() -> None:
    assert plan_of(1, 16, Cluster(4)) == Plan((1,), ())
    assert plan_of(16 * 9 - 1, 16, Cluster(4)) == Plan((1,) * 9, ((8, 1), (2,)))
    assert plan_of(4096, 16, Cluster(8, inside=8)) == Plan((8,) * 32, ((8,) * 4, (4,)))
    assert plan_of(4096, 16, Cluster(64)).count == 256 + 32 + 4 + 1


def test_a_real_step_has_the_tasks_of_the_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    submit = ClusterExecutor._submit

    def counted(self: Any, function: Any, tasks: list[Any], **arguments: Any) -> Any:
        seen.append(len(tasks))
        return submit(self, function, tasks, **arguments)

    monkeypatch.setattr(ClusterExecutor, "_submit", counted)
    with connect("local:1") as client:
        for images in (40, 300):
            seen.clear()
            difference(small(), *batch(images, small()), executor=ClusterExecutor(client))
            plan = plan_of(images, 16, Cluster(1))
            assert seen == [len(plan.tasks), *map(len, plan.levels)]


def test_the_terms_of_one_task_on_one_worker_are_those_by_hand() -> None:
    terms = terms_of(COSTS, Cluster(1), 16)
    assert terms.broadcast == pytest.approx(2 * (0.001 + 0.004) + 0.002 + 0.001)
    assert terms.submission == pytest.approx(0.0002 + 0.0003 + 0.001 + 0.00006 + 0.00006 + 0.001)
    assert terms.computation == pytest.approx(0.1)
    assert (terms.addition, terms.update) == (0, 0.003)
    assert terms.returning == pytest.approx(0.004 + 0.0003 + 0.008)
    assert terms.step == pytest.approx(sum(vars(terms).values()))


def test_threads_of_a_task_share_its_shards_and_one_of_them_adds_the_last_sums() -> None:
    assert work_of(COSTS, Cluster(1), 4) == pytest.approx(4 * 0.1 + 3 * 0.001)
    assert work_of(COSTS, Cluster(1, inside=4), 4) == pytest.approx(0.1 + 3 * 0.001)
    assert work_of(COSTS, Cluster(1, inside=4), 8) == pytest.approx(2 * 0.1 + 3 * 0.001 + 4 * 0.001 / 4)


def test_a_free_cluster_is_fully_efficient_and_a_slow_network_makes_the_batch_larger() -> None:
    free = replace(COSTS, add=0.0, weights=0, total=0, batch=0, send=0.0, task=0.0, call=0.0, update=0.0)
    fast = Cluster(64, latency=0.0, bandwidth=np.inf)
    assert efficiency(free, 64, 4096, terms_of(free, fast, 4096).step) == pytest.approx(1)
    assert smallest_batch(free, 64, lambda n: terms_of(free, fast, n).step) == 1024
    assert alone(COSTS, 32) == pytest.approx(0.2 + 0.001 + 0.003)
    batches = [
        smallest_batch(COSTS, 64, lambda n, each=each: terms_of(COSTS, each, n).step)  # type: ignore[misc]  # bound as it is now
        for each in (Cluster(8, inside=8), Cluster(64), Cluster(64, latency=5e-3), Cluster(64, bandwidth=5e8))
    ]
    assert None not in batches
    assert batches[0] < batches[1] < min(batches[2:])  # type: ignore[type-var,operator]
    slow = Cluster(64, bandwidth=2e7)  # it sends the images of a shard in a longer time than it computes them
    assert smallest_batch(COSTS, 64, lambda n: terms_of(COSTS, slow, n).step) is None


@pytest.mark.long
@pytest.mark.skipif(find_spec("simpy") is None, reason="the simulation needs simpy (pip install simpy==4.1.2)")
@pytest.mark.parametrize("cluster", [Cluster(1), Cluster(8), Cluster(64), Cluster(1, inside=8), Cluster(8, inside=8)])
@pytest.mark.parametrize("images", [16, 1024, 4096])
def test_the_simulation_agrees_with_the_formulas(cluster: Cluster, images: int) -> None:
    from scale_simulation import Step  # noqa: PLC0415  simpy is needed for it alone

    step = Step(COSTS, cluster, images)
    assert step.seconds == pytest.approx(terms_of(COSTS, cluster, images).step, rel=0.15)
    shards = images // 16
    assert step.seconds >= shards * COSTS.shard / cluster.threads
