"""Machine code on disk: compiled once, found again by other processes, and never used if anything about it is wrong."""

import errno
import json
import os
import pickle
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
from numba.core.caching import NullCache

import handmade
from handmade.compiled import cache, cache_folder
from handmade.compiled.jit import loops
from handmade.engine import compiling
from tiny_digits import TINY

ROOT = Path(handmade.__file__).parent
POSIX = pytest.mark.skipif(os.name != "posix", reason="owners and modes of files")
ROOT_USER = pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give files away")


def total(x: Any) -> Any:
    """x[0] + x[1] + ..."""
    s = 0.0
    for i in range(x.size):
        s += x[i]
    return s


def wrong(x: Any) -> Any:
    return x.nonsense


@pytest.fixture(autouse=True)
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv(cache_folder.VARIABLE, str(tmp_path / "cache"))
    cache_folder.folder.cache_clear()
    yield tmp_path / "cache"
    cache_folder.folder.cache_clear()


def run() -> str:
    """Call the loop as a new process would: whether it was found or compiled."""
    cache_folder.folder.cache_clear()
    fresh: Any = loops(total)
    assert fresh(np.arange(5.0)) == 10
    return "found" if fresh.stats.cache_hits else "compiled"


def file_of(base: Path) -> Path:
    (file,) = base.glob("code-*/total-*.code")
    return file


# --- other processes ------------------------------------------------------------------------------------------------------------

NETWORK = """
import sys, numpy as np, handmade
from handmade.engine.compiling import watch
network = handmade.networks.described(NETWORK, np.random.default_rng(0))
x, y = np.random.default_rng(1).random((4, 8, 8, 1), np.float32), np.arange(4)
handmade.use_backend("compiled")
compiled = []
with watch(lambda loop, kept: compiled.append(loop), lambda: None):
    L, g = handmade.gradients.backprop(network, x, y)
print(len(compiled), repr(L), {name: float(abs(array).sum()) for name, array in g.items()})
"""
IMPORT = """
import sys, handmade.compiled
assert "numba" not in sys.modules
handmade.compiled.BACKEND
assert "numba" in sys.modules
"""


def process(code: str) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


def said(running: "subprocess.Popen[str]") -> str:
    out = running.communicate(timeout=120)[0]
    assert running.returncode == 0
    return out


def content(place: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in place.rglob("*") if path.is_file() and "__pycache__" not in path.parts}


@pytest.mark.long
@pytest.mark.parametrize("layers", [0, 2], ids=["with a convolution", "without"])
def test_another_process_compiles_nothing_and_two_may_write_at_once(base: Path, layers: int) -> None:
    package, code = content(ROOT), NETWORK.replace("NETWORK", repr(TINY | {"layers": TINY["layers"][layers:]}))
    first, second = map(said, [process(code), process(code)])
    written = content(base)
    third = said(process(code))

    assert int(first.split()[0]) > 0
    assert {each.partition(" ")[2] for each in (first, second)} == {third.partition(" ")[2]}
    assert third.split()[0] == "0"
    assert written
    assert content(base) == written
    assert content(ROOT) == package  # which may be read-only
    assert all(path.suffix == ".code" for path in map(Path, written))


def test_importing_compiles_nothing_and_writes_nothing(base: Path) -> None:
    said(process(IMPORT))

    assert not base.exists()


# --- files ----------------------------------------------------------------------------------------------------------------------


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 16]) + content[middle + 1 :]


def sealed(code: bytes) -> Callable[[bytes], bytes]:
    """Code with the right digest."""

    def make(_: bytes) -> bytes:
        fresh: Any = loops(total)
        found: list[bytes] = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(cache, "_read", lambda _, key: found.append(key))
            patch.setattr(cache, "_write", lambda *_: None)
            fresh(np.arange(5.0))
        return sha256(found[0] + code).digest() + code

    return make


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda _: b"garbage",
        lambda _: np.random.default_rng(0).bytes(9999),
        lambda content: content[:-1],
        lambda content: content[:40],
        lambda content: content + b"x",
        flipped,
        lambda content: bytes([content[0] ^ 1]) + content[1:],
        sealed(b"no pickle"),
        sealed(pickle.dumps(7)),
        sealed(pickle.dumps((1, 2, 3))),
    ],
    ids=["empty", "garbage", "noise", "cut", "short", "longer", "a bit", "the digest", "no pickle", "a number", "a tuple"],
)
def test_a_damaged_file_counts_as_absent(base: Path, damage: Callable[[bytes], bytes]) -> None:
    assert run() == "compiled"
    file = file_of(base)
    file.write_bytes(damage(file.read_bytes()))

    assert run() == "compiled"
    assert run() == "found"


