"""Pages of the lab: made, changed, closed and forgotten; every wrong request is answered in one line."""

import gc
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest

from handmade.engine.errors import HandmadeError
from handmade.lab.catalogue import Catalogue
from handmade.lab.frames import dumps, frame, read_frame
from handmade.lab.pages import MOST_PAGES, SILENT, Page, Pages, new_name
from handmade.runs.backends import use_light_backend
from lab_client import LabClient, right
from lab_networks import write_runs
from lab_requests import WRONG
from tiny_digits import write_digits


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    return Catalogue(runs=write_runs(tmp_path_factory.mktemp("pages") / "runs"))


@pytest.fixture(scope="module")
def client(catalogue: Catalogue) -> Iterator[LabClient]:
    with LabClient(catalogue) as client:
        yield client


# --- frames -------------------------------------------------------------------------------------------------------------------


def test_a_frame_comes_back_as_it_was_sent() -> None:
    arrays: dict[str, Any] = {
        "a": np.arange(3, dtype=np.float32),
        "empty": np.zeros((0, 3), np.float64),
        "number": np.float64(2.5),
        "bytes": np.arange(5, dtype=np.uint8),
        "turned": np.arange(6, dtype=np.float64).reshape(2, 3).T,
    }
    meta = {"x": 0.1 + 0.2, "bad": float("nan"), "deep": [{"y": float("inf")}], "text": "ä"}

    found, told = read_frame(frame(arrays, meta))

    assert told == {"x": 0.1 + 0.2, "bad": None, "deep": [{"y": None}], "text": "ä"}
    for name, array in arrays.items():
        assert np.array_equal(found[name], array)
        assert found[name].shape == np.shape(array)


def test_a_frame_is_aligned_for_typed_arrays() -> None:
    for size in range(20):
        content = frame({"a" * size: np.zeros(size, np.uint8), "b": np.zeros(3)}, {})
        length = int.from_bytes(content[:4], "little")
        assert (4 + length) % 8 == 0
        assert len(content) % 8 == 0


@pytest.mark.parametrize(
    ("given", "sent"), [("float16", "float32"), ("int64", "int32"), ("bool", "uint8"), (">f4", "float32"), ("float64", "float64")]
)
def test_other_dtypes_are_sent_in_one_that_the_page_reads(given: str, sent: str) -> None:
    arrays, _ = read_frame(frame({"a": np.array([0, 1], given)}, {}))

    assert arrays["a"].dtype == np.dtype(sent)
    assert arrays["a"].tolist() == [0, 1]


def test_numbers_in_json_are_exact_or_null() -> None:
    assert dumps([0.1, 1e300, float("-inf"), -0.0]) == b"[0.1,1e+300,null,-0.0]"


# --- what a page is made of ---------------------------------------------------------------------------------------------------


def test_a_page_can_be_made_again_from_its_state(client: LabClient) -> None:
    state = {
        "seed": 4,
        "edits": [{"at": "conv1.b[0]", "step": 0.5}],
        "image": {"split": "test", "index": 3},
        "label": 8,
        "stages": {"crop": True, "scale": False, "centre": True},
    }

    first, again = (client.page("preset:readme", **state).frame("GET", "/image") for _ in range(2))

    assert first[0].keys() == again[0].keys()
    assert all(np.array_equal(first[0][name], again[0][name]) for name in first[0])
    assert {**first[1], "seconds": 0} == {**again[1], "seconds": 0}
    assert first[1]["label"] == 8


def test_another_network_in_the_same_page_keeps_the_image_if_it_fits(client: LabClient) -> None:
    page = client.page("example", image={"split": "test", "index": 9}, edits=[{"at": "conv1.b[0]", "step": 1}])

    told = right(client.put(page.path + "/network", {"source": "run:chain"})).json()["network"]

    arrays, meta = page.frame("GET", "/image")
    assert told["title"] == "chain"
    assert meta["choice"] == {"split": "test", "index": 9}
    assert arrays["act:0"].shape == (14, 14, 3)
    right(client.put(page.path + "/network", {"source": "run:colours"}))
    arrays, meta = page.frame("GET", "/image")
    assert arrays["raw"].shape == (8, 8, 3)
    assert meta["label"] is None
    assert page.refused("PUT", "/network", {"source": "run:nothing"})[0] == 404


