"""Words that the engine and the server speak, which the lab's page has to say in every language: collected, not listed."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import handmade
from cases import CASES
from handmade import explain
from handmade.engine.errors import HandmadeError
from handmade.engine.losses import CrossEntropy, MeanSquaredError
from handmade.engine.network import Network
from handmade.engine.receipts import places
from handmade.engine.receipts.receipt import Receipt
from handmade.engine.terms import Term
from lab_client import LabClient, PageClient
from lab_networks import NETWORKS
from lab_requests import ELSEWHERE, FILES, SETTINGS, WRONG
from lab_shapes import elements

SOURCE = Path(handmade.__file__).parent
# Files whose errors, warnings and reasons reach the page.
SPEAKERS = [
    *(file for file in (SOURCE / "lab").glob("**/*.py") if file.name not in {"serve.py", "frames.py"}),
    *(SOURCE / "engine/receipts").glob("*.py"),
    SOURCE / "engine/training/monitor.py",
    SOURCE / "data/picture/judgement.py",
]
ERRORS = ("Error", "Answer", "Notice", "Term")  # ends of the names of what is made from words
NOT_HERE = {"update.py", "snippet.py"}  # no page asks for them
SAMPLE = "7"  # stands for a value in a text
FRAME = re.compile("expected|got|Try|^unexpected|^training in lane")  # a sentence of these alone is filled by others


# --- receipts -----------------------------------------------------------------------------------------------------------------


def words_of_term(term: Term) -> Iterator[str]:
    """Yield the labels and notes of a tree."""
    yield from (words for words in (term.label, term.note) if words)
    for part in term.parts:
        yield from words_of_term(part)


def words_of_receipt(receipt: Receipt) -> Iterator[str]:
    yield receipt.kind
    if receipt.total is not None:
        yield from words_of_term(receipt.total)


def receipt_words() -> set[str]:
    """Return the words of receipts: every layer of the table of cases, every number of some networks, all three gradients."""
    found: set[str] = set()
    rng = np.random.default_rng(0)
    for case in CASES.values():
        for x in (rng.standard_normal(case.shape), rng.integers(-2, 3, case.shape) / 2):
            if not hasattr(case.layer, "receipt") or case.layer.joins:
                continue
            shape = case.layer.forward(x).shape[1:]
            for at in (tuple(0 for _ in shape), tuple(n - 1 for n in shape)):
                try:
                    found.update(words_of_term(case.layer.receipt(x[0], at)))
                except HandmadeError as error:
                    found.add(str(error))
    for make in (*NETWORKS.values(), elements):
        network = make()
        found |= _of_network(network, rng.standard_normal(network.input_shape).astype(network.dtype))
        found |= _of_network(network, np.zeros(network.input_shape, network.dtype))
    return found


def _of_network(network: Network, image: Any) -> set[str]:
    found: set[str] = set()
    rooms = places.activations(network) | places.weights(network) | places.statistics(network)
    numbers = [f"{name}[{','.join(str(n // 2) for n in shape)}]" for name, shape in rooms.items()]
    learned = numbers[: -len(places.statistics(network)) or None]
    for loss in (CrossEntropy(), CrossEntropy(smoothing=0.1), MeanSquaredError()):
        asked = [(at, "backprop") for at in ["loss", "probability[0]", *(numbers if loss == CrossEntropy() else [])]]
        for way in ("backprop", "difference", "definition"):
            asked += [(f"d loss / d {at}", way) for at in (learned if loss == CrossEntropy() else learned[:1])]
        for at, way in asked:
            found.update(words_of_receipt(explain(network, image, at, label=1, by=way, loss=loss)))
    return found


# --- errors of the routes -----------------------------------------------------------------------------------------------------


def error_words(client: LabClient) -> set[str]:
    """Return what the routes answer to wrong requests."""
    page = client.page("example")
    answers = [_refused(page, method, path, body) for method, path, body in WRONG]
    for name, values in SETTINGS.items():
        for value in values:
            way = "difference" if name in {"step_size", "scheme"} else "backprop"
            settings = {"gradient": way, "limit": 64, "batch_size": 32, name: value}
            answers.append(_refused(page, "POST", "/training", {"lane": "a", "settings": settings, "start": "scratch"}))
    for name in NETWORKS:
        other = client.page(f"run:{name}")
        answers += [_refused(other, method, path, body) for method, path, body in ELSEWHERE]
        answers.append(
            _refused(other, "POST", "/training", {"lane": "a", "settings": {"limit": 64, "steps": 0}, "start": "here"})
        )
    for content in FILES.values():
        answers.append(client.request("PUT", f"{page.path}/file", content=content).json().get("error"))
    costly = {"gradient": "definition", "limit": 6000, "batch_size": 32}
    answers.append(_refused(page, "POST", "/training", {"lane": "a", "settings": costly, "start": "scratch"}))
    answers += [client.get(path).json()["error"] for path in ("/api/runs/nothing/log", "/api/pages/nothing/image")]
    answers += [
        _refused(page, "GET", "/training/b/frame", None),
        client.post("/api/pages", {"source": "nothing"}).json()["error"],
    ]
    return {words for words in answers if words}


def _refused(page: PageClient, method: str, path: str, body: Any) -> str | None:
    answer = page.client.request(method, page.path + path, json=body)
    return str(answer.json()["error"]) if answer.status_code >= 400 else None


# --- texts in the source ------------------------------------------------------------------------------------------------------


def source_words() -> set[str]:
    """Return the texts that stand in the source, with a sample for each value: errors, warnings of the monitor, reasons.

    A text of an error is a whole argument of a call; in a function that makes warnings or reasons, every text counts.
    """
    found: set[str] = set()
    for file in SPEAKERS:
        if file.name in NOT_HERE:
            continue
        tree = ast.parse(file.read_text(encoding="utf-8"))
        if file.name in {"monitor.py", "judgement.py"}:
            functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
            found.update(
                words for function in functions for words in _texts(function.body[_docstring(function) :]) if words.count(" ") > 1
            )
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _name(node.func).endswith(ERRORS):
                found.update(_texts(node.args))
    return {words for words in found if len(re.findall("[a-z]{3,}", FRAME.sub("", words))) > 1}


def _docstring(function: ast.FunctionDef) -> int:
    return int(ast.get_docstring(function) is not None)


def _name(function: ast.expr) -> str:
    return function.id if isinstance(function, ast.Name) else function.attr if isinstance(function, ast.Attribute) else ""


def _texts(nodes: list[Any]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else SAMPLE for part in node.values)
        elif isinstance(node, ast.Constant):
            yield from [node.value] if isinstance(node.value, str) else []
        else:
            yield from _texts(list(ast.iter_child_nodes(node)))