def test_a_file_of_another_loop_counts_as_absent(base: Path) -> None:
    assert run() == "compiled"
    loops(total)(np.arange(3))  # whole numbers
    mine, other = sorted(base.glob("code-*/total-*.code"))
    mine.write_bytes(other.read_bytes())

    assert [run(), run()] in (["compiled", "found"], ["found", "found"])  # that for the floats may be either of them
    assert loops(total)(np.arange(3)) == 3


def test_a_folder_in_the_place_of_a_file_does_no_harm(base: Path) -> None:
    run()
    file = file_of(base)
    file.unlink()
    file.mkdir()

    assert run() == run() == "compiled"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_where_nothing_can_be_written_work_goes_on(base: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "replace", refuse)

    assert run() == run() == "compiled"
    assert content(base) == {}


def test_what_a_killed_process_left_behind_goes(base: Path) -> None:
    run()
    old, new = file_of(base).parent / "old.tmp", file_of(base).parent / "new.tmp"
    for path in (old, new):
        path.touch()
    os.utime(old, (0, 0))
    file_of(base).unlink()
    run()

    assert not old.exists()
    assert new.exists()


def test_another_source_and_another_processor_have_files_of_their_own(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run()
    monkeypatch.setattr(Path, "read_bytes", lambda path, read=Path.read_bytes: read(path) + b"#" * (path.suffix == ".py"))
    assert run() == "compiled"

    assert len([*base.glob("code-*/total-*.code")]) == 2


def test_a_loop_that_reads_variables_of_another_function_is_compiled_each_time() -> None:
    def make(k: int) -> Any:
        def times(x: Any) -> Any:
            return k * x

        return loops(times)

    assert make(2)(3) == 6
    assert make(5)(3) == 15  # not the code of k = 2


# --- the folder -----------------------------------------------------------------------------------------------------------------


@POSIX
def test_the_folder_and_its_files_are_private(base: Path) -> None:
    run()

    for path in (base, file_of(base).parent, file_of(base)):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


@POSIX
@pytest.mark.parametrize("mode", [0o777, 0o770, 0o703])
@pytest.mark.parametrize("inner", [False, True])
def test_a_folder_that_others_may_write_to_is_not_used(base: Path, mode: int, *, inner: bool) -> None:
    run()
    (base / file_of(base).parent if inner else base).chmod(mode)

    assert run() == run() == "compiled"
    assert cache_folder.folder() is None
    assert "others may write to it. Try chmod 700" in cache_folder.find(make=False).problems[0]


@POSIX
def test_a_folder_of_another_user_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    run()
    monkeypatch.setattr(os, "geteuid", lambda: 54321)

    assert run() == "compiled"
    assert "belongs to another user" in cache_folder.find(make=False).problems[0]


@ROOT_USER
def test_a_link_that_another_user_placed_is_not_used(base: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir(mode=0o700)
    base.symlink_to(tmp_path / "mine")
    assert [run(), run()] == ["compiled", "found"]  # my own link may be there

    os.lchown(base, 54321, 54321)

    assert run() == "compiled"


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_place_where_no_folder_can_be_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv(cache_folder.VARIABLE, str(tmp_path / place))

    assert run() == run() == "compiled"
    assert cache_folder.folder() is None
    assert len(cache_folder.find(make=False).problems) == 1


@pytest.mark.parametrize("make", [True, False])
def test_a_place_that_we_may_not_look_into_is_not_used(base: Path, monkeypatch: pytest.MonkeyPatch, *, make: bool) -> None:
    def stat(path: Path, stat: Any = Path.stat, **options: Any) -> Any:
        if path.is_relative_to(base):
            raise PermissionError(errno.EACCES, "Permission denied")
        return stat(path, **options)

    base.mkdir(mode=0o700)
    monkeypatch.setattr(Path, "stat", stat)

    assert cache_folder.find(make=make) == cache_folder.Found(None, (f"{base}: Permission denied",))


def test_a_place_in_a_folder_that_is_gone_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    monkeypatch.setenv(cache_folder.VARIABLE, "here")
    (tmp_path / "gone").rmdir()

    assert cache_folder.find(make=True).path is None
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("home", [None, "", "/", "relative", "/nonexistent/home"])
@POSIX
def test_without_a_home_there_is_a_private_folder_among_the_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (cache_folder.VARIABLE, "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    if home is None:
        monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError("no home")))
    else:
        monkeypatch.setenv("HOME", home)

    assert [run(), run()] == ["compiled", "found"]
    assert file_of(tmp_path / "temporary" / f"handmade-{os.geteuid()}")
    assert [path.name for path in tmp_path.iterdir()] == ["temporary"]
    (tmp_path / "temporary" / f"handmade-{os.geteuid()}").chmod(0o777)  # as if somebody had placed it
    assert run() == run() == "compiled"


@POSIX
def test_the_users_cache_folder_is_the_usual_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(cache_folder.VARIABLE)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert next(iter(cache_folder._bases())) == tmp_path / "xdg" / "handmade"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert next(iter(cache_folder._bases())) == tmp_path / ".cache" / "handmade"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert next(iter(cache_folder._bases())) == tmp_path / "Library" / "Caches" / "handmade"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert next(iter(cache_folder._bases())) == tmp_path / "local" / "handmade"


def test_another_version_has_a_folder_of_its_own_and_old_ones_go(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run()
    before = file_of(base).parent
    keep = base / "notes"  # not ours
    keep.mkdir()
    for number in range(12):
        (base / f"code-{number:032x}").mkdir()
        used = time.time() - 3600 * (number + 1) - (40 * 86400 if number < 2 else 0)
        os.utime(base / f"code-{number:032x}", (used, used))
    monkeypatch.setattr(cache_folder, "_hash", lambda: "f" * 32)

    assert [run(), run()] == ["compiled", "found"]
    left = sorted(path.name for path in base.iterdir())
    assert {before.name, "code-" + "f" * 32, "notes"} <= {*left}
    assert len(left) == cache_folder.KEPT + 1
    assert not {f"code-{number:032x}" for number in (0, 1, 10, 11)} & {*left}


def test_every_file_of_the_backend_and_every_version_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    hashes = [cache_folder._hash.__wrapped__()]
    monkeypatch.setattr(cache_folder, "version", lambda _: "0.99")
    hashes.append(cache_folder._hash.__wrapped__())
    monkeypatch.setattr(sys, "version", "3.99")
    hashes.append(cache_folder._hash.__wrapped__())
    monkeypatch.setattr(Path, "read_bytes", lambda path, read=Path.read_bytes: read(path) + b"#" * (path.name == "tiles.py"))
    hashes.append(cache_folder._hash.__wrapped__())

    assert len(set(hashes)) == 4


def test_loops_that_were_changed_since_the_process_began_are_not_kept(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_folder, "IMPORTED", 0.0)

    assert run() == run() == "compiled"
    assert not base.exists()


# --- news, and other people's functions -----------------------------------------------------------------------------------------


def test_compiling_is_told_and_finding_is_not() -> None:
    told: list[Any] = []
    with compiling.watch(lambda loop, kept: told.append((loop, kept)), lambda: told.append("done")):
        run()
        run()
        assert told == [("total", True), "done"]
        with pytest.raises(numba.TypingError):
            loops(wrong)(3)
        assert told[2:] == [("wrong", True), "done"]
    loops(total)(np.arange(3, dtype=np.int8))
    assert len(told) == 4


def test_what_is_not_kept_is_told_as_such(base: Path) -> None:
    base.touch()
    told: list[Any] = []
    with compiling.watch(lambda _, kept: told.append(kept), lambda: None):
        run()
    assert told == [False]


def test_functions_of_other_people_are_as_they_were() -> None:
    told: list[str] = []
    other = numba.njit(total)
    with compiling.watch(lambda loop, **_: told.append(loop), lambda: None):
        assert other(np.arange(5.0)) == 10
    assert told == []
    assert type(other._cache) is NullCache
    assert json.dumps(numba.config.CACHE_DIR) == json.dumps(os.environ.get("NUMBA_CACHE_DIR", ""))
