"""`handmade check my_layer.py:Conv`: files of other people, their errors in one line, and again at each save."""

import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from handmade import HandmadeError
from handmade.cli.main import main
from handmade.engine.extras import install_command
from handmade.layer_files import watching
from handmade.layer_files.inputs import read_input, shape_of
from handmade.layer_files.layers_in_file import Arguments, parse_arguments
from handmade.layer_files.loading import loaded
from test_cli import Handmade, Outcome

PATIENCE = 60  # seconds after which a command hangs
ON = ("--input", "2,3,4")
LAYERS = """
import numpy as np
from helper import halved

class ReLU:
    def forward(self, x):
        print("forward")
        self.x = x
        return np.maximum(x, 0)
    def backward(self, gy):
        return gy * (self.x > 0)

class Linear:
    def __init__(self, units, scale=1.0):
        self.W = scale * np.random.randn(4, units)
    def forward(self, x):
        return x @ self.W
    def backward(self, x, gy):
        return gy @ self.W.T, {"W": 2 * np.tensordot(x, gy, ([0, 1], [0, 1]))}

class Misfit:
    def forward(self, x):
        return x @ np.ones((7, 7))
    def backward(self, gy):
        return gy

def square(x):
    return x * x
def square_backward(x, gy):
    return halved(4 * x * gy)
def cube(x):
    return x**3
def make(units=2):
    return Linear(units)

relu = ReLU()
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_layer.py").write_text(LAYERS)
    (tmp_path / "helper.py").write_text("def halved(x):\n    return x / 2\n")
    np.save(tmp_path / "x.npy", np.random.default_rng(3).standard_normal((2, 4)))
    return tmp_path


@pytest.fixture
def check(here: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Handmade:  # noqa: ARG001  where it runs
    def run(*arguments: str | Path) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["handmade", "check", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as leaving:
            main()
        captured = capfd.readouterr()
        return Outcome(int(leaving.value.code or 0), captured.out, captured.err)

    return run


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["my_layer.py:ReLU", *ON], 0, ["ReLU: correct"]),
        (["my_layer.py:relu", *ON], 0, ["ReLU: correct"]),
        (["my_layer.py:square", *ON], 0, ["correct"]),
        (["my_layer.py:ReLU", "--input", "x.npy", "--dtype", "float32"], 0, ["ReLU: correct"]),
        (["my_layer.py:Linear", "--args", "3, scale=0.5", *ON], 1, ["Linear: wrong", "gradient of W"]),
        (["my_layer.py:make", *ON], 1, ["Linear: wrong"]),
        (["my_layer.py:make", "--args", "units=1", *ON], 1, ["Linear: wrong"]),
    ],
)
def test_a_name_stands_for_a_class_an_object_a_pair_or_a_function_that_makes_a_layer(
    arguments: list[str], code: int, words: list[str], check: Handmade
) -> None:
    done = check(*arguments)

    assert done.code == code
    assert all(word in done.out for word in words)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["my_layer.py:ReLU"], 2, ["--input", "2,8,8,3", ".npy"]),
        (["my_layer.py:ReLU", "--input", "2,x"], 2, ["--input", "2,x", "2,8,8,3"]),
        (["my_layer.py:ReLU", "--input", "0,3"], 1, ["--input", "0,3"]),
        (["my_layer.py:ReLU", "--input", "99999,99999"], 1, ["--input", "99999,99999", "numbers"]),
        (["my_layer.py:ReLU", "--input", "y.npy"], 1, ["no file y.npy"]),
        (["my_layer.py:ReLU", "--input", "2", "--args", "open('x')"], 2, ["--args", "kernel=3"]),
        (["my_layer.py:relu", *ON, "--args", "3"], 1, ["--args", "relu"]),
        (["my_layer.py:ReLU", *ON, "--all-weights"], 2, ["--all-weights", "network"]),
        (["my_layer.py:ReLU", *ON, "--data", "digits"], 2, ["--data", "network"]),
        (["readme", *ON], 2, ["--input", "my_layer.py:Conv"]),
        (["readme", "--watch"], 2, ["--watch", "my_layer.py:Conv"]),
        (["my_layer.py:a.b", *ON], 2, ["FILE.py:NAME", "a.b"]),
        (["my_layer.py:RelU", *ON], 1, ["RelU", "Try my_layer.py:ReLU"]),
        (["my_layer.py:Linear", *ON], 1, ["Linear(units, scale=1.0)", "units", "--args"]),
        (["my_layer.py:cube", *ON], 1, ["cube_vjp(x, gy)"]),
        (["my_layer.py:square_backward", *ON], 1, ["Try my_layer.py:square"]),
        (["my_layer.py:Misfit", *ON], 1, ["my_layer.py:23: in forward", "ValueError", "matmul"]),
        (["nowhere.py:ReLU", *ON], 1, ["no file nowhere.py"]),
        (["helper.py", *ON], 1, ["helper.py", "forward and backward", "halved"]),
    ],
)
def test_what_is_wrong_is_told_in_one_line(arguments: list[str], code: int, words: list[str], check: Handmade) -> None:
    error = check(*arguments).error(code).removeprefix("handmade: ")

    assert all(word in error for word in words), error


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import numpy\nclass A:\n    def forward(self, x:\n", ["broken.py:3", "SyntaxError", "def forward(self, x:"]),
        ("def f():\n    return 1 / 0\n\nf()\n", ["broken.py:2: in f: ZeroDivisionError: division by zero"]),
        ("import nothing_of_this_name\n", ["broken.py:1: ModuleNotFoundError", "nothing_of_this_name"]),
        ("from helper import nothing\n", ["broken.py:1: ImportError", "nothing"]),
        ("import sys\nsys.exit(3)\n", ["broken.py:2", "sys.exit(3)", "__main__"]),
        ("import json\njson.loads('{')\n", ["broken.py:2: JSONDecodeError"]),
        ("raise RuntimeError('one\\ntwo [bold]three[/]')\n", ["broken.py:1: RuntimeError: one two [bold]three[/]"]),
        ("\0", ["broken.py", "null bytes"]),
    ],
)
def test_an_error_in_the_file_names_its_line(code: str, words: list[str], check: Handmade, here: Path) -> None:
    (here / "broken.py").write_text(code)

    error = check("broken.py:A", *ON).error(1)

    assert all(word in error for word in words), error


def test_names_of_the_file_are_not_taken_for_options(check: Handmade, here: Path) -> None:
    (here / "norm.py").write_text("class Norm:\n    def __init__(self, channels, momentum=0.9): ...\n")
    (here / "broken.py").write_text("momentum=)\n")

    assert "Norm(channels, momentum=0.9)" in check("norm.py:Norm", *ON).error(1)
    assert check("broken.py:Norm", *ON).error(1).endswith("momentum=)")


def test_an_error_in_a_file_beside_names_that_file(check: Handmade, here: Path) -> None:
    (here / "helper.py").write_text("def halved(x):\n    return x /\n")

    assert "helper.py:2: SyntaxError: invalid syntax: return x /" in check("my_layer.py:ReLU", *ON).error(1)


def test_without_a_name_every_layer_is_checked_and_stands_in_a_table(check: Handmade) -> None:
    done = check("my_layer.py", *ON)

    assert done.code == 1
    table = [line.split() for line in done.out.splitlines()[-3:]]
    assert table == [["ReLU", "2,3,4", "correct"], ["Linear", "2,3,4", "error"], ["Misfit", "2,3,4", "error"]]
    assert re.search(r"^error: .*my_layer.py:23: in forward", done.out, flags=re.MULTILINE)


def test_a_base_class_is_left_out_and_an_unfinished_layer_is_not(check: Handmade, here: Path) -> None:
    unwritten = "    def forward(self, x): raise NotImplementedError\n    def backward(self, gy): raise NotImplementedError\n"
    same = "    def forward(self, x): return x + 0\n    def backward(self, gy): return gy + 0\n"
    abstract = "from abc import ABC, abstractmethod\nclass A(ABC):\n    backward = forward = abstractmethod(lambda self, x: x)\n"
    (here / "base.py").write_text(f"{abstract}class Base(A):\n{unwritten}class Same(Base):\n{same}Other = Same\n")
    (here / "later.py").write_text(f"class Later:\n{unwritten}class Same:\n{same}")

    done = check("base.py", *ON)

    assert (done.code, "base.py:Base is left out" in done.err) == (0, True)
    assert "A" not in re.findall(r"base.py:(\w+)", done.err)
    assert check("later.py", *ON).code == 1


def test_a_layer_is_checked_on_every_input(check: Handmade) -> None:
    done = check("my_layer.py:ReLU", *ON, "--input", "x.npy")

    assert done.code == 0
    assert [line.split() for line in done.out.splitlines()[-2:]] == [["ReLU", "2,3,4", "correct"], ["ReLU", "x.npy", "correct"]]


def test_json_is_all_there_is_on_standard_output(check: Handmade) -> None:
    one, several = check("my_layer.py:ReLU", *ON, "--json"), check("my_layer.py", *ON, "--json")

    assert json.loads(one.out) == {"target": "my_layer.py:ReLU", "input": "2,3,4", **json.loads(one.out)}
    assert "forward" in one.err  # what the student prints
    found = json.loads(several.out)
    assert (found["verdict"], [report["verdict"] for report in found["reports"]]) == ("error", ["correct", "error", "error"])


def test_text_in_square_brackets_is_printed_as_it_is(check: Handmade, here: Path) -> None:
    code = "class A:\n    def forward(self, x):\n        raise ValueError('[red]no[/red]')\n    def backward(self, gy): ...\n"
    (here / "a.py").write_text(code)

    assert "[red]no[/red]" in check("a.py", *ON, "--input", "3,4").out


@pytest.mark.parametrize("text", ["", "3", "kernel=3, filters=(4, 5)", "'a', None, x={'b': [True, -1.5]}"])
def test_arguments_are_literals(text: str) -> None:
    expected = eval(f"(lambda *a, **k: (a, k))({text})")

    arguments = parse_arguments(text)

    assert (arguments.positional, arguments.named) == expected


@pytest.mark.parametrize(
    "text", ["f()", "x", "*[1]", "**{'a': 1}", ")(", "1)(2", "1) or (2", "(" * 5000, "a=1, a=2", "1; 2", "[i for i in 'a']"]
)
def test_arguments_that_are_no_literals_are_refused(text: str) -> None:
    with pytest.raises(HandmadeError, match="kernel=3"):
        parse_arguments(text)


def test_shapes_are_read() -> None:
    assert [shape_of(text) for text in ("2,8,8,3", "(2, 3)", "5", "-1,2", "2,,3", "2.0", "x.npy", "")] == [
        *((2, 8, 8, 3), (2, 3), (5,)),
        *[None] * 5,
    ]


def test_an_array_with_objects_or_a_false_header_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "objects.npy", np.array([{}], object), allow_pickle=True)
    np.save(tmp_path / "words.npy", np.array(["a"]))
    np.save(tmp_path / "short.npy", np.zeros(4000))
    whole = (tmp_path / "short.npy").read_bytes()
    (tmp_path / "short.npy").write_bytes(whole.replace(b"(4000,)", b"(9**9,)"))
    (tmp_path / "cut.npy").write_bytes(whole[:-8])
    (tmp_path / "empty.npy").write_bytes(b"")
    with (tmp_path / "archive.npy").open("wb") as file:
        np.savez(file, x=np.zeros(3))
    for name in ("objects", "words", "short", "cut", "empty", "archive"):
        with pytest.raises(HandmadeError, match=rf"{name}\.npy"):
            read_input(tmp_path / f"{name}.npy")


def test_a_file_and_those_beside_it_are_loaded_anew_and_forgotten(here: Path) -> None:
    modules, path = set(sys.modules), list(sys.path)
    values = []
    for number in (1, 2):
        (here / "helper.py").write_text(f"halved = {number}\n")  # the same size, in the same second
        with loaded(here / "my_layer.py") as file:
            values.append(file.module.halved)
            assert set(file.loaded().values()) == {here / "my_layer.py", here / "helper.py"}

    assert values == [1, 2]
    assert (set(sys.modules) - modules, sys.path) == (set(), path)
    assert not (here / "__pycache__").exists()


def test_a_file_may_have_the_name_of_a_library_and_live_in_a_package(here: Path) -> None:
    (here / "random.py").write_text("from helper import halved\nx = halved(4)\n")
    (here / "package").mkdir()
    (here / "package" / "__init__.py").write_text("")
    (here / "package" / "one.py").write_text("from .two import x\nfrom helper import halved\n")
    (here / "package" / "two.py").write_text(
        "from dataclasses import dataclass\n@dataclass\nclass A:\n    x: 'int' = 1\nx = A()\n"
    )
    library = sys.modules["random"]

    with loaded(here / "random.py") as file:
        assert file.module.x == 2
    with loaded(here / "package" / "one.py") as file:
        assert file.module.x.x == 1
    assert sys.modules["random"] is library


def test_arguments_are_told_from_none() -> None:
    assert parse_arguments("") == Arguments((), {})


def test_watching_without_the_library_says_how_to_install_it(check: Handmade, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "find_spec", lambda _: None)

    assert install_command("watch") in check("my_layer.py:ReLU", *ON, "--watch").error(1)


def test_a_watched_file_is_checked_again_until_ctrl_c(check: Handmade, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = (here / "my_layer.py").read_text()

    def several(folders: Callable[[], set[Path]], files: set[Path]) -> Iterator[None]:
        assert (folders(), files) == ({here}, {here / "x.npy"})
        for code in (good, good.replace("> 0)", "> 1)"), "class ReLU(", good):
            (here / "my_layer.py").write_text(code)
            yield
        raise KeyboardInterrupt

    monkeypatch.setattr("handmade.cli.layer_checks.check_installed", lambda: None)
    monkeypatch.setattr("handmade.cli.layer_checks.saves", several)

    done = check("my_layer.py:ReLU", "--input", "x.npy", "--watch")

    assert done.code == 0
    assert re.findall(r"^\d\d:\d\d:\d\d ([a-z ]+): my_layer.py:ReLU", done.err, flags=re.MULTILINE) == [
        *("correct", "wrong", "error", "correct")
    ]
    assert "handmade: my_layer.py:1: SyntaxError" in done.err


@pytest.mark.skipif(importlib.util.find_spec("watchfiles") is None, reason="needs watchfiles, an extra")
def test_saves_of_every_kind_are_seen_and_others_are_not(tmp_path: Path) -> None:
    layer, array, below = tmp_path / "layer.py", tmp_path / "x.npy", tmp_path / "below"
    below.mkdir()
    layer.write_text("1")
    folders = {tmp_path}
    seen = watching.saves(lambda: set(folders), {array})
    next(seen)

    layer.write_text("2")
    next(seen)
    (tmp_path / "layer.tmp").write_text("3")
    (tmp_path / "layer.tmp").replace(layer)  # as editors do that save by renaming
    next(seen)
    layer.write_text("4")
    next(seen)
    array.write_bytes(b"5")
    next(seen)
    folders.add(below)
    layer.write_text("6")
    next(seen)
    (below / "other.py").write_text("7")
    next(seen)
    seen.close()


@pytest.mark.long
@pytest.mark.skipif(importlib.util.find_spec("watchfiles") is None, reason="needs watchfiles, an extra")
def test_the_command_watches_and_ends_with_ctrl_c(here: Path) -> None:
    start = "import sys; from handmade.cli.main import main; main()"
    folders = [str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    command = [sys.executable, "-c", start, "check", "my_layer.py:ReLU", *ON, "--watch"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(str(Path(folder).resolve()) for folder in folders)}
    watching = subprocess.Popen(command, cwd=here, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    assert watching.stderr is not None
    try:
        verdicts = []
        for line in watching.stderr:
            if found := re.match(r"\d\d:\d\d:\d\d ([a-z ]+):", line):
                verdicts.append(found[1])
                if len(verdicts) == 2:
                    watching.send_signal(signal.SIGINT)
                    break
                (here / "new").write_text(LAYERS.replace("> 0)", "> 1)"))
                (here / "new").replace(here / "my_layer.py")
        assert watching.wait(PATIENCE) == 0
        assert verdicts == ["correct", "wrong"]
        assert watching.stderr.read().splitlines()[-1] == "Watching has ended"
    finally:
        watching.kill()
        watching.stderr.close()
        watching.wait()
