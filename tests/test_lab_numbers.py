"""The numbers of the lab are those of the engine: activations, gradients, receipts, differences, quotients, accuracy."""

import base64
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import handmade
from handmade.engine.arrays import Array
from handmade.engine.check.networks.kinks import kinks
from handmade.engine.evaluation import evaluate
from handmade.engine.gradients import input_gradient
from handmade.engine.network import Network
from handmade.engine.preparation import Preparation
from handmade.engine.terms import OPERATIONS
from handmade.lab import receipt_schemas, schemas
from handmade.lab.catalogue import Catalogue
from handmade.runs.backends import use_light_backend
from lab_client import LabClient, PageClient
from lab_networks import NETWORKS, write_runs

IMAGES = ["chain", "graph", "colours", "tokens"]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabClient]:
    with LabClient(Catalogue(runs=write_runs(tmp_path_factory.mktemp("lab") / "runs"))) as client:
        yield client


def raw_of(network: Network, seed: int = 5) -> Array:
    around = network.preparation.padding if network.preparation else 1 if network.input_shape[2] == 1 else 0
    height, width, channels = network.input_shape
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (height - 2 * around, width - 2 * around, channels), dtype=np.uint8)


def opened(client: LabClient, name: str, label: int = 2) -> tuple[PageClient, Network, Array]:
    """A page with an image of noise, the network, and the prepared image."""
    network = handmade.load(client.lab.catalogue.runs / name / "model.safetensors")
    raw = raw_of(network)
    choice = {"pixels": base64.urlsafe_b64encode(raw.tobytes()).decode().rstrip("=")}
    page = client.page(f"run:{name}", image=choice, label=label)
    if network.preparation is None and network.input_shape[2] > 1:
        return page, network, Preparation()(raw[None], network.dtype)[0]
    return page, network, handmade.data.prepare_for(network)(raw[None])[0]


def tape_of(network: Network, x: Array) -> dict[str, Array]:
    with use_light_backend():
        return {name: activation[0] for name, activation in network.tape(x[None]).items()}


def places_of(network: Network, count: int = 1) -> Iterator[tuple[str, str]]:
    """A few places of every activation, by the name of the node and as people write them."""
    rng = np.random.default_rng(6)
    for name, shape in network.shape_of.items():
        for _ in range(count):
            yield name, f"{network.titles.get(name, name)}[{','.join(str(rng.integers(size)) for size in shape)}]"


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_is_told_as_it_is(client: LabClient, name: str) -> None:
    network = NETWORKS[name]()

    told = client.page(f"run:{name}").network

    schemas.NetworkInfo.model_validate(told)
    assert told["weights"] == network.size
    assert told["dtype"] == str(network.dtype)
    assert {node["name"]: tuple(node["shape"]) for node in told["nodes"]} == {
        node.name: network.shape_of[node.name] for node in network.nodes
    }
    columns = {"input": 0} | {node["name"]: node["column"] for node in told["nodes"]}
    for node in told["nodes"]:
        assert node["column"] == 1 + max(columns[read] for read in node["reads"])
        assert [array["key"] for array in node["arrays"]] == [
            key for key, (owner, _) in network.owners.items() if owner == node["name"]
        ]
    assert told["classes"] == [network.class_name(k) for k in range(network.classes)]
    assert told["fits_data"] == (name == "chain")


@pytest.mark.parametrize("name", IMAGES)
def test_activations_are_the_engines_bit_by_bit(client: LabClient, name: str) -> None:
    page, network, x = opened(client, name)

    arrays, meta = page.frame("GET", "/image")

    tape = tape_of(network, x)
    assert np.array_equal(arrays["input"], x)
    for node in network.nodes:
        assert np.array_equal(arrays[f"act:{node.name}"], tape[node.name])
        assert arrays[f"act:{node.name}"].dtype == network.dtype
    z = tape[network.logits_name]
    assert meta["predicted"] == z.argmax()
    assert arrays["probabilities"].sum() == pytest.approx(1)
    assert meta["loss"] == float(handmade.losses.CrossEntropy().forward(z[None], np.array([2]))[0])
    assert np.array_equal(arrays["raw"], raw_of(network))


