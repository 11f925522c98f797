"""Known data sets that are not in the package: their names, and the folders where they are looked for.

HANDMADE_DATA names the folder of the sets; else it is `handmade/data` in the user's cache.
"""

import os
import sys
from pathlib import Path

from handmade.data.downloads import SETS
from handmade.data.sources import cifar10, class_names, idx_files
from handmade.engine.errors import HandmadeError

VARIABLE = "HANDMADE_DATA"
DEBIAN = {"fashion-mnist": Path("/usr/share/datasets/fashion-mnist")}  # of the package dataset-fashion-mnist
EMNIST = "emnist"
FAMILIES = ("fashion-mnist", "kmnist", EMNIST, "cifar-10")
NAMES = (*FAMILIES, *(f"{EMNIST}-{split}" for split in class_names.EMNIST))
CLASS_NAMES = {"fashion-mnist": class_names.FASHION_MNIST, "kmnist": class_names.KMNIST}
MOST_NAMES = 8  # files that are listed by name
DEFAULT_SPLIT = "balanced"  # 47 classes with the same number of images


def is_name(name: str) -> bool:
    """Return True for a set that can be fetched."""
    return name in NAMES


def family(name: str) -> str:
    """Return the set that is fetched for a name: emnist for emnist-letters."""
    return EMNIST if name.startswith(EMNIST) else name


def split_of(name: str) -> str | None:
    """Return the split of EMNIST that a name means; None for another set."""
    if family(name) != EMNIST:
        return None
    return name.removeprefix(EMNIST).removeprefix("-") or DEFAULT_SPLIT


def base() -> Path:
    """Return the folder of all fetched sets.

    Raises
    ------
    HandmadeError
        If there is neither HANDMADE_DATA nor a home folder.
    """
    given = os.environ.get(VARIABLE)
    if given:
        return Path(given).absolute()
    cache = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME", "")
    if Path(cache).is_absolute():
        return Path(cache) / "handmade" / "data"
    try:
        home = Path.home()
    except RuntimeError:
        raise HandmadeError(
            f"{VARIABLE}: expected a folder for data, got none, and there is no home. Try {VARIABLE}=/tmp/data"
        ) from None
    return home / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "handmade" / "data"


def places(name: str) -> list[Path]:
    """Return the folders where a set is looked for: Debian's first."""
    own = family(name)
    return [*([DEBIAN[own]] if own in DEBIAN else []), base() / own]


def found(name: str) -> Path | None:
    """Return the folder that holds a set; None if there is none."""
    return next((place for place in places(name) if place.is_dir() and is_complete(name, place)), None)


def is_complete(name: str, place: Path) -> bool:
    """Return True if all files of a set are in a folder."""
    if family(name) == "cifar-10":
        return (place / cifar10.TEST).is_file() and len(list(place.glob("data_batch_?.bin"))) == 5
    if family(name) == EMNIST:
        return len(idx_files.splits_of(place)) == len(class_names.EMNIST)
    return idx_files.has_all(place)


def folder_of(name: str) -> Path:
    """Return the folder that holds a set; raise HandmadeError if it has to be fetched first."""
    place = found(name)
    if place is None:
        raise HandmadeError(_missing(name))
    return place


def _missing(name: str) -> str:
    """Return the message about a set that is not there: the names of its files, and where they can be had."""
    looked = " and ".join(repr(str(each)) for each in places(name))
    found = SETS[family(name)].files
    names = [member.rpartition("/")[2] for file in found for member in file.members or (file.name,)]
    listed = ", ".join(names) if len(names) < MOST_NAMES else f"{names[0]} to {names[-1]}"
    source = found[0].urls[0] if found[0].members else found[0].urls[0].rpartition("/")[0]
    return (
        f"{name}: expected its files in {looked}; they are not there. They are {listed} of {source}. Put them there, "
        f"give a folder or a zip of images by class with data=..., or download them. Try: handmade data fetch {family(name)}"
    )
