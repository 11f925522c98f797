"""Load a Python file anew, with every file beside it that it imports, and forget all of them afterwards."""

import importlib
import importlib.util
import linecache
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from handmade.engine.errors import HandmadeError
from handmade.layer_files.failures import LayerFileError, files, told

LARGEST_FILE = 2**22  # bytes; longer Python files are written by programs
LIBRARIES = (Path(__file__).parents[1], Path(os.__file__).parent)  # handmade and the standard library: never forgotten


@dataclass(frozen=True)
class LayerFile:
    """A file that is loaded.

    Attributes
    ----------
    path : Path
        The file.
    root : Path
        The folder that its imports start from: its own, or the one that holds its package.
    module : ModuleType
        What running the file has defined.
    before : frozenset of str
        Names of the modules that were there before it.
    """

    path: Path
    root: Path
    module: ModuleType
    before: frozenset[str]

    def loaded(self) -> dict[str, Path]:
        """Return the modules of the student that are loaded now, by name, with their files."""
        return _loaded(self.root, self.before)

    def told(self, error: BaseException) -> str:
        """Return an error in one line, with the last line of the student's that was running."""
        return _told(error, self.path, self.root)


def checked(path: Path) -> Path:
    """Return the whole path of a Python file; HandmadeError if it cannot be read."""
    whole = path.resolve()
    if not whole.is_file():
        found = f"{path} is a folder" if whole.is_dir() else f"there is no file {path}"
        raise HandmadeError(f"expected a Python file with a layer in it; {found}. Try handmade check my_layer.py:NAME")
    if (size := whole.stat().st_size) > LARGEST_FILE:
        raise HandmadeError(f"{path}: expected a Python file of at most {LARGEST_FILE:,} bytes, got {size:,}")
    return whole


@contextmanager
def loaded(path: Path) -> Iterator[LayerFile]:
    """Run a file as a module, as `import` would, and hold it as long as the context lasts.

    Parameters
    ----------
    path : Path
        The file. In a package it may use relative imports.

    Raises
    ------
    HandmadeError
        If the file cannot be read, is no Python, or raises an error; with the last line of the student's that was running.
    """
    whole = checked(path)
    root, name = _place(whole)
    before = frozenset(sys.modules)
    writes = sys.dont_write_bytecode
    sys.path.insert(0, str(root))
    sys.dont_write_bytecode = True  # two saves of one second may have the same stamp, and the older code would be kept
    importlib.invalidate_caches()
    linecache.checkcache()
    try:
        yield LayerFile(whole, root, _run(name, whole, root), before)
    finally:
        sys.dont_write_bytecode = writes
        if str(root) in sys.path:
            sys.path.remove(str(root))
        for each in _loaded(root, before):
            del sys.modules[each]


def belongs(file: str | Path, root: Path) -> bool:
    """Return True for a file of the student: below the root, and no library that is installed there."""
    if str(file).startswith("<"):  # <string>, <frozen importlib._bootstrap>: code without a file
        return False
    path = Path(file).resolve()
    libraries = {"site-packages", "dist-packages"} & set(path.parts)
    return path.is_relative_to(root) and not libraries and not any(path.is_relative_to(library) for library in LIBRARIES)


def files_in(error: BaseException, path: Path) -> set[Path]:
    """Return the files of the student that an error came through, while the file of that path was running."""
    root, _ = _place(path.resolve())
    return files(error, lambda file: belongs(file, root))


def _place(path: Path) -> tuple[Path, str]:
    """Return the folder that imports start from, and the name of the module."""
    folder, names = path.parent, [path.stem]
    while (folder / "__init__.py").is_file() and folder != folder.parent:
        names.insert(0, folder.name)
        folder = folder.parent
    return folder, ".".join(names)


def _run(name: str, path: Path, root: Path) -> ModuleType:
    taken = sys.modules.get(name)
    if taken is not None and getattr(taken, "__file__", None) == str(path):
        return taken  # of handmade itself
    if taken is not None:
        name = f"{name} of {root}"  # a file random.py must not take the place of Python's
    try:
        if package := name.rpartition(".")[0] if taken is None else "":
            importlib.import_module(package)
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        sys.modules.pop(name, None)
        raise LayerFileError(_told(error, path, root)) from error
    return module


def _told(error: BaseException, path: Path, root: Path) -> str:
    return told(error, path, lambda file: belongs(file, root))


def _loaded(root: Path, before: frozenset[str]) -> dict[str, Path]:
    found = {}
    for name, module in list(sys.modules.items()):
        if name in before:
            continue
        file = getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", ())), None)
        if isinstance(file, str) and belongs(file, root):
            found[name] = Path(file)
    return found
