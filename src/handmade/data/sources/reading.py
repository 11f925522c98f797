"""Reading of a data set: its format is recognised by its name and by the files that are there."""

import os
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from handmade.data.dataset import Dataset, mnist
from handmade.data.sources import (
    cifar10,
    class_names,
    fetched,
    idx_files,
    npz_arrays,
    picture_folder,
    pictures,
    pixel_table,
    sklearn_digits,
    zips,
)
from handmade.data.sources.options import Parts, ReadOptions, as_size, finished
from handmade.engine.arguments import as_path
from handmade.engine.errors import HandmadeError

MNIST = "mnist"
ZIP, GZIP = b"PK\x03\x04", b"\x1f\x8b"
KINDS = "a folder of IDX files or of pictures by class, or a .zip, .npz or .csv file"


def load(source: str | os.PathLike[str], **options: Any) -> Dataset:
    """Read a data set; `docs/own_data.md` describes the formats.

    Parameters
    ----------
    source
        Name: "mnist", "sklearn:digits", or a set that `handmade data fetch` downloads, such as "fashion-mnist". Or a path: of a
        folder of IDX files, of CIFAR-10's binary files, or of pictures in a folder for each class; of a zip of such pictures; or
        of an .npz or .csv file.
    **options
        Fields of `ReadOptions`: `resize`, `grey`, `skip_unreadable`, `test_share` and `split_seed`.

    Raises
    ------
    HandmadeError
        If there are no such data, or they are damaged.
    """
    if isinstance(options.get("resize"), str):
        options["resize"] = as_size(options["resize"])
    chosen = ReadOptions(**options)
    if source == MNIST and chosen == ReadOptions():
        return mnist()
    name = str(as_path(source, "source")) if not isinstance(source, str) else source
    if name == MNIST:
        data = mnist()
        given = [(part.images, part.labels) for part in (data.train, data.test)]
        return finished(Parts(given[0], given[1], data.class_names), chosen, MNIST)
    try:
        return finished(_parts(name, chosen), chosen, repr(name))
    except OSError as error:
        raise HandmadeError(f"{name!r}: expected data that can be read; got: {error.strerror}. Check its permissions.") from error


def _parts(name: str, options: ReadOptions) -> Parts:
    """Return the arrays of a data set by its name or path."""
    if name == sklearn_digits.NAME:
        return sklearn_digits.read()
    if fetched.is_name(name):
        folder = fetched.folder_of(name)
        if fetched.family(name) == "cifar-10":
            return cifar10.read(folder, repr(name))
        return idx_files.read(folder, fetched.split_of(name), fetched.CLASS_NAMES.get(name))
    path = as_path(name, "source")
    if path.is_dir():
        return _of_folder(path, options)
    if path.is_file():
        return _of_file(path, options)
    split = path.name.removeprefix("emnist-")
    if split in class_names.EMNIST and split in idx_files.splits_of(path.parent):
        return idx_files.read(path.parent, split)
    raise _unknown(name, path)


def _of_folder(folder: Path, options: ReadOptions) -> Parts:
    source = repr(str(folder))
    if idx_files.is_here(folder):
        return idx_files.read(folder)
    if cifar10.is_here(folder):
        return cifar10.read(folder, source)
    tables = pixel_table.train_and_test(folder)
    if tables is not None:
        return pixel_table.read(*tables, source)
    entries = list(picture_folder.entries(folder, source))
    if not any(entry.is_picture for entry in entries):
        looked = ", ".join([*idx_files.FILES, "data_batch_1.bin", "train.csv"])
        raise HandmadeError(f"{source}: expected {KINDS}; got a folder without pictures. Looked there for {looked} and pictures")
    return pictures.read(entries, source, options)


def _of_file(path: Path, options: ReadOptions) -> Parts:
    source = repr(str(path))
    ending = path.suffix.lower()
    with path.open("rb") as file:
        start = file.read(8)
    if ending == ".npz":
        return npz_arrays.read(path, source)
    if ending == ".csv":
        return pixel_table.read(path)
    if start.startswith(ZIP) or ending == ".zip":
        with zips.opened(path, source) as archive:
            return pictures.read(list(zips.entries(archive, source)), source, options)
    advice = "Try mnist"
    if start.startswith(GZIP) or ending in {".tar", ".tgz", ".gz", ".7z", ".rar", ".bz2", ".xz"}:
        advice = "Unpack it, and give the folder"
    elif ending in pictures.SUFFIXES or "ubyte" in path.name:
        advice = f"Give its folder, {str(path.parent)!r}"
    elif ending in {".npy", ".pkl", ".pickle", ".pt", ".pth", ".mat", ".h5", ".parquet", ".arff"}:
        advice = "Try np.savez('data.npz', images=images, labels=labels)"
    raise HandmadeError(f"{source}: expected {KINDS}; got a file of another kind. {advice}")


def _unknown(name: str, path: Path) -> HandmadeError:
    """Return the error about a name that is neither a known set nor a path."""
    known = [MNIST, sklearn_digits.NAME, *fetched.NAMES]
    similar = get_close_matches(name, known, n=1)
    advice = f"Did you mean {similar[0]}?" if similar else f"Known names are {', '.join(known)}. Check the path"
    got = "something else of that name" if path.exists() else "no directory and no file of that name"
    return HandmadeError(f"{name!r}: expected the name of a data set, {KINDS}; got {got}. {advice}")
