"""State dicts of PyTorch and the source of its modules, without PyTorch: `benchmarks/torch_modules.py` runs and compares them."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

import handmade
from export_networks import alone, to_first
from handmade import BatchNorm2d, Conv2d, Flatten, HandmadeError, Linear, Network, Node, ReLU
from handmade.engine.arrays import Array
from handmade.files.pytorch import from_module, from_state_dict, module_source, read, to_state_dict, write
from handmade.files.tensors import loads
from handmade.lab.catalogue import EXAMPLE
from random_networks import random_problem


def small(seed: int = 0) -> Network:
    rng = np.random.default_rng(seed)
    layers = [Conv2d.init(rng, 1, 2, (2, 1)), BatchNorm2d.init(rng, 2), ReLU(), Flatten(), Linear.init(rng, 24, 3)]
    return Network(layers, (4, 4, 1))


def test_the_names_are_those_of_a_sequential_module() -> None:
    shapes = {name: (array.shape, array.dtype.name) for name, array in to_state_dict(small()).items()}
    assert shapes == {
        "0.weight": ((2, 1, 2, 1), "float32"),
        "0.bias": ((2,), "float32"),
        "1.weight": ((2,), "float32"),
        "1.bias": ((2,), "float32"),
        "1.running_mean": ((2,), "float32"),
        "1.running_var": ((2,), "float32"),
        "1.num_batches_tracked": ((), "int64"),
        "4.weight": ((3, 24), "float32"),
        "4.bias": ((3,), "float32"),
    }


def test_linear_reads_the_row_that_flatten_makes_of_an_image_with_channels_first() -> None:
    network = Network([Flatten(), Linear.init(0, 24, 3)], (2, 3, 4))
    arrays = to_state_dict(network)
    x = np.random.default_rng(0).standard_normal((5, 2, 3, 4))
    row = to_first(x).reshape(5, -1)
    np.testing.assert_allclose(row @ arrays["1.weight"].T + arrays["1.bias"], network.logits(x))


def test_filters_stand_in_the_order_of_pytorch() -> None:
    W = small().parameters()["0.W"]
    np.testing.assert_array_equal(to_state_dict(small())["0.weight"], np.transpose(W, (3, 2, 0, 1)))


def changed(network: Any) -> Any:
    return network.replace({name: array + 1 for name, array in (network.parameters() | network.statistics()).items()})


def assert_same(one: Any, other: Any) -> None:
    arrays = other.parameters() | other.statistics()
    for name, array in (one.parameters() | one.statistics()).items():
        np.testing.assert_array_equal(array, arrays[name], strict=True)


def test_every_layer_comes_back_bit_for_bit() -> None:
    for network in alone().values():
        assert_same(from_state_dict(changed(network), to_state_dict(network)), network)


def test_random_networks_come_back_and_their_source_can_be_compiled() -> None:
    for seed in range(60):
        network = random_problem(seed).network
        assert_same(from_state_dict(changed(network), to_state_dict(network)), network)
        compile(module_source(network), "module", "exec")


def test_the_source_of_a_chain() -> None:
    assert module_source(small()).splitlines() == [
        "from torch import nn",
        "",
        "model = nn.Sequential(",
        "    nn.Conv2d(1, 2, (2, 1)),",
        "    nn.BatchNorm2d(2),",
        "    nn.ReLU(),",
        "    nn.Flatten(),",
        "    nn.Linear(24, 3),",
        ")",
    ]


def test_the_source_of_a_graph() -> None:
    nodes = [Node("3x", ReLU()), Node("sum", handmade.Add(), ["3x", "input"]), Node("class", Flatten(), "sum")]
    assert module_source(Network(nodes, (2, 2, 1))).splitlines() == [
        "from torch import nn",
        "",
        "",
        "class Net(nn.Module):",
        "    def __init__(self):",
        "        super().__init__()",
        "        self.layer_3x = nn.ReLU()",
        "        self.layer_class = nn.Flatten()",
        "",
        "    def forward(self, input):",
        "        layer_3x = self.layer_3x(input)",
        "        sum = layer_3x + input",
        "        layer_class = self.layer_class(sum)",
        "        return layer_class",
        "",
        "",
        "model = Net()",
    ]


def test_a_file_comes_back(tmp_path: Path) -> None:
    network = small()
    write(network, tmp_path / "weights.safetensors")
    assert_same(from_state_dict(changed(network), read(tmp_path / "weights.safetensors")), network)
    assert loads((tmp_path / "weights.safetensors").read_bytes()).metadata == {"format": "pt"}


def test_arrays_with_other_names_are_recognised_by_their_shapes() -> None:
    network = handmade.load(EXAMPLE)
    names = ["features.conv_a.weight", "features.conv_a.bias", "b.weight", "b.bias", "head.weight", "head.bias"]
    renamed = dict(zip(names[::-1], list(to_state_dict(network).values())[::-1], strict=True))
    assert_same(from_state_dict(changed(network), renamed), network)


def without(arrays: dict[str, Array], name: str) -> dict[str, Array]:
    return {key: array for key, array in arrays.items() if key != name}


GIVEN = to_state_dict(small())


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({}, "expected the arrays 0.weight (2, 1, 2, 1)"),
        (without(GIVEN, "4.bias"), "expected the arrays 4.bias (3,); got none"),
        ({f"model.{name}s": array for name, array in GIVEN.items()}, "got model.0.weights (2, 1, 2, 1)"),
        ({f"{name[0]}.{name}": array for name, array in GIVEN.items()}, "got 0.0.weight (2, 1, 2, 1)"),
        ({**GIVEN, "5.weight": np.ones(2)}, "got 5.weight too"),
        ({**GIVEN, "0.weight": GIVEN["0.weight"][..., None]}, "expected 0.weight of shape (2, 1, 2, 1); got (2, 1, 2, 1, 1)"),
        ({**GIVEN, "4.bias": np.arange(3)}, "expected 4.bias of float16, float32 or float64; got int64"),
        ({**GIVEN, "4.bias": np.array([1, np.nan, 2])}, "4.bias holds NaN or infinity"),
        ({**GIVEN, "4.bias": "text"}, "arrays['4.bias']: expected an array"),
        ([1], "arrays: expected a dict of arrays by their names, got [1]. Try model.state_dict()"),
        ({**GIVEN, "1.running_var": np.array([-1.0, 2.0])}, "a variance of at least 0"),
    ],
)
def test_arrays_of_another_module_are_refused(arrays: Any, says: str) -> None:
    with pytest.raises(HandmadeError) as refused:
        from_state_dict(small(), arrays)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_half_precision_becomes_single(tmp_path: Path) -> None:
    arrays = {name: array.astype(np.float16) if array.dtype.kind == "f" else array for name, array in GIVEN.items()}
    found = from_state_dict(small(), arrays)
    assert {array.dtype.name for array in found.parameters().values()} == {"float32"}
    (tmp_path / "half.safetensors").write_bytes(save(arrays))
    assert_same(from_state_dict(small(), read(tmp_path / "half.safetensors")), found)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "weights.safetensors").write_bytes(save(GIVEN)[:-1])
    with pytest.raises(HandmadeError, match="expected a complete safetensors file"):
        read(tmp_path / "weights.safetensors")
    with pytest.raises(HandmadeError, match="there is no such file"):
        read(tmp_path / "nothing.safetensors")


def test_names_of_layers_and_one_word_before_all_names_are_recognised() -> None:
    given = small()
    network = Network([node if node.name != "0" else Node("conv", node.layer) for node in given.nodes[:1]], (4, 4, 1))
    arrays = to_state_dict(network)
    named = {name.replace("0.", "conv."): array for name, array in arrays.items()}
    for before in ("", "module."):
        for form in (arrays, named):
            found = from_state_dict(changed(network), {before + name: array for name, array in form.items()})
            assert_same(found, network)
    behind = {f"module.{name}": array for name, array in GIVEN.items()}
    assert_same(from_state_dict(changed(given), behind), small())


def test_without_pytorch_its_files_and_modules_are_refused_with_advice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)  # as Python marks a module that cannot be imported
    (tmp_path / "weights.pth").write_bytes(b"PK")
    missing = r"expected torch, which is not installed\. Try .* install .*torch$"
    with pytest.raises(HandmadeError, match=missing):
        read(tmp_path / "weights.pth")
    with pytest.raises(HandmadeError, match=missing):
        from_module(object(), (1, 28, 28))
    with pytest.raises(HandmadeError, match=r"holds weights without layers\. Try handmade import .*weights\.pth --like readme"):
        handmade.load(tmp_path / "weights.pth")


def test_layers_without_a_module_are_all_named() -> None:
    class Own(ReLU):
        pass

    nodes = [Node("one", Own()), Node("two", Own(), "one")]
    with pytest.raises(HandmadeError, match=r"it has none for one \(Own\), two \(Own\)$"):
        module_source(Network(nodes, (3,)))
