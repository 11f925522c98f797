"""Layers of PyTorch under `check_layer`: every one is correct, so every alarm is false; `torch.autograd.gradcheck` on the same.

python benchmarks/opinfo.py [--limit 1] [--only relu]     needs `pip install torch==2.13.0 expecttest`; exits with 1 at an alarm

The cases are those of PyTorch's own tests (OpInfo): arguments of its functions, as they are, and placed on kinks and ties by
rounding them to halves, to whole numbers, or to zero. PyTorch's autograd is the backward pass. A layer has the differentiable
arguments as weights. gradcheck wants float64; its count in float32 is printed for completeness.
"""

import argparse
import sys
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch.testing._internal.common_methods_invocations import op_db
from torch.testing._internal.opinfo.core import UnaryUfuncInfo

from handmade.engine.arrays import Array
from handmade.gradients import check_layer

OTHERS = """
abs amax amin clamp clamp_max clamp_min cummax cummin cumprod cumsum diff dist erf exp expm1 flip gather index_select kthvalue
linalg.vector_norm log log1p log_softmax logaddexp logcumsumexp logsumexp matmul max maximum mean median min minimum msort norm
pow prod quantile reciprocal renorm roll rsqrt sigmoid sin softmax sort sqrt square std sum take_along_dim tanh topk tril unfold
var where
"""  # beside everything in nn.functional

PLACES: dict[str, Callable[[Array], Array]] = {
    "as it is": lambda x: x,
    "halves": lambda x: np.round(2 * x) / 2,
    "whole numbers": np.round,
    "zeros": np.zeros_like,
}
DTYPES = {"float64": torch.float64, "float32": torch.float32}
MOST = 1000  # numbers in x, the weights and y: beyond, a case tells nothing new and takes gradcheck many seconds
NOT_DERIVATIVES = {  # of these, PyTorch's backward is no derivative, and gradcheck says so, too
    "nn.functional.max_unpool1d": "two numbers are put in one place (PyTorch's variant `grad` has none of these)",
    "nn.functional.max_unpool2d": "(as above)",
    "nn.functional.max_unpool3d": "(as above)",
    "nn.functional.softshrink lambd=0.0": "the identity, and a gradient of 0 at 0",
}


class OutOfScopeError(Exception):
    """A case that is no layer; the message is the reason."""


