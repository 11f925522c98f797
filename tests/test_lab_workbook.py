"""The workbook in the lab: who may reach it, what its routes answer, and that the student's code holds up nobody."""

import json
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from handmade.cli import main as command
from handmade.cli.workbook_lab import WorkbookLab
from handmade.cli.workbook_view import View
from handmade.lab import exercise_grids, prose, serve
from handmade.lab.catalogue import Catalogue
from handmade.lab.running import Record
from handmade.learn.folder import LARGEST_FILE, exercise_text
from handmade.learn.steps import NAMES, load_step
from handmade.learn.texts import LANGUAGES, texts
from handmade.learn.verdict import Arrays
from handmade.learn.workbook import Workbook
from lab_client import LabClient
from test_lab_schema import check as check_schema

FIRST = NAMES[0]
TODO = "raise NotImplementedError  # TODO"
RIGHT = "return x[h : h + K_h, w : w + K_w]"
SHORT, PATIENT = 1.0, 60.0  # seconds of a check: of an endless loop, and of all others on a busy machine


class Student:
    """A client of the workbook, and its folder."""

    def __init__(self, client: LabClient, folder: Path) -> None:
        self.client, self.folder = client, folder
        self.file = folder / f"01_{FIRST}.py"

    def limit(self, seconds: float) -> None:
        assert self.client.lab.exercises is not None
        self.client.lab.exercises._workbook._seconds = seconds

    def path(self, end: str = "", step: str = FIRST) -> str:
        return f"/api/workbook/steps/{step}{end}"

    def act(self, action: str, step: str = FIRST, language: str = "en") -> dict[str, Any]:
        response = self.client.post(f"{self.path(f'/{action}', step)}?language={language}")
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def save(self, body: str, base: str | None = None, *, replace: bool = False) -> Any:
        text = exercise_text(FIRST, "en").replace(TODO, body)
        known = self.act("open")["base"] if base is None else base
        return self.client.put(self.path(), {"text": text, "base": known, "replace": replace})

    def verdict(self, body: str) -> dict[str, Any]:
        response = self.save(body)
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()["verdict"]
        return found


@pytest.fixture
def student(tmp_path: Path) -> Iterator[Student]:
    folder = tmp_path / "workbook"
    with LabClient(Catalogue(runs=tmp_path / "runs"), workbook=Workbook(folder, seconds=PATIENT)) as client:
        yield Student(client, folder)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Student]:
    """One client for all requests that change nothing."""
    place = tmp_path_factory.mktemp("reader")
    with LabClient(Catalogue(runs=place / "runs"), workbook=Workbook(place / "workbook", seconds=PATIENT)) as client:
        yield Student(client, place / "workbook")


def state_of(folder: Path) -> dict[str, Any]:
    state: dict[str, Any] = json.loads((folder / "learn.json").read_text(encoding="utf-8"))
    return state


# --- who may reach it ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", [None, "0.0.0.0", "192.0.2.1", "::", "lab.example"])
def test_without_a_workbook_or_for_other_machines_the_routes_do_not_exist(tmp_path: Path, host: str | None) -> None:
    workbook = None if host is None else Workbook(tmp_path / "workbook")
    with LabClient(Catalogue(runs=tmp_path / "runs"), host=host, workbook=workbook) as client:
        for method, path in (("GET", ""), ("GET", f"/{FIRST}"), ("PUT", f"/{FIRST}"), ("POST", f"/{FIRST}/open")):
            assert client.request(method, f"/api/workbook/steps{path}", json={}).status_code == 404
        assert "data-workbook" not in client.get("/").text


def test_the_command_says_that_the_workbook_is_off_for_other_machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve._Server, "run", lambda *_, **__: None)
    for host, off in (("0.0.0.0", True), (None, False), ("127.0.0.1", False)):
        said: list[str] = []
        serve.serve(Catalogue(runs=tmp_path / "runs"), 0, host, said.append, said.append, Workbook(tmp_path / "workbook"))
        assert any("The workbook is off" in line for line in said) is off


