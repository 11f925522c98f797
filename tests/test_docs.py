"""What the documents say is so: their code runs, their paths and commands exist, and the examples are whole."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from handmade.cli.main import app

REPOSITORY = Path(__file__).parent.parent
DOCUMENTS = [*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/*.md")]
BLOCKS = {
    document.name: re.findall(r"```python\n(.*?)```", document.read_text(encoding="utf-8"), flags=re.DOTALL)
    for document in DOCUMENTS
}
RUN = """
import os, sys
for number, block in enumerate(sys.argv[1:]):
    os.makedirs(str(number))
    os.chdir(str(number))
    exec(compile(block, f"block {number}", "exec"), {"__name__": "__main__"})
    os.chdir("..")
"""  # one process for a document: a process for each block would import everything again


SLOW = ("cluster.md", "scikit_learn.md", "sweeps.md")  # they start processes, or train many networks


@pytest.mark.parametrize(
    "document",
    [pytest.param(name, marks=pytest.mark.long) if name in SLOW else name for name, blocks in BLOCKS.items() if blocks],
)
def test_the_blocks_of_python_run(document: str, tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", RUN, *BLOCKS[document]]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=300)


def test_there_are_blocks_to_run() -> None:
    assert sum(map(len, BLOCKS.values())) > 20


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_paths_that_a_document_names_exist(document: Path) -> None:
    named = re.findall(r"`((?:src|tests|docs|examples|benchmarks)/[\w./-]+)`", document.read_text(encoding="utf-8"))

    missing = [path for path in named if "NAME" not in path and not (REPOSITORY / path).exists()]

    assert missing == []


def test_every_command_that_a_document_names_exists() -> None:
    commands = set(get_command(app).commands)  # type: ignore[attr-defined]  # the app is a group of commands
    text = "\n".join(document.read_text(encoding="utf-8") for document in DOCUMENTS)
    targets = set(re.findall(r"^([a-z]+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))

    assert set(re.findall(r"`handmade ([a-z]+)", text)) <= commands
    assert set(re.findall(r"make ([a-z]+) ", text)) & {"train", "test", "lint", "bench"} <= targets


def test_the_docstring_of_the_package_is_true() -> None:
    command = [sys.executable, "-m", "doctest", str(REPOSITORY / "src" / "handmade" / "__init__.py")]

    subprocess.run(command, check=True, capture_output=True)
