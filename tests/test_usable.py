"""Whether the compiled backend can be used: each reason in one line, plain without it, and light commands without Numba."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
from PIL import Image

import handmade
from handmade import HandmadeError
from handmade.cli.main import main
from handmade.compiled import usable, vectors
from handmade.doctor.machine import examine
from handmade.engine import backend
from handmade.engine.arrays import Array
from handmade.engine.extras import install_command
from handmade.runs import Settings, resume, start
from tiny_digits import TINY, write_digits

INSTALL = re.escape(f"Try {install_command('compiled')}")
Patch: TypeAlias = pytest.MonkeyPatch


@pytest.fixture(autouse=True)
def _nobody_has_chosen(monkeypatch: Patch) -> Any:
    monkeypatch.delenv(backend.VARIABLE, raising=False)
    yield
    forget()


def forget() -> None:
    for known in (usable.unusable, usable.missing, usable.numba_version):
        known.cache_clear()


def absent(monkeypatch: Patch) -> None:
    monkeypatch.setattr(usable, "find_spec", lambda _: None)
    forget()


def no_version(_: str) -> str:
    raise PackageNotFoundError


REASONS: dict[str, tuple[Callable[[Patch], None], str]] = {
    "absent": (lambda patch: patch.setattr(usable, "find_spec", lambda _: None), f"Numba is not installed. {INSTALL}"),
    "without llvmlite": (
        lambda patch: patch.setattr(usable, "find_spec", lambda name: None if name == "llvmlite" else True),
        f"llvmlite is not installed. {INSTALL}",
    ),
    "old": (
        lambda patch: patch.setattr(usable, "version", lambda _: "0.60.1rc1"),
        f"Numba 0.60.1rc1 is too old: expected 0.61 or later. {INSTALL}",
    ),
    "a newer NumPy": (
        lambda patch: patch.setattr(usable, "requires", lambda _: ["llvmlite<0.51", "numpy<2.1,>=1.22"]),
        rf"Numba \S+ needs NumPy below 2.1; this is NumPy {np.__version__}. {INSTALL} 'numpy<2.1', which finds two that fit",
    ),
    "switched off": (
        lambda patch: patch.setenv("NUMBA_DISABLE_JIT", "1"),
        "the variable NUMBA_DISABLE_JIT keeps Numba from compiling. Try: unset NUMBA_DISABLE_JIT",
    ),
    "another processor": (
        lambda patch: patch.setattr("platform.machine", lambda: "riscv64"),
        "the compiled loops run on x86_64 and .* this processor is riscv64. Try the backend plain",
    ),
    "an old processor": (
        lambda patch: (
            patch.setattr("platform.machine", lambda: "AMD64"),
            patch.setattr("llvmlite.binding.get_host_cpu_features", lambda: {"avx2": True, "fma": False}),
        )[0],
        "this processor has no fused multiply-add, .* Try the backend plain",
    ),
}


@pytest.mark.parametrize("name", REASONS)
def test_each_reason_is_one_line_with_advice_and_plain_is_the_default(monkeypatch: Patch, name: str) -> None:
    spoil, words = REASONS[name]
    spoil(monkeypatch)
    forget()

    reason = backend.unusable("compiled")
    assert reason is not None
    assert re.fullmatch(words.replace("[", r"\["), reason)
    assert backend.current().name != "compiled"
    with pytest.raises(HandmadeError, match="backend compiled: ") as refused:
        backend._class("compiled")  # one that is made already serves those who have it
    assert str(refused.value) == f"backend compiled: {reason}"
    loops = examine().loops
    assert (loops.unusable, loops.lanes) == (reason, None)


def test_it_can_be_used_here() -> None:
    forget()
    assert backend.unusable("compiled") is None
    assert backend.unusable("plain") is None
    assert backend.current().name == "compiled"


def test_a_numba_that_does_not_say_its_version_may_serve(monkeypatch: Patch) -> None:
    monkeypatch.setattr(usable, "version", no_version)
    forget()

    assert backend.unusable("compiled") is None


def test_an_llvm_that_knows_no_features_has_short_vectors(monkeypatch: Patch) -> None:
    def unknown() -> Any:
        raise RuntimeError("not for this processor")

    monkeypatch.setattr("llvmlite.binding.get_host_cpu_features", unknown)
    assert vectors.processor_features.__wrapped__() == {}


# --- a Numba that does not load -------------------------------------------------------------------------------------------------

BROKEN = """
import os, numpy as np, handmade
from handmade.engine.backend import current, unusable
reason = unusable("compiled")
assert current().name != "compiled", current()
for name in (None, "compiled"):
    try:
        handmade.use_backend(name)
    except handmade.HandmadeError as error:
        assert str(error) == "backend compiled: " + reason, error
        os.environ["HANDMADE_BACKEND"] = "compiled"
        try:
            current()
        except handmade.HandmadeError as error:
            assert str(error) == "backend compiled: " + reason, error
            print(reason)
