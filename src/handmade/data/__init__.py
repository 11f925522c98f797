"""Data sets: the MNIST in this package, users' own in many formats, and single pictures of digits."""

from typing import TYPE_CHECKING, Any

from handmade.data.augmentation import Augmentation
from handmade.data.dataset import Dataset, Images, mnist
from handmade.data.prepared import prepare, prepare_for
from handmade.data.sources.reading import load

if TYPE_CHECKING:
    from handmade.data.picture import Answer, Digit, answer, find_digit, find_digits

__all__ = [
    "Answer",
    "Augmentation",
    "Dataset",
    "Digit",
    "Images",
    "answer",
    "find_digit",
    "find_digits",
    "load",
    "mnist",
    "prepare",
    "prepare_for",
]


def __getattr__(name: str) -> Any:
    """Load the preparation of pictures when it is first used."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from handmade.data import picture  # noqa: PLC0415  see above

    return getattr(picture, name)
