"""The reader of ONNX files: what is correct is read, everything else is refused in one line before memory is taken."""

import os
import random
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("onnx")  # an extra
from onnx import TensorProto, helper, numpy_helper

from handmade.engine.errors import HandmadeError
from handmade.files.onnx import OutOfScope, read_graph, read_network, run_model
from handmade.files.onnx.types import DTYPES, dtype_of
from onnx_models import FLOAT, classifier, draw, model, node


def refusal(proto: Any) -> str:
    with pytest.raises(HandmadeError) as caught:
        read_network(proto if isinstance(proto, bytes) else proto.SerializeToString())
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("code", DTYPES)
@pytest.mark.parametrize("raw", [True, False])
def test_every_element_type_is_read(code: int, *, raw: bool) -> None:
    dtype = dtype_of(code)
    assert dtype is not None
    array = np.array([[0, 1, 3], [1, 0, 7]]).astype(dtype)
    tensor = numpy_helper.from_array(array, "c") if raw else helper.make_tensor("c", code, array.shape, array.reshape(-1))
    proto = model([node("Relu", "x", "y")])
    proto.graph.initializer.append(tensor)

    found = read_graph(proto).constants["c"]

    assert found.dtype == dtype
    assert (found == array).all()


def test_nodes_in_any_order_are_read() -> None:
    proto = classifier()
    nodes = list(proto.graph.node)
    random.Random(1).shuffle(nodes)
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)

    assert [each.op for each in read_graph(proto).operations] == ["Conv", "Relu", "MaxPool", "Flatten", "Gemm", "Softmax"]


@pytest.mark.parametrize("domain", ["", "ai.onnx"])
@pytest.mark.parametrize("listed", [True, False])
def test_spellings_of_the_domain_and_initializers_among_the_inputs(domain: str, *, listed: bool) -> None:
    proto = classifier(domain=domain, listed=listed)
    x = draw(0, 2, 1, 6, 6)

    (found,) = run_model(proto, [x])

    np.testing.assert_allclose(found, run_model(classifier(), [x])[0], rtol=1e-6)


def test_all_operators_that_are_not_supported_are_listed_before_anything_runs() -> None:
    proto = model([node("Conv", "x W", "c"), node("Det", "c", "d"), node("NonZero", "d", "y")], {"W": np.ones((1, 1, 3, 3))})

    message = refusal(proto)

    assert "2 others: Det (node '/Det', opset 17" in message
    assert "NonZero (node '/NonZero', opset 17" in message
    with pytest.raises(NotImplementedError):
        run_model(proto, [draw(0, 1, 1, 6, 6)])


def broken() -> dict[str, tuple[Any, str]]:
    """Return hostile and broken models, each with a part of its refusal."""
    found: dict[str, tuple[Any, str]] = {"empty": (b"", "with a graph"), "text": (b"<html>not found</html>", "ONNX file")}
    found["pointer"] = (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "ONNX file")
    found["cut off"] = (classifier().SerializeToString()[:-40], "ONNX file")

    found["a name that is no text"] = (classifier().SerializeToString().replace(b"MaxPool", b"MaxP\xff\xfel"), "ONNX file|UTF-8")
    found["a name of two lines"] = (classifier().SerializeToString().replace(b"MaxPool", b"Max\nool"), "name of an operator")
    parts = [node("Split", "x", "y", num_outputs=2**31, axis=1)]
    found["two billion parts"] = (model(parts, opset=18), "parts for 1 outputs")
    twice = [node("Unsqueeze", "x axes", "u"), node("Flatten", "u", "y")]
    found["an axis twice"] = (model(twice, {"axes": np.array([1, 1], np.int64)}), "one of them twice")

    def change(name: str, part: str, edit: Any) -> None:
        proto = classifier()
        edit(proto)
        found[name] = (proto, part)

    def raw(proto: Any, dims: list[int], data: bytes, kind: int = FLOAT) -> None:
        del proto.graph.initializer[0].dims[:]
        proto.graph.initializer[0].dims.extend(dims)
        proto.graph.initializer[0].raw_data, proto.graph.initializer[0].data_type = data, kind

    change("too few bytes", "288 bytes", lambda p: raw(p, [8, 1, 3, 3], b"\0" * 100))
    change("too many bytes", "bytes", lambda p: raw(p, [2, 1, 3, 3], b"\0" * 100))
    change("a terabyte", "sizes from 0", lambda p: raw(p, [2**20, 2**20], b"\0" * 8))
    change("a product that wraps to 0", "sizes from 0", lambda p: raw(p, [2**32, 2**32], b""))
    change("a size beside 0", "sizes from 0", lambda p: raw(p, [0, 2**62], b""))
    change("a negative size", "sizes from 0", lambda p: raw(p, [-2, -9], b"\0" * 72))
    change("many axes", "16 axes", lambda p: raw(p, [1] * 60, b"\0" * 4))
    change("strings", "element type", lambda p: raw(p, [2], b"", TensorProto.STRING))
    change("an unknown type", "element type", lambda p: raw(p, [2], b"\0" * 8, 99))
    change("two fields", "one field", lambda p: p.graph.initializer[0].float_data.extend([1.0] * 18))
    change("a cycle", "cycle", lambda p: p.graph.node[0].input.append("y"))
    change("a missing input", "nothing makes 'gone'", lambda p: p.graph.node[1].input.__setitem__(0, "gone"))
    change("two producers", "made twice", lambda p: p.graph.node[1].output.__setitem__(0, "c"))
    change("a producer of an input", "made twice", lambda p: p.graph.node[1].output.__setitem__(0, "x"))
    change("an output that nothing makes", "nothing makes", lambda p: p.graph.output[0].__setattr__("name", "other"))
    change("two initializers of one name", "name of its own", lambda p: p.graph.initializer.append(p.graph.initializer[0]))
    change("a newer opset", "an opset up to", lambda p: p.opset_import[0].__setattr__("version", 999))
    change("an unknown domain", "with a version", lambda p: p.graph.node[1].__setattr__("domain", "com.example"))
    change("no opset", "opset_import", lambda p: p.opset_import.pop())
    change("a huge kernel", "too large", lambda p: p.graph.node[2].attribute.append(helper.make_attribute("pads", [2**40] * 4)))
    change("an image of unknown size", "known size", lambda p: p.graph.input[0].type.tensor_type.shape.dim[2].Clear())
    body = helper.make_graph([], "body", [], [])
    change("a nested graph", "no graph within", lambda p: p.graph.node[1].attribute.append(helper.make_attribute("body", body)))
    change("a sparse tensor", "sparse", lambda p: p.graph.sparse_initializer.add())
    shape = {"s": np.array([2**20, 2**20], np.int64)}
    found["a constant of a terabyte"] = (
        model([node("ConstantOfShape", "s", "c"), node("Add", "x c", "y")], shape),
        "1,099,511,627,776 numbers of constants",
    )
    wide = {"s": np.array([1, 2**20, 2**10, 2**10], np.int64)}
    found["an image of a terabyte"] = (
        model([node("Relu", "x", "r"), node("Expand", "r s", "y")], wide, ("N", 1, 1, 1)),
        "at most",
    )
    return found


