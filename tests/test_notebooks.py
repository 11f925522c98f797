"""The notebooks run from top to bottom, show views and progress, and are stored without outputs and with ids that stay."""

import ast
import json
import re
import time
import warnings
from pathlib import Path
from typing import Any

import pytest

import handmade
from handmade.html import to_html
from test_html_views import Page
from test_words import NOT_USED, OPENING

FOLDER = Path(__file__).parent.parent / "examples" / "notebooks"
PATHS = sorted(FOLDER.glob("*.ipynb"))
NAMES = ["finite_chain_rule", "is_my_gradient_right", "own_images_to_report", "receipt_from_loss_to_pixel"]
DRAWS = "pictures."  # cells with matplotlib take ten seconds together; they run in the long tests


def cells(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return found


def code(path: Path) -> list[tuple[str, str]]:
    return [(cell["id"], "".join(cell["source"])) for cell in cells(path) if cell["cell_type"] == "code"]


def test_there_are_four_notebooks() -> None:
    assert [path.stem for path in PATHS] == NAMES


# --- how they are stored -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_a_notebook_is_stored_without_outputs_and_with_stable_ids(path: Path) -> None:
    nbformat = pytest.importorskip("nbformat")
    text = path.read_text(encoding="utf-8")
    stored = json.loads(text)

    nbformat.validate(stored)
    assert text == json.dumps(stored, indent=1, ensure_ascii=False) + "\n"  # as Jupyter writes it, so that a diff is small
    assert stored["metadata"].keys() == {"kernelspec", "language_info"}
    assert stored["metadata"]["language_info"] == {"name": "python"}  # no version of the machine that saved it
    for number, cell in enumerate(stored["cells"], 1):
        assert cell["id"] == f"{path.stem.replace('_', '-')}-{number:02d}"
        assert cell["metadata"] == {}
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_a_notebook_explains_and_asks(path: Path) -> None:
    text = ["".join(cell["source"]) for cell in cells(path) if cell["cell_type"] == "markdown"]
    whole = "\n".join(text)

    assert text[0].startswith("# ")
    assert len(re.findall(r"^\*\*Question \d\.\*\*", whole, re.MULTILINE)) >= 3
    assert whole.count("<details><summary>Answer</summary>") == len(re.findall(r"\*\*Question \d", whole))
    assert whole.count("<details>") == whole.count("</details>")
    assert path.stem == "own_images_to_report" or whole.count("$$") >= 2
    for pattern in NOT_USED:
        assert not re.search(pattern, whole, re.IGNORECASE), pattern
    for name, source in code(path):
        tree = ast.parse(source)
        assert not source.startswith(("%", "!")), name
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and (docstring := ast.get_docstring(node)):
                assert not OPENING.match(docstring)


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_files_and_commands_that_a_notebook_names_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    named = re.findall(r"`((?:docs|examples)/[\w./]+|\w+\.ipynb)`", text)

    for name in named:
        assert (FOLDER / name if name.endswith(".ipynb") else FOLDER.parent.parent / name).exists(), name
    for call in re.findall(r"`(?:handmade\.)?(runs\.\w+|data\.\w+|gradients\.\w+|\w+)\(", text):
        owner: Any = handmade
        for part in call.split("."):
            owner = getattr(owner, part, None) if "." in call else owner
        assert owner is not None, call


# --- how they run --------------------------------------------------------------------------------------------------------------


def run_here(path: Path, *, leave_out: str = "") -> tuple[list[Any], list[str]]:
    """Run the cells as a kernel would, in this process; return the values that they show, and the ids that were left out."""
    names: dict[str, Any] = {"__name__": "__main__"}
    shown, left_out = [], []
    for cell, source in code(path):
        if leave_out and leave_out in source:
            left_out.append(cell)
            continue
        tree = ast.parse(source)
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, cell, "exec"), names)
        if isinstance(last, ast.Expr):
            shown.append(eval(compile(ast.Expression(last.value), cell, "eval"), names))
    return [value for value in shown if value is not None], left_out


@pytest.mark.parametrize("name", ["is_my_gradient_right", "receipt_from_loss_to_pixel"])
def test_a_notebook_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)

    shown, _ = run_here(FOLDER / f"{name}.ipynb")

    assert len(shown) >= 6
    for value in shown:
        assert Page(to_html(value)).text
    assert capfd.readouterr().err == ""


