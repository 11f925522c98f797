"""Hostile ONNX models: small files that ask for much memory or time are refused in one line; what real models need is allowed."""

import tracemalloc
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx")  # an extra
from onnx import TensorProto, helper, numpy_helper

from handmade.engine.errors import HandmadeError
from handmade.files.onnx import OutOfScope, read_network, run_model
from handmade.files.onnx.budget import FREE
from onnx_models import INT64, draw, model, node

MANY = 2**24


def sizes(*numbers: int) -> Any:
    return np.array(numbers, np.int64)


def adds(nodes: Sequence[Any], last: str, constants: dict[str, Any], **more: Any) -> Any:
    """Return a model that adds the sum of a constant to the images."""
    ends = [node("ReduceSum", last, "sum"), node("Cast", "sum", "number", to=TensorProto.FLOAT), node("Add", "x number", "y")]
    return model([*nodes, *ends], constants, **more)


def chain(op: str, first: str, count: int, **attributes: Any) -> list[Any]:
    """Return nodes that read their input twice, one after the other."""
    return [
        node(op, f"{first if not k else f't{k}'} {first if not k else f't{k}'}", f"t{k + 1}", **attributes) for k in range(count)
    ]


def constant(name: str, of: str, kind: int = TensorProto.FLOAT) -> Any:
    value = helper.make_tensor("value", kind, [1], [0])
    return node("ConstantOfShape", of, name, value=value)


ONE, FOUR = np.ones((1, 1, 2, 2), np.float32), np.ones((4, 64), np.float32)
WIDE, LONG = [constant("a", "s"), constant("b", "t")], {"s": sizes(2**19, 1), "t": sizes(1, 2**19)}
FLOATS = {"a": np.float32(0), "b": np.float32(1e30), "c": np.float32(1e-30)}
CONSTANTS = {
    "a large constant": adds([constant("c", "s")], "c", {"s": sizes(MANY)}),
    "a constant that doubles": adds([constant("c", "s"), *chain("Concat", "c", 40, axis=0)], "t40", {"s": sizes(2)}),
    "many constants": adds([constant("c", "s"), *chain("Add", "c", 30)], "t30", {"s": sizes(2**20)}),
    "an outer sum": adds([*WIDE, node("Add", "a b", "c")], "c", LONG),
    "an outer product": adds([*WIDE, node("MatMul", "a b", "c")], "c", LONG),
    "a Gemm": adds([constant("a", "s"), node("Gemm", "a a", "c", transA=1)], "c", {"s": sizes(1, 2**19)}),
    "a comparison": adds([*WIDE, node("Equal", "a b", "c")], "c", LONG),
    "a Gather": adds([constant("i", "s", INT64), node("Gather", "g i", "c")], "c", {"s": sizes(2**20), "g": FOUR}),
    "a Tile": adds([node("Tile", "g t", "c")], "c", {"g": FOUR, "t": sizes(2**30, 2**30)}),
    "an Expand": adds([node("Expand", "g t", "c")], "c", {"g": FOUR, "t": sizes(2**40, 4, 64)}),
    "a Range": adds([node("Range", "a b c", "r")], "r", {"a": np.int64(0), "b": np.int64(2**62), "c": np.int64(1)}),
    "a Range of floats": adds([node("Range", "a b c", "r")], "r", FLOATS),
    "a Pad": adds([node("Pad", "g p", "c")], "c", {"g": FOUR, "p": sizes(2**20, 2**20, 0, 0)}),
    "a Conv": adds([node("Conv", "k k", "c", pads=[65_535] * 4)], "c", {"k": ONE}),
    "a Conv with large strides": adds([node("Conv", "k k", "c", pads=[65_535] * 4, strides=[65_535] * 2)], "c", {"k": ONE}),
    "a MaxPool": adds([node("MaxPool", "k", "c", pads=[60_000] * 4, kernel_shape=[60_001] * 2)], "c", {"k": ONE}),
}  # fmt: skip
ACTIVATIONS = {
    "pads": model([node("Conv", "x k", "y", pads=[65_535] * 4)], {"k": ONE}),
    "pads between strides": model([node("Conv", "x k", "y", pads=[32_768] * 4, strides=[65_536] * 2)], {"k": ONE}),
    "dilations": model([node("Conv", "x k", "y", pads=[32_768] * 4, dilations=[65_536] * 2)], {"k": ONE}),
    "a window": model([node("MaxPool", "x", "y", kernel_shape=[60_000] * 2, pads=[59_999] * 4, strides=[60_000] * 2)]),
    "windows": model([node("AveragePool", "x", "y", kernel_shape=[2000] * 2, pads=[1999] * 4, count_include_pad=1)]),
    "Pad": model([node("Pad", "x p", "y")], {"p": sizes(0, 0, 2**20, 0, 0, 0, 0, 2**20)}),
    "Expand": model([node("Expand", "x p", "y")], {"p": sizes(1, 1024, 1024, 1024)}, ("N", 1, 1, 1)),
    "Concat": model([node("Relu", "x", "t0"), *chain("Concat", "t0", 40, axis=1), node("Relu", "t40", "y")]),
    "axes": model([node("Reshape", "x s", "y")], {"s": sizes(0, *[1] * 1000, 36)}),
}


