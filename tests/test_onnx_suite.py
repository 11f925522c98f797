"""The backend suite of ONNX: all cases in scope pass, and each case that is out of scope has its reason."""

import numpy as np
import pytest

pytest.importorskip("onnx")  # an extra
import onnx_suite
from handmade.files.onnx import OutOfScope, run_model
from onnx_models import classifier

CASES = {"core": 152, "loss": 104, "pytorch": 82, "simple": 1}  # of onnx 1.23; a harness that finds nothing passes nothing
OUT_OF_SCOPE = {"element type", "no graph within the graph", "ConvTranspose", "expected a tensor"}


def assert_passes(found: dict[str, onnx_suite.Counts]) -> None:
    for counts in found.values():
        assert counts.failed == {}
        unexplained = {name: why for name, why in counts.out.items() if not any(part in why for part in OUT_OF_SCOPE)}
        assert unexplained == {}


def test_exports_of_pytorch_and_the_simple_model_pass() -> None:
    found = onnx_suite.suite({"pytorch", "simple"})

    assert_passes(found)
    assert found["pytorch"].cases == CASES["pytorch"]
    assert found["simple"].network == found["simple"].cases == CASES["simple"]
    assert sorted(found["pytorch"].out) == ["test_ConvTranspose2d", "test_ConvTranspose2d_no_bias"]
    assert found["pytorch"].network >= 63


@pytest.mark.long
def test_the_whole_suite_passes() -> None:
    found = onnx_suite.suite({"core", "loss", "glue"})

    assert_passes(found)
    for group in ("core", "loss"):
        assert found[group].cases == CASES[group]
        assert found[group].out == {}
    assert found["core"].network >= 102
    assert found["glue"].cases >= 711
    assert found["glue"].network >= 137


@pytest.mark.parametrize("wrong", ["numbers", "dtype", "shape"])
def test_a_wrong_answer_is_found(wrong: str) -> None:
    right = np.ones((2, 3), np.float32)
    answers = {"numbers": right * 1.002, "dtype": right.astype(np.float64), "shape": right[None]}

    with pytest.raises(AssertionError):
        onnx_suite.compare([answers[wrong]], [right])


def test_what_is_out_of_scope_is_counted_with_its_reason() -> None:
    proto = classifier()
    proto.graph.node[1].op_type = "Det"
    counts = onnx_suite.Counts()

    onnx_suite.judge(onnx_suite.Case("core", "empty", proto, []), counts)
    with pytest.raises(OutOfScope):
        run_model(proto, [np.zeros((1, 1, 6, 6), np.float32)])
    assert counts.failed == {"empty": "it has no data"}
    onnx_suite.judge(onnx_suite.Case("core", "det", proto, [([np.zeros((1, 1, 6, 6), np.float32)], [])]), counts)
    assert "Det" in counts.out["det"]
