"""Reach: boxes hold all numbers that a number is made of, and all that it affects; for windows without gaps, no others."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from cases import CASES
from handmade import Network
from handmade.engine.arrays import Array, Shape
from handmade.engine.layers import Conv2d, Flatten, Layer, Linear, MaxPool2d, ReLU
from handmade.engine.losses import CrossEntropy
from handmade.engine.receipts import places
from handmade.engine.receipts.work import Work
from handmade.lab.reach import reach
from handmade.runs.backends import use_light_backend
from lab_networks import graph, tokens

SINGLE = {name: case for name, case in CASES.items() if case.layer.images is None and not case.layer.mixes_batch}


def mask(box: dict[str, Any], shape: Shape) -> Array:
    """Return the slices of a box, limited to the map."""
    single = [box["numbers"]] if "numbers" in box else [box["rows"], box["columns"], box["channels"]]
    spans = box.get("spans", single)
    assert len(spans) == len(shape)
    inside = np.zeros(shape, bool)
    inside[tuple(slice(max(0, a), max(0, b)) for a, b in spans)] = True
    return inside


def work_of(network: Network, seed: int = 0) -> Work:
    image = np.random.default_rng(seed).standard_normal(network.input_shape).astype(network.dtype)
    with use_light_backend():
        return Work.of(network, image, None, CrossEntropy())


def some(shape: Shape, count: int = 5) -> Iterator[Shape]:
    rng = np.random.default_rng(2)
    for _ in range(count):
        yield tuple(int(rng.integers(size)) for size in shape)


def moved_by(layer: Layer, x: Array, at: Shape) -> Array:
    """Return the outputs that may change with one number of the input, which is made the largest everywhere."""
    rng = np.random.default_rng(3)
    moved = np.zeros(layer.output_shape(x.shape), bool)
    for _ in range(3):
        x = rng.standard_normal(x.shape)
        x[at] = 10
        dx = np.zeros_like(x)
        dx[at] = 1
        moved |= layer.delta(x[None], dx[None])[0] != 0
    return moved


@pytest.mark.parametrize("name", SINGLE)
def test_boxes_of_every_layer_hold_what_is_read_and_what_reads(name: str) -> None:
    layer, shape = SINGLE[name].layer, SINGLE[name].shape[1:]
    network = Network([layer], shape)
    work = work_of(network)
    title = network.titles[network.logits_name]
    by_pixel = {at: moved_by(layer, work.x[0], at) for at in np.ndindex(shape)}

    for at in some(layer.output_shape(shape)):
        text = f"{title}[{','.join(map(str, at))}]"
        found = reach(work, places.place(network, text))
        assert found is not None
        read = np.array([by_pixel[pixel][at] for pixel in np.ndindex(shape)]).reshape(shape)
        boxes = np.logical_or.reduce(
            [np.zeros(shape, bool), *(mask(box, shape) for box in found["sources"] if box["node"] == "input")]
        )
        assert not (read & ~boxes).any()
        if isinstance(layer, Conv2d | MaxPool2d | Flatten | ReLU) and getattr(layer, "dilation", (1, 1)) == (1, 1):
            assert np.array_equal(read, boxes)
    for at in some(shape):
        found = reach(work, places.place(network, f"input[{','.join(map(str, at))}]"))
        assert found is not None
        assert found["sources"] == []
        output = layer.output_shape(shape)
        boxes = np.logical_or.reduce([np.zeros(output, bool), *(mask(box, output) for box in found["targets"])])
        assert not (by_pixel[at] & ~boxes).any()
        if isinstance(layer, Conv2d | MaxPool2d | Flatten | ReLU) and getattr(layer, "dilation", (1, 1)) == (1, 1):
            assert np.array_equal(by_pixel[at], boxes)


def of(work: Work, at: str) -> dict[str, Any]:
    found = reach(work, places.place(work.network, at))
    assert found is not None
    return found


def test_windows_exceed_the_map_by_the_padding() -> None:
    work = work_of(graph())

    found = of(work, "stem[0,0,3]")

    assert found["sources"] == [{"node": "input", "rows": [-1, 2], "columns": [-1, 2], "channels": [0, 2]}]
    assert {box["node"] for box in found["targets"]} == {"norm", "aside"}


def test_joins_tell_which_activation_is_read() -> None:
    work = work_of(graph())

    assert of(work, "both[2,3,1]")["sources"] == [{"node": "grouped", "rows": [2, 3], "columns": [3, 4], "channels": [1, 2]}]
    assert of(work, "both[2,3,5]")["sources"] == [{"node": "norm", "rows": [2, 3], "columns": [3, 4], "channels": [1, 2]}]
    assert [box["node"] for box in of(work, "gated[2,3,5]")["sources"]] == ["both", "gate"]
    assert of(work, "grouped[2,3,3]")["sources"] == [{"node": "norm", "rows": [0, 5], "columns": [1, 6], "channels": [2, 4]}]
    assert of(work, "mean[6]")["sources"] == [{"node": "sum", "rows": [0, 4], "columns": [0, 5], "channels": [6, 7]}]
    assert of(work, "head[1]")["sources"] == [{"node": "mean", "numbers": [0, 8]}]
    assert of(work, "logits[1]") == of(work, "head[1]")
    assert of(work, "probability[1]")["sources"] == [{"node": "head", "numbers": [0, 3]}]
    assert of(work, "d loss / d mean[6]") == of(work, "mean[6]")
    assert reach(work, places.place(work.network, "loss")) is None


def test_a_weight_reads_what_its_windows_reach_and_feeds_its_channel() -> None:
    work = work_of(graph())

    found = of(work, "stem.W[0,1,1,2]")

    assert found["sources"] == [{"node": "input", "rows": [-1, 7], "columns": [0, 10], "channels": [1, 2]}]
    assert found["targets"] == [{"node": "stem", "rows": [0, 8], "columns": [0, 10], "channels": [2, 3]}]
    assert of(work, "d loss / d stem.W[0,1,1,2]") == found
    assert of(work, "stem.b[2]")["sources"] == []
    assert of(work, "head.W[3,1]")["sources"] == [{"node": "mean", "numbers": [3, 4]}]
    assert of(work, "norm.mean[1]")["targets"]


def test_the_winner_of_a_pool_is_named() -> None:
    network = Network([MaxPool2d(2), Flatten(), Linear(np.ones((4, 2)), np.zeros(2))], (4, 4, 1))
    work = work_of(network)

    found = of(work, "pool1[1,0,0]")

    window = work.x[0][2:4, 0:2, 0]
    row, column = np.unravel_index(window.argmax(), window.shape)
    assert found["winner"] == [2 + row, column, 0]
    assert of(work, "d loss / d pool1[1,0,0]")["winner"] == found["winner"]


def test_boxes_of_matrices_and_of_four_axes_are_told_as_they_are_drawn() -> None:
    work = work_of(tokens())

    assert of(work, "scores[2,7]")["sources"] == [
        {"node": "query", "rows": [2, 3], "columns": [0, 3], "channels": [0, 1], "spans": [[2, 3], [0, 3]]},
        {"node": "turned", "rows": [0, 3], "columns": [7, 8], "channels": [0, 1], "spans": [[0, 3], [7, 8]]},
    ]
    assert of(work, "ordered[1,4,3,1]")["sources"] == [
        {"node": "patches", "rows": [1, 2], "columns": [3, 4], "channels": [9, 10], "spans": [[1, 2], [3, 4], [4, 5], [1, 2]]}
    ]
    assert of(work, "longer[12,5]")["sources"] == [
        {"node": "rows", "rows": [2, 3], "columns": [5, 6], "channels": [0, 1], "spans": [[2, 3], [5, 6]]}
    ]
    assert of(work, "patches[0,1,2,1]")["sources"] == [{"node": "input", "rows": [1, 2], "columns": [5, 6], "channels": [0, 1]}]
    found = of(work, "query.W[3,1]")
    assert found["sources"] == [
        {"node": "rows", "rows": [0, 10], "columns": [3, 4], "channels": [0, 1], "spans": [[0, 10], [3, 4]]}
    ]
    assert found["targets"] == [
        {"node": "query", "rows": [0, 10], "columns": [1, 2], "channels": [0, 1], "spans": [[0, 10], [1, 2]]}
    ]


class Twice(Conv2d):
    """A layer without a rule for its type."""

    def forward(self, x: Array) -> Array:
        return 2 * super().forward(x)


def test_a_layer_without_a_rule_reads_everything() -> None:
    network = Network([Twice(np.ones((2, 2, 1, 3)), np.zeros(3))], (4, 5, 1))

    found = of(work_of(network), "twice1[1,1,1]")

    assert found["sources"] == [{"node": "input", "rows": [0, 4], "columns": [0, 5], "channels": [0, 1]}]