"""


@pytest.mark.parametrize(
    "line",
    ["raise ImportError('Numba needs NumPy 2.0 or less.\\nGot 2.4')", "raise SystemError('initialisation failed')", "x = 1"],
    ids=["ImportError", "SystemError", "another module of this name"],
)
def test_a_numba_that_does_not_load_is_told_and_nothing_raises(tmp_path: Path, line: str) -> None:
    (tmp_path / "numba").mkdir()
    (tmp_path / "numba" / "__init__.py").write_text(line)
    paths = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])

    done = subprocess.run(
        [sys.executable, "-c", BROKEN], env=os.environ | {"PYTHONPATH": paths}, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    (reason,) = done.stdout.splitlines()
    assert re.fullmatch(r"Numba \S+ cannot be used \(\w+: .*\)\. Try \S+ -m pip install --force-reinstall numba", reason)


def test_an_error_of_our_own_is_not_taken_for_one_of_numba(monkeypatch: Patch) -> None:
    def load(name: str) -> None:
        if name != "numba":
            raise ImportError("no such name", name="handmade.compiled.tiles")

    monkeypatch.setattr(usable, "import_module", load)
    with pytest.raises(ImportError, match="no such name"):
        usable._does_not_load()


# --- commands -------------------------------------------------------------------------------------------------------------------

LIGHT = """
import runpy, sys
import handmade.doctor.self_test
handmade.doctor.self_test.measure = lambda: (1e9, ())
sys.argv[0] = "handmade"
try:
    runpy.run_module("handmade", run_name="__main__")
except SystemExit as end:
    assert not end.code, end.code
assert "numba" not in sys.modules
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("usable")
    handmade.networks.readme(np.random.default_rng(0)).save(place / "model.safetensors")
    Image.fromarray(np.kron(np.eye(10), np.ones((9, 9))).astype(np.uint8) * 255).save(place / "digit.png")
    (place / "tiny.json").write_text(json.dumps(TINY))
    write_digits(place / "digits", 96, 40)
    return place


@pytest.mark.parametrize(
    "command",
    [
        "--help",
        "train --help",
        "networks",
        "show test:7",
        "show --filters conv1 model.safetensors",
        "predict model.safetensors digit.png",
        "predict model.safetensors digit.png --backend plain",
        "explain tiny.json --data digits --image test:7 --at loss",
        "trace tiny.json --data digits --image test:7 --nudge conv1.W[1,2,0,1]=+0.1",
        "doctor",
    ],
)
def test_a_command_with_little_work_does_not_load_numba(place: Path, command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIGHT, *command.split()], cwd=place, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 0, done.stderr


def test_a_light_command_computes_with_the_backend_that_is_asked_for(place: Path, monkeypatch: Patch) -> None:
    seen: set[str] = set()

    def logits(network: handmade.Network, images: Array) -> Array:
        seen.add(backend.current().name)
        return np.ones((len(images), network.classes))

    monkeypatch.setattr("handmade.engine.network.Network.logits", logits)
    for options, expected in (([], "plain"), (["--backend", "compiled"], "compiled")):
        command(monkeypatch, "predict", str(place / "model.safetensors"), str(place / "digit.png"), *options)
        assert seen == {expected}
        seen.clear()
    monkeypatch.setenv(backend.VARIABLE, "compiled")
    command(monkeypatch, "predict", str(place / "model.safetensors"), str(place / "digit.png"))
    assert seen == {"compiled"}


