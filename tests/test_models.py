"""Models on disk: what was saved comes back bit for bit, and a hostile file is an error in words, never anything else."""

import errno
import json
import os
import pickletools
import struct
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

import handmade
from handmade import BatchNorm2d, Conv2d, Flatten, HandmadeError, Linear, MaxPool2d, Network, ReLU, Residual
from handmade.engine.arrays import Array
from handmade.engine.description import describe
from handmade.engine.graph import Node
from handmade.engine.layers import Add, Concat, Layer, Multiply
from handmade.engine.preparation import Preparation


def small(seed: int = 0, dtype: type[np.floating] = np.float32) -> Network:
    """As few weights as leave room for every kind of layer and setting."""
    rng = np.random.default_rng(seed)
    convolution = Conv2d.init(rng, 2, 2, (2, 1), (1, 2), (1, 0), dtype)  # (5, 2, 2)
    return Network([convolution, ReLU(), MaxPool2d(2), Flatten(), Linear.init(rng, 4, 3, dtype)], (4, 3, 2))


def stored(network: Network) -> bytes:
    metadata = {"handmade": json.dumps(describe(network))}
    return save_tensors(network.parameters(), metadata=metadata)


SMALL = small()
BYTES = stored(SMALL)
HEADER = int.from_bytes(BYTES[:8], "little")


def refusal_of(path: Path) -> str:
    with pytest.raises(HandmadeError) as caught:
        handmade.load(path)
    message = str(caught.value)
    assert path.name in message
    assert "\n" not in message
    return message


def refusal_of_file(tmp_path: Path, content: bytes) -> str:
    path = tmp_path / "some.safetensors"
    path.write_bytes(content)
    return refusal_of(path)


def assert_equal(one: Network, other: Network) -> None:
    assert describe(one) == describe(other)
    assert one.parameters().keys() == other.parameters().keys()
    for name, array in one.parameters().items():
        assert array.tobytes() == other.parameters()[name].tobytes()
        np.testing.assert_array_equal(array, other.parameters()[name], strict=True)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("make", [handmade.networks.readme, handmade.networks.seed, lambda _, dtype: small(1, dtype)])
def test_what_is_saved_comes_back_bit_for_bit(
    make: Callable[[np.random.Generator, Any], Network], dtype: type[np.floating], tmp_path: Path
) -> None:
    network = make(np.random.default_rng(4), dtype)
    network.save(tmp_path / "model")
    loaded = handmade.load(tmp_path / "model")
    assert type(loaded) is Network
    assert_equal(loaded, network)
    again = tmp_path / "again"
    loaded.save(again)
    assert again.read_bytes() == (tmp_path / "model").read_bytes()


def test_the_smallest_and_the_strangest_floats_survive(tmp_path: Path) -> None:
    bias = np.array([-0.0, 5e-324, np.finfo(float).max])
    network = small(0, np.float64).replace({"4.b": bias})
    network.save(tmp_path / "model")
    assert handmade.load(tmp_path / "model").parameters()["4.b"].tobytes() == bias.tobytes()


def test_weights_that_do_not_lie_in_order_are_saved_in_order(tmp_path: Path) -> None:
    W = np.asfortranarray(SMALL.parameters()["4.W"])
    SMALL.replace({"4.W": W}).save(tmp_path / "model")
    assert_equal(handmade.load(tmp_path / "model"), SMALL)


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"4.b": np.array([1, np.nan, 2], np.float32)}, "expected finite weights; '4.b' holds NaN or infinity"),
        ({"4.W": SMALL.parameters()["4.W"] * np.float32(np.inf)}, "expected finite weights; '4.W' holds NaN or infinity"),
        ({"4.b": np.zeros(3)}, "expected weights all of float32 or all of float64; got float32, float64. Try astype"),
        ({name: array.astype(np.float16) for name, array in SMALL.parameters().items()}, "got float16"),
    ],
)
def test_what_could_not_be_loaded_is_not_saved(arrays: dict[str, Array], says: str, tmp_path: Path) -> None:
    with pytest.raises(HandmadeError) as refused:
        SMALL.replace(arrays).save(tmp_path / "model")
    assert says in str(refused.value)
    assert not list(tmp_path.iterdir())


