"""Imports point one way, the engine is NumPy alone, and each file opens with its purpose."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import handmade

ROOT = Path(handmade.__file__).parent
REPOSITORY = Path(__file__).parent.parent
FILES = sorted(ROOT.rglob("*.py"))

# Who may import whom, room by room; a room may always import from itself.
FACADE = {"data", "engine", "gradients", "losses", "network", "networks", "optim", "own_digits", "pictures", "receipts", "runs"}
FACADE |= {"sweep"}
PARTS = {"lab", "learn", "files", "importing", "layer_files", "pictures", "text", "threads", "doctor"}  # of the command
MAY_IMPORT = {
    "engine": set[str](),
    "data": {"engine", "files"},
    "files": {"engine"},
    "importing": {"data", "engine", "files"},
    "frameworks": {"engine"},
    "pictures": {"engine", "data"},
    "gradients": {"engine", "frameworks"},
    "losses": {"engine"},
    "optim": {"engine"},
    "layer_files": {"engine"},
    "receipts": {"data", "engine"},
    "threads": set[str](),
    "compiled": {"engine", "files"},
    "cluster": {"compiled", "engine"},
    "doctor": {"compiled", "engine", "networks", "threads"},
    "network": {"engine", "files", "importing"},
    "networks": {"engine", "network"},
    "own_digits": {"data", "engine", "files"},
    "runs": {"cluster", "data", "engine", "files", "network", "networks", "receipts", "threads"},
    "estimator": {"data", "engine", "network", "networks", "runs", "threads"},
    "sweep": {"cluster", "data", "engine", "files", "network", "pictures", "runs", "threads"},
    "__init__": {*FACADE, "estimator", "html"},
    "text": {"engine", "runs", "sweep"},
    "html": {"data", "engine", "learn", "runs", "sweep", "text"},
    "learn": {"data", "engine", "files"},
    "lab": {*FACADE, "files", "learn", "text", "threads"},
    "cli": {*FACADE, *PARTS, "cluster", "__init__"},
    "__main__": {"cli"},
    "pytest_plugin": set[str](),
}
# What comes from outside, room by room, beside NumPy and the standard library.
FOREIGN = {
    "compiled": {"numba", "llvmlite"},
    "cluster": {"cloudpickle", "dask", "distributed", "threadpoolctl"},
    "data": {"pooch", "requests", "scipy", "skimage", "sklearn"},  # downloads, data sets of libraries, operators on pictures
    "files": {"safetensors", "tensorboardX", "PIL", "pillow_heif", "ml_dtypes", "onnx", "torch"},  # formats
    "frameworks": {"torch", "jax"},  # only for objects that come from there
    "pictures": {"matplotlib", "PIL"},
    "layer_files": {"watchfiles"},
    "threads": {"threadpoolctl"},
    "doctor": {"threadpoolctl"},
    "html": {"rich"},  # it reads the layouts of text
    "estimator": {"sklearn", "joblib"},
    "text": {"rich"},
    "cli": {"typer", "rich"},
    "lab": {"anyio", "fastapi", "markdown_it", "pydantic", "starlette", "uvicorn"},
    "pytest_plugin": {"pytest"},
}


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from (f"{module}.{alias.name}" for alias in node.names) if module == "handmade" else [module]


def forbidden(root: Path) -> Iterator[str]:
    for path in sorted(root.rglob("*.py")):
        room = path.relative_to(root).parts[0].removesuffix(".py")
        for name in imported(path):
            package, _, rest = name.partition(".")
            target = rest.partition(".")[0]
            if package == "handmade":
                known = target if target in MAY_IMPORT else "__init__"  # a name that handmade itself offers
                allowed = known == room or known in MAY_IMPORT[room]
            else:
                allowed = package in {"numpy", *sys.stdlib_module_names, *FOREIGN.get(room, set())}
            if not allowed:
                yield f"{path.relative_to(root)}: {room} may not import {name}"


def test_imports_point_one_way() -> None:
    assert list(forbidden(ROOT)) == []


def test_a_wrong_import_is_found(tmp_path: Path) -> None:
    (tmp_path / "engine" / "layers").mkdir(parents=True)
    (tmp_path / "engine" / "layers" / "good.py").write_text("import numpy as np\nfrom handmade.engine.arrays import Array\n")

    assert list(forbidden(tmp_path)) == []

    (tmp_path / "engine" / "layers" / "bad.py").write_text(
        "import torch\nfrom handmade import files\nfrom handmade.cli.main import app\nfrom handmade import load\n"
        "from ..x import y\n"
    )
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "bad.py").write_text("def f():\n    import safetensors\n    from handmade.runs import inputs\n")
    assert len(list(forbidden(tmp_path))) == 7


def test_a_file_opens_with_its_purpose() -> None:
    without = [
        str(path.relative_to(ROOT)) for path in FILES if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]

    assert without == []


def test_no_file_holds_more_than_it_should() -> None:
    long = {str(path.relative_to(ROOT)): lines for path in FILES if (lines := len(path.read_text().splitlines())) > 300}

    assert long == {}


def test_importing_handmade_loads_numpy_and_nothing_heavier() -> None:
    code = (
        "import sys, handmade, handmade.frameworks, handmade.html, handmade.text\n"
        "repr(handmade.ReLU())\n"
        "print(*{'typer', 'rich', 'safetensors', 'onnx', 'ml_dtypes', 'threadpoolctl', 'numba', 'llvmlite', 'torch', 'jax', "
        "'fastapi', 'pydantic', 'starlette', 'uvicorn', 'anyio'} & set(sys.modules))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == []


def test_compiled_loops_alone_import_numba() -> None:
    naming = [path for path in FILES if re.search("numba|llvmlite", path.read_text(encoding="utf-8"))]
    rooms = {
        path.relative_to(ROOT).parts[0] for path in naming for name in imported(path) if re.match(r"(numba|llvmlite)\b", name)
    }

    assert rooms == {"compiled"}


def test_the_public_names_are_there_and_documented() -> None:
    for name in handmade.__all__:
        assert getattr(handmade, name).__doc__, name


def test_the_command_alone_prints() -> None:
    talking = [
        str(path.relative_to(ROOT))
        for path in FILES
        if path.relative_to(ROOT).parts[0] != "cli"
        and path.name not in {"exercise.py", "solution.py"}  # copied for students, who run them as programs
        and "print" in (text := path.read_text(encoding="utf-8"))  # the others need not be parsed
        and any(
            isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
            for node in ast.walk(ast.parse(text))
        )
    ]

    assert talking == []