def test_own_images_are_read_and_trained_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    shown, left_out = run_here(FOLDER / "own_images_to_report.ipynb", leave_out=DRAWS)

    assert len(left_out) == 4
    data, evaluation = shown[0], next(value for value in shown if isinstance(value, handmade.engine.evaluation.Evaluation))
    assert data.class_names == ("circle", "square", "triangle")
    assert len(data.train.images) == 360
    assert evaluation.accuracy > 0.8
    assert Page(to_html(data)).tags.count("img") == 3


def run_in_kernel(path: Path, folder: Path) -> list[dict[str, Any]]:
    """Run a notebook in a kernel of its own, and return its cells of code with their outputs."""
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    notebook = nbformat.read(path, as_version=4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of Jupyter about itself
        nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": folder}}).execute()
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def check_outputs(executed: list[dict[str, Any]]) -> int:
    """Check the outputs of all cells; return the number of lines of progress."""
    lines = 0
    for cell in executed:
        progress = [each for each in cell["outputs"] if "images/s" in each.get("data", {}).get("text/plain", "")]
        lines += len(progress)
        for output in cell["outputs"]:
            assert output["output_type"] in {"stream", "execute_result", "display_data"}
            assert output.get("name") != "stderr", output
            data = output.get("data", {})
            if "image/png" not in data and data:
                assert Page(data["text/html"]).text
                assert len(data["text/plain"]) < 400  # the plain text beside it
        for output in progress:
            assert "finished in" in output["data"]["text/plain"]
            assert "<progress" in output["data"]["text/html"]
    return lines


def test_a_notebook_runs_in_a_kernel(tmp_path: Path) -> None:
    executed = run_in_kernel(FOLDER / "finite_chain_rule.ipynb", tmp_path)

    assert check_outputs(executed) == 1  # one line, updated in place
    assert sum("text/html" in output.get("data", {}) for cell in executed for output in cell["outputs"]) == 5


@pytest.mark.long
@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_every_notebook_runs_in_a_kernel(path: Path, tmp_path: Path) -> None:
    executed = run_in_kernel(path, tmp_path)

    assert check_outputs(executed) == (0 if path.stem == "is_my_gradient_right" else 1)
    assert path.stem != "own_images_to_report" or (tmp_path / "report.html").stat().st_size > 100_000


START = """
import json
from pathlib import Path
from handmade import runs
session = runs.start(runs.Settings(network="readme", steps=5000, batch_size=8, threads=1, gradient="backprop"), "run")
session.finish()
"""
AFTER = """
print(session.steps > 0, len(session.network.parameters()), runs.read_record("run").status)
again = runs.resume("run", time_limit=0.001)
again.finish()
print(again.steps > session.steps)
"""


@pytest.mark.long
def test_an_interrupted_kernel_keeps_the_network_and_continues(tmp_path: Path) -> None:
    manager = pytest.importorskip("jupyter_client.manager")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of Jupyter about itself
        kernel, client = manager.start_new_kernel(kernel_name="python3", cwd=str(tmp_path))
        try:
            shown: list[str] = []
            client.execute(START)
            interrupted = False
            while True:
                message = client.get_iopub_msg(timeout=60)
                text = str(message["content"].get("data", {}).get("text/plain", ""))
                shown += [text] if text else []
                if message["msg_type"] == "update_display_data" and not interrupted:
                    kernel.interrupt_kernel()
                    interrupted = True
                if message["msg_type"] == "error":
                    assert message["content"]["ename"] == "KeyboardInterrupt"
                    break
            assert "handmade.runs.resume('run') continues" in shown[-1]
            assert client.get_shell_msg(timeout=60)["content"]["status"] == "error"
            time.sleep(1)  # the kernel drops requests that came before it had answered
            reply = client.execute_interactive(
                AFTER, timeout=60, output_hook=lambda m: shown.append(str(m["content"].get("text", "")))
            )
            assert reply["content"]["status"] == "ok", reply["content"]
            assert "True 6 interrupted" in "".join(shown)
            assert "".join(shown).rstrip().endswith("True")
        finally:
            client.stop_channels()
            kernel.shutdown_kernel(now=True)