@pytest.mark.parametrize("name", IMAGES)
def test_gradients_are_those_of_backpropagation(client: LabClient, name: str) -> None:
    page, network, x = opened(client, name)
    y = np.array([1])
    with use_light_backend():
        L, gradients = handmade.gradients.backprop(network, x[None], y)
        _, gx = input_gradient(network, x[None], y)

    arrays, meta = page.frame("GET", "/gradients?label=1")

    assert meta["loss"] == pytest.approx(L)
    assert meta["label"] == 1
    rtol, atol = (1e-4, 1e-6) if network.dtype == np.float32 else (1e-12, 1e-14)
    assert np.allclose(arrays["grad:input"], gx[0], rtol=rtol, atol=atol)
    for key, g in gradients.items():
        assert np.allclose(arrays[f"grad:{key}"], g, rtol=rtol, atol=atol)
    assert all(f"grad:{node.name}" in arrays for node in network.nodes)
    for node, channels in meta["dead"].items():
        activation = tape_of(network, x)[node]
        silent = [c for c in range(activation.shape[-1]) if not activation[..., c].any()]
        assert channels == silent


def check_tree(term: dict[str, Any]) -> None:
    parts = term.get("parts", [])
    if parts:
        for part in parts:
            check_tree(part)
        assert OPERATIONS[term["how"]](*(part["value"] for part in parts)) == term["value"]


@pytest.mark.parametrize("name", IMAGES)
def test_receipts_are_the_engines(client: LabClient, name: str) -> None:
    page, network, x = opened(client, name)
    tape = tape_of(network, x)
    weights = [f"{network.display_name(key)}[{','.join('0' * array.ndim)}]" for key, array in network.parameters().items()]

    for node, at in [*places_of(network), *(("", each) for each in ("loss", "probability[1]", "logits[0]", *weights))]:
        told = page.post("/receipt", {"at": at})

        receipt_schemas.ReceiptAnswer.model_validate(told)
        receipt = handmade.explain(network, x, at, label=2)
        assert (told["value"], told["sum"], told["rounding"], told["bound"]) == (
            receipt.value,
            receipt.sum,
            receipt.rounding,
            receipt.bound,
        )
        assert told["kind"] == receipt.kind
        assert told["snippet"] == handmade.receipts.snippet(receipt)
        if node:
            assert told["value"] == float(tape[node][tuple(map(int, at.partition("[")[2][:-1].split(",")))])
        if told["total"]:
            check_tree(told["total"])


@pytest.mark.parametrize("by", ["backprop", "difference", "definition"])
def test_gradients_have_receipts(client: LabClient, by: str) -> None:
    page, network, x = opened(client, "graph")

    for at in ["d loss / d stem.W[0,1,1,2]", "d loss / d input[3,4,1]", "d loss / d both[2,2,5]"]:
        told = page.post("/receipt", {"at": at, "by": by, "h": 1e-4, "label": 0})

        receipt = handmade.explain(network, x, at, label=0, by=by, h=1e-4)
        assert told["value"] == receipt.value
        assert told["story"] == [step.to_json() for step in receipt.story]
        check_tree(told["total"])
        assert told["reach"]["targets"]


def test_folded_terms_come_without_their_parts_and_can_be_opened(client: LabClient) -> None:
    page, network, x = opened(client, "chain")

    told = page.post("/receipt", {"at": "linear1[4]"})

    k, folded = next((k, part) for k, part in enumerate(told["total"]["parts"]) if part.get("folded"))
    assert "parts" not in folded
    assert folded["count"] == 147 - 10
    full = page.post("/receipt", {"at": "linear1[4]", "expand": [k]})["total"]
    assert len(full["parts"]) == 137
    assert math.fsum(part["value"] for part in full["parts"]) == folded["value"]
    receipt = handmade.explain(network, x, "linear1[4]")
    assert receipt.total is not None
    assert full == json.loads(json.dumps(receipt.total.parts[k].to_json()))
    assert page.refused("POST", "/receipt", {"at": "linear1[4]", "expand": [k, 5000]})[0] == 400
    assert page.refused("POST", "/receipt", {"at": "linear1[4]", "expand": [0, 0]})[0] == 400


