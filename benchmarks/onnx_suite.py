"""The cases of the ONNX backend suite that are in scope: every one counted, none skipped.

python benchmarks/onnx_suite.py [--group NAME]          exits with 1 if a case fails

A case passes as a network if all its operations became layers or constants; else operator by operator. A case that is
declared out of scope is counted with its reason. Groups: core, loss and glue are made in memory by onnx itself; pytorch and
simple are files of the package. Tolerances are those of the suite: rtol 1e-3, atol 1e-7, the same shape and dtype
(onnx.backend.test).
"""

import argparse
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx.backend.test.loader import load_model_tests

from handmade.engine.errors import HandmadeError
from handmade.files.onnx import OutOfScope, read_graph
from handmade.files.onnx.run import run

CORE = """
AveragePool BatchNormalization Conv Dropout Flatten Gelu Gemm GlobalAveragePool LeakyRelu LogSoftmax MatMul MaxPool Relu Sigmoid
Softmax Tanh
"""
LOSS = "SoftmaxCrossEntropyLoss NegativeLogLikelihoodLoss"
GLUE = """
Abs Add And ArgMax ArgMin Cast CastLike Ceil Clip Concat Constant ConstantOfShape Div Elu Equal Erf Exp Expand Floor Gather
GatherElements GlobalMaxPool Greater GreaterOrEqual HardSigmoid HardSwish Identity Less LessOrEqual Log Max Mean Min Mish Mod Mul
Neg Not Or PRelu Pad Pow Range Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin
ReduceProd ReduceSum ReduceSumSquare Reshape Round Selu Shape Sign Size Slice Softplus Softsign Split Sqrt Squeeze Sub Sum
Swish Tile Transpose Unsqueeze Where Xor
"""
SIMPLE = {"test_single_relu_model"}
RTOL, ATOL = 1e-3, 1e-7


@dataclass
class Counts:
    """Results of a group."""

    network: int = 0
    operators: int = 0
    out: dict[str, str] = field(default_factory=dict)  # reasons by case
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def cases(self) -> int:
        """Number of cases."""
        return self.network + self.operators + len(self.out) + len(self.failed)


@dataclass(frozen=True)
class Case:
    """A model and its data sets: inputs and expected outputs."""

    group: str
    name: str
    model: Any
    data: list[tuple[list[Any], list[Any]]]


def cases(groups: set[str]) -> Iterator[Case]:
    """Yield all cases of some groups."""
    if groups & {"core", "loss", "glue"}:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NumPy warns where the suite overflows on purpose
            made = load_model_tests(kind="node")
        named = {each.name: each for each in made}
        for each in made:
            whole = named.get(each.name.partition("_expanded")[0], each)  # the case before its operator was expanded
            group = _group([node.op_type for node in whole.model.graph.node])
            if group in groups:
                yield Case(group, each.name, each.model, [(list(a), list(b)) for a, b in each.data_sets])
    root = Path(onnx.__file__).parent / "backend" / "test" / "data"
    for group, folder in (("pytorch", "pytorch-converted"), ("simple", "simple")):
        found = sorted((root / folder).iterdir()) if group in groups else []
        for path in found:
            if group == "pytorch" or path.name in SIMPLE:
                yield Case(
                    group, path.name, onnx.load(path / "model.onnx"), [_data(each) for each in sorted(path.glob("test_data*"))]
                )


def _group(ops: list[str]) -> str | None:
    for group, names in (("core", CORE), ("loss", LOSS), ("glue", GLUE)):
        if len(ops) == 1 and ops[0] in names.split():
            return group
    return None


def _data(folder: Path) -> tuple[list[Any], list[Any]]:
    def read(kind: str) -> list[Any]:
        count = len(list(folder.glob(f"{kind}_*.pb")))
        tensors = []
        for k in range(count):
            tensor = onnx.TensorProto()
            tensor.ParseFromString((folder / f"{kind}_{k}.pb").read_bytes())
            tensors.append(tensor)
        return tensors

    return read("input"), read("output")


def as_array(value: Any) -> np.ndarray:
    """Return an array for an array, a scalar or a TensorProto."""
    return onnx.numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else np.asarray(value)


def judge(case: Case, counts: Counts) -> None:
    """Run a case and count its result."""
    try:
        assert case.data, "it has no data"
        graph = read_graph(case.model)
        for inputs, expected in case.data:
            result = run(graph, [as_array(each) for each in inputs])
            compare(result.outputs, [as_array(each) for each in expected])
    except OutOfScope as error:
        counts.out[case.name] = str(error)
    except (HandmadeError, AssertionError) as error:
        counts.failed[case.name] = " ".join(str(error).split())[:200]
    else:
        if result.layers and not result.operations:
            counts.network += 1
        else:
            counts.operators += 1


def compare(outputs: list[Any], expected: list[Any]) -> None:
    """Raise AssertionError unless outputs are those of the case, as onnx.backend.test compares them."""
    assert len(outputs) == len(expected), f"{len(outputs)} outputs instead of {len(expected)}"
    for own, other in zip(outputs, expected, strict=True):
        assert own.shape == other.shape, f"shape {own.shape} instead of {other.shape}"
        assert own.dtype == other.dtype, f"dtype {own.dtype} instead of {other.dtype}"
        first, second = (each.astype(np.float32) if each.dtype.name == "bfloat16" else each for each in (own, other))
        np.testing.assert_allclose(first, second, RTOL, ATOL)


def suite(groups: set[str], only: str = "") -> dict[str, Counts]:
    """Return the results by group."""
    found = {group: Counts() for group in sorted(groups)}
    for case in cases(groups):
        if only in case.name:
            judge(case, found[case.group])
    return found


GROUPS = {"core", "loss", "glue", "pytorch", "simple"}


def main() -> int:
    """Print the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--group", choices=sorted(GROUPS))
    parser.add_argument("--only", default="", help="part of the names of cases")
    parser.add_argument("--list", action="store_true", help="name the cases that are out of scope, too")
    options = parser.parse_args()
    found = suite({options.group} if options.group else GROUPS, options.only)
    print(f"{'group':10}{'cases':>7}{'network':>9}{'operators':>11}{'out of scope':>14}{'failed':>8}")
    for group, counts in found.items():
        print(f"{group:10}{counts.cases:7}{counts.network:9}{counts.operators:11}{len(counts.out):14}{len(counts.failed):8}")
    reasons = Counter(reason.partition(": ")[2][:110] for counts in found.values() for reason in counts.out.values())
    for reason, times in reasons.most_common() if not options.list else []:
        print(f"out of scope, {times} times: {reason}")
    for counts in found.values():
        for name, reason in counts.out.items() if options.list else []:
            print(f"out of scope: {name}: {reason}")
        for name, reason in counts.failed.items():
            print(f"FAILED {name}: {reason}")
    return any(counts.failed for counts in found.values())


if __name__ == "__main__":
    sys.exit(main())
