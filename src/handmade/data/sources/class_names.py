"""Names of classes: those of known data sets, and those in a text file."""

import string
from pathlib import Path

from handmade.data.dataset import MOST_CLASSES, numbered
from handmade.engine.errors import HandmadeError

# H. Xiao, K. Rasul, R. Vollgraf (2017), "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms".
FASHION_MNIST = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
# T. Clanuwat et al. (2018), "Deep Learning for Classical Japanese Literature": one character for each row of hiragana.
KMNIST = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
# A. Krizhevsky (2009), "Learning Multiple Layers of Features from Tiny Images".
CIFAR_10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
# G. Cohen et al. (2017), "EMNIST: an extension of MNIST to handwritten letters": 15 small letters are merged with capitals.
_ALL = string.digits + string.ascii_uppercase + string.ascii_lowercase
_MERGED = tuple(letter for letter in _ALL if letter not in "cijklmopsuvwxyz")
EMNIST = {
    "balanced": _MERGED,
    "byclass": tuple(_ALL),
    "bymerge": _MERGED,
    "digits": numbered(10),
    "letters": tuple(string.ascii_lowercase),  # each is both a capital and a small letter
    "mnist": numbered(10),
}
_OF_FOLDERS = {"fashionmnist": FASHION_MNIST, "kmnist": KMNIST, "kuzushijimnist": KMNIST}
FILE = "classes.txt"
LARGEST_FILE = 2**16  # bytes


def of_folder(folder: Path) -> tuple[str, ...] | None:
    """Return the names in classes.txt, or those of the data set that the folder is named after, as FashionMNIST/raw."""
    if (folder / FILE).is_file():
        return of_file(folder / FILE)
    parts = (part.lower().replace("-", "").replace("_", "") for part in reversed(folder.absolute().parts[-3:]))
    return next((_OF_FOLDERS[part] for part in parts if part in _OF_FOLDERS), None)


def of_file(path: Path) -> tuple[str, ...]:
    """Read one name a line; empty lines at the end are ignored.

    Raises
    ------
    HandmadeError
        If the file cannot be read, or its lines are not different, printable names.
    """
    name = repr(str(path))
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
        names = tuple(line.strip() for line in content.decode("utf-8-sig").rstrip().split("\n"))
    except (OSError, UnicodeDecodeError) as error:
        raise HandmadeError(f"{name}: expected a text file in UTF-8; got: {error}. Save it again") from None
    check(names, name)
    return names


def check(names: tuple[str, ...], source: str) -> None:
    """Raise HandmadeError unless these are names of classes."""
    if not 2 <= len(names) <= MOST_CLASSES:
        raise HandmadeError(f"{source}: expected 2 to {MOST_CLASSES:,} classes, got {len(names):,}. Check the classes")
    odd = next((each for each in names if not each or not each.isprintable()), None)
    if odd is not None:
        raise HandmadeError(f"{source}: expected names of classes with printable characters, got {odd!r:.80}. Rename the class")
    if len(set(names)) < len(names):
        twice = next(each for each in names if names.count(each) > 1)
        raise HandmadeError(f"{source}: expected a name of its own for each class, got {twice!r:.80} twice. Rename one of them")