@pytest.mark.parametrize("name", IMAGES)
def test_nudges_are_exact_differences(client: LabClient, name: str) -> None:
    page, network, x = opened(client, name)
    first = next(iter(network.parameters()))
    places = [
        f"{network.display_name(first)}[{'0,' * (network.parameters()[first].ndim - 1)}1]",
        "input[3,3,0]",
        next(at for node, at in places_of(network) if node != "input"),
    ]

    for at in places:
        for h in (0.25, -0.5):
            arrays, meta = page.frame("POST", "/nudge", {"at": at, "h": h})

            trace = handmade.receipts.trace(network, x, f"{at}={h}", label=2)
            titles = network.titles | {"input": "input"}
            differences = {titles[each.removeprefix("diff:")]: array for each, array in arrays.items()}
            assert differences.keys() == trace.differences.keys()
            assert all(np.array_equal(differences[title], array) for title, array in trace.differences.items())
            assert (meta["before"], meta["loss"], meta["dL"]) == (trace.before, trace.loss, trace.dL)
            assert trace.dL is not None
            assert trace.loss is not None
            assert meta["secant"] == trace.dL / h
            down = handmade.receipts.trace(network, x, f"{at}={-h}", label=2).dL
            assert down is not None
            assert meta["loss_minus"] == trace.loss + down
            assert meta["tangent"] == handmade.explain(network, x, f"d loss / d {at}", label=2).value
            assert sum(meta["probabilities_after"]) == pytest.approx(1, rel=1e-5)
            assert page.frame("POST", "/nudge", {"at": at, "h": h, "maps": False})[0] == {}


def test_branches_that_switch_are_those_that_the_checker_finds(client: LabClient) -> None:
    page, network, x = opened(client, "chain")

    _, meta = page.frame("POST", "/nudge", {"at": "conv1.W[1,1,0,1]", "h": 0.75})

    found = list(kinks(network, x[None], "0.W", (1, 1, 0, 1), 0.75))
    for each in meta["switches"]:
        places = [list(kink.place) for kink in found if kink.layer == network.titles[each["node"]]]
        assert all(place in places for place in each["places"])
        assert each["count"] >= len(each["places"]) > 0
    assert {each["node"] for each in meta["switches"]} == {"1", "2"}


def test_quotients_make_a_v(client: LabClient) -> None:
    page, network, x = opened(client, "graph")

    told = page.post("/quotients", {"at": "stem.W[0,1,1,2]"})

    schemas.QuotientsAnswer.model_validate(told)
    curves = {(curve["method"], curve["dtype"]): curve["error"] for curve in told["curves"]}
    _, g = handmade.gradients.backprop(network, x[None], np.array([2]))
    assert told["derivative"] == pytest.approx(float(g["stem.W"][0, 1, 1, 2]), rel=1e-3)
    assert told["h"][0] == 0.1
    textbook = curves["textbook", "float64"]
    assert 1e-9 < textbook[-1] == 1.0 > textbook[0] > min(textbook)
    assert curves["exact", "float64"][-1] < 1e-9
    assert not told["on_kink"]
    assert page.refused("POST", "/quotients", {"at": "stem[0,0,0]"})[1].startswith("quotients: expected a weight")