def test_a_label_holds_until_the_next_image(client: LabClient) -> None:
    page = client.page("example", image={"split": "test", "index": 0}, label=3)

    assert page.frame("GET", "/gradients")[1]["label"] == 3
    assert page.frame("GET", "/gradients?label=5")[1]["label"] == 5
    assert page.frame("GET", "/image")[1]["label"] == 3
    assert page.frame("PUT", "/image", {"choice": {"split": "test", "index": 0}})[1]["label"] == 7


# --- closed and forgotten -----------------------------------------------------------------------------------------------------


def page_of(catalogue: Catalogue, source: str = "preset:readme") -> Page:
    page = Page(new_name(), catalogue, catalogue.open(source, 99))
    with use_light_backend():
        page.checked_work(3).receipt(page_place(), 1)
    return page


def page_place() -> Any:
    from handmade.engine.terms import Place  # noqa: PLC0415  for one function

    return Place("conv1", (0, 0, 0))


def held(page: Page) -> list[weakref.ref[Any]]:
    work = page.work(3)
    return [weakref.ref(each) for each in (page, page.network, work, work.tape["0"])]


def test_a_closed_page_frees_its_memory(catalogue: Catalogue) -> None:
    pages = Pages(catalogue)
    page = page_of(catalogue)
    pages.add(page)
    refs = held(page)
    name = page.name
    del page

    assert pages.close(name)

    gc.collect()
    assert [ref() for ref in refs] == [None] * 4
    assert not pages.close(name)


def test_a_page_that_is_silent_is_forgotten_and_one_that_listens_is_not(catalogue: Catalogue) -> None:
    now = 0.0
    pages = Pages(catalogue, lambda: now)
    silent, talking, listening = (page_of(catalogue) for _ in range(3))
    for page in (silent, talking, listening):
        pages.add(page)
    listening.listeners = 1
    refs = held(silent)
    gone = silent.name
    del silent, page

    now = SILENT - 1
    pages.sweep()
    assert len(pages) == 3
    pages.get(talking.name)
    now = SILENT + 1
    pages.sweep()

    gc.collect()
    page_ref, _, work_ref, tape_ref = refs  # the network is that of the other pages, too
    assert (page_ref(), work_ref(), tape_ref()) == (None, None, None)
    assert len(pages) == 2
    with pytest.raises(ValueError, match="page"):
        pages.get(gone)


def test_the_page_that_was_silent_longest_gives_way(catalogue: Catalogue) -> None:
    now = 0.0
    pages = Pages(catalogue, lambda: now)
    opened = catalogue.open("preset:readme", 1)
    names = []
    for now in range(MOST_PAGES + 3):  # noqa: B007  the clock reads it
        page = Page(new_name(), catalogue, opened)
        names.append(page.name)
        pages.add(page)
        if len(names) > 1:
            pages.get(names[0])

    assert len(pages) == MOST_PAGES
    assert pages.get(names[0])
    with pytest.raises(ValueError, match="page"):
        pages.get(names[1])


def test_trainings_end_with_their_page(catalogue: Catalogue) -> None:
    pages = Pages(catalogue)
    for end in ("close", "close_all"):
        page = page_of(catalogue)
        trainings = page.training(make=True)
        pages.add(page)
        pages.close(page.name) if end == "close" else pages.close_all()

        trainings.join(5)
        assert not trainings.alive


def test_closing_goes_by_two_methods(client: LabClient) -> None:
    for method, path in (("POST", "/close"), ("DELETE", "")):
        page = client.page()

        assert client.request(method, page.path + path).json() == {"closed": True}
        assert client.request(method, page.path + path).json() == {"closed": False}
        response = client.get(page.path + "/image")
        assert response.status_code == 404
        assert response.json()["code"] == "no_page"