def test_strangers_and_foreign_pages_cannot_run_code(student: Student, tmp_path: Path) -> None:
    body = {"text": "import os\nos.mkdir('harm')\n", "base": student.act("open")["base"]}
    for headers in ({"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}, {"host": "evil.example:8000"}):
        assert student.client.put(student.path(), body, headers=headers).status_code in {403, 421}
        assert student.client.post(student.path("/check"), headers=headers).status_code in {403, 421}
        if "origin" not in headers:  # a page elsewhere gets no cookie for it, and cannot read the answer
            assert student.client.get(student.path(), headers=headers).status_code in {403, 421}
    with LabClient(Catalogue(runs=tmp_path / "runs"), token="", workbook=Workbook(tmp_path / "other")) as stranger:
        for method, path in (("PUT", ""), ("POST", "/check"), ("GET", ""), ("GET", "/stamp")):
            assert stranger.request(method, student.path(path), json=body).json()["code"] == "no_token"
    assert student.file.read_text(encoding="utf-8") == exercise_text(FIRST, "en")
    assert not (student.folder / "harm").exists()


# --- the way of a student -----------------------------------------------------------------------------------------------------


def test_a_step_from_the_exercise_to_the_next_one(student: Student) -> None:
    listed = student.client.get("/api/workbook/steps").json()
    assert [each["name"] for each in listed["steps"]] == list(NAMES)
    assert (listed["current"], listed["passed"]) == (FIRST, 0)

    opened = student.act("open")
    assert opened["text"] == student.file.read_text(encoding="utf-8")
    assert opened["verdict"]["state"] == "unwritten"
    assert (opened["explained"], opened["hints"]) == (None, [])

    wrong = student.verdict("print('hello')\n    return 2 * x[h : h + K_h, w : w + K_w]")
    assert wrong["state"] == "failed"
    assert "hello" in wrong["printed"]
    assert {check["status"] for check in wrong["checks"]} == {"passed", "failed", "not run"}
    yours, expected = wrong["numbers"]
    assert np.array(yours["rows"]) == pytest.approx(2 * np.array(expected["rows"]))
    assert len(yours["marked"]) == np.array(yours["rows"]).size

    assert student.verdict("return x[h : K_h, w : K_w]")["looks_like"].endswith("it has to end at h + K_h")
    passed = student.save(RIGHT).json()
    assert passed["verdict"]["state"] == "passed"
    assert {check["status"] for check in passed["verdict"]["checks"]} == {"passed"}
    assert passed["status"] == "passed"
    assert "x[h : h + K_h" in passed["explained"]["solution"]
    assert [part["kind"] for part in passed["explained"]["picture"]].count("grid") >= 2
    assert state_of(student.folder)["steps"][FIRST]["status"] == "passed"

    student.act("open", NAMES[1])
    assert state_of(student.folder)["current"] == NAMES[1]
    assert student.client.get("/api/workbook/steps").json()["passed"] == 1


def test_hints_come_one_by_one_and_giving_up_shows_the_solution(student: Student) -> None:
    for count in (1, 2, 3, 3):
        assert len(student.act("hint")["hints"]) == count
    assert state_of(student.folder)["steps"][FIRST]["hints"] == 3
    assert student.act("open")["explained"] is None

    given_up = student.act("give-up")

    assert given_up["status"] == "gaveUp"
    assert given_up["explained"]["solution"]


def test_reset_keeps_the_old_file(student: Student) -> None:
    student.save("return x")

    answer = student.act("reset")

    assert answer["text"] == exercise_text(FIRST, "en")
    assert "return x" in (student.folder / answer["backup"]).read_text(encoding="utf-8")
    assert student.act("reset")["backup"] is None  # nothing of the student's


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_and_untouched_exercises_are_in_the_language_of_the_page(student: Student, language: str) -> None:
    answer = student.act("open", language=language)

    assert answer["title"] == texts(language).step(FIRST).title
    assert answer["text"] == student.file.read_text(encoding="utf-8") == exercise_text(FIRST, language)
    assert answer["verdict"]["summary"] == texts(language)("state.unwritten")
    student.save("return x")
    assert "return x" in student.act("open", language="de")["text"]  # a file of the student's stays as it is


# --- whatever the file holds --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return x[", "not valid Python"),
        ("exit()", "exit() ends the program"),
        ("return 1 / 0", "ZeroDivisionError"),
        ("return 'text'", "expected an array"),
        ("import os; os._exit(3)", "exit code 3"),
    ],
)
def test_every_mistake_gets_a_clear_line(student: Student, body: str, said: str) -> None:
    verdict = student.verdict(body)

    assert verdict["state"] == "failed"
    assert said in " ".join(verdict["finding"])


