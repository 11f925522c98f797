"""Load a Python file again, with every file of its folder that it imports, and unload all of them afterwards."""

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
from handmade.layer_files.error_lines import LayerFileError, error_line, files

LARGEST_FILE = 2**22  # bytes; longer Python files are usually generated
LIBRARIES = (Path(__file__).parents[1], Path(os.__file__).parent)  # handmade and the standard library: never unloaded


@dataclass(frozen=True)
class LayerFile:
    """Loaded file.

    Attributes
    ----------
    path : Path
        Path of the file.
    root : Path
        Folder in which its imports start: its own folder, or the one that contains its package.
    module : ModuleType
        Module that the file defines.
    before : frozenset of str
        Names of the modules that were loaded before.
    """

    path: Path
    root: Path
    module: ModuleType
    before: frozenset[str]

    def loaded(self) -> dict[str, Path]:
        """Return the user's modules that are loaded now, by name, with their files."""
        return _loaded(self.root, self.before)

    def error_line(self, error: BaseException) -> str:
        """Return an error as one line, with the last line of the user's code that ran."""
        return _error_line(error, self.path, self.root)


def checked(path: Path) -> Path:
    """Return the absolute path of a Python file; raise HandmadeError if it cannot be read."""
    full = path.resolve()
    if not full.is_file():
        found = f"{path} is a folder" if full.is_dir() else f"there is no file {path}"
        raise HandmadeError(f"expected a Python file with a layer; {found}. Try handmade check my_layer.py:NAME")
    if (size := full.stat().st_size) > LARGEST_FILE:
        raise HandmadeError(
            f"{path}: expected a Python file of at most {LARGEST_FILE:,} bytes, got {size:,}. Try a file with only the layer"
        )
    return full


@contextmanager
def loaded(path: Path) -> Iterator[LayerFile]:
    """Run a file as a module, like `import`, and keep it loaded during the context.

    Parameters
    ----------
    path : Path
        Path of the file. In a package, the file may use relative imports.

    Raises
    ------
    HandmadeError
        If the file cannot be read, is not Python, or raises an error. The message has the last line of the user's code that ran.
    """
    full = checked(path)
    root, name = _place(full)
    before = frozenset(sys.modules)
    writes = sys.dont_write_bytecode
    sys.path.insert(0, str(root))
    sys.dont_write_bytecode = True  # two saves in one second may have the same time stamp: old bytecode would be used
    importlib.invalidate_caches()
    linecache.checkcache()
    try:
        yield LayerFile(full, root, _run(name, full, root), before)
    finally:
        sys.dont_write_bytecode = writes
        if str(root) in sys.path:
            sys.path.remove(str(root))
        for each in _loaded(root, before):
            del sys.modules[each]


def belongs(file: str | Path, root: Path) -> bool:
    """Return True for a file of the user: below the root, but not in a library that is installed there."""
    if str(file).startswith("<"):  # <string>, <frozen importlib._bootstrap>: code without a file
        return False
    path = Path(file).resolve()
    libraries = {"site-packages", "dist-packages"} & set(path.parts)
    return path.is_relative_to(root) and not libraries and not any(path.is_relative_to(library) for library in LIBRARIES)


def files_in(error: BaseException, path: Path) -> set[Path]:
    """Return the user's files in the traceback of an error that was raised while the file of that path ran."""
    root, _ = _place(path.resolve())
    return files(error, lambda file: belongs(file, root))


def _place(path: Path) -> tuple[Path, str]:
    """Return the folder in which imports start, and the name of the module."""
    folder, names = path.parent, [path.stem]
    while (folder / "__init__.py").is_file() and folder != folder.parent:
        names.insert(0, folder.name)
        folder = folder.parent
    return folder, ".".join(names)


def _run(name: str, path: Path, root: Path) -> ModuleType:
    taken = sys.modules.get(name)
    if taken is not None and getattr(taken, "__file__", None) == str(path):
        return taken  # a module of handmade
    if taken is not None:
        name = f"{name} of {root}"  # a user's random.py must not replace the one of Python
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
        raise LayerFileError(_error_line(error, path, root)) from error
    return module


def _error_line(error: BaseException, path: Path, root: Path) -> str:
    return error_line(error, path, lambda file: belongs(file, root))


def _loaded(root: Path, before: frozenset[str]) -> dict[str, Path]:
    found = {}
    for name, module in list(sys.modules.items()):
        if name in before:
            continue
        file = getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", ())), None)
        if isinstance(file, str) and belongs(file, root):
            found[name] = Path(file)
    return found