@pytest.mark.parametrize("name", CONSTANTS)
def test_constants_that_grow_beyond_the_file_are_refused_before_they_are_made(name: str) -> None:
    content = CONSTANTS[name].SerializeToString()
    tracemalloc.start()
    try:
        with pytest.raises(OutOfScope, match=r"numbers of constants in .* steps; for this file, [\d,]+ bytes") as refused:
            read_network(content)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert "\n" not in str(refused.value)
    assert peak < 1.3 * FREE


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_larger_than_networks_need_are_refused(name: str) -> None:
    content = ACTIVATIONS[name].SerializeToString()
    tracemalloc.start()
    try:
        with pytest.raises(OutOfScope, match=r"too large for a network|at most [\d,]+ (numbers )?are supported"):
            read_network(content)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 2_000_000


def test_weights_that_are_stored_as_integers_are_within_the_limits() -> None:
    nodes = [
        node("Cast", "V", "c", to=TensorProto.FLOAT),
        node("Sub", "c zero", "d"),
        node("Mul", "d scale", "W"),
        node("Flatten", "x", "f"),
        node("MatMul", "f W", "y"),
    ]
    V = np.random.default_rng(0).integers(-128, 128, (36, 100_000)).astype(np.int8)  # 3.6 MB, as floats 14.4 MB
    proto = model(nodes, {"V": V, "zero": np.float32(3), "scale": np.float32(0.01)})

    network = read_network(proto).network

    x = draw(0, 1, 6, 6, 1)
    expected = x.reshape(1, 36) @ ((V.astype(np.float32) - 3) * np.float32(0.01))
    np.testing.assert_allclose(network.logits(x), expected, 1e-4, 1e-4)


def test_many_nodes_of_one_name_get_names_of_their_own() -> None:
    count, networks = 1500, []
    for same in (False, True):
        relus = [helper.make_node("Relu", ["x" if not k else f"t{k}"], [f"t{k + 1}"], name="same") for k in range(count)]
        for k, each in enumerate(relus):
            each.name = "same" if same else f"n{k}"
        proto = helper.make_model(
            helper.make_graph(
                relus,
                "chain",
                [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 1, 6, 6])],
                [helper.make_tensor_value_info(f"t{count}", TensorProto.FLOAT, None)],
            ),
            opset_imports=[helper.make_opsetid("", 17)],
        )
        networks.append(read_network(proto).network)

    assert all(len({each.name for each in network.nodes}) == count for network in networks)


def test_a_refusal_of_very_many_operations_names_the_first_ones() -> None:
    nodes = [node("Floor", "x", f"t{k}") for k in range(300)]

    with pytest.raises(HandmadeError) as refused:
        read_network(model([*nodes, node("Sum", " ".join(f"t{k}" for k in range(300)), "y")]))

    assert "300 have none: Floor (node '/Floor', opset 17): Floor has no layer; " in str(refused.value)
    assert str(refused.value).endswith("; and 250 more")


def test_a_graph_that_is_computed_operator_by_operator_has_limits_too() -> None:
    nodes = [node("Tile", "x times", "t"), node("Floor", "t", "y")]

    with pytest.raises(OutOfScope, match=r"node '/Tile' .* numbers of constants"):
        run_model(model(nodes, {"times": sizes(1, 1, 2**30, 2**30)}), [draw(0, 1, 1, 6, 6)])


def test_infinite_constants_make_no_warning() -> None:
    nodes = [node("Conv", "x k b", "c"), node("Add", "c d", "y")]
    b, d = np.array([np.inf], np.float32), np.full((1, 1, 1), -np.inf, np.float32)

    assert np.isnan(read_network(model(nodes, {"k": ONE, "b": b, "d": d})).network.parameters()["Conv.b"]).all()


def test_constants_in_attributes_count_as_initializers_do() -> None:
    W = np.random.default_rng(0).standard_normal((36, 50_000)).astype(np.float32)
    nodes = [helper.make_node("Constant", [], ["W"], value=numpy_helper.from_array(W)), *chain("Add", "W", 10)]
    nodes += [node("Flatten", "x", "f"), node("MatMul", "f t10", "y")]

    assert read_network(model(nodes)).network.size == W.size + 50_000