def test_an_endless_loop_ends_and_holds_up_nobody(student: Student) -> None:
    base = student.act("open")["base"]
    text = exercise_text(FIRST, "en").replace(TODO, "while True: pass")
    student.limit(SHORT)
    waiting = student.client.portal.start_task_soon(
        partial(student.client._client.request, "PUT", student.path(), json={"text": text, "base": base})
    )
    for path in ("/healthz", student.path("/stamp"), "/api/sources"):
        begin = time.perf_counter()
        assert student.client.get(path).status_code == 200
        assert time.perf_counter() - begin < SHORT or not waiting.done()

    answer = waiting.result(30).json()

    assert "no result after 1 seconds" in answer["verdict"]["finding"][0]
    student.limit(PATIENT)
    assert student.verdict(RIGHT)["state"] == "passed"


def test_a_deleted_file_comes_back_and_another_encoding_is_not_lost(student: Student) -> None:
    base = student.act("open")["base"]
    student.file.unlink()
    gone = student.client.get(student.path()).json()
    assert (gone["text"], gone["base"], gone["verdict"]) == (None, "", None)
    assert "does not exist" in student.act("check")["verdict"]["finding"][0]
    assert student.save(RIGHT, base).json()["verdict"]["state"] == "passed"
    student.file.unlink()
    assert student.act("open")["text"] == exercise_text(FIRST, "en")

    student.file.write_bytes("# für Ä\n".encode("latin-1"))
    other = student.act("check")
    assert other["text"] is None
    assert "UTF-8" in other["verdict"]["finding"][0]
    assert student.save(RIGHT, other["base"]).json()["verdict"]["state"] == "passed"
    assert (student.folder / f"backups/01_{FIRST}.1.py").read_bytes() == "# für Ä\n".encode("latin-1")


def test_a_file_that_an_editor_has_changed_is_never_lost(student: Student) -> None:
    base, before = student.act("open")["base"], student.client.get(student.path("/stamp")).json()
    student.file.write_text("# from the editor\n", encoding="utf-8")
    assert student.client.get(student.path("/stamp")).json()["file"] != before["file"]

    refused = student.save(RIGHT, base)

    assert (refused.status_code, refused.json()["code"]) == (409, "changed")
    assert student.file.read_text(encoding="utf-8") == "# from the editor\n"
    assert student.client.get(student.path()).json()["text"] == "# from the editor\n"
    assert student.save(RIGHT, base, replace=True).json()["verdict"]["state"] == "passed"
    assert (student.folder / f"backups/01_{FIRST}.1.py").read_text(encoding="utf-8") == "# from the editor\n"


def test_line_ends_of_the_file_stay(student: Student) -> None:
    student.file.write_bytes(exercise_text(FIRST, "en").replace("\n", "\r\n").encode())
    assert "\r" not in student.act("open")["text"]

    assert student.verdict(RIGHT)["state"] == "passed"

    content = student.file.read_bytes()
    assert content.count(b"\r\n") == content.count(b"\n") > 5


def test_a_terminal_and_the_lab_share_the_state(student: Student) -> None:
    with Workbook(student.folder) as terminal:
        student.save(RIGHT)
        terminal.hint(NAMES[2])

        assert terminal.state.steps[FIRST].passed
        state = state_of(student.folder)
        assert (state["steps"][FIRST]["status"], state["steps"][NAMES[2]]["hints"]) == ("passed", 1)
        assert len(student.act("open", NAMES[2])["hints"]) == 1
        (student.folder / "learn.json").write_text("damaged")
        terminal.hint(NAMES[2])  # replaces it
        assert state_of(student.folder)["steps"][FIRST]["status"] == "passed"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/nothing/open", None, 404),
        ("GET", "/nothing", None, 404),
        ("GET", "/nothing/stamp", None, 404),
        ("PUT", "/nothing", {"text": "", "base": ""}, 404),
        ("GET", "/..%2Flearn", None, 405),
        ("POST", f"/{FIRST}/delete", None, 422),
        ("POST", f"/{FIRST}/open?language=fr", None, 422),
        ("PUT", f"/{FIRST}", {"text": 5, "base": ""}, 422),
        ("PUT", f"/{FIRST}", {"text": "x"}, 422),
        ("PUT", f"/{FIRST}", {"text": "x", "base": "y" * 100}, 422),
        ("PUT", f"/{FIRST}", {"text": "x" * (LARGEST_FILE + 1), "base": ""}, 413),
    ],
)
def test_bad_requests_are_refused_in_one_line(reader: Student, method: str, path: str, body: Any, status: int) -> None:
    response = reader.client.request(method, f"/api/workbook/steps{path}", json=body)

    assert response.status_code == status
    assert "\n" not in response.json().get("error", response.text)
    assert reader.file.read_text(encoding="utf-8") == exercise_text(FIRST, "en")


