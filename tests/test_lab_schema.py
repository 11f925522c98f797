"""No request that the description of the lab allows, or nearly allows, is answered with an error of the server."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode

from handmade.lab.catalogue import Catalogue
from lab_client import LabClient
from lab_networks import write_runs

SHORT, LONG = 1, 150  # requests for each operation


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabClient]:
    with LabClient(Catalogue(runs=write_runs(tmp_path_factory.mktemp("schema") / "runs"))) as client:
        yield client


def check(client: LabClient, examples: int, *, page: str = "run:chain") -> None:
    schema = schemathesis.openapi.from_dict(client.app.openapi())
    operations = [each.ok() for each in schema.get_all_operations() if isinstance(each, Ok)]
    assert len(operations) >= 26
    operations = [each for each in operations if not each.path.endswith("/events")]  # which does not end
    source, opened = page, client.page(page)
    for operation in operations:
        cases = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in GenerationMode))

        @settings(
            max_examples=examples,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(cases)
        def ask(case: Any) -> None:
            nonlocal opened
            if "page" in case.path_parameters and hash(str(case.query)) % 5:
                case.path_parameters["page"] = opened.name
            sent = case.as_transport_kwargs(base_url="http://127.0.0.1:8000")
            method, url = sent.pop("method"), sent.pop("url")
            known = {name: sent[name] for name in ("json", "content", "params", "headers", "data") if sent.get(name) is not None}
            headers = {name: value for name, value in dict(known.pop("headers", {})).items() if name.lower() == "content-type"}
            if isinstance(known.get("data"), bytes | str):
                known["content"] = known.pop("data")
            response = client.request(method, url, headers=headers, **known)
            assert response.status_code < 500, response.text
            if response.status_code >= 400:
                assert response.json()["error"]
            if client.get(opened.path + "/weights").status_code == 404:
                opened = client.page(source)

        ask()


def test_no_request_is_answered_with_an_error_of_the_server(client: LabClient) -> None:
    check(client, SHORT)


@pytest.mark.long
def test_no_request_of_many_is(client: LabClient) -> None:
    check(client, LONG)
