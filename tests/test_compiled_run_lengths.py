"""Compiled differences of convolutions whose runs have any length: the numbers of `plain`, and tiles that fit into a run.

At a tiny step no window is contested, so that tiles hold numbers of a patch side by side (`nudges_across`).
"""

import numpy as np
import pytest

import handmade
from handmade.engine.backend import unusable, use_backend

pytestmark = pytest.mark.skipif(unusable("compiled") is not None, reason="there is no compiled backend")
LENGTHS = {(1, 17): 17, (3, 8): 24, (1, 31): 31, (2, 16): 32}
MORE = {(1, 16): 16, (3, 6): 18, (4, 5): 20, (5, 5): 25, (3, 10): 30, (3, 11): 33}
CASES = [pytest.param(*shape, id=f"{length} numbers") for shape, length in LENGTHS.items()]
CASES += [pytest.param(*shape, id=f"{length} numbers", marks=pytest.mark.long) for shape, length in MORE.items()]


def network(across: int, channels: int, classes: int) -> handmade.Network:
    """Return a network whose second convolution has runs of across * channels numbers, with biases that are not 0."""
    layers = [
        {"layer": "Conv2d", "filters": channels, "kernel": 3},
        {"layer": "ReLU"},
        {"layer": "Conv2d", "filters": 6, "kernel": [3, across]},
        {"layer": "ReLU"},
        {"layer": "MaxPool2d", "window": 2},
        {"layer": "Flatten"},
        {"layer": "Linear", "units": classes},
    ]
    made = handmade.networks.described({"input": [18, 18, 1], "layers": layers}, 0)
    rng = np.random.default_rng(1)
    return made.replace({name: rng.normal(0, 0.1, each.shape).astype(each.dtype) for name, each in made.parameters().items()})


@pytest.mark.parametrize("classes", [10, pytest.param(5, marks=pytest.mark.long), pytest.param(7, marks=pytest.mark.long)])
@pytest.mark.parametrize(("across", "channels"), CASES)
def test_quotients_are_those_of_plain_for_runs_of_any_length(across: int, channels: int, classes: int) -> None:
    rng = np.random.default_rng(2)
    made = network(across, channels, classes)
    x, y = rng.normal(size=(8, 18, 18, 1)).astype(np.float32), rng.integers(classes, size=8)

    with use_backend("compiled"):
        loss, found = handmade.gradients.difference(made, x, y, h=1e-20)
    with use_backend("plain"):
        expected_loss, expected = handmade.gradients.difference(made, x, y, h=1e-20)

    assert loss == pytest.approx(expected_loss, rel=1e-5)
    for name, quotients in expected.items():
        # sums of at most 300 products of order 1 in float32, in another order: 300 * 1.2e-7
        assert np.abs(found[name] - quotients).max() <= 4e-5 * np.abs(quotients).max(), name


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_tile_of_outputs_is_never_wider_than_a_run(dtype: type) -> None:
    from handmade.compiled.differences.prepared import across_tile  # noqa: PLC0415  it needs Numba
    from handmade.compiled.patches import Patches  # noqa: PLC0415

    windows = np.arange(400, dtype=np.int64).reshape(20, 20)
    for length in range(1, 100):
        patches = Patches(windows, 1, np.arange(3, dtype=np.int64) * length, length, even=True)
        for classes in (2, 5, 7, 10, 12, 20):
            tile = across_tile(patches, classes, np.dtype(dtype))
            assert tile is None or (tile.width <= length and tile.rows <= classes)