def test_milestones_are_listed_in_the_language_of_the_page(student: Student) -> None:
    student.act("open")
    names = [text for text in texts("de").messages if text in {"milestone.digit", "milestone.speed", "milestone.epoch"}]

    found = student.client.get("/api/workbook/steps?language=de").json()["milestones"]

    assert len(found) == len(names) == 3
    for name, lines in zip(names, found, strict=True):
        assert texts("de")(name) in lines[0]


def test_half_a_character_is_refused_and_a_null_is_no_python(student: Student) -> None:
    content = b'{"text": "\\ud800", "base": "x"}'
    headers = {"content-type": "application/json"}
    assert student.client.request("PUT", student.path(), content=content, headers=headers).status_code == 422
    assert student.verdict("return '\0'")["state"] == "failed"


def test_a_folder_that_is_gone_is_told_in_one_line(student: Student) -> None:
    elsewhere = student.folder.with_name("elsewhere")
    base = student.act("open")["base"]
    student.folder.rename(elsewhere)

    for response in (student.client.post(student.path("/open")), student.save(RIGHT, base)):
        assert response.status_code == 400
        assert "its folder cannot be used" in response.json()["error"]
    elsewhere.rename(student.folder)
    assert student.verdict(RIGHT)["state"] == "passed"


@pytest.mark.long
def test_no_request_is_answered_with_an_error_of_the_server(student: Student) -> None:
    check_schema(student.client, 20, page="example")


# --- texts and numbers --------------------------------------------------------------------------------------------------------


def words(tree: prose.Tree) -> str:
    return tree if isinstance(tree, str) else "".join(map(words, tree["children"]))


@pytest.mark.parametrize("language", LANGUAGES)
def test_trees_say_what_the_markdown_says(language: str) -> None:
    for name in NAMES:
        step = texts(language).step(name)
        for text in (step.task, step.explanation, *step.hints):
            found = "".join(map(words, prose.trees(text)))
            assert re.sub(r"[\s|`*-]", "", found) == re.sub(r"[\s|`*-]", "", text)
        assert any(tree["tag"] == "pre" for tree in prose.trees(step.hints[-1]) if isinstance(tree, dict))


def test_html_and_links_stay_text() -> None:
    text = "<b onclick=x>a</b> [b](javascript:c) ![d](e) <http://f>"

    assert prose.trees(text) == [{"tag": "p", "children": [text]}]


def test_a_line_break_is_a_space_but_not_between_chinese_characters() -> None:
    assert words(prose.trees("a\nb")[0]) == "a b"
    assert words(prose.trees("图像\n图块。")[0]) == "图像图块。"
    assert words(prose.trees("图像\nx")[0]) == "图像 x"


@pytest.mark.parametrize(
    ("name", "shape", "at", "title", "size", "first"),
    [
        ("y", (2, 3, 4, 5), (1, 2, 3, 4), "y[1, :, :, 4]", (3, 4), (0, 0)),
        ("gW", (2, 3, 4, 5), (1, 2, 3, 4), "gW[:, :, 3, 4]", (2, 3), (0, 0)),
        ("y", (3, 4), (0, 0), "y", (3, 4), (0, 0)),
        ("g", (5,), (2,), "g", (1, 5), (0, 0)),
        ("loss", (), (), "loss", (1, 1), (0, 0)),
        ("columns", (40, 12), (39, 0), "columns[30:40, 0:10]", (10, 10), (30, 0)),
        ("g", (40,), (20,), "g[15:25]", (1, 10), (0, 15)),
    ],
)
def test_a_grid_shows_the_wrong_number_and_those_around_it(
    name: str, shape: tuple[int, ...], at: tuple[int, ...], title: str, size: tuple[int, int], first: tuple[int, int]
) -> None:
    right = np.arange(np.prod(shape), dtype=float).reshape(shape)
    mine, wrong = right.copy(), np.zeros(shape, bool)
    mine[at], wrong[at] = np.nan, True

    yours, expected = exercise_grids.of_arrays(Arrays(mine, right, wrong, at), name)

    assert (yours["text"], np.shape(yours["rows"]), (yours["top"], yours["left"])) == (title, size, first)
    (row, column) = yours["marked"][0]
    assert len(yours["marked"]) == 1
    assert yours["rows"][row][column] == "NaN"
    assert expected["rows"][row][column] == right[at]


