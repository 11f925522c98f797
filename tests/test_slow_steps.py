"""A step size that makes compiled differences slow: counted for a network, and told before a training begins."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from handmade import Network
from handmade.cli.commands.options import in_options
from handmade.compiled.differences import far
from handmade.compiled.differences.block import block
from handmade.compiled.differences.left_out import left_out
from handmade.compiled.differences.units import units_of
from handmade.compiled.fused import Convolution
from handmade.compiled.fusion import role_of
from handmade.engine.arrays import Array
from handmade.engine.backend import use_backend
from handmade.engine.gradients import difference
from handmade.engine.layers import BatchNorm2d, Conv2d, Flatten, Linear, MaxPool2d, ReLU
from handmade.engine.losses import CrossEntropy
from handmade.engine.plain.operation import Operation
from handmade.runs import Settings, start
from tiny_digits import write_digits

LAYERS: list[dict[str, Any]] = [
    *({"layer": "Conv2d", "filters": 4, "kernel": 3}, {"layer": "ReLU"}) * 3,
    *({"layer": "MaxPool2d", "window": 2}, {"layer": "Flatten"}, {"layer": "Linear", "units": 10}),
]


def deep() -> tuple[Network, Array]:
    """Three convolutions and a pool: the choices of the last one are far behind the first one's weights."""
    r = np.random.default_rng(0)

    def filters(seen: int) -> Conv2d:
        return Conv2d(r.normal(size=(3, 3, seen, 4)), r.normal(size=4))

    layers = [
        filters(1),
        ReLU(),
        filters(4),
        ReLU(),
        filters(4),
        ReLU(),
        MaxPool2d(2),
        Flatten(),
        Linear(r.normal(size=(36, 3)), r.normal(size=3)),
    ]
    return Network(layers, (12, 12, 1)), r.normal(size=(6, 12, 12, 1))


@pytest.mark.parametrize("h", [1e-1, 1e-3, 1e-12])
def test_the_images_are_counted_that_are_left_out(h: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(far, "MOST_FAR", 24)
    network, x = deep()
    units = units_of(network)

    def operation(node: Any) -> Operation:
        return Convolution(node) if role_of(network, node) == "convolution" else Operation(node)

    made = block(units, operation, h, "forward", (network, x, np.arange(6) % 3, CrossEntropy()))
    ((count, outputs),) = left_out(network, x, [h])
    assert count == len(made.left_out["0"])
    assert (count > 0) == (h == 1e-1)
    assert (outputs > 0) == (h > 1e-12)


@pytest.mark.parametrize("h", [0.03, 1e-3])
def test_images_sorted_by_their_lanes_give_the_numbers_of_plain(h: float) -> None:
    """Each image has another number of contested choices far away, and another weight in the loss."""
    network, x = deep()
    y = np.array([0, 2, 1, 1, 0, 2])
    results = {}
    for name in ("plain", "compiled"):
        with use_backend(name):
            results[name] = difference(network, x, y, h=h)
    assert results["compiled"][0] == pytest.approx(results["plain"][0], rel=1e-13)
    for name, expected in results["plain"][1].items():
        np.testing.assert_allclose(results["compiled"][1][name], expected, rtol=1e-10, atol=1e-13, err_msg=name)


def test_nothing_is_left_out_where_no_choice_is_far_or_images_depend_on_each_other() -> None:
    r = np.random.default_rng(0)
    x = r.normal(size=(6, 12, 12, 1))
    layers = [Conv2d(r.normal(size=(3, 3, 1, 4)), np.zeros(4)), ReLU(), Flatten(), Linear(r.normal(size=(400, 3)), np.zeros(3))]
    assert left_out(Network(layers, (12, 12, 1)), x, [0.5, 1e-3]) == [(0, 0.0)] * 2
    norm = BatchNorm2d(np.ones(4), np.zeros(4), np.zeros(4), np.ones(4))
    mixed = Network([layers[0], norm, *layers[1:]], (12, 12, 1)).in_training(6, r)
    assert left_out(mixed, x, [0.5]) == [(0, 0.0)]


def test_a_training_says_which_step_size_is_fast(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(far, "MOST_FAR", 8)
    write_digits(tmp_path / "digits", 64, 16)
    Path("deep.json").write_text(json.dumps({"input": [8, 8, 1], "layers": LAYERS}))
    given: dict[str, Any] = {"data": "digits", "network": "deep.json", "gradient": "difference", "threads": 1, "steps": 1}

    def remarks(number: int, **changes: Any) -> list[str]:
        session = start(Settings(**given | {"backend": "compiled"} | changes), f"run{number}")
        return [remark for remark in session.remarks if "take very long" in remark]

    (remark,) = remarks(1, step_size=0.1)
    advice = re.search(r"Try step_size=([\de.-]+);", remark)
    assert advice is not None
    assert remarks(2, step_size=float(advice[1])) == []
    assert f"Try --step-size {advice[1]};" in in_options(remark)
    assert remarks(3, step_size=0.1, gradient="backprop") == remarks(4, step_size=0.1, backend="plain") == []
