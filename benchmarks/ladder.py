"""The ladder: every operation and every gradient in nested loops, plain NumPy, handmade and the frameworks, side by side.

python benchmarks/ladder.py                     everything, about half an hour on two idle cores
python benchmarks/ladder.py --quick             a look, in some minutes
python benchmarks/ladder.py --only inference    one section; may be given several times
python benchmarks/ladder.py --one-core          one thread each, by the processor's time, which other work hardly disturbs
python benchmarks/ladder.py --before DIR        with the engine of another commit, which `git worktree add DIR COMMIT` fetches

Every rung is checked against the nested loops before it is timed, and all ways to one result are timed in turn (`timing.py`), so
what holds are the ratios. PyTorch, onnxruntime and JAX are used where they can be imported, and left out by name where not.
"""

import argparse
import time
from pathlib import Path

import handmade
import setting
from figures import draw
from handmade.doctor.machine import examine, installed
from handmade.threads import cores, threads
from own import Crew
from peers import PEERS, present
from report import Measurement, Results, Row, busy
from rungs_networks import batches, gradients, inference, training
from rungs_operations import single_operations
from rungs_peak import peak
from rungs_process import engine_before, growing, memory, start

SECTIONS = {
    "gradients": gradients,
    "before": engine_before,
    "training": training,
    "inference": inference,
    "batches": batches,
    "peak": peak,
    "memory": memory,
    "start": start,
    "growth": growing,
    "operations": single_operations,
}
ROUNDS, QUICK_ROUNDS = 11, 3
IMAGES = 1280  # of the training set, prepared beforehand
OUT = Path(__file__).parent / "results"


def head(rounds: int, threads: int) -> str:
    """Return what the figures were measured on, who took part, and how busy the machine was."""
    machine, versions = examine(), []
    for peer, modules in PEERS.items():
        versions.append(" ".join(f"{name} {installed(name)}" for name in modules) if present(peer) else f"{peer} absent, skipped")
    variables = ", ".join(f"{name}={value}" for name, value in machine.variables.items()) or "none"
    return (
        f"Measured on {machine.line}.\n{'; '.join(versions)}. Threads: {threads} each. Variables: {variables}.\n"
        f"{rounds} rounds in turn; {busy(machine.granted)}."
    )


def main() -> None:
    """Climb."""
    parser = argparse.ArgumentParser(description="Every operation and every gradient, in every way, side by side.")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROUNDS} rounds, and not everything")
    parser.add_argument("--only", action="append", choices=list(SECTIONS), help="a section; all if left out")
    parser.add_argument("--out", type=Path, default=OUT, metavar="DIR", help="where ladder.md, ladder.json and figures go")
    parser.add_argument("--one-core", action="store_true", help="one thread each, by the processor's time: for a busy machine")
    parser.add_argument("--before", type=Path, metavar="DIR", help="a working tree with the engine before")
    options = parser.parse_args()
    rounds, count = QUICK_ROUNDS if options.quick else ROUNDS, 1 if options.one_core else cores()
    clock = time.process_time if options.one_core else time.perf_counter
    title = head(rounds, count)
    print(f"{title}\n", flush=True)
    digits = handmade.data.mnist().train
    x, y = handmade.data.prepare(digits.images[:IMAGES]), digits.labels[:IMAGES]
    measurements: list[Measurement] = []
    rows: list[Row] = []
    sentences: list[str] = []
    with threads(count) as executor:
        crew = Crew(count, executor)
        setup = setting.Setup(crew, x, y, setting.networks(x, y), rounds, options.quick, clock, options.before)
        for name in options.only or SECTIONS:
            began = time.perf_counter()
            found = SECTIONS[name](setup)
            measurements += found[0]
            rows += found[1]
            sentences += found[2]
            print(f"{name}: {time.perf_counter() - began:.0f} s", flush=True)
    results = Results(title, measurements, rows, sentences)
    results.write(options.out)
    drawn = draw(results, options.out)
    print(f"\n{results.markdown()}\nWritten: {options.out}/ladder.md, ladder.json{''.join(f', {name}' for name in drawn)}")


if __name__ == "__main__":
    main()
