"""Networks and data sets that fit together: presets for any shape and classes, and names of classes in models."""

import copy
import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import handmade
from handmade import HandmadeError, networks
from handmade.data import Dataset, Images, load
from handmade.data.dataset import numbered
from handmade.engine.arrays import Array
from handmade.engine.description import describe
from handmade.files.onnx import export
from handmade.runs import Settings, fitting, inputs, resume, start
from tiny_digits import FILES, TINY, idx, write_digits

NAMES = ("cat", "dog", "horse")


def images(shape: tuple[int, ...], classes: int, count: int = 12) -> Images:
    rng = np.random.default_rng(0)
    return Images(rng.integers(256, size=(count, *shape), dtype=np.uint8), np.arange(count) % classes)


def data_of(shape: tuple[int, ...], names: tuple[str, ...]) -> Dataset:
    return Dataset(images(shape, len(names)), images(shape, len(names)), names)


@pytest.mark.parametrize("shape", [(8, 8, 1), (9, 12, 3), (28, 28, 1), (32, 32, 3)])
@pytest.mark.parametrize("name", networks.PRESETS)
def test_a_preset_is_made_for_the_images_and_classes_of_the_data(name: str, shape: tuple[int, int, int]) -> None:
    data = data_of(shape, NAMES)
    if name == "cifar" and min(shape[:2]) < 16:  # its last pool reads 4 x 4 pixels, each of them of 4 x 4
        with pytest.raises(HandmadeError, match=f"^cifar: expected larger images than {' x '.join(map(str, shape))}: "):
            inputs.network_named(name, 0, data)
        return
    network = inputs.network_named(name, 0, data)
    assert network.input_shape == (shape[0] + 2, shape[1] + 2, shape[2])
    assert (network.classes, network.class_names) == (3, NAMES)
    assert fitting.fitted(network, data, "data") is data
    assert [node.layer.kind for node in network.nodes] == [each["layer"] for each in networks.PRESETS[name]["layers"]]


def test_a_preset_for_digits_is_the_preset_itself() -> None:
    made = inputs.network_named("readme", 0, data_of((28, 28, 1), numbered(10)))
    assert describe(made) == describe(networks.readme(0))


def test_images_that_are_too_small_for_a_preset_are_refused_with_their_size() -> None:
    with pytest.raises(HandmadeError, match=r"^readme: expected larger images than 2 x 2 x 1: .*\. Try resize='28x28'$"):
        inputs.network_named("readme", 0, data_of((2, 2, 1), NAMES))


def test_a_description_that_does_not_end_in_linear_cannot_be_changed() -> None:
    with pytest.raises(HandmadeError, match=r"expected a network that ends in Linear, got .*ReLU"):
        networks.for_images({"layers": [{"layer": "ReLU"}]}, (8, 8, 1), 3)