def test_a_path_may_be_a_string(tmp_path: Path) -> None:
    SMALL.save(str(tmp_path / "model"))
    assert_equal(handmade.load(str(tmp_path / "model")), SMALL)


def test_a_loaded_network_can_be_used_and_outlives_its_file(tmp_path: Path) -> None:
    path = tmp_path / "model"
    SMALL.save(path)
    loaded = handmade.load(path)
    path.write_bytes(b"")
    x = np.random.default_rng(1).random((3, 4, 3, 2)).astype(np.float32)
    np.testing.assert_array_equal(loaded.logits(x), SMALL.logits(x))


def test_the_file_is_safetensors_with_the_description_in_its_metadata(tmp_path: Path) -> None:
    path = tmp_path / "model"
    SMALL.save(path)
    with safe_open(path, framework="numpy") as file:
        assert json.loads(file.metadata()["handmade"]) == describe(SMALL)
        assert set(file.keys()) == set(SMALL.parameters())
    for name, array in load_tensors(path.read_bytes()).items():
        np.testing.assert_array_equal(array, SMALL.parameters()[name], strict=True)


def test_there_is_no_pickle_in_it(tmp_path: Path) -> None:
    path = tmp_path / "model"
    SMALL.save(path)
    with pytest.raises(ValueError, match=r"opcode|literal"):
        list(pickletools.genops(path.read_bytes()))