@dataclass
class Case:
    """One function of PyTorch with its arguments: a layer of x, with the other differentiable arguments as weights."""

    name: str
    call: Callable[..., Any]  # of the differentiable arguments by name, "x" among them
    x: Array
    dtype: Any
    weights: dict[str, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.size = self.x.size + sum(w.size for w in self.weights.values())  # and of the output

    def output(self, arrays: dict[str, Any]) -> Any:
        """Return the output for tensors by name; what is random is drawn the same every time."""
        torch.manual_seed(0)
        return self.call(**arrays)

    def tensors(self, x: Array, weights: dict[str, Array], *, record: bool) -> dict[str, Any]:
        """Return x and the weights as tensors."""
        arrays = {"x": x} | weights
        return {name: torch.tensor(np.array(a), dtype=self.dtype).requires_grad_(record) for name, a in arrays.items()}

    def layer(self) -> "TorchLayer":
        """Return the case as somebody's layer."""
        return TorchLayer(self)

    def gradients(self, x: Array, weights: dict[str, Array], gy: Array) -> dict[str, Array]:
        """Return all gradients by autograd."""
        tensors = self.tensors(x, weights, record=True)
        y = self.output(tensors)
        found = torch.autograd.grad(y, list(tensors.values()), torch.tensor(np.array(gy), dtype=y.dtype), allow_unused=True)
        return {
            name: np.zeros(tensor.shape) if g is None else g.numpy()
            for (name, tensor), g in zip(tensors.items(), found, strict=True)
        }


class TorchLayer:
    """A function of PyTorch in the clothes of a layer."""

    def __init__(self, case: Case) -> None:
        def of() -> Case:
            return case

        self._of = of  # a function, for the arrays of a case are no attributes
        self.weights = {name: w.copy() for name, w in case.weights.items()}

    def forward(self, x: Array) -> Array:
        case = self._of()
        with torch.no_grad():
            y: Array = case.output(case.tensors(x, self.weights, record=False)).numpy().copy()
        return y

    def backward(self, x: Array, gy: Array) -> tuple[Array, dict[str, Array]]:
        found = self._of().gradients(x, self.weights, gy)
        return found["x"], {name: found[name] for name in self.weights}


def cases(op: Any, dtype: Any, limit: int, numbers: int, skipped: Counter[str]) -> Iterator[Case]:
    """Yield some of the cases of a function, evenly from its list; count those that are out of scope."""
    torch.manual_seed(0)
    found = []
    for sample in op.sample_inputs("cpu", dtype, requires_grad=True):
        try:
            found.append(case_of(op, sample, dtype))
        except OutOfScopeError as reason:
            skipped[str(reason)] += 1
    small = [case for case in found if case.size <= numbers]
    if not small:  # a function of which there are large cases only
        small = sorted((case for case in found if case.size <= MOST), key=lambda case: case.size)[:limit]
    skipped["it is large"] += len(found) - len(small)
    found = small
    for i in sorted({round(i) for i in np.linspace(0, len(found) - 1, min(limit, len(found)))}):
        yield found[i]


def case_of(op: Any, sample: Any, dtype: Any) -> Case:
    """Return a sample as a case.

    Raises
    ------
    OutOfScopeError
        If it is no function of one array with images.
    """
    if not isinstance(sample.input, torch.Tensor) or sample.input.dtype != dtype:
        raise OutOfScopeError("x is a list, or no array of floats")
    x = sample.input.detach()
    x = x[:5, :5] if isinstance(op, UnaryUfuncInfo) and x.ndim == 2 else x  # all numbers are treated alike
    name = op.name + (f" {op.variant_test_name}" if op.variant_test_name else "")
    named = {f"argument_{i}": value for i, value in enumerate(sample.args, 1)} | dict(sample.kwargs)
    weights = {n: v for n, v in named.items() if isinstance(v, torch.Tensor) and v.requires_grad and v.dtype == dtype}
    reasons = {
        "PyTorch's backward is no derivative": bool({name, f"{name} lambd={named.get('lambd')}"} & set(NOT_DERIVATIVES)),
        "zero numbers": 0 in {x.numel(), *(w.numel() for w in weights.values())},
        "x is one number, without an axis of images": x.ndim == 0,
        "x is a list, or no array of floats": any(isinstance(e, torch.Tensor) for v in named.values() for e in _entries(v)),
    }
    for reason, holds in reasons.items():
        if holds:
            raise OutOfScopeError(reason)

    def call(x: Any, **arrays: Any) -> Any:
        filled = {
            n: arrays[n] if n in arrays else v.detach().clone() if isinstance(v, torch.Tensor) else v for n, v in named.items()
        }
        args = [filled.pop(f"argument_{i}") for i in range(1, len(sample.args) + 1)]
        y = op.op(x, *args, **filled)
        y = next(each for each in y if each.is_floating_point()) if isinstance(y, (list, tuple)) else y
        if not y.is_floating_point():
            raise OutOfScopeError("no output of floats")
        return y

    own = {n: w.detach().numpy().copy() for n, w in weights.items()}
    case = Case(name, call, x.numpy().copy(), dtype, own)
    case.size += case.output(case.tensors(case.x, own, record=False)).numel()
    return case


def _entries(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (list, tuple)) else ()


def usable(case: Case, x: Array) -> bool:
    """Tell whether output and gradients exist at x and are finite."""
    y = case.layer().forward(x)
    if y.size == 0 or not np.isfinite(y).all():
        return False
    try:
        found = case.gradients(x, case.weights, np.ones_like(y))
    except RuntimeError:  # not differentiable in this mode
        return False
    return all(np.isfinite(g).all() for g in found.values())


def checked(case: Case, x: Array) -> tuple[str, str]:
    """Return the verdict of check_layer, with its text; "crashed" if it gives none."""
    try:
        with np.errstate(all="ignore"):
            report = check_layer(case.layer(), x, dtype=x.dtype, rng=np.random.default_rng(0))
    except Exception as error:  # noqa: BLE001  whatever it is, it is counted
        return "crashed", f"{type(error).__name__}: {error}"
    return report.verdict, str(report)


def gradcheck(case: Case, x: Array) -> bool:
    """Tell whether PyTorch's own check of gradients passes."""
    tensors = case.tensors(x, case.weights, record=True)

    def f(*each: Any) -> Any:
        return case.output(dict(zip(tensors, each, strict=True)))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return bool(torch.autograd.gradcheck(f, tuple(tensors.values()), raise_exception=False))


def in_scope(only: str) -> list[Any]:
    """Return the functions that layers are made of."""
    found = [op for op in op_db if op.name.startswith("nn.functional.") or op.name in OTHERS.split()]
    return [op for op in found if only in op.name]


def main() -> int:
    """Check, print the table; 1 if a correct layer is called wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--limit", type=int, default=1, help="cases of each function and dtype")
    parser.add_argument(
        "--numbers", type=int, default=60, help="leave out cases with more numbers, where a function has smaller ones"
    )
    parser.add_argument("--only", default="", help="functions whose names contain this")
    parser.add_argument("--without-gradcheck", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)  # the arrays are small
    warnings.simplefilter("ignore")  # of PyTorch's about its own tests
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    skipped, functions, untested, seconds = Counter[str](), set(), Counter[str](), 0.0
    for op in in_scope(options.only):
        for dtype_name, dtype in DTYPES.items():
            if dtype not in op.supported_backward_dtypes("cpu"):
                skipped["no gradient in this dtype"] += 1
                continue
            for case in cases(op, dtype, options.limit, options.numbers, skipped):
                for place, move in PLACES.items():
                    x = move(case.x).astype(case.x.dtype)
                    if not usable(case, x):
                        skipped["output or gradient is not finite there"] += 1
                        continue
                    started = time.perf_counter()
                    verdict, report = checked(case, x)
                    seconds += time.perf_counter() - started
                    count = counts[dtype_name, place]
                    count["cases"] += 1
                    count[verdict] += 1
                    functions.add(case.name)
                    if verdict in {"wrong", "crashed"}:
                        print(f"{verdict.upper()}: {case.name}, x {x.shape} {dtype_name}, {place}\n{report}\n")
                    if verdict == "not tested":
                        untested[case.name] += 1
                    if not options.without_gradcheck:
                        count["gradcheck"] += not gradcheck(case, x)
    print_table(counts, without_gradcheck=options.without_gradcheck)
    total = sum(count["cases"] for count in counts.values())
    print(f"\n{total} cases of {len(functions)} functions; {seconds:.0f} s in check_layer.")
    print("Not tested, by function: " + (", ".join(f"{name} {n}" for name, n in untested.most_common()) or "none"))
    print("Out of scope: " + (", ".join(f"{reason} {n}" for reason, n in skipped.most_common()) or "none"))
    return int(any(count["wrong"] + count["crashed"] for count in counts.values()))


def print_table(counts: dict[tuple[str, str], Counter[str]], *, without_gradcheck: bool) -> None:
    """Print a row for each dtype and place."""
    titles = f"{'correct':>8} {'not tested':>11} {'false alarms':>13} {'crashes':>8} {'alarms of gradcheck':>20}"
    print(f"{'dtype':8} {'x':14} {'cases':>6} {titles}")
    for (dtype, place), count in counts.items():
        own = f"{count['cases']:6} {count['correct']:8} {count['not tested']:11} {count['wrong']:13} {count['crashed']:8}"
        print(f"{dtype:8} {place:14} {own} {'-' if without_gradcheck else count['gradcheck']:>20}")


if __name__ == "__main__":
    sys.exit(main())
