"""Networks for other images and classes: short descriptions, and the lab."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import handmade
from handmade.data.dataset import Dataset, frozen
from handmade.engine.description import describe, shortened
from handmade.lab.catalogue import Catalogue
from handmade.lab.pages import Page
from handmade.networks import PRESETS, described
from handmade.runs import inputs
from handmade.runs.data_source import DataSource
from handmade.text.description import layout

NAMES = ("<b>", "a cat", "Ünï")  # in the order of the alphabet


def data_set(shape: tuple[int, int, int] = (14, 12, 3)) -> Dataset:
    rng = np.random.default_rng(0)
    train, test = (frozen(rng.integers(256, size=(count, *shape), dtype=np.uint8), np.arange(count) % 3) for count in (9, 6))
    return Dataset(train, test, NAMES)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    data = data_set()
    labels, test_labels = (np.array(NAMES)[part.labels] for part in (data.train, data.test))
    np.savez("own.npz", images=data.train.images, labels=labels, test_images=data.test.images, test_labels=test_labels)
    return tmp_path


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("data", [None, data_set((18, 16, 3))], ids=["MNIST", "own"])
def test_a_description_makes_the_same_network(name: str, data: Dataset | None, place: Path) -> None:
    text = layout(inputs.description_of(name, data), ascii_only=data is not None)
    (place / "my.json").write_text(text, encoding="utf-8")

    made, again = (inputs.network_named(source, 5, data) for source in (name, "my.json"))

    assert describe(made) == describe(again)
    assert all(np.array_equal(W, again.parameters()[key]) for key, W in made.parameters().items())
    assert text.isascii()
    assert text.count("\n") == len(PRESETS[name]["layers"]) + 3 + (0 if data is None else 2)  # a line for each layer


def test_descriptions_of_models_are_short_and_complete() -> None:
    graph = {
        "input": [9, 9, 2],
        "layers": [
            {"layer": "Conv2d", "name": "stem", "filters": 4, "kernel": [3, 1], "padding": [1, 0]},
            {"layer": "BatchNorm2d"},
            {"layer": "Residual", "block": [{"layer": "Conv2d", "filters": 4, "kernel": 3, "padding": 1}]},
            {"layer": "MaxPool2d", "window": 2, "stride": 1},
            {"layer": "LeakyReLU", "slope": 0.2},
            {"layer": "Flatten"},
            {"layer": "Dropout", "rate": 0.5},
            {"layer": "Linear", "units": 3},
        ],
        "classes": list(NAMES),
        "prepare": {"scale": 0.01, "shift": 0.0, "padding": 1, "layout": "NHWC"},
    }
    network = described(graph, 0)

    brief = json.loads(layout(shortened(describe(network))))

    assert describe(described(brief, 0)) == describe(network)
    assert brief["layers"][0] == {"layer": "Conv2d", "name": "stem", "filters": 4, "kernel": [3, 1], "padding": [1, 0]}
    assert brief["layers"][-1] == {"layer": "Linear", "units": 3}


def test_a_network_file_without_an_input_reads_the_images_of_the_data(place: Path) -> None:
    (place / "my.json").write_text('{"layers": [{"layer": "Flatten"}, {"layer": "Linear", "units": 3}]}')

    network = inputs.network_to_train("my.json", np.random.default_rng(0), np.float32, data_set())

    assert (network.input_shape, network.class_names) == ((16, 14, 3), NAMES)
    assert inputs.network_named("my.json").input_shape == (30, 30, 1)


def test_the_lab_makes_presets_for_the_data(place: Path) -> None:
    catalogue = Catalogue(runs=place, data="own.npz")
    page = Page("p", catalogue, catalogue.open("preset:readme"))

    assert page.info["classes"] == list(NAMES)
    assert (page.info["raw_shape"], page.info["fits_data"], page.info["test_images"]) == ([14, 12, 3], True, 6)
    assert {each["source"] for each in catalogue.sources()} >= {"example", "preset:readme", "preset:deep"}


def test_presets_too_large_for_the_images_are_left_out_of_the_lab(place: Path) -> None:
    images = np.zeros((10, 2, 2), np.uint8)
    np.savez("small.npz", images=images, labels=np.arange(10) % 2)

    found = {each["source"] for each in Catalogue(runs=place, data="small.npz").sources()}

    assert "example" in found
    assert "preset:deep" not in found


def test_colours_of_the_lab_are_prepared_as_everywhere(place: Path) -> None:
    catalogue = Catalogue("readme", place, "own.npz")
    page = Page("p", catalogue, catalogue.open())

    shown = page.shown
    x = handmade.data.prepare_for(page.network)(shown.pixels[None])

    np.testing.assert_array_equal(shown.pixels, data_set().test.images[0])
    np.testing.assert_array_equal(page.work().tape["input"], x)


def test_a_run_whose_data_are_gone_opens_without_images(place: Path) -> None:
    inputs.network_to_train("readme", np.random.default_rng(0), np.float32, data_set()).save(place / "model.safetensors")
    gone = DataSource("gone.npz")

    with pytest.raises(handmade.HandmadeError, match=r"gone\.npz"):
        Catalogue("model.safetensors", place, gone)
    catalogue = Catalogue("model.safetensors", place, gone, may_miss_data=True)
    page = Page("p", catalogue, catalogue.open())

    assert "gone.npz" in catalogue.problem
    assert "\n" not in catalogue.problem
    assert (page.info["fits_data"], page.info["test_images"], page.info["classes"]) == (False, 0, list(NAMES))
    assert not page.shown.pixels.any()
    assert Page("q", catalogue, catalogue.open("example")).info["fits_data"] is False
    assert catalogue.sources()


def test_the_command_says_that_data_are_gone(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from handmade.cli.commands import lab as command  # noqa: PLC0415  of this test
    from handmade.lab import serve  # noqa: PLC0415

    (place / "run").mkdir()
    inputs.network_to_train("readme", np.random.default_rng(0), np.float32, data_set()).save(place / "run" / "model.safetensors")
    (place / "run" / "run.json").write_text(json.dumps({"data": "gone.npz"}))
    served: list[Any] = []
    monkeypatch.setattr(serve, "serve", lambda catalogue, *_: served.append(catalogue))

    command.lab("run", runs=place, data=DataSource("gone.npz"))
    assert served[0].problem
    assert capsys.readouterr().err.replace("\n", " ").rstrip().endswith("The lab opens without test images.")
    with pytest.raises(handmade.HandmadeError, match=r"other\.npz"):
        command.lab("run", runs=place, data=DataSource("other.npz"))