def command(monkeypatch: Patch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["handmade", *arguments])
    with pytest.raises(SystemExit) as leaving:
        main()
    assert not leaving.value.code


def test_a_training_without_numba_says_so_in_a_line(
    place: Path, tmp_path: Path, monkeypatch: Patch, capsys: pytest.CaptureFixture[str]
) -> None:
    absent(monkeypatch)
    monkeypatch.chdir(place)
    train = ["train", "--network", "tiny.json", "--data", "digits", "--steps", "1", "--threads", "1", "--out"]
    command(monkeypatch, *train, str(tmp_path / "a"))
    (line,) = (line for line in capsys.readouterr().err.splitlines() if "Numba" in line)
    assert re.fullmatch(
        rf"Training uses the backend \w+, which is several times slower than compiled: {REASONS['absent'][1]}", line
    )

    command(monkeypatch, *train, str(tmp_path / "b"), "--backend", "plain")
    monkeypatch.setenv(backend.VARIABLE, "plain")
    command(monkeypatch, *train, str(tmp_path / "c"))
    assert "Numba" not in capsys.readouterr().err


# --- runs -----------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def begun(place: Path, tmp_path: Path) -> Path:
    """A run after one of its steps."""
    settings = Settings(network=str(place / "tiny.json"), data=str(place / "digits"), steps=3, threads=1, backend="plain")
    for _ in start(settings, tmp_path / "run"):
        break
    return tmp_path / "run"


def rewritten(run: Path, **values: Any) -> None:
    known = json.loads((run / "run.json").read_bytes())
    (run / "run.json").write_text(json.dumps(known | values))


def test_a_run_records_the_vectors_of_its_backend(place: Path, tmp_path: Path) -> None:
    settings = Settings(network=str(place / "tiny.json"), data=str(place / "digits"), steps=1, threads=1, backend="compiled")
    for _ in start(settings, tmp_path / "run"):
        break
    assert json.loads((tmp_path / "run" / "run.json").read_bytes())["lanes"] == vectors.lanes()


def test_a_run_that_goes_on_as_before_says_nothing(begun: Path) -> None:
    assert "lanes" not in json.loads((begun / "run.json").read_bytes())
    assert resume(begun).remarks == ()


def test_a_run_goes_on_with_another_backend_and_says_so(begun: Path) -> None:
    rewritten(begun, backend="compiled", lanes=16)
    session = resume(begun, backend="plain")

    assert session.remarks == (
        (
            "This run began with the backend compiled with 16 lanes and continues with plain: "
            "the numbers may differ in their last digits"
        ),
    )
    session.finish()
    known = json.loads((begun / "run.json").read_bytes())
    assert known["status"] == "finished"
    assert (known["backend"], "lanes" in known) == ("plain", False)
    assert known["changes"] == [{"step": 1, "backend": ["compiled", "plain"]}]


def test_a_run_goes_on_with_other_vectors_and_says_so(begun: Path, monkeypatch: Patch) -> None:
    rewritten(begun, backend="compiled", lanes=16)
    monkeypatch.setenv(vectors.VARIABLE, "4")

    (remark,) = resume(begun).remarks
    assert "began with the backend compiled with 16 lanes and continues with compiled with 4 lanes" in remark


@pytest.mark.parametrize("before", ["compiled", "abacus"])
def test_a_run_of_a_backend_that_is_not_there_goes_on_with_the_default(begun: Path, monkeypatch: Patch, before: str) -> None:
    rewritten(begun, backend=before, lanes=8)
    absent(monkeypatch)
    session = resume(begun)

    slower, other = session.remarks
    assert "Numba is not installed" in slower
    assert f"began with the backend {before} with 8 lanes and continues with {backend.current().name}:" in other
    assert session.finish()["status"] == "finished"
