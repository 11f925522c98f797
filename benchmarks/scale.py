"""Steps on a cluster: measured with workers of this machine, computed by formulas and simulated for 8, 64 and 512 cores.

python benchmarks/scale.py --out FOLDER     measures (about 3 minutes) and writes scale.md, scale.json and scale.png there
python benchmarks/scale.py --quick          the network `readme` and small batches only

Needs handmade[dask,plots], and simpy 4.1 for the simulation (`pip install simpy==4.1.2`), which is no dependency of handmade.
`docs/scale.md` shows the result.
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from handmade.cluster.connection import connect
from handmade.cluster.sharing import ClusterExecutor
from handmade.files.atomic import write_atomically
from handmade.threads import threads
from scale_costs import METHODS, Shared, costs_of, digits, network_of, shared_costs
from scale_model import Cluster, Costs, efficiency, smallest_batch, terms_of
from scale_picture import picture
from timing import Spread

WORKERS = (1, 2, 4)
SHARDS = (4, 16)  # in a batch
ROUNDS = 3
CORES = (8, 64, 512)
INSIDE = 8  # cores of a machine in the second layout
LAYOUTS: dict[str, Callable[[int], Cluster]] = {
    "a worker for each core": Cluster,
    f"a worker for {INSIDE} cores": lambda cores: Cluster(cores // INSIDE, inside=INSIDE),
}


@dataclass(frozen=True)
class Measured:
    """Steps of one network, method and batch on some workers; in turn with steps of this process alone.

    Attributes
    ----------
    network, method : str
    images, workers : int
    alone, step, computing, travelling, waiting : Spread
        Seconds by the clock.
    """

    network: str
    method: str
    images: int
    workers: int
    alone: Spread
    step: Spread
    computing: Spread
    travelling: Spread
    waiting: Spread

    @property
    def overhead(self) -> Spread:
        """Seconds of a step that no worker computes."""
        return Spread(tuple(step - work for step, work in zip(self.step.values, self.computing.values, strict=True)))


def measure(workers: int, presets: Sequence[str], shards: Sequence[int]) -> list[Measured]:
    """Measure steps on local workers."""
    found = []
    with connect(f"local:{workers}") as client, threads(1):
        client.wait_for_workers(workers)
        executor = ClusterExecutor(client)
        for preset in presets:
            network = network_of(preset)
            for method, (gradient, size) in METHODS.items():
                for count in shards:
                    x, y = digits(size * count)
                    gradient(network, x[:size], y[:size])
                    gradient(network, x, y, executor=executor)
                    executor.take_times()
                    rounds = []
                    for _ in range(ROUNDS):
                        alone = _clock(lambda: gradient(network, x, y))  # noqa: B023  called at once
                        step = _clock(lambda: gradient(network, x, y, executor=executor))  # noqa: B023  called at once
                        rounds.append((alone, step, *vars(executor.take_times()).values()))
                    found.append(Measured(preset, method, len(x), workers, *(Spread(each) for each in zip(*rounds, strict=True))))
                    print(f"  {preset} {method} {len(x)} images, {workers} workers: {found[-1].step.median:.3f} s", flush=True)
    return found


def _clock(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def checked(each: Measured, costs: Costs, shared: Shared, simulate: Callable[..., float]) -> float:
    """Return the simulated seconds of a measured step; its shards take as long as the workers of that step computed."""
    shards = -(-each.images // costs.images)
    by_worker = -(-shards // each.workers)
    seconds = max(1e-9, each.computing.median / by_worker)
    local = shared.local(each.workers)
    return simulate(replace(costs, shard=seconds, add=min(costs.add, seconds), update=0.0), local, each.images)


def simulated(costs: Costs, cluster: Cluster, images: int) -> float:
    """Return the seconds of a simulated step."""
    from scale_simulation import Step  # noqa: PLC0415  simpy is needed for it alone

    return Step(costs, cluster, images).seconds


def smallest(costs: Costs, cluster: Cluster) -> int | None:
    """Return the smallest batch with 80 % efficiency in the simulation, searched from where the formulas are near it."""
    near = smallest_batch(costs, cluster.threads, lambda n: terms_of(costs, cluster, n).step, least=0.7)
    if near is None:
        return None
    step, images = costs.images * cluster.threads, near
    while images <= 64 * near:
        if efficiency(costs, cluster.threads, images, simulated(costs, cluster, images)) >= 0.8:
            return images
        images += step * max(1, images // (16 * step))
    return None


def _milliseconds(spread: Spread) -> str:
    low, high = spread.quartiles
    return f"{1e3 * spread.median:.3g} ({1e3 * low:.3g} to {1e3 * high:.3g})"


def tables(shared: Shared, costs: dict[tuple[str, str], Costs], found: Sequence[Measured], answers: Sequence[Any]) -> str:
    """Return the tables in Markdown."""
    parts = [
        table(
            ["layout", "cores", "smallest batch, simulated", "by the formulas", "efficiency at 4,096, simulated"],
            [[layout, str(cores), _count(a), _count(b), f"{100 * e:.0f} %"] for layout, cores, a, b, e in answers],
        )
    ]
    rows = [
        [
            each.network,
            each.method,
            f"{each.images:,}",
            str(each.workers),
            _milliseconds(each.alone),
            _milliseconds(each.step),
            f"{1e3 * each.computing.median:.3g} / {1e3 * each.travelling.median:.3g} / {1e3 * each.waiting.median:.3g}",
            _milliseconds(each.overhead),
            f"{1e3 * sim:.3g} ({100 * (sim / each.step.median - 1):+.0f} %)",
        ]
        for each in found
        for sim in [checked(each, costs[each.network, each.method], shared, simulated)]
    ]
    parts.append(
        table(
            [
                "network",
                "method",
                "images",
                "workers",
                "alone, ms",
                "step, ms",
                "computing / travelling / waiting",
                "overhead, ms",
                "simulated step, ms",
            ],
            rows,
        )
    )
    parts.append(table(["", "ms: median (quartiles)"], [[name, _milliseconds(spread)] for name, spread in vars(shared).items()]))
    names = ("images", "shard", "add", "weights", "total", "batch", "update")
    parts.append(
        table(
            ["network, method", *names],
            [
                [
                    ", ".join(key),
                    *(
                        f"{getattr(each, name):.4g}" if isinstance(getattr(each, name), float) else f"{getattr(each, name):,}"
                        for name in names
                    ),
                ]
                for key, each in costs.items()
            ],
        )
    )
    return "\n\n".join(parts) + "\n"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _count(images: int | None) -> str:
    return "none up to 1,048,576" if images is None else f"{images:,}"


def main() -> None:
    """Measure, compute and simulate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("scale"))
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    presets = ("readme",) if given.quick else ("readme", "seed")
    load = os.getloadavg()[0]
    shared = shared_costs()
    costs = {(preset, method): costs_of(preset, method, shared) for preset in presets for method in METHODS}
    found = [each for workers in WORKERS for each in measure(workers, presets, SHARDS[: 1 if given.quick else None])]
    target = costs[presets[-1], "differences"]
    answers, curves = [], []
    for layout, make in LAYOUTS.items():
        for cores in CORES:
            cluster = make(cores)
            formula = smallest_batch(target, cores, lambda n: terms_of(target, cluster, n).step)  # noqa: B023  called at once
            at = efficiency(target, cores, 4096, simulated(target, cluster, 4096))
            answers.append((layout, cores, smallest(target, cluster), formula, at))
            batches = [target.images * cores * n for n in (1, 2, 4, 8, 16, 32, 64) if target.images * cores * n <= 1 << 17]
            curve = [
                (
                    n,
                    efficiency(target, cores, n, simulated(target, cluster, n)),
                    efficiency(target, cores, n, terms_of(target, cluster, n).step),
                )
                for n in batches
            ]
            curves.append((layout, cores, curve))
    text = f"Load of {os.cpu_count()} cores at the start: {load:.1f}.\n\n" + tables(shared, costs, found, answers)
    given.out.mkdir(parents=True, exist_ok=True)
    write_atomically(given.out / "scale.md", text.encode())
    plain = {
        "costs": {", ".join(key): asdict(each) for key, each in costs.items()},
        "shared": asdict(shared),
        "measured": [asdict(each) for each in found],
        "answers": answers,
        "curves": curves,
        "terms": {
            f"{layout}, {cores}": asdict(terms_of(target, make(cores), 4096))
            for layout, make in LAYOUTS.items()
            for cores in CORES
        },
    }
    write_atomically(given.out / "scale.json", json.dumps(plain, indent=1).encode())
    write_atomically(given.out / "scale.png", picture(curves))
    print(text)


if __name__ == "__main__":
    main()