def test_a_model_keeps_the_names_of_its_classes(tmp_path: Path) -> None:
    network = inputs.network_named("readme", 0, data_of((6, 6, 3), NAMES))
    network.save(tmp_path / "model.safetensors")
    again = handmade.load(tmp_path / "model.safetensors")
    others = network.replace({name: array + 1 for name, array in network.parameters().items()})
    export(network, tmp_path / "model.onnx")
    through_onnx = handmade.load(tmp_path / "model.onnx")
    for each in (network, again, others, through_onnx, copy.copy(network), pickle.loads(pickle.dumps(network))):
        assert each.class_names == NAMES
        assert each.class_name(1) == "dog"
    assert handmade.networks.readme(0).class_name(1) == "1"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Digits whose classes have names, and a network file for them."""
    monkeypatch.chdir(tmp_path)
    write_digits(tmp_path / "digits", 60, 20)
    (tmp_path / "digits" / "classes.txt").write_text("\n".join(f"no {n}" for n in range(10)))
    (tmp_path / "tiny.json").write_text(json.dumps(TINY))
    return tmp_path


SETTINGS: dict[str, Any] = {"data": "digits", "network": "tiny.json", "threads": 1, "steps": 4, "batch_size": 8}


@pytest.mark.usefixtures("place")
def test_a_trained_network_has_the_names_of_its_data() -> None:
    session = start(Settings(**SETTINGS), "run")
    session.finish()
    assert session.evaluation is not None
    assert session.evaluation.class_name(3) == "no 3"
    assert handmade.load("run").class_names == tuple(f"no {n}" for n in range(10))


@pytest.mark.usefixtures("place")
def test_a_run_that_began_without_names_is_resumed_with_them(place: Path) -> None:
    names = place / "digits" / "classes.txt"
    hidden = names.rename(place / "names")
    for progress in start(Settings(**SETTINGS, checkpoint_every=0), "run"):
        if progress.step.number == 2:
            break
    hidden.rename(names)
    resume("run").finish()
    assert handmade.load("run").class_name(3) == "no 3"


@pytest.mark.usefixtures("place")
def test_a_network_without_names_can_be_the_start_of_one_with_names() -> None:
    session = start(Settings(**SETTINGS), "run", weights=networks.described(TINY, 3))
    assert session.job.network.class_name(3) == "no 3"
    start(Settings(**SETTINGS | {"data": "digits"}), "first").finish()
    handmade.load("first").save("alone.safetensors")
    assert start(Settings(**SETTINGS | {"network": "alone.safetensors"}), "second").job.network.class_name(3) == "no 3"


def test_settings_of_training_work_with_colour_and_other_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = data_of((7, 6, 3), NAMES)
    monkeypatch.setattr("handmade.runs.inputs.load", lambda *_, **__: data)
    settings = Settings(
        data="pets",
        network="readme",
        steps=3,
        batch_size=4,
        limit=10,
        validation=3,
        augment="shift=1,rotation=5,noise=3",
        threads=1,
    )
    session = start(settings, tmp_path / "run")
    assert len(session.job.training.images) == 7
    result = session.finish()
    assert result["status"] == "finished"
    assert handmade.load(tmp_path / "run").class_names == NAMES


def test_labels_are_found_by_the_names_of_the_classes() -> None:
    network = inputs.network_named("readme", 0, data_of((6, 6, 1), NAMES))
    some = data_of((6, 6, 1), ("horse", "cat"))
    found = fitting.fitted(network, some, "data")
    assert found.class_names == NAMES
    assert found.train.labels.tolist() == [2, 0] * 6
    digits = inputs.network_named("readme", 0, data_of((6, 6, 1), numbered(10)))
    assert fitting.fitted(digits, data_of((6, 6, 1), ("7", "3")), "data").test.labels.tolist() == [7, 3] * 6


def test_classes_that_are_plain_numbers_are_the_numbers_of_the_network() -> None:
    network = inputs.network_named("readme", 0, data_of((6, 6, 1), NAMES))
    data = data_of((6, 6, 1), numbered(2))
    assert fitting.fitted(network, data, "data") is data


@pytest.mark.parametrize(
    ("shape", "names", "message"),
    [
        (
            (6, 6, 1),
            ("cat", "cow"),
            "data: expected the classes of this network, cat, dog, horse; got cow from pets. Try another",
        ),
        ((6, 6, 1), numbered(4), "data: expected at most 3 classes for this network, got 4 from pets. Try another data=..."),
        ((6, 7, 1), NAMES, "expected images of shape (8, 8, 1) for this network, got (8, 9, 1) from pets. Try resize='6x6'"),
        ((6, 6, 3), NAMES, "got (8, 8, 3) from pets. Try grey=True"),
        ((9, 9, 3), NAMES, "got (11, 11, 3) from pets. Try resize='6x6' and grey=True"),
        ((6, 6, 2), NAMES, "got (8, 8, 2) from pets. Try another data=..."),
    ],
)
def test_data_that_a_network_cannot_read_are_refused(shape: tuple[int, ...], names: tuple[str, ...], message: str) -> None:
    network = inputs.network_named("readme", 0, data_of((6, 6, 1), NAMES))
    with pytest.raises(HandmadeError) as caught:
        fitting.fitted(network, data_of(shape, names), "pets")
    assert message in str(caught.value)


def test_the_advice_for_other_shapes_works(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    network = inputs.network_named("readme", 0, data_of((6, 6, 1), numbered(10)))
    arrays = rng.integers(256, size=(9, 5, 8)), np.arange(9), rng.integers(256, size=(4, 5, 8)), np.arange(4)
    for file, array in zip(FILES, arrays, strict=True):
        (tmp_path / file).write_bytes(idx(array))
    with pytest.raises(HandmadeError, match="resize='6x6'"):
        fitting.fitted(network, load(tmp_path), "x")
    assert fitting.fitted(network, load(tmp_path, resize="6x6"), "x").image_shape == (6, 6, 1)


def test_resizing_takes_the_mean_of_an_area_and_grey_is_luminance(tmp_path: Path) -> None:
    checks: Array = np.indices((4, 8)).sum(axis=0) % 2 * 200
    for file, array in zip(FILES, (np.stack([checks, checks + 20]), [0, 1], checks[None], [1]), strict=True):
        (tmp_path / file).write_bytes(idx(np.asarray(array)))
    data = load(tmp_path, resize=(2, 4))
    assert data.train.images[..., 0].tolist() == [[[100] * 4] * 2, [[120] * 4] * 2]
    assert data.image_shape == (2, 4, 1)
    from handmade.data.sources.options import ReadOptions, changed  # noqa: PLC0415  of this test alone

    colours = np.array([[[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [10, 20, 30]]]], np.uint8)
    grey = changed(colours, ReadOptions(grey=True))
    assert grey.tolist() == [[[[76], [150]], [[29], [18]]]]
    assert replace(data, class_names=("a", "b")).names == ("a", "b")


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("resize", "28", "resize: expected height and width of 1 to 1,024 pixels, got '28'. Try resize='28x28'"),
        ("resize", "0x28", "got '0x28'"),
        ("resize", "28x9999999999", "got '28x9999999999'"),
        ("resize", (28, 28.5), "expected height and width"),
        ("test_share", 1, "test_share: expected a share between 0 and 1, got 1. Try test_share=0.2"),
        ("test_share", float("nan"), "got nan"),
        ("split_seed", -1, "split_seed: expected"),
    ],
)
def test_impossible_options_are_refused(option: str, value: Any, says: str) -> None:
    with pytest.raises(HandmadeError) as caught:
        load("mnist", **{option: value})
    assert says in str(caught.value)
