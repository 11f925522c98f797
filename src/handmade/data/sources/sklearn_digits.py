"""scikit-learn's digits: 1,797 images of 8 x 8 with 17 shades, 0 to 16, scaled to 0 to 255. They come with scikit-learn.

Source: E. Alpaydin, C. Kaynak (1998), "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, test images.
"""

import importlib.util

import numpy as np

from handmade.data.dataset import numbered
from handmade.data.sources.options import Parts
from handmade.engine.errors import HandmadeError
from handmade.engine.extras import not_installed

NAME = "sklearn:digits"


def read() -> Parts:
    """Return the digits; raise HandmadeError if scikit-learn is not installed."""
    if importlib.util.find_spec("sklearn") is None:
        raise HandmadeError(not_installed(NAME, "scikit-learn", "sklearn"))
    from sklearn.datasets import load_digits  # noqa: PLC0415  it takes a second to load

    digits = load_digits()
    images = np.rint(digits.images * (255 / 16)).astype(np.uint8)[..., None]  # (N, 8, 8, 1)
    return Parts((images, digits.target), None, numbered(10))