def test_fifty_pages_at_once(client: LabClient) -> None:
    """Each gets its own numbers, and no error."""
    steps = [0.01 * n for n in range(1, 51)]
    found: dict[float, Any] = {}

    async def visit(step: float) -> None:
        async def ask(method: str, path: str, body: Any = None) -> Any:
            return right(await client._client.request(method, path, json=body))

        made = (await ask("POST", "/api/pages", {"source": "run:chain", "edits": [{"at": "linear1.b[0]", "step": step}]})).json()
        path = f"/api/pages/{made['page']}"
        await ask("GET", f"{path}/image")
        await ask("POST", f"{path}/nudge", {"at": "conv1.W[0,0,0,0]", "h": step})
        found[step] = (await ask("POST", f"{path}/receipt", {"at": "linear1.b[0]"})).json()["value"]
        await ask("DELETE", path)

    async def visit_all() -> None:
        async with anyio.create_task_group() as group:
            for step in steps:
                group.start_soon(visit, step)

    client.portal.call(visit_all)

    assert found == {step: float(np.float32(step)) for step in steps}


def test_a_newer_change_overtakes_the_accuracy(client: LabClient) -> None:
    page = client.page("example")
    answers: list[int] = []

    async def both() -> None:
        async def accuracy() -> None:
            answers.append((await client._client.get(page.path + "/accuracy")).status_code)

        async with anyio.create_task_group() as group:
            group.start_soon(accuracy)
            await anyio.sleep(0.01)
            edits = {"edits": [{"at": "conv1.b[0]", "step": 0.1}]}
            right(await client._client.put(page.path + "/edits", json=edits))

    client.portal.call(both)

    assert answers in ([409], [200])
    assert page.get("/accuracy")["images"] == 1000


# --- wrong requests -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "path", "body"), WRONG)
def test_a_wrong_request_is_told_in_one_line(client: LabClient, method: str, path: str, body: Any) -> None:
    page = client.page("example")

    status, error = page.refused(method, path, body)

    assert status in {400, 404, 405, 422}
    assert 5 < len(error) <= 500


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"at": NaN}', b'{"at": "loss", "h": 1e999}', b"null"]
)
def test_a_body_that_is_no_json_is_told_in_one_line(client: LabClient, content: bytes) -> None:
    page = client.page("example")

    status, _ = page.refused("POST", "/receipt", content=content, headers={"content-type": "application/json"})

    assert status in {400, 422}


def test_what_nobody_expected_is_an_error_in_one_line(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    with LabClient(catalogue, raises=False) as client:
        page = client.page()
        monkeypatch.setattr(Page, "image_frame", lambda _: 1 / 0)
        response = client.get(page.path + "/image")
        assert response.status_code == 500
        assert response.json() == {"error": "unexpected ZeroDivisionError: division by zero"}
        assert response.headers["x-content-type-options"] == "nosniff"


def test_data_that_are_missing_end_the_command(tmp_path: Path) -> None:
    with pytest.raises(HandmadeError, match="nothing"):
        Catalogue(runs=tmp_path, data=str(tmp_path / "nothing"))


def test_other_data_of_another_size(tmp_path: Path) -> None:
    write_digits(tmp_path / "tiny", 20, 30)
    with LabClient(Catalogue(runs=tmp_path, data=str(tmp_path / "tiny"))) as client:
        page = client.page("example")
        assert not page.network["fits_data"]
        arrays, meta = page.frame("GET", "/image")
        assert meta["label"] is None
        assert not arrays["raw"].any()


def test_runs_that_are_missing_are_no_error(tmp_path: Path) -> None:
    with LabClient(Catalogue(runs=tmp_path / "nothing")) as client:
        assert {each["kind"] for each in client.get("/api/sources").json()["sources"]} == {"example", "preset"}


def test_a_damaged_model_is_told_in_one_line(tmp_path: Path) -> None:
    run = write_runs(tmp_path / "runs") / "chain"
    (run / "model.safetensors").write_bytes(b"x" * 1000)
    (run / "best.safetensors").unlink()
    with LabClient(Catalogue(runs=tmp_path / "runs")) as client:
        response = client.post("/api/pages", {"source": "run:chain"})

    assert response.status_code == 400
    assert "safetensors" in response.json()["error"]