BROKEN = broken()


@pytest.mark.parametrize("name", BROKEN)
def test_hostile_and_broken_models_are_refused_in_one_line_and_little_memory(name: str) -> None:
    proto, part = BROKEN[name]
    tracemalloc.start()
    try:
        message = refusal(proto)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert any(each in message for each in part.split("|"))
    assert peak < 2_000_000


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=6), st.integers(0, 10**6))
def test_damaged_bytes_are_read_or_refused(changes: list[tuple[int, int]], cut: int) -> None:
    data = bytearray(classifier().SerializeToString())
    for place, byte in changes:
        data[place % len(data)] = byte
    if cut % 4 == 0:  # a fourth of the files is cut off as well
        del data[cut % len(data) :]
    try:
        read_network(bytes(data))
    except HandmadeError as error:
        assert "\n" not in str(error)  # noqa: PT017  both ends are right


def external(folder: Path, location: str, **more: str) -> Path:
    proto = classifier()
    tensor = proto.graph.initializer[0]
    data = tensor.raw_data
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, **more}.items():
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    (folder / "data.bin").write_bytes(b"\0" * 8 + data)
    path = folder / "model.onnx"
    path.write_bytes(proto.SerializeToString())
    return path


def test_external_data_is_read_from_the_models_folder_if_it_is_allowed(tmp_path: Path) -> None:
    path = external(tmp_path, "data.bin", offset="8", length="72")

    with pytest.raises(HandmadeError, match="Try external_data=True"):
        read_network(path)

    found = read_network(path, external_data=True).network
    expected = read_network(classifier()).network
    assert all((found.parameters()[name] == array).all() for name, array in expected.parameters().items())


@pytest.mark.parametrize(
    ("location", "more"),
    [
        ("../outside.bin", {}),
        ("sub/../../outside.bin", {}),
        ("/etc/passwd", {}),
        ("C:\\data.bin", {}),
        ("", {}),
        (".", {}),
        ("sub", {}),
        ("missing.bin", {}),
        ("link.bin", {}),
        ("linked/outside.bin", {}),
        ("hard.bin", {}),
        ("fifo", {}),
        ("data.bin", {"offset": "-8"}),
        ("data.bin", {"offset": "9"}),
        ("data.bin", {"offset": "99999999999999999999"}),
        ("data.bin", {"length": "71"}),
        ("data.bin", {"length": "1e3"}),
        ("data.bin", {"key": "value"}),
        ("data.bin\0", {}),
    ],
)
def test_external_data_outside_the_folder_is_refused(tmp_path: Path, location: str, more: dict[str, str]) -> None:
    folder = tmp_path / "model"
    (folder / "sub").mkdir(parents=True)
    (tmp_path / "outside.bin").write_bytes(b"\0" * 200)
    (folder / "link.bin").symlink_to(tmp_path / "outside.bin")
    (folder / "linked").symlink_to(tmp_path)
    os.link(tmp_path / "outside.bin", folder / "hard.bin")
    os.mkfifo(folder / "fifo")
    path = external(folder, location, **more)

    with pytest.raises(HandmadeError, match=r"external data|offset|length"):
        read_network(path, external_data=True)


def test_a_missing_file_and_a_wrong_argument_are_refused(tmp_path: Path) -> None:
    with pytest.raises(HandmadeError, match="cannot be read"):
        read_network(tmp_path / "none.onnx")
    with pytest.raises(HandmadeError, match=r"a path, bytes or an onnx\.ModelProto; got 3"):
        read_network(3)
    assert issubclass(OutOfScope, HandmadeError)
    assert issubclass(OutOfScope, NotImplementedError)
