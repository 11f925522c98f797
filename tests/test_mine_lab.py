"""The lab with a student's functions: marked as hers, with the same answers as the engine's."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import handmade
from handmade.engine.network import Network
from handmade.lab import schemas
from handmade.lab.catalogue import Catalogue
from handmade.learn.mine import USED
from handmade.learn.steps import NAMES
from lab_client import LabClient, PageClient
from test_mine import plant, unchecked

NUMBER = re.compile(r"-?\d+\.\d+(e[+-]?\d+)?")
SMALL = [
    {"layer": "Conv2d", "filters": 2, "kernel": 5, "stride": 2},
    *[{"layer": "ReLU"}, {"layer": "MaxPool2d", "window": 2}, {"layer": "Flatten"}, {"layer": "Linear", "units": 10}],
]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[PageClient, PageClient]]:
    """A page with her functions, and one with the engine's."""
    folder = tmp_path_factory.mktemp("lab")
    handmade.networks.described({"layers": SMALL}, 0).save(folder / "small.safetensors")
    own = unchecked(plant(folder / "workbook", *NAMES), *USED)
    with LabClient(Catalogue(str(folder / "small.safetensors"), folder / "runs", layers=own.layers)) as client:
        yield client.page(), client.page("model")


def same(mine: Any, right: Any) -> None:
    """Compare plain data; numbers may differ by rounding."""
    if isinstance(right, dict):
        assert mine.keys() == right.keys()
        for key in right.keys() - {"seconds", "version"}:
            same(mine[key], right[key])
    elif isinstance(right, list):
        assert len(mine) == len(right)
        for one, other in zip(mine, right, strict=True):
            same(one, other)
    elif isinstance(right, float):
        assert mine == pytest.approx(right, rel=1e-4, abs=1e-5)
    elif isinstance(right, str):
        assert NUMBER.sub("#", mine) == NUMBER.sub("#", right)
    else:
        assert mine == right


def test_her_layers_are_marked(pages: tuple[PageClient, PageClient]) -> None:
    mine, right = pages

    schemas.NetworkInfo.model_validate(mine.network)
    assert mine.network["source"] == "mine"
    assert [node["mark"] for node in mine.network["nodes"]] == ["yours"] * 5
    assert [node["mark"] for node in right.network["nodes"]] == [""] * 5
    sources = mine.client.get("/api/sources").json()
    assert (sources["first"], [each["source"] for each in sources["sources"]][:2]) == ("mine", ["mine", "model"])


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/image", None),
        ("GET", "/gradients?label=1", None),
        ("GET", "/contributions?label=7", None),
        ("POST", "/nudge", {"at": "conv1.W[1,1,0,1]", "h": 0.5}),
        ("POST", "/nudge", {"at": "conv1[3,3,1]", "h": -0.5}),
        ("PUT", "/edits", {"edits": [{"at": "conv1.b[1]", "step": 0.25}], "label": 4}),
        ("PUT", "/edits", {"edits": []}),
        ("GET", "/weights", None),
    ],
)
def test_maps_are_those_of_the_engine(pages: tuple[PageClient, PageClient], method: str, path: str, body: Any) -> None:
    (mine, facts), (right, expected) = (page.frame(method, path, body) for page in pages)

    assert mine.keys() == right.keys()
    for name, array in right.items():
        np.testing.assert_allclose(mine[name], array, rtol=1e-4, atol=1e-5, err_msg=name)
    same(facts, expected)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/receipt", {"at": "conv1[3,4,1]"}),
        ("/receipt", {"at": "d loss / d conv1.W[1,1,0,1]", "by": "difference", "h": 1e-3}),
        ("/receipt", {"at": "d loss / d pool1[2,2,0]"}),
        ("/loop", {"at": "conv1[3,4,1]"}),
        ("/loop", {"at": "pool1[2,2,0]"}),
    ],
)
def test_answers_are_those_of_the_engine(pages: tuple[PageClient, PageClient], path: str, body: Any) -> None:
    mine, right = (page.post(path, body) for page in pages)

    same(mine, right)


def test_thousands_of_images_and_trainings_are_the_engines(pages: tuple[PageClient, PageClient]) -> None:
    mine, right = pages

    same(json.loads(json.dumps(mine.get("/accuracy"))), right.get("/accuracy"))
    assert mine.client.lab.catalogue.open("mine").network.standard().size == right.network["weights"]
    mine.post("/training", {"lane": "a", "settings": {"steps": 2, "limit": 64}, "start": "here"})
    trainings = mine.client.lab.pages.get(mine.name).trainings
    assert trainings is not None
    end = time.monotonic() + 120
    while trainings.lane("a").news()["status"] in {"running", "paused"}:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert trainings.lane("a").news()["status"] == "finished"


def test_without_a_student_there_is_no_such_source(tmp_path: Path) -> None:
    catalogue = Catalogue("readme", tmp_path)

    assert catalogue.first == "preset:readme"
    with pytest.raises(handmade.HandmadeError, match="source"):
        catalogue.open("mine")


def test_another_target_by_her_functions(tmp_path: Path) -> None:
    def layers(network: Network) -> Network:
        return network.replace({"0.b": np.full(8, 9.0)})

    catalogue = Catalogue("readme", tmp_path, layers=layers)

    assert catalogue.open().network.parameters()["0.b"][0] == 9
    assert catalogue.open("preset:readme").network.parameters()["0.b"][0] == 0