def test_a_model_may_be_read_by_whom_the_umask_lets(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        SMALL.save(tmp_path / "model")
    finally:
        os.umask(before)
    assert (tmp_path / "model").stat().st_mode & 0o777 == 0o640


def full(*_arguments: object, **_settings: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def fill_at_fsync(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(os, "fsync", full)


def fill_at_replace(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Path, "replace", full)
    patch.setattr(os, "replace", full)
    patch.setattr(os, "rename", full)


def fill_at_write(patch: pytest.MonkeyPatch) -> None:
    write = os.write
    written: list[int] = []

    def half(handle: int, content: memoryview) -> int:
        """Write half of the content at the first call; there is no room at the second."""
        if written:
            full()
        written.append(write(handle, content[: len(content) // 2]))
        return written[0]

    patch.setattr(os, "write", half)


def fill_at_the_new_file(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(tempfile, "mkstemp", full)


FILLS = [fill_at_the_new_file, fill_at_write, fill_at_fsync, fill_at_replace]


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("already", [True, False])
def test_on_a_full_disk_the_model_from_before_survives(
    fill: Callable[[pytest.MonkeyPatch], None],
    already: bool,  # noqa: FBT001  a parameter of the test
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "model"
    if already:
        SMALL.save(path)
    with monkeypatch.context() as patch:
        fill(patch)
        with pytest.raises(OSError, match="No space left on device"):
            small(7).save(path)
    assert list(tmp_path.iterdir()) == [path] * already
    assert not already or path.read_bytes() == BYTES


def test_ctrl_c_while_saving_leaves_the_model_from_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    path = tmp_path / "model"
    SMALL.save(path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", interrupted)
        with pytest.raises(KeyboardInterrupt):
            small(7).save(path)
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == BYTES


def test_the_new_model_is_on_the_disk_before_it_takes_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def noted_fsync(handle: int) -> None:
        events.append("sync")
        fsync(handle)

    def noted_replace(self: Path, target: Path) -> Path:
        events.append("rename")
        assert self.read_bytes() == BYTES
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(Path, "replace", noted_replace)
    SMALL.save(tmp_path / "model")
    assert events == ["sync", "rename", "sync"]  # the file, then its name, then the folder that holds the name


def test_saving_into_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"No such file or directory: '.*nowhere/model'$"):
        SMALL.save(tmp_path / "nowhere" / "model")


def test_saving_over_a_folder_leaves_it_alone(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(OSError, match="Is a directory"):
        SMALL.save(folder)
    assert list(tmp_path.iterdir()) == [folder]


def test_a_missing_model_is_said_to_be_missing(tmp_path: Path) -> None:
    assert "nothing" in refusal_of(tmp_path / "nothing-here")


def test_a_folder_is_no_model(tmp_path: Path) -> None:
    assert "folder" in refusal_of(tmp_path)


def test_a_pipe_is_no_model_and_nobody_waits_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "expected a model file" in refusal_of(tmp_path / "pipe")


@pytest.mark.parametrize("length", sorted({*range(24), *range(24, len(BYTES), 7), 8 + HEADER, len(BYTES) - 1}))
def test_a_truncated_model_is_refused(length: int, tmp_path: Path) -> None:
    assert length < len(BYTES)
    assert "complete safetensors file" in refusal_of_file(tmp_path, BYTES[:length])


def test_a_model_with_something_behind_it_is_refused(tmp_path: Path) -> None:
    assert "complete safetensors file" in refusal_of_file(tmp_path, BYTES + b"\0")


@pytest.mark.parametrize(
    "content",
    [
        b"hello",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 114064\n",
        b"<!DOCTYPE html><html></html>",
        b"\x80\x04\x95" + bytes(100),  # how a pickle begins
        b"PK\x03\x04" + bytes(100),
        bytes(8),
        bytes(1000),
        b"\xff" * 1000,
        struct.pack("<Q", 2**63) + BYTES[8:],
        struct.pack("<Q", 2**64 - 1) + BYTES[8:],
        struct.pack("<Q", len(BYTES)) + BYTES[8:],
        struct.pack("<Q", HEADER - 1) + BYTES[8:],
        struct.pack("<Q", 2) + b"{}" + bytes(8),
    ],
)
def test_another_kind_of_file_is_refused(content: bytes, tmp_path: Path) -> None:
    assert "expected a" in refusal_of_file(tmp_path, content)


def with_header(header: object, payload: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + payload


DESCRIPTION = {"handmade": json.dumps(describe(SMALL))}


@pytest.mark.parametrize(
    "content",
    [
        with_header({"__metadata__": DESCRIPTION, "0.W": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}),
        with_header({"__metadata__": DESCRIPTION, "0.W": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 4]}}, bytes(4)),
        with_header({"__metadata__": DESCRIPTION, "0.W": {"dtype": "F32", "shape": [2**62, 4], "data_offsets": [0, 0]}}),
        with_header({"__metadata__": DESCRIPTION, "0.W": {"dtype": "F32", "shape": [2**32, 2**32], "data_offsets": [0, 0]}}),
        with_header({"__metadata__": DESCRIPTION, "0.W": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}, bytes(4)),
        with_header({"__metadata__": DESCRIPTION, "0.W": {"dtype": "F32", "shape": [1], "data_offsets": [4, 0]}}, bytes(4)),
        with_header({"__metadata__": DESCRIPTION, "0.W": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}}),
        with_header({"__metadata__": DESCRIPTION, "0.W": {"dtype": "F32", "shape": [1] * 99, "data_offsets": [0, 4]}}, bytes(4)),
        with_header({"__metadata__": DESCRIPTION, "0.W": {"dtype": "object", "shape": [1], "data_offsets": [0, 4]}}, bytes(4)),
        with_header({"__metadata__": DESCRIPTION, "0.W": 3}),
        with_header({"__metadata__": {"handmade": 3}}),
        with_header({"__metadata__": {"handmade": {}}}),
        with_header({"__metadata__": 3}),
        with_header([]),
        with_header(b"{" * 50_000),
        with_header(b"[" * 50_000 + b"]" * 50_000),
        with_header(b'{"\xff\xfe": 1}'),
    ],
)
def test_a_hostile_header_is_refused(content: bytes, tmp_path: Path) -> None:
    message = refusal_of_file(tmp_path, content)
    assert "wanted" in message or "expected" in message


@pytest.mark.parametrize(
    ("metadata", "says"),
    [
        (None, ["metadata has no description"]),
        ({}, ["metadata has no description"]),
        ({"format": "pt"}, ["metadata has no description"]),
        ({"handmade": ""}, ["JSON"]),
        ({"handmade": "{"}, ["JSON"]),
        ({"handmade": "[" * 100_000}, ["JSON"]),
        ({"handmade": "[" * 100_000 + "]" * 100_000}, ["JSON"]),
        ({"handmade": '{"layers":' * 100_000 + "3" + "}" * 100_000}, ["JSON"]),
        ({"handmade": "9" * 10_000}, ["JSON"]),
        ({"handmade": "3"}, ["layers", "got int"]),
        ({"handmade": "null"}, ["layers", "got NoneType"]),
        ({"handmade": "{}"}, ["layers: expected a list of at least one layer"]),
        ({"handmade": json.dumps(handmade.networks.PRESETS["readme"])}, ["layer 0 (Conv2d)"]),
        ({"handmade": json.dumps(describe(handmade.networks.readme(np.random.default_rng())))}, ["layer 0 (Conv2d)"]),
    ],
    ids=lambda value: f"{value!r:.30}",
)
def test_a_description_that_is_missing_or_of_another_network_is_refused(
    metadata: dict[str, str] | None, says: list[str], tmp_path: Path
) -> None:
    message = refusal_of_file(tmp_path, save_tensors(SMALL.parameters(), metadata=metadata))
    assert len(message) < 1000
    for words in says:
        assert words in message


@pytest.mark.parametrize(
    ("number", "change"),
    [
        (0, {"filters": 3}),
        (0, {"filters": 10**12}),
        (0, {"kernel": [1, 2]}),
        (0, {"kernel": [2, 1, 1]}),
        (0, {"kernel": 10**300}),
        (0, {"stride": [0, 1]}),
        (0, {"stride": [1.0, 2]}),
        (0, {"stride": None}),
        (0, {"padding": [-1, 0]}),
        (0, {"padding": [10**9, 10**9]}),
        (0, {"padding": [10**4299, 10**4299]}),
        (0, {"padding": [10**6, 10**6], "stride": [10**6, 10**6]}),
        (0, {"bias": False}),
        (0, {"layer": "Linear"}),
        (0, {"layer": "__class__"}),
        (2, {"window": [9, 9]}),
        (2, {"window": [10**4299, 10**4299], "stride": [1, 1]}),
        (2, {"padding": [1, 2]}),
        (4, {"units": 4}),
        (4, {"units": "3"}),
    ],
)
def test_a_description_that_contradicts_the_weights_is_refused(number: int, change: dict[str, Any], tmp_path: Path) -> None:
    description = describe(SMALL)
    description["layers"][number] |= change
    content = save_tensors(SMALL.parameters(), metadata={"handmade": json.dumps(description)})
    assert len(refusal_of_file(tmp_path, content)) < 1000


def test_an_input_that_contradicts_the_weights_is_refused(tmp_path: Path) -> None:
    description = describe(SMALL) | {"input": [4, 3, 1]}
    message = refusal_of_file(tmp_path, save_tensors(SMALL.parameters(), metadata={"handmade": json.dumps(description)}))
    for words in ("layer 0 (Conv2d)", "(H, W, 2)", "(4, 3, 1)"):
        assert words in message


def kept(name: str) -> dict[str, Array]:
    return {key: array for key, array in SMALL.parameters().items() if key != name}


FIRST, LAST = SMALL.parameters()["0.W"], SMALL.parameters()["4.b"]


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({}, ["0", "W"]),
        (kept("0.W"), ["layer 0 (Conv2d)", "W"]),
        (kept("4.b"), ["layer 4 (Linear)", "b"]),
        ({**SMALL.parameters(), "0.c": LAST}, ["0.W, 0.b, 4.W, 4.b", "0.c"]),
        ({**SMALL.parameters(), "1.W": LAST}, ["1.W"]),
        ({**SMALL.parameters(), "W": LAST}, ["W"]),
        ({**SMALL.parameters(), "00.W": FIRST}, ["00.W"]),
        ({**SMALL.parameters(), "two\nlines": LAST}, ["lines"]),
        ({**SMALL.parameters(), "0.two\nlines": LAST}, ["lines"]),
        ({**SMALL.parameters(), "two\nlines": LAST * np.float32(np.nan)}, ["lines", "NaN"]),
        ({**kept("0.W"), "0.W": FIRST.ravel()}, ["layer 0 (Conv2d)", "(8,)"]),
        ({**kept("0.W"), "0.W": FIRST[..., :0]}, ["layer 0 (Conv2d)", "(2, 1, 2, 0)"]),
        ({**kept("0.W"), "0.W": FIRST.transpose(1, 0, 2, 3).copy()}, ["layer 0 (Conv2d)", "[1, 2]"]),
        ({**kept("4.b"), "4.b": LAST[:2].copy()}, ["layer 4 (Linear)", "(2,)"]),
        ({**kept("4.b"), "4.b": np.array([[1, 2, 3]], np.float32)}, ["layer 4 (Linear)", "(1, 3)"]),
        ({**kept("4.b"), "4.b": LAST.astype(np.float64)}, ["F32", "F64"]),
        ({name: array.astype(np.float16) for name, array in SMALL.parameters().items()}, ["F32", "F64", "F16"]),
        ({name: array.astype(np.int32) for name, array in SMALL.parameters().items()}, ["F32", "F64", "I32"]),
        ({**kept("4.b"), "4.b": np.array([1, np.nan, 2], np.float32)}, ["4.b", "NaN"]),
        ({**kept("4.b"), "4.b": np.array([1, -np.inf, 2], np.float32)}, ["4.b", "infinity"]),
    ],
)
def test_weights_of_another_network_are_refused(parameters: dict[str, Array], says: list[str], tmp_path: Path) -> None:
    message = refusal_of_file(tmp_path, save_tensors(parameters, metadata=DESCRIPTION))
    for words in says:
        assert words in message


def test_weights_in_bfloat16_are_refused(tmp_path: Path) -> None:
    # NumPy has no such type, so it is written into the header: half as many bytes, and the same number of values.
    header = json.loads(BYTES[8 : 8 + HEADER])
    for entry in header.values():
        if "dtype" in entry:
            entry["dtype"] = "BF16"
            entry["data_offsets"] = [offset // 2 for offset in entry["data_offsets"]]
    content = with_header(header, bytes((len(BYTES) - 8 - HEADER) // 2))
    assert "BF16" in refusal_of_file(tmp_path, content)


@settings(max_examples=150)
@given(flips=st.lists(st.tuples(st.integers(0, 8 + HEADER - 1), st.integers(1, 255)), min_size=1, max_size=4))
@example(flips=[(7, 0x80)])
@example(flips=[(0, 1)])
def test_a_flipped_byte_in_the_header_makes_a_network_or_an_error_in_words(
    flips: list[tuple[int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    content = bytearray(BYTES)
    for place, bits in flips:
        content[place] ^= bits
    path = tmp_path_factory.getbasetemp() / "flipped"
    path.write_bytes(content)
    try:
        network = handmade.load(path)
    except HandmadeError as error:
        outcome = str(error)
    else:
        outcome = f"flipped: {network.size} weights"
    assert "flipped: " in outcome


@settings(max_examples=100)
@given(
    place=st.integers(0, len(json.dumps(describe(SMALL))) - 1),
    text=st.text(st.sampled_from('0129.,-e[]{}":nulltrue '), max_size=5),
)
def test_a_changed_description_makes_a_network_that_works_or_an_error_in_words(
    place: int, text: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    description = json.dumps(describe(SMALL))
    changed = description[:place] + text + description[place + len(text) :]
    path = tmp_path_factory.getbasetemp() / "changed"
    path.write_bytes(save_tensors(SMALL.parameters(), metadata={"handmade": changed}))
    try:
        network = handmade.load(path)
    except HandmadeError:
        return
    assert network.predict(np.zeros((1, *network.input_shape), np.float32)).shape == (1,)


def normed() -> Network:
    """Statistics, in the network and in a Residual."""
    rng = np.random.default_rng(0)
    block: list[Layer] = [ReLU(), BatchNorm2d.init(rng, 2)]
    return Network([BatchNorm2d.init(rng, 2), Residual(block), Flatten(), Linear.init(rng, 24, 3)], (4, 3, 2))


NORMED = normed().parameters() | normed().statistics()


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({name: array for name, array in NORMED.items() if name != "0.mean"}, ["layer 0 (BatchNorm2d)", "mean", "variance"]),
        ({**NORMED, "0.variance": -NORMED["0.variance"]}, ["layer 0 (BatchNorm2d)", "at least 0"]),
        ({**NORMED, "0.mean": NORMED["0.mean"][:1]}, ["layer 0 (BatchNorm2d)", "(1,)"]),
        ({**NORMED, "1.block.1.mean": NORMED["0.mean"] + np.float32(np.nan)}, ["1.block.1.mean", "NaN"]),
        ({**NORMED, "1.block.1.median": NORMED["0.mean"]}, ["1.block.1.mean", "1.block.1.median"]),
        ({**NORMED, "1.shortcut.0.W": NORMED["0.W"]}, ["1.shortcut.0.W"]),
        ({**NORMED, "1.W": NORMED["0.W"]}, ["1.W"]),
        ({**NORMED, "1.block.0.W": NORMED["0.W"]}, ["1.block.0.W"]),
    ],
)
def test_statistics_of_another_network_are_refused(arrays: dict[str, Array], says: list[str], tmp_path: Path) -> None:
    content = save_tensors(arrays, metadata={"handmade": json.dumps(describe(normed()))})
    message = refusal_of_file(tmp_path, content)
    for words in says:
        assert words in message


OLD_NORMED = {  # as it was written before networks were graphs
    "input": [4, 3, 2],
    "layers": [
        {"layer": "BatchNorm2d", "momentum": 0.1, "epsilon": 1e-5},
        {
            "layer": "Residual",
            "block": [{"layer": "ReLU"}, {"layer": "BatchNorm2d", "momentum": 0.1, "epsilon": 1e-5}],
            "shortcut": [],
        },
        {"layer": "Flatten"},
        {"layer": "Linear", "units": 3},
    ],
}


def test_a_model_with_nested_residuals_from_before_loads_and_is_saved_as_its_nodes(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(save_tensors(NORMED, metadata={"handmade": json.dumps(OLD_NORMED)}))
    loaded = handmade.load(tmp_path / "old")

    assert_equal(loaded, normed())
    assert loaded.names == (
        "batchnorm1",
        "residual1.block.relu1",
        "residual1.block.batchnorm1",
        "residual1",
        "flatten1",
        "linear1",
    )
    loaded.save(tmp_path / "new")
    with safe_open(tmp_path / "new", framework="numpy") as file:
        entries = json.loads(file.metadata()["handmade"])["layers"]
        assert set(file.keys()) == set(NORMED)
    assert [entry["layer"] for entry in entries] == ["BatchNorm2d", "ReLU", "BatchNorm2d", "Add", "Flatten", "Linear"]
    assert entries[3] == {"layer": "Add", "reads": ["1.block.1", "0"]}
    assert_equal(handmade.load(tmp_path / "new"), loaded)


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({name: array for name, array in NORMED.items() if name != "1.block.1.mean"}, ["layer 1.block.1 (BatchNorm2d)", "mean"]),
        ({**NORMED, "1.block.1.median": NORMED["0.mean"]}, ["1.block.1.mean", "1.block.1.median"]),
        ({**NORMED, "1.block.1.W": NORMED["0.W"][:1]}, ["layer 1.block.1 (BatchNorm2d)", "(1,)"]),
    ],
)
def test_arrays_of_another_nested_network_are_refused_by_the_names_of_its_nodes(
    arrays: dict[str, Array], says: list[str], tmp_path: Path
) -> None:
    message = refusal_of_file(tmp_path, save_tensors(arrays, metadata={"handmade": json.dumps(OLD_NORMED)}))
    for words in says:
        assert words in message


def graph(dtype: type[np.floating] = np.float32) -> Network:
    """Joins, names, several outputs, classes, and a way from raw images."""
    rng = np.random.default_rng(3)
    nodes = [
        Node("stem", Conv2d.init(rng, 1, 2, 3, dtype=dtype)),
        Node("norm", BatchNorm2d.init(rng, 2, dtype=dtype), "stem"),
        Node("gate", Multiply(), ["norm", "stem"]),
        Node("sum", Add(), ["gate", "stem", "norm"]),
        Node("both", Concat(), ["sum", "gate"]),
        Flatten(),
        Node("digit", Linear.init(rng, 24, 2, dtype), "0"),
        Node("map", ReLU(), "both"),
    ]
    preparation = Preparation(1 / 127.5, -1.0, 1, "NCHW")
    return Network(nodes, (5, 4, 1), logits="digit", outputs=["map"], class_names=["no", "yes"], preparation=preparation)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_graph_comes_back_bit_for_bit_with_all_that_belongs_to_it(dtype: type[np.floating], tmp_path: Path) -> None:
    network = graph(dtype)
    network.save(tmp_path / "model")
    loaded = handmade.load(tmp_path / "model")

    assert_equal(loaded, network)
    assert [(node.name, node.reads) for node in loaded.nodes] == [(node.name, node.reads) for node in network.nodes]
    assert loaded.logits_name == "digit"
    assert set(loaded.output_names) == {"map", "digit"}
    assert loaded.class_names == ("no", "yes")
    assert loaded.preparation == network.preparation
    x = np.random.default_rng(1).random((3, 5, 4, 1)).astype(dtype)
    for name, array in network.outputs(x).items():
        np.testing.assert_array_equal(loaded.outputs(x)[name], array, strict=True)
    loaded.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "model").read_bytes()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"logits": "sum"}, ["class_names", "(3, 2, 2)"]),
        ({"logits": "nowhere"}, ["logits", "nowhere", "stem, norm"]),
        ({"outputs": ["nowhere"]}, ["outputs", "nowhere"]),
        ({"classes": ["one", "two", "three"]}, ["class_names", "(2,)"]),
        ({"prepare": {"scale": "x"}}, ["scale", "'x'"]),
        ({"graph": True}, ["classes, logits, outputs, prepare", "graph"]),
    ],
)
def test_a_graph_that_contradicts_itself_is_refused(change: dict[str, Any], says: list[str], tmp_path: Path) -> None:
    network = graph()
    arrays, description = network.parameters() | network.statistics(), describe(network) | change
    message = refusal_of_file(tmp_path, save_tensors(arrays, metadata={"handmade": json.dumps(description)}))
    for words in says:
        assert words in message


@pytest.mark.parametrize(
    ("number", "change", "says"),
    [
        (0, {"name": "trunk"}, ["'stem'", "trunk"]),
        (1, {"reads": ["both"]}, ["cycle", "norm reads both"]),
        (1, {"name": "stem"}, ["two are named 'stem'"]),
        (2, {"reads": ["norm"]}, ["layer gate (Multiply)", "two activations or more"]),
        (2, {"reads": ["norm", "input"]}, ["layer gate (Multiply)", "one shape", "(3, 2, 2), (5, 4, 1)"]),
        (4, {"reads": ["sum", "digit"]}, ["cycle"]),
        (4, {"layer": "Add"}, ["layer digit (Linear)", "24", "12"]),
        (6, {"name": "row"}, ["layer row (Linear)", "W, b"]),
    ],
)
def test_nodes_that_contradict_each_other_are_refused(
    number: int, change: dict[str, Any], says: list[str], tmp_path: Path
) -> None:
    network = graph()
    description = describe(network)
    description["layers"][number] |= change
    arrays = network.parameters() | network.statistics()
    message = refusal_of_file(tmp_path, save_tensors(arrays, metadata={"handmade": json.dumps(description)}))
    for words in says:
        assert words in message


def test_statistics_come_back_bit_for_bit(tmp_path: Path) -> None:
    network = normed().replace({name: np.float32(0.1) * (1 + np.arange(2, dtype=np.float32)) for name in normed().statistics()})
    network.save(tmp_path / "model")
    loaded = handmade.load(tmp_path / "model")
    assert_equal(loaded, network)
    assert loaded.statistics().keys() == network.statistics().keys()
    for name, array in loaded.statistics().items():
        np.testing.assert_array_equal(array, network.statistics()[name], strict=True)
