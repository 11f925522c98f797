"""Recipe for CIFAR-10: its network, the standardisation of its images, and a run by nothing but differences."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import handmade
from handmade import HandmadeError, networks
from handmade.data import Dataset, Images, prepare_for
from handmade.data.prepared import raw_shape
from handmade.runs import Settings, resume, start
from handmade.runs.fitting import preset

NAMES = ("cat", "dog")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Colour images of two classes, which differ in their colours, 16 x 18."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    labels = np.arange(80) % 2
    images = rng.integers(0, 90, (80, 16, 18, 3), dtype=np.uint8)
    images[labels == 1, ..., 2] += 120
    np.savez("pets.npz", images=images[:60], labels=labels[:60], test_images=images[60:], test_labels=labels[60:])
    return tmp_path


def tiny(**given: object) -> Settings:
    values = {"data": "pets.npz", "batch_size": 20, "steps": 4, "threads": 1}
    return Settings.from_recipe("cifar", **(values | given))


def test_the_network_keeps_to_its_number_of_weights() -> None:
    network = networks.cifar(0)
    assert network.input_shape == (34, 34, 3)
    assert raw_shape(network) == (32, 32, 3)
    assert network.size == 59_302
    nothing = Images(np.zeros((1, 32, 32, 3), np.uint8), np.zeros(1, np.int64))
    made = preset("cifar", np.random.default_rng(0), np.float32, Dataset(nothing, nothing, tuple("0123456789")))
    assert {name: array.shape for name, array in made.parameters().items()} == {
        name: array.shape for name, array in network.parameters().items()
    }
    assert f"{network.size:,} weights" in str(networks.cifar.__doc__)


@pytest.mark.usefixtures("place")
def test_a_run_of_the_recipe_is_resumed_with_the_same_bytes() -> None:
    begun = start(tiny(checkpoint_every=0.0), "one")
    for progress in begun:
        if progress.step.number == 2:
            begun.stop()
    resumed, straight = resume("one").finish(), start(tiny(), "two").finish()

    assert resumed["status"] == straight["status"] == "finished"
    assert Path("one/model.safetensors").read_bytes() == Path("two/model.safetensors").read_bytes()
    known = json.loads(Path("two/run.json").read_bytes())
    assert (known["gradient"], known["recipe"], known["standardise"]) == ("difference", "cifar", True)


@pytest.mark.usefixtures("place")
def test_differences_with_the_step_of_the_recipe_take_the_steps_of_backpropagation() -> None:
    by = {gradient: start(tiny(gradient=gradient, dtype="float64"), gradient) for gradient in ("difference", "backprop")}
    networks_of = {}
    for gradient, session in by.items():
        session.finish()
        networks_of[gradient] = handmade.load(Path(gradient))

    for name, w in networks_of["difference"].parameters().items():
        np.testing.assert_allclose(w, networks_of["backprop"].parameters()[name], rtol=0, atol=1e-10 * np.abs(w).max())


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("validation", [None, 10])
def test_the_images_of_the_training_set_get_mean_0_and_deviation_1(validation: int | None) -> None:
    session = start(tiny(validation=validation, gradient="backprop"), "run")
    network, images = session.job.network, session.job.training.images
    assert len(images) == 60 - (validation or 0)
    x = prepare_for(network, np.float64)(images)
    assert x.shape[1:] == network.input_shape == (18, 20, 3)
    inner = x[:, 1:-1, 1:-1]
    np.testing.assert_allclose(inner.mean(axis=(0, 1, 2)), 0, atol=1e-12)
    np.testing.assert_allclose(inner.std(axis=(0, 1, 2)), 1, atol=1e-12)
    assert not x[:, 0].any()
    session.finish()
    saved = handmade.load(Path("run"))
    assert saved.preparation == network.preparation
    assert raw_shape(saved) == (16, 18, 3)


@pytest.mark.usefixtures("place")
def test_only_new_weights_without_a_preparation_are_standardised() -> None:
    start(tiny(gradient="backprop"), "run").finish()
    with pytest.raises(HandmadeError, match=r"^standardise: expected a network with new weights .*, got run, which is trained\."):
        start(tiny(network="run"), "again")
    description = networks.for_images(networks.PRESETS["readme"], (16, 18, 3), 2) | {"prepare": {"padding": 1}}
    Path("own.json").write_text(json.dumps(description))
    with pytest.raises(HandmadeError, match=r"got own\.json, which has a preparation of its own\. Leave standardise out$"):
        start(tiny(network="own.json"), "again")
    start(replace(tiny(network="own.json", gradient="backprop"), standardise=False), "again").finish()


def test_differences_of_a_recipe_take_a_tiny_step_and_the_definition_does_not() -> None:
    for recipe in ("best", "cifar"):
        sizes = {each: Settings.from_recipe(recipe, gradient=each).step_size for each in ("difference", "definition", "backprop")}
        assert sizes == {"difference": 1e-20, "definition": 1e-3, "backprop": 1e-3}
    assert Settings.from_recipe("cifar").step_size == 1e-20
    assert Settings.from_recipe("best").step_size == 1e-3
    assert Settings.from_recipe("cifar", step_size=0.5).step_size == 0.5