def test_contributions_are_those_of_a_logit(client: LabClient) -> None:
    page, network, x = opened(client, "colours")

    arrays, meta = page.frame("GET", "/contributions?label=7")

    z = float(tape_of(network, x)[network.logits_name][7])
    assert meta == {"label": 7, "logit": z}
    assert {name: array.shape for name, array in arrays.items()} == dict.fromkeys(("gradient", "occlusion", "product"), (10, 10))
    wiped = x.copy()
    wiped[3:6, 4:7] = 0
    assert arrays["occlusion"][4, 5] == pytest.approx(z - float(tape_of(network, wiped)[network.logits_name][7]), abs=1e-5)
    h = np.float32(1e-3)
    trace = handmade.receipts.trace(network, x, f"input[4,5,1]={h}")
    slope = handmade.receipts.trace(network, x, "input[4,5,1]=1e-6").differences["linear1"][7] / 1e-6
    others = [handmade.receipts.trace(network, x, f"input[4,5,{c}]=1e-6").differences["linear1"][7] / 1e-6 for c in (0, 2)]
    assert trace.differences["linear1"].shape == (100,)
    assert arrays["gradient"][4, 5] == pytest.approx(float(slope + sum(others)), rel=1e-3)
    assert page.frame("GET", "/contributions")[1]["label"] == tape_of(network, x)[network.logits_name].argmax()


@pytest.mark.parametrize("name", ["graph", pytest.param("chain", marks=pytest.mark.long)])
def test_a_number_leads_to_its_text_and_to_its_loop(client: LabClient, name: str) -> None:
    page, network, x = opened(client, name)
    for _, at in places_of(network):
        told = page.post("/text", {"at": at})["text"]
        assert told == str(handmade.explain(network, x, at))
        loop = page.post("/receipt", {"at": at})["loop"]
        title = at.partition("[")[0]
        if title == "input":
            assert loop is None
            assert "input" in page.refused("POST", "/loop", {"at": at})[1]
            continue
        found = receipt_schemas.LoopAnswer.model_validate(page.post("/loop", {"at": at}))
        assert found.function == loop
        lines = (Path(handmade.__file__).parent / found.file).read_text(encoding="utf-8").splitlines()
        assert lines[found.first - 1 : found.first - 1 + len(found.lines)] == found.lines
        assert found.lines[0].startswith(f"def {loop}(")
        indents = [len(line) - len(line.lstrip()) for line in found.lines]
        assert indents[found.inner - found.first] == max(indents)
    for at, loop in (("loss", "cross_entropy"), ("probability[0]", "cross_entropy")):
        assert page.post("/loop", {"at": at})["function"] == loop
    weight = next(network.display_name(key) + f"[{','.join('0' * array.ndim)}]" for key, array in network.parameters().items())
    assert page.refused("POST", "/loop", {"at": weight})[0] == 400
    assert page.post("/loop", {"at": f"d loss / d {weight}", "by": "definition"})["function"] == "gradient"


def test_accuracy_cells_and_mistakes(client: LabClient) -> None:
    page = client.page("example")
    network = page.client.lab.pages.get(page.name).network
    test = handmade.data.mnist().test

    told = page.get("/accuracy")

    schemas.AccuracyAnswer.model_validate(told)
    with use_light_backend():
        expected = evaluate(network, test.images[:1000], test.labels[:1000], handmade.data.prepare)
        predicted = network.logits(handmade.data.prepare(test.images[:2000])).argmax(axis=1)
    assert (told["right"], told["confusion"]) == (expected.right, expected.confusion.tolist())
    assert told["loss"] == pytest.approx(expected.loss, rel=1e-5)
    wrong = np.flatnonzero(predicted != test.labels[:2000])
    after = -1
    for n in wrong[:3]:
        found = page.get(f"/mistake?after={after}")
        assert found == {"index": n, "label": test.labels[n], "predicted": predicted[n]}
        after = found["index"]
    true, taken = int(test.labels[wrong[0]]), int(predicted[wrong[0]])
    arrays, meta = page.frame("POST", "/cell", {"true": true, "predicted": taken})
    assert wrong[0] in meta["indices"]
    assert np.array_equal(arrays["images"], test.images[meta["indices"]])
    assert meta["split"] == "test"
    assert page.refused("POST", "/cell", {"true": 10, "predicted": 0})[0] == 400
    assert client.page("run:colours").refused("GET", "/accuracy")[1].startswith("accuracy: expected a network that reads")