@pytest.mark.parametrize("name", NAMES)
def test_pictures_are_plain_data(name: str) -> None:
    for part in exercise_grids.of_picture(load_step(name).picture()):
        assert json.loads(json.dumps(part, allow_nan=False)) is not None


# --- the command and the key w ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "folder", "target"),
    [
        ([], None, None),
        (["--workbook"], "workbook", None),
        (["example", "--workbook", "--no-browser"], "workbook", "example"),
        (["--workbook", "mine", "example"], "mine", "example"),
        (["--workbook=mine"], "mine", None),
    ],
)
def test_the_folder_of_the_workbook_may_be_left_out(
    arguments: list[str], folder: str | None, target: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []

    def fake(catalogue: SimpleNamespace, *rest: Any) -> None:
        seen.extend([catalogue, rest[-1]])

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(serve, "serve", fake)
    monkeypatch.setattr("handmade.lab.catalogue.Catalogue", lambda given, *_, **_rest: SimpleNamespace(target=given, problem=""))
    monkeypatch.setattr(sys, "argv", ["handmade", "lab", *arguments])
    with pytest.raises(SystemExit) as end:
        command.main()

    assert not end.value.code
    assert seen[0].target == target
    assert (None if seen[1] is None else str(seen[1].folder.path)) == folder
    assert folder is None or (tmp_path / folder / "learn.json").exists()


def test_a_record_leads_to_a_lab_that_answers_and_to_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    record, other = Record(tmp_path / "workbook"), Record(tmp_path / "other")
    assert record.link() is None
    for dead in (
        "http://127.0.0.1:9/?token=x",
        "http://192.0.2.1:8000/?token=x",
        "file:///etc/passwd",
        "x" * 1000,
        "",
        "http://[",
    ):
        record.write(dead)
        assert record.link() is None
    assert other.link() is None
    record.remove()
    place = next(tmp_path.glob("handmade-lab*"))
    assert list(place.iterdir()) == []
    place.chmod(0o755)  # others may read it: nothing is noted
    open_to_all = Record(tmp_path / "workbook")
    open_to_all.write("http://127.0.0.1:9/?token=x")
    assert list(place.iterdir()) == []


class Keys:
    """Keys of a test: each one is pressed when its condition is true."""

    there_are_some = True

    def __init__(self, *presses: tuple[str, Any]) -> None:
        self._left = list(presses)

    def read(self, seconds: float) -> str:
        time.sleep(seconds)
        return self._left.pop(0)[0] if self._left[0][1]() else ""


def test_the_key_w_opens_the_lab_at_the_step_and_the_watch_continues(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # of records
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    opened: list[str] = []
    monkeypatch.setattr("handmade.cli.workbook_lab.open_in_browser", opened.append)
    folder = tmp_path / "workbook"
    with Workbook(folder) as workbook:
        workbook.go_to("relu")
        end = time.monotonic() + 60

        def after(count: int) -> bool:
            assert time.monotonic() < end
            return len(opened) >= count

        View(workbook, Keys(("w", lambda: True), ("w", lambda: after(1)), ("q", lambda: after(2)))).run()  # type: ignore[arg-type]

    assert len(opened) == 2
    assert opened[0] == opened[1]  # the same lab
    assert opened[0].endswith("#workbook=relu")
    assert f"lab: {opened[0]}" in capsys.readouterr().out  # in one line
    assert Record(folder).link() is None  # it ended with the watch


@pytest.mark.long
def test_a_lab_that_cannot_start_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    (tmp_path / "file").write_text("no folder")
    with WorkbookLab(tmp_path / "file") as lab:
        lab.open("relu")
        key, values = lab.news.get(timeout=60)

    assert key == "ui.labFailed"
    assert "expected a folder" in values["reason"]
