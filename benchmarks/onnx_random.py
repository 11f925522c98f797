"""Random ONNX graphs against onnxruntime: outputs as a backend, logits of the converted network, and its gradients in three ways.

python benchmarks/onnx_random.py [--graphs 500]          needs `pip install onnxruntime`; exits with 1 if one disagrees

The graphs are those of onnx_graphs.py. `check` compares backpropagation, exact differences and the definition.
"""

import argparse
import sys
from collections import Counter
from dataclasses import dataclass

import numpy as np

from handmade.engine.arrays import Array
from handmade.engine.check.networks.check import check
from handmade.engine.errors import HandmadeError
from handmade.files.onnx import read_graph, read_network
from handmade.files.onnx.run import run
from onnx_graphs import BATCHES, CHANNELS, CLASSES, SIDE, random_model

CLOSE = 1e-4  # relative to the largest number of an output: both compute in float32, in another order
WIDEST = 1e4  # of a number within a graph: beyond it, rounding decides


@dataclass(frozen=True)
class Outcome:
    """Findings for one graph."""

    error: float
    layers: int
    operations: int
    problem: str = ""


def compare(seed: int, *, gradients: bool = True) -> Outcome | None:
    """Compare one graph; None if its numbers are too large for a fair comparison."""
    import onnxruntime  # noqa: PLC0415  only the comparison needs it

    model = random_model(seed)
    rng = np.random.default_rng(seed)
    batch = BATCHES[seed % 3]
    x = rng.standard_normal((batch, CHANNELS, SIDE, SIDE)).astype(np.float32)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        (expected,) = session.run(None, {"image": x})
    except Exception as error:  # noqa: BLE001  its errors have no common base
        return Outcome(0.0, 0, 0, f"onnxruntime: {str(error)[:120]}")
    if not np.isfinite(expected).all() or np.abs(expected).max() > WIDEST:
        return None
    result = run(read_graph(model), [x])
    found = _apart(result.outputs[0], expected)
    try:
        imported = read_network(model)
    except HandmadeError as error:
        return Outcome(found, 0, 0, f"refused: {error}")
    network = imported.network
    inner = np.moveaxis(x, 1, 3)
    own = network.outputs(inner)[imported.outputs[model.graph.output[0].name]]
    worst = max(found, _apart(own, expected))
    problem = "" if worst <= CLOSE else f"outputs differ by {worst:.1e}"
    if result.outputs[0].dtype != expected.dtype:
        problem = f"{result.outputs[0].dtype} instead of {expected.dtype}"
    if gradients and not problem:
        report = check(network, inner[:2], np.arange(min(batch, 2)) % CLASSES, tries=4)
        wrong = [str(each.name) for each in report.arrays if each.verdict == "bug"]
        problem = f"gradients of {', '.join(wrong)}" if wrong else ""
    return Outcome(worst, result.layers, len(result.operations), problem)


def _apart(ours: Array, theirs: Array) -> float:
    if ours.shape != theirs.shape:
        return np.inf
    return float(np.abs(ours - theirs).max() / max(np.abs(theirs).max(), 1e-3))


def main() -> int:
    """Compare and print; 1 if a graph disagrees."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--graphs", type=int, default=500)
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    counts, worst = Counter[str](), 0.0
    for seed in range(options.first, options.first + options.graphs):
        outcome = compare(seed)
        if outcome is None:
            counts["numbers too large to compare"] += 1
            continue
        worst = max(worst, outcome.error)
        counts["disagree" if outcome.problem else "agree"] += 1
        counts["as a network alone"] += not outcome.operations and not outcome.problem
        if outcome.problem:
            print(f"graph {seed}: {outcome.problem}")
    print(
        f"{options.graphs} graphs; worst difference {worst:.1e}; "
        + ", ".join(f"{times} {kind}" for kind, times in counts.items())
    )
    return int(counts["disagree"] > 0)


if __name__ == "__main__":
    sys.exit(main())