def test_edits_move_weights_and_nothing_else(client: LabClient) -> None:
    page, network, x = opened(client, "chain")
    edits = [{"at": "conv1.W[1,1,0,1]", "step": 0.5}, {"at": "linear1.b[3]", "step": -1}, {"at": "0.W[1,1,0,1]", "step": 0.25}]

    arrays, meta = page.frame("PUT", "/edits", {"edits": edits, "label": 4})

    W, b = network.parameters()["0.W"].copy(), network.parameters()["4.b"].copy()
    W[1, 1, 0, 1] += np.float32(0.5)
    W[1, 1, 0, 1] += np.float32(0.25)
    b[3] -= 1
    tape = tape_of(network.replace({"0.W": W, "4.b": b}), x)
    assert np.array_equal(arrays["act:4"], tape["4"])
    assert meta["label"] == 4
    weights, about = page.frame("GET", "/weights")
    assert np.array_equal(weights["0.W"], W)
    assert set(weights) == set(network.parameters())
    assert about == {"left_out": []}
    assert np.array_equal(page.frame("PUT", "/edits", {"edits": []})[0]["act:4"], tape_of(network, x)["4"])
    for at, step in (("conv1[0,0,0]", 1), ("conv1.W[9,0,0,0]", 1), ("nothing", 1), ("conv1.W[0,0,0,0]", 1e39)):
        assert page.refused("PUT", "/edits", {"edits": [{"at": at, "step": step}]})[0] == 400


def test_an_overflow_is_shown_and_told(client: LabClient) -> None:
    page, _, _ = opened(client, "chain")

    arrays, meta = page.frame(
        "PUT", "/edits", {"edits": [{"at": "linear1.b[3]", "step": 3e38}, {"at": "linear1.b[2]", "step": -3e38}]}
    )

    assert np.isfinite(arrays["act:4"]).all()
    assert meta["loss"] is None or meta["loss"] > 1e38
    page.frame("PUT", "/edits", {"edits": [{"at": f"linear1.W[{n},3]", "step": 3e38} for n in range(147)]})
    assert "holds NaN or infinity" in page.refused("POST", "/receipt", {"at": "loss"})[1]


def test_images_of_the_data(client: LabClient) -> None:
    page = client.page("run:chain")
    mnist = handmade.data.mnist()

    _, first = page.frame("GET", "/image")
    arrays, meta = page.frame("PUT", "/image", {"choice": {"split": "train", "index": 12}})

    assert first["choice"] == {"split": "test", "index": 0}
    assert np.array_equal(arrays["raw"], mnist.train.images[12])
    assert meta["label"] == mnist.train.labels[12]
    assert page.frame("PUT", "/image", {"choice": {"split": "test", "index": 1}, "label": 3})[1]["label"] == 3
    for choice in ({}, {"split": "test"}, {"split": "test", "index": 10000}, {"pixels": "AAAA"}, {"pixels": "*"}):
        assert page.refused("PUT", "/image", {"choice": choice})[0] == 400
    assert page.refused("PUT", "/image", {"choice": {"split": "test", "index": 0}, "label": 10})[0] == 400
    assert client.page("run:colours").refused("PUT", "/image", {"choice": {"split": "test", "index": 0}})[0] == 400
    assert client.page("run:vector").refused("GET", "/image")[1].startswith("image: expected a network that reads images")


def test_the_log_of_a_run_is_thinned(client: LabClient) -> None:
    told = client.get("/api/runs/chain/log").json()

    schemas.LogAnswer.model_validate(told)
    assert len(told["steps"]) == len(told["loss"]) == len(told["accuracy"]) == 2000
    assert told["steps"][-1] == 5000
    assert told["validation"] == [[100, 0.25]]
    assert client.get("/api/runs/nothing/log").status_code == 404


def test_sources_can_be_opened(client: LabClient, tmp_path: Path) -> None:
    told = schemas.Sources.model_validate(client.get("/api/sources").json())

    names = [each.source for each in told.sources]
    assert told.first == "example"
    assert {"example", "preset:readme", "run:graph", "run:chain", "run:chain/best"} <= set(names)
    for name in names:
        assert client.page(name).network["source"] == name
    assert client.page("preset:readme", seed=3).network["seed"] == 3
    assert next(each for each in told.sources if each.kind == "example").accuracy == 0.985
    assert tmp_path.name not in str(told)
